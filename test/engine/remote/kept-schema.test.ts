import { expect, it, onTestFinished } from 'vitest';
import { type Database, open, type Transaction } from '../../../src/index.js';
import { collect } from '../../support/outcome.js';
import { startSqld } from '../../support/sqld.js';

const WAYS: readonly [string, (db: Database, sql: string) => Promise<unknown>][] = [
  ['execute', async (db, sql) => (await db.execute(sql)).rows],
  ['transaction', (db, sql) => db.transaction(async (tx: Transaction) => (await tx.execute(sql)).rows)],
  ['batch', async (db, sql) => (await db.batch(['select 1', sql]))[1]?.rows],
  [
    'independent batch',
    async (db, sql) => {
      const [outcome] = await db.batch([sql], { atomic: false });
      return outcome?.status === 'fulfilled' ? outcome.value.rows : outcome?.reason;
    },
  ],
  ['stream', (db, sql) => collect(db.stream(sql))],
];

/** What stands before, what another client changes, and what then is right. */
const CASES: readonly [before: string, change: string, sql: string, rows: unknown][] = [
  ['', 'alter table t rename column b to c', 'select * from t', [{ a: 1, c: 2 }]],
  [
    '',
    'alter table t drop column a; alter table t add column d default 3',
    'select * from t',
    [{ b: 2, d: 3 }],
  ],
  ['', 'alter table t add column d default 3', 'select t.* from t', [{ a: 1, b: 2, d: 3 }]],
  ['', 'alter table t rename column b to c', 'update t set a = 5 returning *', [{ a: 5, c: 2 }]],
  [
    '',
    'create unique index u on t (a)',
    'insert into t values (1, 3) on conflict (a) do update set b = 9 returning b',
    [{ b: 9 }],
  ],
  ['', 'alter table t add column d', 'insert into t values (4, 5, 6) returning a', [{ a: 4 }]],
  ['create index i on t (a)', 'drop index i', 'create index i on t (b)', []],
];

it.each(WAYS)('ws, %s: nothing is answered by an old schema that a kept stream remembers', async (_, run) => {
  const sqld = await startSqld();
  const db = open(sqld.wsUrl);
  const other = open(sqld.url);
  onTestFinished(async () => {
    await db.close();
    await other.close();
  });
  for (const [before, change, sql, rows] of CASES) {
    await other.script(
      `drop table if exists t; create table t (a, b); insert into t values (1, 2); ${before}`,
    );
    await db.execute('select * from t');
    await other.script(change);
    expect(await run(db, sql), `${change}; ${sql}`).toEqual(rows);
  }
});
