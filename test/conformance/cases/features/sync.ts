import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { open } from '../../../../src/index.js';
import { failureOf } from '../../capabilities.js';
import { databaseOf, feature, isReplica, shareScene } from '../../feature.js';
import type { Cases } from '../../scene.js';

/** §1.13 sync. */
export const syncFeatures: Cases = (target, builder) => {
  const scene = shareScene(target, builder);
  const on = isReplica;

  feature(scene, target, 'SY-1 and SY-2 sync: by hand, and after what was written', {
    on,
    test: async ({ db, opened: { outside } }) => {
      await outside.run("insert into accounts (id, name) values (1, 'outside')");
      expect((await (await databaseOf(db)).sync()).framesSynced).toBeGreaterThan(0);
      expect(await db.count('accounts')).toBe(1);
      await db.run({ op: 'insert', into: 'accounts', rows: [{ id: 2, name: 'own' }] });
      expect(await db.count('accounts')).toBe(2);
    },
    use: async ({ db }) => (await databaseOf(db)).sync(),
  });

  feature(scene, target, 'SY-3, SY-4 and SY-6 frame numbers: known, and waited for', {
    on,
    test: async ({ db }) => {
      const client = await databaseOf(db);
      const { frameNo = 0 } = await client.sync();
      expect(client.syncStatus().frameNo).toBe(frameNo);
      expect((await client.syncUntil(frameNo)).frameNo).toBe(frameNo);
      expect(await failureOf(client.syncUntil(frameNo + 1_000, { timeout: 50 }))).toMatchObject({
        code: 'TIMEOUT',
      });
    },
    use: async ({ db }) => (await databaseOf(db)).syncUntil(1),
  });

  feature(scene, target, 'SY-5 flush: waits for syncs that were begun', {
    on,
    test: async ({ db }) => {
      const client = await databaseOf(db);
      await db.run({ op: 'delete', from: 'accounts' });
      expect((await client.flush()).frameNo).toBe(client.syncStatus().frameNo);
    },
    use: async ({ db }) => (await databaseOf(db)).flush(),
  });

  feature(scene, target, 'SY-7 freeze: a copy that is a database of its own', {
    on,
    test: async ({ db }) => {
      const folder = mkdtempSync(path.join(tmpdir(), 'turso-conformance-'));
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
      await db.run({ op: 'insert', into: 'accounts', rows: [{ id: 3, name: 'kept' }] });
      await (await databaseOf(db)).freeze(`${folder}/frozen.db`);
      const frozen = open(`${folder}/frozen.db`);
      await frozen.execute("insert into accounts (id, name) values (4, 'new')");
      expect((await frozen.execute('select count(*) as n from accounts')).rows).toEqual([{ n: 2 }]);
      await frozen.close();
      expect(existsSync(`${folder}/frozen.db`)).toBe(true);
      expect(await db.count('accounts')).toBe(1);
    },
    use: async ({ db }) => (await databaseOf(db)).freeze('never.db'),
  });

  feature(scene, target, 'SY-8 a sync inside a transaction is refused before the network is touched (#63)', {
    on,
    test: async ({ db }) => {
      const client = await databaseOf(db);
      await db.transaction(async (tx) => expect('sync' in (await tx.client())).toBe(false));
      // Kysely hides who calls; it has a function of its own, which knows.
      if (builder.name === 'kysely') return;
      const failing = db.transaction(async () => client.sync());
      expect((await failureOf(failing)).kind).toBe('transaction');
    },
    use: async ({ db }) => (await databaseOf(db)).sync(),
  });
};
