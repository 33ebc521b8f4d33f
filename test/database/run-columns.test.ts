import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.js';
import { openFile, openDatabase } from '../support/database.js';
import { collect } from '../support/outcome.js';
import { sqldForAll } from '../support/sqld.js';

type Read = (db: Database, sql: string) => Promise<{ rows: unknown[]; columns?: readonly string[] }>;

const SIGNAL = new AbortController().signal;

/** Every way to read on a database. */
const PATHS: readonly (readonly [string, Read])[] = [
  ['execute', (db, sql) => db.execute(sql)],
  ['prepared', async (db, sql) => ({ rows: await db.prepare(sql).all() })],
  ['get', async (db, sql) => ({ rows: [await db.prepare(sql).get()] })],
  ['timeout', (db, sql) => db.execute(sql, [], { timeout: 60_000 })],
  ['signal', (db, sql) => db.execute(sql, [], { signal: SIGNAL })],
  ['get with a timeout', async (db, sql) => ({ rows: [await db.prepare(sql).get([], { timeout: 60_000 })] })],
  ['stream', async (db, sql) => ({ rows: await collect(db.stream(sql)) })],
  [
    'stream with a timeout',
    async (db, sql) => ({ rows: await collect(db.stream(sql, [], { timeout: 60_000 })) }),
  ],
  ['batch', async (db, sql) => (await db.batch([sql]))[0] as { rows: unknown[] }],
  ['transaction', (db, sql) => db.transaction((tx) => tx.execute(sql))],
  [
    'transaction with a timeout',
    (db, sql) => db.transaction((tx) => tx.execute(sql, [], { timeout: 60_000 })),
  ],
  [
    'stream in a transaction',
    (db, sql) => db.transaction(async (tx) => ({ rows: await collect(tx.stream(sql)) })),
  ],
];

const CHANGES: readonly (readonly [string, Record<string, unknown>])[] = [
  ['alter table t drop column a', { b: 2, c: 3 }],
  ['alter table t rename column a to z', { z: 1, b: 2, c: 3 }],
  ["alter table t add column d default 'd'", { a: 1, b: 2, c: 3, d: 'd' }],
  ['drop table t; create table t(c, b, a); insert into t values (3, 2, 1)', { c: 3, b: 2, a: 1 }],
  [
    'drop table t; create table s(a, b, c); insert into s values (1, 2, 3); create view t as select c, a from s',
    { c: 3, a: 1 },
  ],
];

const FRESH = 'create table t(a, b, c); insert into t values (1, 2, 3)';

async function compare(first: Database, second: Database, read: Read): Promise<void> {
  for (const [change, expected] of CHANGES) {
    await second.script(FRESH);
    expect({ change, rows: (await read(first, 'select * from t')).rows }).toEqual({
      change,
      rows: [{ a: 1, b: 2, c: 3 }],
    });
    await second.script(change);
    const { rows, columns } = await read(first, 'select * from t');
    expect({ change, rows }).toEqual({ change, rows: [expected] });
    if (columns !== undefined)
      expect({ change, columns }).toEqual({ change, columns: Object.keys(expected) });
    await second.script(change.includes('view') ? 'drop view t; drop table s' : 'drop table t');
  }
}

describe('the columns are those of the run, whoever changed the schema before it', () => {
  it.each(PATHS)('on a file, changed by another handle: %s', async (_name, read) => {
    const { db, file } = await openFile();
    await compare(db, openDatabase({ url: file }), read);
  });

  it.each(PATHS)('on a file, changed by itself: %s', async (_name, read) => {
    const { db } = await openFile();
    await compare(db, db, read);
  });

  it.each(PATHS)('in memory: %s', async (_name, read) => {
    const db = openDatabase({ url: ':memory:' });
    await compare(db, db, read);
  });
});

describe.each(['url', 'wsUrl'] as const)(
  'at a server, by its %s, the columns are those of the run',
  (which) => {
    const server = sqldForAll();

    it.each(PATHS)('%s', async (_name, read) => {
      await compare(openDatabase({ url: server()[which] }), openDatabase({ url: server()[which] }), read);
    });
  },
);
