import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { open } from '../../../../src/index.js';
import { pragma } from '../../../../src/pragma/index.js';
import { failureOf } from '../../capabilities.js';
import {
  databaseOf,
  feature,
  isClient,
  isPublicClient,
  isFile,
  isLocal,
  newName,
  shareScene,
  withBoth,
} from '../../feature.js';
import type { Cases } from '../../scene.js';

/** §1.9 pragmas, §1.10 busy timeout. */
export const pragmaFeatures: Cases = (target, builder) => {
  const scene = shareScene(target, builder);

  feature(scene, target, 'PR-1 raw: query() gives rows, an unknown pragma none (#17)', {
    test: async ({ db }) => {
      const client = await db.client();
      expect(await client.pragma.query('PRAGMA user_version')).toEqual([{ user_version: 0 }]);
      const unknown = await client.pragma.query('pragma no_such_pragma').catch((error: unknown) => error);
      // A server refuses what it does not know.
      if (Array.isArray(unknown)) expect(unknown).toEqual([]);
      else expect(unknown).toMatchObject({ kind: 'sql' });
      expect((await failureOf(client.pragma.query('select 1'))).kind).toBe('parameter');
    },
  });

  feature(scene, target, 'PR-2 foreign keys: read (#68)', {
    test: async ({ db }) => {
      await withBoth(db, async (client) => expect(await client.pragma.foreignKeys()).toBe(true));
    },
  });

  feature(scene, target, 'PR-2 foreign keys: set on every connection, present and future (#68)', {
    on: isLocal,
    test: async ({ builder: { on } }) => {
      const { database, close } = await target.open();
      const client = await databaseOf(on(database));
      await client.script('create table p (id integer primary key); create table c (p references p(id))');
      const violate = (timeout?: number): Promise<unknown> =>
        client.execute('insert into c values (9)', [], { timeout });
      // Opens a further connection, which is idle when the pragma is set.
      await violate(9_000).catch(() => {});
      await client.pragma.setForeignKeys(false);
      await violate();
      await violate(9_000);
      await client.transaction((tx) => tx.execute('insert into c values (9)'));
      expect(await client.pragma.foreignKeys()).toBe(false);
      await client.pragma.setForeignKeys(true);
      const inTransaction = (): Promise<unknown> =>
        client.transaction((tx) => tx.execute('insert into c values (9)'));
      for (const use of [() => violate(), () => violate(9_000), inTransaction]) {
        expect(await failureOf(use())).toMatchObject({ constraint: 'foreignKey' });
      }
      await close();
    },
    use: async ({ db }) => (await db.client()).pragma.setForeignKeys(false),
  });

  feature(scene, target, 'PR-2 a pragma that SQLite ignores inside a transaction is refused', {
    test: async ({ db }) => {
      const failing = db.transaction(async (tx) => (await tx.client()).pragma.setForeignKeys(false));
      expect((await failureOf(failing)).kind).toMatch(isLocal(target) ? /transaction/ : /capability/);
    },
  });

  feature(scene, target, 'PR-2 foreign keys deferred to the end of one transaction', {
    test: async ({ db, database }) => {
      const [parent, child] = [newName('p'), newName('c')];
      await database.script(
        `create table ${parent} (id integer primary key); create table ${child} (p references ${parent}(id))`,
      );
      await db.transaction(async (tx) => {
        const { pragma: pragmas } = await tx.client();
        await pragmas.setDeferForeignKeys(true);
        expect(await pragmas.deferForeignKeys()).toBe(true);
        await tx.run({ op: 'raw', sql: `insert into ${child} values (5)` });
        await tx.run({ op: 'raw', sql: `insert into ${parent} values (5)` });
      });
      const violate = { op: 'raw', sql: `insert into ${child} values (6)` } as const;
      expect((await failureOf(db.transaction((tx) => tx.run(violate)))).kind).toBe('constraint');
      expect((await failureOf((await databaseOf(db)).pragma.setDeferForeignKeys(true))).kind).toBe(
        'transaction',
      );
    },
  });

  feature(scene, target, 'PR-3 journal mode: read', {
    test: async ({ db }) => {
      const mode = await (await db.client()).pragma.journalMode();
      expect(mode).toBe(target.features.connections === 'one' ? 'memory' : 'wal');
    },
  });

  feature(scene, target, 'PR-3 journal mode: set, on the file and on every connection', {
    on: isFile,
    test: async () => {
      const folder = mkdtempSync(path.join(tmpdir(), 'turso-conformance-'));
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
      const database = open(`${folder}/test.db`);
      const client = await databaseOf(builder.on(database));
      await client.script('create table t (a)');
      await client.execute('select 1', [], { timeout: 9_000 });
      for (const mode of ['truncate', 'delete', 'wal'] as const) {
        await client.pragma.setJournalMode(mode);
        expect(await client.pragma.journalMode()).toBe(mode);
        await client.execute('insert into t values (1)');
        await client.transaction((tx) => tx.execute('insert into t values (2)'));
        // Which version of the format may write the file, see https://www.sqlite.org/fileformat2.html.
        expect(readFileSync(`${folder}/test.db`)[18]).toBe(mode === 'wal' ? 2 : 1);
      }
      expect((await client.execute('select count(*) as n from t')).rows).toEqual([{ n: 6 }]);
      await database.close();
    },
    use: async ({ db }) => (await db.client()).pragma.setJournalMode('truncate'),
  });

  feature(scene, target, 'PR-4 synchronous: read and set', {
    on: isLocal,
    test: async ({ db }) => {
      const client = await databaseOf(db);
      for (const level of ['off', 'normal', 'full', 'extra'] as const) {
        await client.pragma.setSynchronous(level);
        expect(await client.pragma.synchronous()).toBe(level);
        await db.transaction(async (tx) =>
          expect(await (await tx.client()).pragma.synchronous()).toBe(level),
        );
      }
      // The type does not allow it.
      expect((await failureOf(client.pragma.setSynchronous('sometimes' as never))).kind).toBe('parameter');
    },
    use: async ({ db }) => (await db.client()).pragma.setSynchronous('full'),
  });

  feature(scene, target, 'PR-5 table info, PR-9 index list, keys: with any name that a table can have', {
    test: async ({ db, database }) => {
      const parent = newName('p');
      const name = `${newName('odd')} "';`;
      const quoted = `"${name.replaceAll('"', '""')}"`;
      await database.script(
        `create table ${parent} (a integer, b, primary key (a, b)) without rowid;
        create table ${quoted} (id integer primary key, v text not null default 'x''y', g generated always as (v || '!'),
          u text unique, pa, pb, foreign key (pa, pb) references ${parent} (a, b) on delete cascade);
        create index ${quoted.replace('odd', 'index')} on ${quoted} (v desc, id) where v > 'a'`,
      );
      await withBoth(db, async ({ pragma: pragmas }) => {
        const columns = await pragmas.tableInfo(name);
        expect(columns.map((column) => column.name)).toEqual(['id', 'v', 'u', 'pa', 'pb']);
        expect(columns[1]).toEqual({
          ...{ position: 1, name: 'v', type: 'TEXT', notNull: true, defaultValue: "'x''y'", primaryKey: 0 },
        });
        expect((await pragmas.tableXinfo(name)).find((column) => column.name === 'g')?.hidden).toBe(
          'virtual',
        );
        const indexes = await pragmas.indexList(name);
        expect(indexes.map(({ origin, partial, unique }) => [origin, partial, unique])).toEqual([
          ['create', true, false],
          ['unique', false, true],
        ]);
        const [index] = await pragmas.indexInfo(String(indexes[0]?.name));
        expect(index).toMatchObject({ name: 'v', descending: true, key: true });
        expect(await pragmas.foreignKeyList(name)).toMatchObject([
          { table: parent, from: 'pa', to: 'a', onDelete: 'CASCADE' },
          { from: 'pb', to: 'b' },
        ]);
        expect(await pragmas.tableInfo('no such table')).toEqual([]);
        for (const bad of ['', 'a\0b', '\uD800', 7 as never]) {
          expect((await failureOf(pragmas.tableInfo(bad))).kind).toBe('parameter');
        }
      });
    },
  });

  feature(scene, target, 'PR-6 table list', {
    test: async ({ db, database }) => {
      const table = newName();
      await database.script(
        `create table ${table} (a primary key, b) strict, without rowid`.replace(
          '(a primary key, b)',
          '(a text primary key, b any)',
        ),
      );
      const list = await (await db.client()).pragma.tableList();
      expect(list.find(({ name }) => name === table)).toEqual({
        ...{ schema: 'main', name: table, type: 'table', columnCount: 2, withoutRowid: true, strict: true },
      });
    },
  });

  feature(scene, target, 'PR-7 user version: read and set, in a transaction too, which rolls it back', {
    test: async ({ db, opened: { outside } }) => {
      const client = await db.client();
      await client.pragma.setUserVersion(7);
      expect(await client.pragma.userVersion()).toBe(7);
      await db
        .transaction(async (tx) => {
          await pragma(await tx.client()).setUserVersion(-2_147_483_648);
          throw new Error('undone');
        })
        .catch(() => {});
      expect(await outside.rows('pragma user_version')).toEqual([[7]]);
      for (const bad of [2 ** 31, 1.5, Number.NaN, '3; drop table accounts' as never]) {
        expect((await failureOf(client.pragma.setUserVersion(bad))).kind).toBe('parameter');
      }
      await client.pragma.setUserVersion(0);
    },
  });

  feature(scene, target, 'PR-8 cache size, memory mapping, temp store: of every connection', {
    on: ({ features }) => features.reads === 'here',
    test: async ({ db }) => {
      const client = await databaseOf(db);
      await client.pragma.setCacheSize(-4_000);
      expect(await client.pragma.cacheSize()).toBe(-4_000);
      await client.pragma.setTempStore('memory');
      const behavior = 'read';
      await db.transaction(
        async (tx) => {
          const { pragma: inside } = await tx.client();
          expect([await inside.cacheSize(), await inside.tempStore()]).toEqual([-4_000, 'memory']);
        },
        { behavior },
      );
    },
    use: async ({ db }) => (await db.client()).pragma.setCacheSize(-4_000),
  });

  feature(scene, target, 'PR-9 integrity check, foreign key check', {
    on: (on) => !isPublicClient(on),
    use: async ({ database }) => await database.script('pragma foreign_keys = off'),
    test: async ({ db, database }) => {
      const [parent, child] = [newName('p'), newName('c')];
      await database.script(
        `create table ${parent} (id integer primary key); create table ${child} (id integer primary key, p references ${parent}(id))`,
      );
      await database.script(`pragma foreign_keys = off; insert into ${child} values (5, 9)`);
      await database.script('pragma foreign_keys = on');
      const { pragma: pragmas } = await db.client();
      expect(await pragmas.foreignKeyCheck(child)).toEqual([
        { table: child, rowid: 5, parent, foreignKey: 0 },
      ]);
      expect(await pragmas.integrityCheck()).toEqual([]);
      expect(await pragmas.quickCheck(1)).toEqual([]);
      expect((await failureOf(pragmas.integrityCheck(0))).kind).toBe('parameter');
      await database.execute(`delete from ${child}`);
    },
  });

  feature(scene, target, 'PR-9 checkpoint, optimize, incremental vacuum', {
    on: isLocal,
    test: async ({ db }) => {
      const { pragma: pragmas } = await db.client();
      const { busy, logPages } = await pragmas.walCheckpoint('truncate');
      expect([busy, logPages]).toEqual([false, target.features.connections === 'one' ? -1 : 0]);
      await pragmas.optimize();
      await pragmas.incrementalVacuum(10);
      const maintenance = {
        wal_checkpoint: (all) => all.walCheckpoint(),
        optimize: (all) => all.optimize(),
        incremental_vacuum: (all) => all.incrementalVacuum(),
      } satisfies Record<string, (all: typeof pragmas) => Promise<unknown>>;
      for (const [name, run] of Object.entries(maintenance)) {
        const error = await failureOf(db.transaction(async (tx) => run((await tx.client()).pragma)));
        expect(error).toMatchObject({
          kind: 'transaction',
          message: expect.stringContaining(`PRAGMA ${name} `),
        });
      }
    },
    use: async ({ db }) => (await db.client()).pragma.walCheckpoint(),
  });

  feature(
    scene,
    target,
    'PR-10 every connection has the pragmas of the config, and onConnect is called for each',
    {
      on: isLocal,
      notOn: isClient,
      test: async ({ target: { open } }) => {
        const { database, close } = await open({
          pragmas: { cache_size: 77 },
          onConnect: (connection) => connection.script('create temp table if not exists mine (a)'),
        });
        await database.execute('select * from temp.mine', [], { timeout: 9_000 });
        await database.transaction(async (tx) => {
          await tx.execute('select * from temp.mine');
          expect(await tx.pragma.cacheSize()).toBe(77);
        });
        await close();
      },
      config: { onConnect: () => {} },
    },
  );

  feature(scene, target, 'PR-11 compile options, application id, encoding, page size, versions', {
    test: async ({ db }) => {
      const { pragma: pragmas } = await db.client();
      expect((await pragmas.compileOptions()).length).toBeGreaterThan(5);
      expect(await pragmas.applicationId()).toBe(0);
      expect(await pragmas.encoding()).toBe('UTF-8');
      expect(await pragmas.pageSize()).toBe(4096);
      expect(await pragmas.autoVacuum()).toBe('none');
      expect(await pragmas.schemaVersion()).toBeGreaterThan(0);
      expect((await pragmas.databaseList())[0]?.name).toBe('main');
    },
  });

  feature(scene, target, 'PR-12 query only: every write through the handle fails', {
    on: isLocal,
    test: async ({ db, database }) => {
      const client = await databaseOf(db);
      const write = { op: 'raw', sql: "insert into accounts (name) values ('x')" } as const;
      await client.pragma.setQueryOnly(true);
      expect(await client.pragma.queryOnly()).toBe(true);
      const failing = [
        () => db.run(write),
        () => db.transaction((tx) => tx.run(write)),
        () => database.execute(write.sql, [], { timeout: 9_000 }),
      ];
      for (const use of failing) expect((await failureOf(use())).kind).toBe('readonly');
      await db.transaction(async (tx) => expect(await tx.count('accounts')).toBe(0), { behavior: 'read' });
      expect((await failureOf(db.run(write))).kind).toBe('readonly');
      await client.pragma.setQueryOnly(false);
      await db.run(write);
      await db.run({ op: 'delete', from: 'accounts' });
    },
    use: async ({ db }) => (await db.client()).pragma.setQueryOnly(true),
  });

  feature(scene, target, 'BU-1 busy timeout: 5000 ms, changed while the database is open (#67)', {
    test: async ({ db, opened: { outside } }) => {
      const client = await databaseOf(db);
      expect(await client.pragma.busyTimeout()).toBe(5_000);
      await client.pragma.setBusyTimeout(30);
      expect(await client.pragma.busyTimeout()).toBe(30);
      if (isFile(target)) {
        await outside.run('begin immediate');
        const start = performance.now();
        expect((await failureOf(db.run({ op: 'delete', from: 'accounts' }))).kind).toBe('busy');
        expect(performance.now() - start).toBeLessThan(4_000);
        await outside.run('rollback');
      }
      for (const bad of [-1, 0.5, 2 ** 31]) {
        expect((await failureOf(client.pragma.setBusyTimeout(bad))).kind).toBe('parameter');
      }
      await client.pragma.setBusyTimeout(5_000);
    },
  });
};
