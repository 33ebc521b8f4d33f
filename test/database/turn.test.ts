import { setTimeout as sleep } from 'node:timers/promises';
import { integer, sqliteTable } from 'drizzle-orm/sqlite-core';
import { Kysely } from 'kysely';
import { describe, expect, it, vi } from 'vitest';
import type { Database } from '../../src/database/database.js';
import { drizzle } from '../../src/dialect/drizzle/index.js';
import { TursoDialect } from '../../src/dialect/kysely/index.js';
import { openFile, openMemory } from '../support/database.js';

const DURATION = 300;
const t = sqliteTable('t', { a: integer() });

/** One awaited call after another, for a while. */
async function loop(call: () => unknown): Promise<void> {
  const end = performance.now() + DURATION;
  while (performance.now() < end) await call();
}

/** How often a timer of 1 ms fires while `run` does not end by itself. */
async function ticksDuring(run: () => Promise<unknown>): Promise<number> {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  try {
    await run();
    return ticks;
  } finally {
    clearInterval(timer);
  }
}

const calls: Record<string, (db: Database) => () => unknown> = {
  'execute()': (db) => () => db.execute('select 1'),
  'execute() of writes': (db) => () => db.execute('insert into t values (1)'),
  'statements that fail': (db) => () => db.execute('select a from nowhere').catch(() => {}),
  'statements that break a constraint': (db) => () => db.execute('insert into u values (1)').catch(() => {}),
  'prepare().get()': (db) => {
    const statement = db.prepare('select 1');
    return () => statement.get();
  },
  'prepare().columns()': (db) => () => db.prepare('select 1').columns(),
  'transaction()': (db) => () => db.transaction(async () => {}),
  'batch()': (db) => () => db.batch(['select 1']),
  'script()': (db) => () => db.script('select 1'),
  'script({ atomic })': (db) => () => db.script('select 1', { atomic: true }),
  'stream()': (db) => async () => {
    for await (const row of db.stream('select 1')) expect(row).toBeDefined();
  },
  'pragma functions': (db) => () => db.pragma.userVersion(),
  'explain()': (db) => () => db.explain('select 1'),
  'metadata()': (db) => () => db.metadata(),
  Drizzle: (db) => {
    const builder = drizzle({ client: db });
    return () => builder.select().from(t).limit(1);
  },
  Kysely: (db) => {
    const builder = new Kysely<{ t: { a: number } }>({ dialect: new TursoDialect({ database: db }) });
    return () => builder.selectFrom('t').selectAll().limit(1).execute();
  },
  "Kysely's transaction()": (db) => {
    const builder = new Kysely<{ t: { a: number } }>({ dialect: new TursoDialect({ database: db }) });
    return () => builder.transaction().execute(async () => {});
  },
};
const SETUP =
  'create table t (a); create table u (a unique); insert into t values (1); insert into u values (1)';

describe('a loop of awaited calls lets timers fire', () => {
  it.each(Object.entries(calls))('%s on a file', async (_name, make) => {
    const { db } = await openFile(SETUP);
    const call = make(db);
    expect(await ticksDuring(() => loop(call))).toBeGreaterThan(5);
  });

  it.each(Object.entries(calls))('%s in memory', async (_name, make) => {
    const db = await openMemory(SETUP);
    const call = make(db);
    expect(await ticksDuring(() => loop(call))).toBeGreaterThan(5);
  });

  it('in a transaction, and nested in it', async () => {
    const { db } = await openFile(SETUP);
    await db.transaction(async (tx) => {
      expect(await ticksDuring(() => loop(() => tx.execute('select 1')))).toBeGreaterThan(5);
      const nested = (): Promise<unknown> => tx.transaction(async (inner) => inner.execute('select 1'));
      expect(await ticksDuring(() => loop(nested))).toBeGreaterThan(5);
      expect(await ticksDuring(() => loop(() => tx.transaction(async () => {})))).toBeGreaterThan(5);
    });
  });

  it('several at a time', async () => {
    const { db } = await openFile(SETUP);
    const one = (): Promise<void> => loop(() => db.execute('select 1'));
    expect(await ticksDuring(() => Promise.all([one(), one(), one()]))).toBeGreaterThan(5);
  });

  it('and a signal stop it', async () => {
    const { db } = await openFile(SETUP);
    const signal = AbortSignal.timeout(50);
    const end = performance.now() + 5_000;
    while (!signal.aborted && performance.now() < end) await db.execute('select 1');
    expect(signal.aborted).toBe(true);
  });

  it('though light statements are followed by heavy ones', async () => {
    const { db } = await openFile(SETUP);
    for (let i = 0; i < 500; i++) await db.execute('select 1');
    const heavy = 'select count(*) from generate_series(1, 400000)';
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    const start = performance.now();
    await db.execute(heavy);
    const once = performance.now() - start;
    for (let i = 0; i < 12; i++) await db.execute(heavy);
    await sleep(5);
    clearInterval(timer);
    expect(longest).toBeLessThan(7 * once);
  });
});

describe('giving way', () => {
  it('keeps the order in which statements were called', async () => {
    const { db } = await openFile('create table t (id integer primary key, a)');
    await db.transaction(async (tx) => {
      const all: Promise<unknown>[] = [];
      for (let i = 0; i < 3000; i++) {
        all.push(tx.execute('insert into t (a) values (?)', [i]));
        if (i % 100 === 99) await Promise.resolve();
      }
      await Promise.all(all);
    });
    expect((await db.execute('select count(*) as n from t where a <> id - 1')).rows).toEqual([{ n: 0 }]);
  });

  it('needs no timer that a test has replaced', async () => {
    const { db } = await openFile(SETUP);
    vi.useFakeTimers();
    try {
      const now = performance.timeOrigin;
      expect(now).toBeGreaterThan(0);
      for (let i = 0; i < 20_000; i++) await db.execute('select 1');
      for await (const row of db.stream('select value from generate_series(1, 20000)')) void row;
    } finally {
      vi.useRealTimers();
    }
  });
});
