import { expect, it, onTestFinished } from 'vitest';
import { KnownSchema } from '../../../src/engine/remote/hrana/known-schema.js';
import { type Database, open, type Transaction } from '../../../src/index.js';
import { collect } from '../../support/outcome.js';
import { startProxy } from '../../support/proxy.js';
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
    // With the third nothing was written since the schema was looked at.
    for (let n = 0; n < 3; n++) await db.execute('select * from t');
    await other.script(change);
    expect(await run(db, sql), `${change}; ${sql}`).toEqual(rows);
  }
});

it('ws: a read with * is sent alone while nothing is written, and again after a write', async () => {
  const sqld = await startSqld();
  const proxy = await startProxy(sqld.port);
  const db = open(proxy.wsUrl);
  const other = open(sqld.url);
  onTestFinished(async () => {
    await db.close();
    await other.close();
  });
  await other.script('create table t (a); insert into t values (1)');
  const trips = async (): Promise<[rows: unknown, trips: number]> => {
    proxy.reset();
    const { rows } = await db.execute('select * from t');
    return [rows, proxy.roundTrips];
  };
  for (let n = 0; n < 4; n++) await trips();
  expect(await trips()).toEqual([[{ a: 1 }], 1]);
  await other.execute('alter table t rename column a to b');
  expect(await trips()).toEqual([[{ b: 1 }], 2]);
  expect(await trips()).toEqual([[{ b: 1 }], 1]);
  // An own write is known, so the schema is looked at with the statement.
  await db.execute('update t set b = 2');
  expect(await trips()).toEqual([[{ b: 2 }], 1]);
  expect((await db.execute('insert into t values (3) returning *')).rows).toEqual([{ b: 3 }]);
});

it('a schema is known only from a look during which nothing was written, by a server that counts', () => {
  const known = (...answers: [index: unknown, looked: boolean][]): boolean => {
    const schema = new KnownSchema();
    for (const [index, looked] of answers) schema.note({ replication_index: index }, looked);
    return schema.isCurrent;
  };
  expect(known(['5', false], ['5', true])).toBe(true);
  expect(known(['5', false], ['5', true], ['5', false])).toBe(true);
  // What came between may have been another schema, seen or not.
  expect(known(['5', true])).toBe(false);
  expect(known(['5', false], ['6', true])).toBe(false);
  expect(known(['5', false], ['5', true], ['6', false])).toBe(false);
  // A statement need not look at the schema.
  expect(known(['5', false], ['5', false])).toBe(false);
  for (const none of ['0', null, undefined, 5]) expect(known([none, false], [none, true])).toBe(false);
});
