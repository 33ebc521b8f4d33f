import { expect } from 'vitest';
import { failureOf } from '../../capabilities.js';
import {
  databaseOf,
  feature,
  isLocal,
  isReplica,
  isPublicClient,
  newName,
  shareScene,
  transactionOf,
  withBoth,
} from '../../feature.js';
import type { Cases } from '../../scene.js';

const COUNT_TO = (n: number): string =>
  `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${n})`;

/** §1.4 prepared statements, §1.8 metadata, §1.10 reset and interrupt, Q-21 explain. */
export const statementFeatures: Cases = (target, builder) => {
  const scene = shareScene(target, builder);

  feature(scene, target, 'ST-1 prepare: equal texts give statements of their own, a bad one fails', {
    test: async ({ db }) => {
      const client = await db.client();
      const [one, two] = [client.prepare('select ? as v'), client.prepare('select ? as v')];
      await one.close();
      expect(await two.get([7])).toEqual({ v: 7 });
      expect((await failureOf(client.prepare('selec 1').all())).kind).toBe('sql');
    },
  });

  feature(scene, target, 'ST-2 query: no value outlives a run (#70)', {
    test: async ({ db }) => {
      await withBoth(db, async (client) => {
        const statement = client.prepare<{ v: unknown }>('select ? as v');
        expect(await statement.get([42])).toEqual({ v: 42 });
        expect(await statement.get([99])).toEqual({ v: 99 });
        expect((await failureOf(statement.get([]))).kind).toBe('parameter');
      });
    },
  });

  feature(scene, target, 'ST-3 execute: a write tells how many rows it changed, one with rows gives them', {
    test: async ({ db, database }) => {
      const table = newName();
      await database.execute(`create table ${table} (id integer primary key, v)`);
      await db.transaction(async (tx) => {
        const client = await tx.client();
        const insert = client.prepare(`insert into ${table} (v) values (?), (?)`);
        expect(await insert.run([1, 2])).toMatchObject({ rowsAffected: 2, lastInsertRowid: 2n });
        expect(await client.prepare(`update ${table} set v = v + 1 returning v`).values()).toEqual([
          [2],
          [3],
        ]);
      });
      expect(await database.prepare(`select count(*) from ${table}`).values()).toEqual([[2]]);
    },
  });

  feature(scene, target, 'ST-4 close and reset: closed is an error, reset ends what is iterated (#83)', {
    test: async ({ db }) => {
      const client = await db.client();
      const statement = client.prepare<{ i: number }>(`${COUNT_TO(1_000)} select i from n`);
      const rows = statement.iterate([], { batchSize: 10 });
      expect((await rows.next()).value).toEqual({ i: 1 });
      await statement.reset();
      await statement.reset();
      // What was fetched may be gone, but nothing hangs and nothing is invented.
      expect((await rows.next()).done).toBe(true);
      expect(await statement.get()).toEqual({ i: 1 });
      await statement.close();
      await statement.close();
      for (const use of [
        () => statement.get(),
        () => statement.columns(),
        () => statement.iterate().next(),
      ]) {
        expect((await failureOf(use())).code).toBe('STATEMENT_CLOSED');
      }
    },
  });

  feature(scene, target, 'ST-5 introspection: columns, parameters, read-only (#71, #72)', {
    on: (on) => !isPublicClient(on),
    use: async ({ db }) => await (await db.client()).prepare('select 1').columns(),
    test: async ({ db, target: { name } }) => {
      await withBoth(db, async (client) => {
        const statement = client.prepare(
          'select a.name as who, a.balance + 1, count(*) from accounts a where id = :id',
        );
        const origin = isLocal(target) || (name === 'replica' && 'closed' in client);
        const columns = await statement.columns();
        expect(columns.map((column) => column.name)).toEqual(['who', 'a.balance + 1', 'count(*)']);
        expect(columns[0]).toMatchObject({
          type: 'TEXT',
          ...(origin && { table: 'accounts', column: 'name' }),
        });
        expect(columns[1]).toEqual({
          name: 'a.balance + 1',
          ...{ type: null, table: null, column: null, database: null },
        });
        expect(statement.parameters()).toEqual([{ index: 1, name: ':id' }]);
        expect(client.prepare('select ?, @a, $b, ?').parameters()).toEqual([
          { index: 1, name: null },
          { index: 2, name: '@a' },
          { index: 3, name: '$b' },
          { index: 4, name: null },
        ]);
        expect(statement.readOnly).toBe(true);
        const write = client.prepare("delete from accounts where name = 'nobody'");
        expect([write.readOnly, await write.columns()]).toEqual([false, []]);
        expect((await failureOf(client.prepare('select nothing from accounts').columns())).kind).toBe('sql');
      });
    },
  });

  feature(scene, target, 'ST-6 ownership: the statement of a transaction ends with it', {
    test: async ({ db }) => {
      const statement = await db.transaction(async (tx) => (await tx.client()).prepare('select 1 as one'));
      expect((await failureOf(statement.get())).code).toBe('TRANSACTION_CLOSED');
    },
  });

  feature(scene, target, 'ST-7 concurrency: many callers of one statement get what is theirs', {
    test: async ({ db }) => {
      await withBoth(db, async (client) => {
        const statement = client.prepare<{ v: number }>('select ? * 2 as v');
        const numbers = Array.from({ length: 100 }, (_, i) => i);
        const rows = await Promise.all(numbers.map((n) => statement.get([n])));
        expect(rows.map((row) => row?.v)).toEqual(numbers.map((n) => n * 2));
      });
    },
  });

  feature(scene, target, 'ST-8 survives a change of the schema', {
    on: (on) => !isPublicClient(on),
    use: async ({ db }) => await (await db.client()).prepare('select 1').columns(),
    test: async ({ db, database }) => {
      const table = newName();
      await database.script(`create table ${table} (a); insert into ${table} values (1)`);
      const statement = (await db.client()).prepare(`select * from ${table}`);
      expect(await statement.all()).toEqual([{ a: 1 }]);
      await database.execute(`alter table ${table} add column b default 2`);
      expect(await statement.all()).toEqual([{ a: 1, b: 2 }]);
      expect((await statement.columns()).map(({ name }) => name)).toEqual(['a', 'b']);
      await database.execute(`drop table ${table}`);
      expect((await failureOf(statement.all())).kind).toBe('sql');
    },
  });

  const metadata = 'ME-1 to ME-3 last rowid, changes and total changes';
  feature(scene, target, `${metadata} of the connection, outside a transaction`, {
    on: isLocal,
    test: async ({ db, database }) => {
      const table = newName();
      await database.execute(`create table ${table} (id integer primary key, v)`);
      const client = await db.client();
      const before = await client.metadata();
      await db.run({ op: 'raw', sql: `insert into ${table} values (41, 1), (42, 2)` });
      const after = await client.metadata();
      expect(after).toEqual({
        ...{ lastInsertRowid: 42n, changes: 2, autocommit: true },
        totalChanges: before.totalChanges + 2,
      });
      // A write that can be stopped runs on another connection, and its metadata are those of that one.
      await database.execute(`insert into ${table} values (7, 1)`, [], { timeout: 10_000 });
      expect(await client.metadata()).toMatchObject({ lastInsertRowid: 7n, changes: 1 });
      await database.execute(`update ${table} set v = 3`);
      expect((await client.metadata()).changes).toBe(3);
    },
    use: async ({ db }) => (await db.client()).metadata(),
  });

  feature(scene, target, `${metadata} inside a transaction, ME-4 autocommit (#60)`, {
    on: (on) => !isPublicClient(on),
    use: async ({ db }) => {
      const table = newName();
      await db.run({ op: 'raw', sql: `create table ${table} (id integer primary key)` });
      await db.transaction(async (tx) => {
        await tx.run({ op: 'raw', sql: `insert into ${table} values (9007199254740993)` });
        await (await transactionOf(tx)).metadata();
      });
    },
    test: async ({ db, database }) => {
      const table = newName();
      await database.execute(`create table ${table} (id integer primary key, v)`);
      await db.transaction(async (tx) => {
        const client = await transactionOf(tx);
        const before = await client.metadata();
        await tx.run({ op: 'raw', sql: `insert into ${table} values (9007199254740993, 1)` });
        expect(await client.metadata()).toEqual({
          ...{ lastInsertRowid: 9007199254740993n, changes: 1, autocommit: false },
          totalChanges: before.totalChanges + 1,
        });
      });
    },
  });

  feature(scene, target, 'ME-5 a closed database is an error', {
    test: async ({ target: { open }, builder: { on } }) => {
      const opened = await open();
      const db = on(opened.database);
      await opened.database.ready();
      const client = await databaseOf(db);
      await client.close();
      expect((await failureOf(client.metadata())).kind).toMatch(/closed|capability/);
      expect((await failureOf(client.execute('select 1'))).code).toBe('DATABASE_CLOSED');
      await opened.close();
    },
  });

  feature(scene, target, 'BU-2 reset: a connection goes back without the transaction that was left open', {
    test: async ({ database, db }) => {
      const failed = failureOf(database.script('begin; create table left_open (a)'));
      expect((await failed).code).toBe('TRANSACTION_CONTROL');
      const sql = "select count(*) from sqlite_schema where name = 'left_open'";
      expect(await db.values(sql)).toEqual([[0]]);
      expect(await (await db.client()).prepare(sql).values()).toEqual([[0]]);
    },
  });

  feature(
    scene,
    target,
    'BU-3 interrupt: stops what runs, a transaction can be rolled back, idle is no matter (#69)',
    {
      on: ({ name }) => !name.startsWith('client'),
      test: async ({ db, database }) => {
        const client = await databaseOf(db);
        client.interrupt();
        const endless = `${COUNT_TO(2_000_000_000)} select max(i) from n`;
        const running = failureOf(client.execute(endless, [], { timeout: 25_000 }));
        await new Promise((resolve) => setTimeout(resolve, 50));
        client.interrupt();
        expect(await running).toMatchObject({ code: 'SQLITE_INTERRUPT', kind: 'interrupted' });
        expect(await db.values('select 1')).toEqual([[1]]);
        expect(await database.execute('select 2 as two')).toMatchObject({ rows: [{ two: 2 }] });
      },
      use: async ({ db }) => {
        (await databaseOf(db)).interrupt();
      },
    },
  );

  feature(scene, target, 'Q-21 explain: the plan as a tree and as text, and nothing is run (#16)', {
    test: async ({ db }) => {
      await db.run({ op: 'insert', into: 'accounts', rows: [{ id: 1, name: 'kept' }] });
      const query = db.built({
        op: 'select',
        from: 'accounts',
        where: [{ column: 'name', is: '=', value: 'Ada' }],
      });
      await withBoth(db, async (client) => {
        const plan = await client.explain(query);
        expect(plan.nodes).toHaveLength(1);
        expect(plan.nodes[0]?.detail).toMatch(
          /SEARCH .*accounts.* USING INDEX accounts_name_unique \(name=\?\)/,
        );
        expect(plan.text).toBe(`QUERY PLAN\n\`--${plan.nodes[0]?.detail}`);
        await client.explain('delete from accounts');
        const nested = await client.explain(
          'select * from accounts where id in (select account from entries) or id = ?',
          [1],
        );
        const details = nested.nodes.map((node) => node.detail).join();
        expect(details).toMatch(/SUBQUERY|MULTI-INDEX OR|SCAN/);
        expect(nested.text.split('\n').length).toBeGreaterThan(2);
      });
      expect(await db.count('accounts')).toBe(1);
      await db.run({ op: 'delete', from: 'accounts' });
    },
  });

  feature(scene, target, 'Q-15 query_row: get gives the first row; a file is read no further', {
    test: async ({ db, database }) => {
      const table = newName();
      await database.script(
        `create table ${table} (a); insert into ${table} ${COUNT_TO(20)} select i from n`,
      );
      expect(await (await db.client()).prepare(`select a from ${table} order by a`).get()).toEqual({ a: 1 });
      if (!isLocal(target) && !isReplica(target)) return;
      // The third row fails, which nobody notices who does not read so far.
      const failing = database.prepare(
        `select json(case when a < 3 then '1' else '{' end) as j from ${table}`,
      );
      expect(await failing.get()).toEqual({ j: '1' });
      expect((await failureOf(failing.all())).kind).toBe('sql');
    },
  });
};
