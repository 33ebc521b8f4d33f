import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.js';
import type { Transaction } from '../../src/database/transaction.js';
import { connectSecond, openDatabase, openFile } from '../support/database.js';
import { collect } from '../support/outcome.js';

type Run = (db: Database, sql: string) => Promise<unknown>;
const TIMEOUT = { timeout: 60_000 };
const inTransaction =
  (run: (tx: Transaction, sql: string) => Promise<unknown>): Run =>
  (db, sql) =>
    db.transaction((tx) => run(tx, sql));

const PATHS: readonly (readonly [string, Run])[] = [
  ['execute', (db, sql) => db.execute(sql)],
  ['a timeout', (db, sql) => db.execute(sql, [], TIMEOUT)],
  ['run', (db, sql) => db.prepare(sql).run()],
  ['a transaction', inTransaction((tx, sql) => tx.execute(sql))],
  ['a transaction with a timeout', inTransaction((tx, sql) => tx.execute(sql, [], TIMEOUT))],
  ['a batch', (db, sql) => db.batch([sql])],
  ['a script', (db, sql) => db.script(sql)],
  ['a stream', (db, sql) => collect(db.stream(sql))],
];

/** What one connection knows, what another one changes, and what is right after that. */
const CASES: readonly (readonly [string, string, string])[] = [
  [
    'create table t(a, b)',
    'create unique index u on t(a)',
    'insert into t values (1, 1) on conflict (a) do update set b = 2',
  ],
  ['create table t(a)', 'alter table t add column b', 'insert into t values (1, 2)'],
  ['create table t(a, b)', 'alter table t drop column b', 'insert into t values (1)'],
  ['create table t(a); create index i on t(a)', 'drop index i', 'create index i on t(a)'],
  [
    'create table t(a); create trigger r after insert on t begin select 1; end',
    'drop trigger r',
    'create trigger r after insert on t begin select 2; end',
  ],
  ['create table t(a)', 'drop table t', 'create table t(b)'],
  [
    'create table s(a); create view t as select a from s',
    'drop view t; create table t(a)',
    'insert into t values (1)',
  ],
  [
    'create table s(a); create view t as select a from s',
    'create trigger r instead of insert on t begin insert into s values (new.a); end',
    'insert into t values (1)',
  ],
  [
    'create table t(a); create table s(a, b)',
    'alter table t add column b',
    'select * from t union select * from s',
  ],
  ['create table t(a, b)', 'alter table t drop column b', 'select 1 in (select * from t)'],
  ['create table t(a)', 'alter table t add column b', 'select * from t order by 2'],
  ['create table t(a)', 'drop table t; create view t as select 1 as a, 2 as b', 'select * from t order by 2'],
];

async function learn(db: Database): Promise<void> {
  await db.execute('select * from t');
  await db.execute('select * from t', [], TIMEOUT);
  await db.transaction((tx) => tx.execute('select * from t'));
}

describe('no statement is refused because a connection remembers an old schema', () => {
  it.each(PATHS)(
    '%s, after a change by the same handle, another one and another process',
    async (_name, run) => {
      for (const [before, change, sql] of CASES) {
        const own = await openFile(before);
        await learn(own.db);
        await own.db.transaction((tx) => tx.script(change));
        await expect(run(own.db, sql), `${sql}, own`).resolves.toBeDefined();

        const shared = await openFile(before);
        await learn(shared.db);
        await openDatabase({ url: shared.file }).script(change);
        await expect(run(shared.db, sql), `${sql}, other handle`).resolves.toBeDefined();

        // A connection of the bare driver is to this process what another process is.
        const foreign = await openFile(before);
        await learn(foreign.db);
        foreign.other.exec(change);
        await expect(run(foreign.db, sql), `${sql}, other process`).resolves.toBeDefined();
      }
    },
  );

  it('refuses what is wrong, once and in its own words', async () => {
    const { db } = await openFile('create table t(a)');
    await learn(db);
    await expect(db.execute('insert into t values (1, 2)')).rejects.toThrow(
      'table t has 1 columns but 2 values were supplied',
    );
    await expect(db.execute('selec 1')).rejects.toThrow('near "selec": syntax error');
  });
});

describe('pragmas and descriptions show the schema as it is', () => {
  const MADE =
    'create table p(id integer primary key); create table q(p references p(id)); create index q_p on q(p)';
  const ASKED: readonly (readonly [string, number])[] = [
    ['pragma index_list(q)', 1],
    ["pragma index_info('q_p')", 1],
    ['pragma main.index_xinfo = q_p', 2],
    ['pragma foreign_key_list(q)', 1],
    ['pragma table_info(q)', 1],
    ['PRAGMA table_xinfo(q)', 1],
    ["select * from pragma_index_list('q')", 1],
    ["select f.* from pragma_table_list t, pragma_foreign_key_list(t.name) f where t.name = 'q'", 1],
    ["select name from pragma_table_list where name in ('p', 'q')", 2],
  ];
  const READS: readonly (readonly [string, (db: Database, sql: string) => Promise<unknown[]>])[] = [
    ['execute', async (db, sql) => (await db.execute(sql)).rows],
    ['a timeout', async (db, sql) => (await db.execute(sql, [], TIMEOUT)).rows],
    ['prepared', (db, sql) => db.prepare(sql).all()],
    ['a stream', (db, sql) => collect(db.stream(sql))],
    ['a transaction', async (db, sql) => (await db.transaction((tx) => tx.execute(sql))).rows],
  ];
  const MAKERS: readonly (readonly [string, (db: Database, file: string) => Promise<unknown>])[] = [
    ['a script', (db) => db.script(MADE)],
    ['a batch', (db) => db.batch(MADE.split(';'))],
    ['a transaction', (db) => db.transaction((tx) => tx.script(MADE))],
    ['another handle', (_db, file) => openDatabase({ url: file }).script(MADE)],
    ['another process', async (_db, file) => connectSecond(file).exec(MADE)],
  ];

  it.each(MAKERS)('made by %s', async (_name, make) => {
    for (const [how, read] of READS) {
      const { db, file } = await openFile();
      for (const [sql] of ASKED) expect(await read(db, sql)).toEqual([]);
      await make(db, file);
      for (const [sql, count] of ASKED) expect(await read(db, sql), `${how}: ${sql}`).toHaveLength(count);
      if (how !== 'execute') continue;
      expect(await db.pragma.indexList('q')).toHaveLength(1);
    }
  });

  it('finds rows that break a new foreign key', async () => {
    const { db, other } = await openFile('pragma foreign_keys = off; create table p(id integer primary key)');
    expect((await db.execute('pragma foreign_key_check')).rows).toEqual([]);
    other.exec('pragma foreign_keys = off; create table q(p references p(id)); insert into q values (7)');
    expect((await db.execute('pragma foreign_key_check')).rows).toHaveLength(1);
  });

  it('describes what is there, and explains it', async () => {
    const { db, other } = await openFile('create table t(a); create table s(b)');
    await learn(db);
    other.exec('alter table t add column b int; create index i on t(a)');
    const columns = await db.prepare('select * from t').columns();
    expect(columns.map(({ name }) => name)).toEqual(['a', 'b']);
    expect((await db.explain('select * from t where a = 1')).text).toContain('i');
  });

  it('an authorizer decides by the schema as it is', async () => {
    const { db, other } = await openFile(
      "create table t(a); create table secret(a); insert into secret values ('secret')",
    );
    const view = db.restricted([{ effect: 'allow', actions: ['read'], tables: ['t'] }]);
    expect((await view.execute('select a from t')).rows).toEqual([]);
    other.exec('drop table t; create view t as select a from secret');
    await expect(view.execute('select a from t -- first')).rejects.toThrow();
  });
});
