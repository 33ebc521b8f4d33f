import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Kysely } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Database } from '../../src/index.js';
import { TursoDialect } from '../../src/dialect/kysely/index.js';
import { collectNow } from '../../src/engine/libsql/collect.js';
import { canTruncateLog, openFile, openMemory } from '../support/database.js';
import { pause } from '../support/time.js';

const SETUP = 'create table t (a); insert into t select value from generate_series(1, 5000)';
const SQL = 'select a from t';

const kept: unknown[] = [];

/** Reads one row, or chunk, and forgets the stream. */
const streams: Record<string, (db: Database) => Promise<unknown>> = {
  'stream()': (db) => db.stream(SQL).next(),
  'stream() with a signal': (db) => db.stream(SQL, [], { signal: new AbortController().signal }).next(),
  'prepare().iterate()': (db) => db.prepare(SQL).iterate().next(),
  'iterate() of a statement that stays': (db) => {
    const statement = db.prepare(SQL);
    kept.push(statement);
    return statement.iterate().next();
  },
  Kysely: async (db) => {
    const kysely = new Kysely<{ t: { a: number } }>({ dialect: new TursoDialect({ database: db }) });
    const rows = kysely.selectFrom('t').selectAll().stream(10);
    return await rows[Symbol.asyncIterator]().next();
  },
};

/** The texts that were told on the channel since. */
function listen(): string[] {
  const told: string[] = [];
  const listener = (message: unknown): void => void told.push((message as { sql: string }).sql);
  subscribe('turso-dialect:abandoned', listener);
  onTestFinished(() => void unsubscribe('turso-dialect:abandoned', listener));
  return told;
}

async function collect(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await collectNow();
    await pause(5);
  }
}

describe('an abandoned stream', () => {
  it.each(Object.entries(streams))('gives its connection and snapshot back: %s', async (_name, start) => {
    const { db, other } = await openFile(SETUP, { concurrency: 1, busyTimeout: 500 });
    const told = listen();
    await start(db);
    await collect();
    expect(told).toHaveLength(1);
    expect(await db.transaction((tx) => tx.execute('select 1'))).toBeDefined();
    await db.execute('insert into t values (0)');
    expect(canTruncateLog(other)).toBe(true);
  });

  it('makes room for a transaction, when nothing else collects it', async () => {
    const { db } = await openFile(SETUP, { concurrency: 3, busyTimeout: 100 });
    for (let i = 0; i < 3; i++) await db.stream(SQL).next();
    await db.transaction((tx) => tx.execute('insert into t values (0)'));
  });

  it('is closed in a transaction and in memory as well', async () => {
    const db = await openMemory(SETUP);
    const told = listen();
    await db.stream(SQL).next();
    await db.transaction(async (tx) => {
      await tx.stream(SQL).next();
      await collect();
      expect(told).toHaveLength(2);
      await tx.execute('insert into t values (0)');
    });
  });

  it('is none that was read to its end, closed, or is still held', async () => {
    const { db } = await openFile(SETUP);
    const told = listen();
    for await (const row of db.stream(SQL)) expect(row).toBeDefined();
    for await (const row of db.stream(SQL)) if (row !== undefined) break;
    db.stream(SQL);
    const held = db.stream(SQL);
    await held.next();
    await collect();
    expect(told).toEqual([]);
    let count = 1;
    for await (const row of held) count += row === undefined ? 0 : 1;
    expect(count).toBe(5000);
  });
});
