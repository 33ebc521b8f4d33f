import { describe, expect, it } from 'vitest';
import type { Database, SyncEvent } from '../../src/index.js';
import { startProgram } from '../support/child.js';
import { randomFrom } from '../support/random.js';
import { namesIn, type ReplicaScene, replicaScene } from '../support/replica.js';
import { gate } from '../support/time.js';

/** How many restores at random points; more by hand. */
const ROUNDS = Number(process.env['REPLICA_RESTORES'] ?? 4);
const SEED = Number(process.env['REPLICA_SEED'] ?? 1);

/** Makes a row large, so that the table has many pages. */
const LONG = 'x'.repeat(900);

async function backUp({ sqld }: ReplicaScene): Promise<void> {
  await sqld.stop('SIGTERM');
  sqld.backUp();
  await sqld.start();
}

async function restore({ sqld }: ReplicaScene): Promise<void> {
  await sqld.stop('SIGTERM');
  sqld.restore();
  await sqld.start();
}

async function addRows({ add }: ReplicaScene, prefix: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await add(`${prefix} ${i}`);
}

async function expectSame(scene: ReplicaScene, database: Database): Promise<void> {
  const { rows } = await scene.outside.execute('select name from items order by id');
  expect(await namesIn(database)).toEqual(rows.map((row) => row['name']));
  expect((await database.execute('pragma integrity_check')).rows).toEqual([{ integrity_check: 'ok' }]);
}

describe('a server that was restored from an older copy', () => {
  it('is noticed by the write that it does not show, and the replica is made again', async () => {
    const scene = await replicaScene();
    await addRows(scene, 'before', 5);
    await backUp(scene);
    await addRows(scene, 'lost', 20);
    const events: SyncEvent[] = [];
    const database = scene.open({ onSync: (event) => events.push(event) });
    expect((await namesIn(database)).length).toBe(25);
    await restore(scene);
    events.length = 0;
    await database.execute("insert into items (name) values ('own')");
    expect(events.map(({ trigger, replaced }) => [trigger, replaced])).toEqual([['write', true]]);
    expect(await namesIn(database)).toEqual([...Array.from({ length: 5 }, (_, i) => `before ${i}`), 'own']);
    await addRows(scene, 'after', 30);
    await database.sync();
    await expectSame(scene, database);
    expect(events.filter(({ replaced }) => replaced).length).toBe(1);
  });

  it('is noticed when both are as far as each other', async () => {
    const scene = await replicaScene();
    await backUp(scene);
    await addRows(scene, 'lost', 1);
    const events: SyncEvent[] = [];
    const database = scene.open({ onSync: (event) => events.push(event) });
    expect(await namesIn(database)).toEqual(['lost 0']);
    await restore(scene);
    await database.execute("insert into items (name) values ('own')");
    expect(await namesIn(database)).toEqual(['own']);
    expect(events.map(({ replaced }) => replaced)).toEqual([false, true]);
  });

  it('is noticed when the replica is opened', async () => {
    const scene = await replicaScene();
    await backUp(scene);
    await addRows(scene, 'lost', 20);
    const first = scene.open();
    await first.ready();
    await first.close();
    await restore(scene);
    await addRows(scene, 'after', 3);
    const database = scene.open();
    await expectSame(scene, database);
  });

  it('is told once to every process that uses the file, whichever has noticed it', async () => {
    const scene = await replicaScene();
    await backUp(scene);
    await addRows(scene, 'lost', 5);
    const url = `${scene.folder}/shared.db`;
    const owner = scene.open({ url });
    await owner.ready();
    const follower = await startProgram('replica-events.ts', scene.sqld.url, url);
    expect(await follower.message()).toBe('ready');
    const told = (): Promise<unknown> => {
      follower.send('sync');
      return follower.message();
    };
    expect(await told()).toEqual([false]);
    await restore(scene);
    await owner.execute("insert into items (name) values ('own')");
    expect(await told()).toEqual([true]);
    expect(await told()).toEqual([false]);
    // The same history from the beginning is no other one.
    await owner.rebuild();
    expect(await told()).toEqual([false]);
    follower.kill('SIGTERM');
    await follower.ended;
  });

  it('is noticed by a replica that only reads, after some syncs', async () => {
    const scene = await replicaScene();
    await backUp(scene);
    await addRows(scene, 'lost', 20);
    const database = scene.open({ syncInterval: 0.02 });
    await database.ready();
    await restore(scene);
    await expect.poll(() => namesIn(database), { timeout: 20_000 }).toEqual([]);
    await expectSame(scene, database);
  });

  it.each([
    ['an open replica', false],
    ['a replica that was closed', true],
  ])('is noticed although its log has passed that of %s', async (_, closed) => {
    const scene = await replicaScene();
    await addRows(scene, `before ${LONG}`, 20);
    await backUp(scene);
    await scene.outside.execute("update items set name = 'lost' where id < 8");
    await addRows(scene, `lost ${LONG}`, 20);
    const events: SyncEvent[] = [];
    const config = { onSync: (event: SyncEvent) => void events.push(event) };
    let database = scene.open(config);
    await database.ready();
    if (closed) await database.close();
    await restore(scene);
    await addRows(scene, `after ${LONG}`, 40);
    events.length = 0;
    if (closed) database = scene.open(config);
    await database.sync();
    await expectSame(scene, database);
    expect(events.filter(({ replaced }) => replaced).length).toBe(1);
  });

  it('fails a transaction that reads the history that is gone', { timeout: 60_000 }, async () => {
    const scene = await replicaScene();
    await backUp(scene);
    await addRows(scene, 'lost', 20);
    const database = scene.open({ networkRetry: 0, afterWrite: 'none' });
    await database.ready();
    const rebuilt = gate();
    const reading = gate();
    const inside = database.transaction(
      async (tx) => {
        await namesIn(tx);
        reading.open();
        await rebuilt.opened;
        return await namesIn(tx);
      },
      { behavior: 'read' },
    );
    await reading.opened;
    await restore(scene);
    await database.rebuild();
    rebuilt.open();
    await expect(inside).rejects.toMatchObject({ kind: 'sync' });
    await expectSame(scene, database);
  });

  it.each(Array.from({ length: ROUNDS }, (_, i) => SEED + i))(
    'is noticed at a random point (seed %i)',
    { timeout: 60_000 },
    async (seed) => {
      const random = randomFrom(seed * 7_919);
      const upTo = (most: number): number => Math.floor(random() * most);
      const scene = await replicaScene();
      await addRows(scene, `before ${LONG}`, upTo(30));
      await backUp(scene);
      await addRows(scene, `lost ${LONG}`, 1 + upTo(40));
      await scene.outside.execute("update items set name = 'lost' where id % 7 = 0");
      let database = scene.open();
      await database.ready();
      for (let i = upTo(10); i > 0; i--)
        await database.execute("insert into items (name) values ('lost own')");
      const closed = random() < 0.5;
      if (closed) await database.close();
      await restore(scene);
      // Some of these pass the number of the last frame that the replica has.
      await addRows(scene, `after ${LONG}`, upTo(80));
      if (closed) database = scene.open();
      for (let i = 0; i < 5; i++) await database.execute("insert into items (name) values ('own')");
      await expectSame(scene, database);
      await addRows(scene, 'end', 60);
      await database.sync();
      await expectSame(scene, database);
    },
  );
});
