import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, onTestFinished } from 'vitest';
import { AccessError, type ChangeEvent, type StatementEvent } from '../../../../src/index.js';
import { failureOf } from '../../capabilities.js';
import { databaseOf, feature, hasFile, isLocal, isReplica, newName, shareScene } from '../../feature.js';
import { type Cases, pause } from '../../scene.js';

/** §1.14 hooks, §1.20 telemetry. */
export const hookFeatures: Cases = (target, builder) => {
  const scene = shareScene(target, builder);

  feature(scene, target, 'HK-1 change events: after commit, in order, nothing for what was rolled back', {
    on: isLocal,
    test: async ({ db, database }) => {
      const client = await databaseOf(db);
      const events: string[] = [];
      const note = ({ table, operation, rowid }: ChangeEvent): number =>
        events.push(`${operation} ${table} ${rowid}`);
      const stop = client.onChange(['accounts', 'ENTRIES'], (event) => void note(event));
      await db.run({
        op: 'insert',
        into: 'accounts',
        rows: [
          { id: 1, name: 'a' },
          { id: 2, name: 'b' },
        ],
      });
      await pause(0);
      expect(events.splice(0)).toEqual(['insert accounts 1', 'insert accounts 2']);
      await db.transaction(async (tx) => {
        await tx.run({ op: 'insert', into: 'entries', rows: [{ id: 7, account: 2, slug: 's', amount: 1 }] });
        await tx
          .transaction(async (nested) => {
            await nested.run({
              op: 'delete',
              from: 'accounts',
              where: [{ column: 'id', is: '=', value: 1 }],
            });
            throw new Error('undone');
          })
          .catch(() => {});
        await pause(0);
        expect(events).toEqual([]);
      });
      await pause(0);
      expect(events.splice(0)).toEqual(['insert entries 7']);
      // An upsert that updates, a cascade, and a row that gets another rowid.
      const upsert = { target: ['id'], update: { name: 'c' } };
      await db.run({ op: 'insert', into: 'accounts', rows: [{ id: 1, name: 'x' }], onConflict: upsert });
      await db.run({ op: 'delete', from: 'accounts', where: [{ column: 'id', is: '=', value: 2 }] });
      await db.run({
        op: 'update',
        table: 'accounts',
        set: { id: 9 },
        where: [{ column: 'id', is: '=', value: 1 }],
      });
      await pause(0);
      expect(events.splice(0)).toEqual([
        ...[
          'update accounts 1',
          'delete entries 7',
          'delete accounts 2',
          'delete accounts 1',
          'insert accounts 9',
        ],
      ]);
      await db
        .transaction(async (tx) => {
          await tx.run({ op: 'delete', from: 'accounts' });
          throw new Error('undone');
        })
        .catch(() => {});
      await db.run({ op: 'insert', into: 'accounts', rows: [{ id: 9, name: 'twice' }] }).catch(() => {});
      await db.run({ op: 'raw', sql: 'create table unwatched (a)' });
      await db.run({ op: 'raw', sql: 'insert into unwatched values (1)' });
      await pause(0);
      expect(events).toEqual([]);
      stop();
      stop();
      await database.execute('delete from accounts');
      await pause(0);
      expect(events).toEqual([]);
      const left = 'select count(*) from sqlite_temp_schema';
      expect((await database.execute(left, [], { rowMode: 'array' })).rows).toEqual([[0]]);
      await database.execute('drop table unwatched');
    },
    use: async ({ db }) => (await databaseOf(db)).onChange('all', () => {}),
  });

  feature(scene, target, 'HK-1 onCommit and onRollback', {
    test: async ({ db, database }) => {
      const table = newName();
      await database.execute(`create table ${table} (a unique)`);
      const client = await databaseOf(db);
      let [commits, rollbacks] = [0, 0];
      const stop = [client.onCommit(() => commits++), client.onRollback(() => rollbacks++)];
      const insert = (value: number): { op: 'raw'; sql: string; args: number[] } => ({
        ...{ op: 'raw', sql: `insert into ${table} values (?)`, args: [value] },
      });
      await db.run(insert(1));
      await db.values(`select * from ${table}`);
      await db.transaction((tx) => tx.values(`select * from ${table}`));
      await pause(0);
      expect([commits, rollbacks]).toEqual([1, 0]);
      await db.transaction(async (tx) => {
        await tx.run(insert(2));
        await tx.run(insert(3));
      });
      await db.batch([insert(4), insert(5)]);
      await database.script(`begin; insert into ${table} values (6); commit`);
      await pause(0);
      expect([commits, rollbacks]).toEqual([4, 0]);
      await db
        .transaction(async (tx) => {
          await tx.run(insert(7));
          throw new Error('undone');
        })
        .catch(() => {});
      await pause(0);
      expect([commits, rollbacks]).toEqual([4, 1]);
      for (const end of stop) end();
      await db.run(insert(8));
      await pause(0);
      expect(commits).toBe(4);
    },
  });

  feature(scene, target, 'HK-1 watch: says that another has committed', {
    on: hasFile,
    test: async ({ db, database, opened: { outside, reopen } }) => {
      const client = await databaseOf(db);
      let calls = 0;
      const stop = await client.watch(() => calls++, { interval: 5 });
      await pause(30);
      expect(calls).toBe(0);
      await outside.run("insert into accounts (id, name) values (50, 'outside')");
      if (isReplica(target)) await database.sync();
      await expect.poll(() => calls, { timeout: 10_000 }).toBeGreaterThan(0);
      const before = calls;
      const other = reopen();
      await other.execute('delete from accounts where id = 50');
      if (isReplica(target)) await database.sync();
      await expect.poll(() => calls, { timeout: 10_000 }).toBeGreaterThan(before);
      await stop();
      const after = calls;
      await outside.run("insert into accounts (id, name) values (51, 'outside')");
      await pause(30);
      expect(calls).toBe(after);
      await outside.run('delete from accounts');
    },
    use: async ({ db }) => (await databaseOf(db)).watch(() => {}),
  });

  feature(scene, target, 'HK-2 authorizer: a restricted view runs what the rules allow', {
    test: async ({ database }) => {
      const [open, hidden, view] = [newName('open'), newName('hidden'), newName('view')];
      await database.script(
        `create table ${open} (id integer primary key, v, secret); create table ${hidden} (a);
        create view ${view} as select v from ${open} union all select a from ${hidden};
        insert into ${open} values (1, 'x', 's'); insert into ${hidden} values ('h')`,
      );
      const db = builder.on(
        database.restricted([
          { effect: 'deny', actions: ['read'], columns: ['sec*'] },
          { effect: 'allow', actions: ['read', 'insert'], tables: [open.toUpperCase(), 'json_each'] },
        ]),
      );
      expect(await db.values(`select v from ${open}`)).toEqual([['x']]);
      expect(await db.values(`select count(*) from ${open}`)).toEqual([[1]]);
      await db.run({ op: 'raw', sql: `insert into ${open} (v) values (?)`, args: ['y'] });
      await db.transaction(async (tx) => expect(await tx.values(`select v from ${open}`)).toHaveLength(2));
      const refused = [
        `select secret from ${open}`,
        `select * from ${hidden}`,
        `select * from ${view}`,
        `with c as (select * from "${hidden}") select * from c`,
        `select (select a from [${hidden}])`,
        `insert into ${hidden} values (1)`,
        `delete from ${open}`,
        `update ${open} set v = 1`,
        `drop table ${open}`,
        'pragma user_version = 9',
        'select * from sqlite_schema',
      ];
      for (const sql of refused) {
        for (const use of [() => db.values(sql), () => db.transaction((tx) => tx.values(sql))]) {
          expect(await failureOf(use())).toBeInstanceOf(AccessError);
        }
      }
      const batch = db.batch([
        { op: 'raw', sql: `insert into ${open} (v) values (1)` },
        { op: 'raw', sql: `delete from ${open}` },
      ]);
      expect(await failureOf(batch)).toMatchObject({ code: 'SQLITE_AUTH', kind: 'access', action: 'delete' });
      expect((await database.execute(`select v from ${open}`)).rows).toHaveLength(2);
      await database.script(`drop view ${view}; drop table ${open}; drop table ${hidden}`);
    },
  });

  feature(
    scene,
    target,
    'TE-2 telemetry: one event per statement, without values unless they are asked for',
    {
      test: async ({ db, database }) => {
        const events: StatementEvent[] = [];
        const listen = (message: unknown): void => void events.push(message as StatementEvent);
        subscribe('turso-dialect:statement', listen);
        onTestFinished(() => void unsubscribe('turso-dialect:statement', listen));
        const insert = { op: 'raw', sql: 'insert into samples (t) values (?)', args: ['s3cret'] } as const;
        await db.run(insert);
        await db.transaction(async (tx) => {
          await tx.values('select t from samples');
        });
        await failureOf(db.values('select nothing'));
        await db.batch([insert, insert]);
        for await (const row of database.stream('select t from samples'))
          expect(row).toEqual({ t: 's3cret' });
        await database.script('delete from samples');
        const shown = events.map(({ sql, rows, rowsAffected, parameters, attempt, error }) => ({
          ...{ sql, rows, rowsAffected, parameters, attempt, failed: error?.kind },
        }));
        const common = { attempt: 1, failed: undefined, rows: 0, rowsAffected: 0, parameters: [] };
        const inserted = { ...common, sql: insert.sql, rowsAffected: 1, parameters: ['?'] };
        expect(shown).toEqual([
          inserted,
          { ...common, sql: 'select t from samples', rows: 1 },
          { ...common, sql: 'select nothing', failed: 'sql' },
          ...[inserted, inserted],
          { ...common, sql: 'select t from samples', rows: 3 },
          { ...common, sql: 'delete from samples', rowsAffected: 3 },
        ]);
        expect(events[1]?.transaction).toBeTypeOf('number');
        expect(events[0]?.transaction).toBeUndefined();
        expect(events[0]?.connection).toBeTypeOf('number');
        expect(events.every(({ duration }) => duration > 0 && duration < 60_000)).toBe(true);
      },
    },
  );
};
