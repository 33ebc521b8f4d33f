import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Config, ConfigError, open, type StatementEvent } from '../../src/index.js';
import { drizzle } from '../../src/dialect/drizzle/index.js';
import { openFile, openMemory } from '../support/database.js';
import { failure, thrownBy } from '../support/outcome.js';

function listen(): StatementEvent[] {
  const events: StatementEvent[] = [];
  const note = (message: unknown): void => void events.push(message as StatementEvent);
  subscribe('turso-dialect:statement', note);
  onTestFinished(() => void unsubscribe('turso-dialect:statement', note));
  return events;
}

function logger(): { lines: unknown[][]; logQuery(query: string, params: unknown[]): void } {
  const lines: unknown[][] = [];
  return { lines, logQuery: (query, params) => void lines.push([query, ...params]) };
}

describe('config.logger', () => {
  it('is told every statement before it runs, without the values', async () => {
    const log = logger();
    const db = await openMemory('', { logger: log });
    await db.execute('create table t (a, b)');
    await db.execute('insert into t values (?, :b)'.replace('?', ':a'), { a: 's3cret', b: 1 });
    await db.transaction((tx) => tx.execute('select * from t where a = ?', ['s3cret']));
    await failure(db.execute('select nothing'));
    await db.batch(['select 1', { sql: 'select ?', args: [2] }]);
    expect(log.lines).toEqual([
      ['create table t (a, b)'],
      ['insert into t values (:a, :b)', '?', '?'],
      ['select * from t where a = ?', '?'],
      ['select nothing'],
      ['select 1'],
      ['select ?', '?'],
    ]);
  });

  it('is told the values as they are stored, if that is asked for', async () => {
    const log = logger();
    const db = await openMemory('create table t (a)', { logger: log, logParameters: true });
    await db.execute('select ?, ?, ?', [1, true, 'text']);
    expect(log.lines.at(-1)).toEqual(['select ?, ?, ?', 1n, 1n, 'text']);
  });

  it('may be the one that Drizzle is given as well', async () => {
    const log = logger();
    const db = drizzle({ connection: { url: ':memory:', logger: log }, logger: log });
    await db.all('select 1 as one');
    expect(log.lines).toEqual([['select 1 as one'], ['select 1 as one']]);
    await db.$client.close();
  });

  it.each([{ logger: true }, { logger: {} }, { logParameters: 'yes' }])('%o is refused', (config) => {
    thrownBy(() => open({ url: ':memory:', ...config } as unknown as Config), ConfigError);
  });
});

describe('the channel turso-dialect:statement', () => {
  it('tells the values only if the config asks for them', async () => {
    const events = listen();
    const quiet = await openMemory();
    const loud = await openMemory('', { logParameters: true });
    for (const db of [quiet, loud]) await db.execute('select ?', ['s3cret']);
    expect(events.map(({ parameters }) => parameters)).toEqual([['?'], ['s3cret']]);
    expect(JSON.stringify(events[0])).not.toContain('s3cret');
  });

  it('tells how long it took, with the wait for a lock, and how often it was tried', async () => {
    const { db, other } = await openFile('create table t (a)');
    const events = listen();
    other.exec('begin immediate');
    const waiting = db.execute('insert into t values (1)');
    setTimeout(() => other.exec('commit'), 60);
    await waiting;
    expect(events).toHaveLength(1);
    expect(events[0]?.duration).toBeGreaterThan(50);
    expect(events[0]?.attempt).toBeGreaterThan(1);
    expect(events[0]?.rowsAffected).toBe(1);
  });

  it('tells how often a transaction was begun', async () => {
    const { db, other } = await openFile('create table t (a)');
    const events = listen();
    let runs = 0;
    await db.transaction(
      async (tx) => {
        await tx.execute('select * from t');
        if (++runs === 1) other.exec('insert into t values (1)');
        await tx.execute('insert into t values (2)');
      },
      { behavior: 'deferred', retry: 3 },
    );
    expect(events.map(({ sql, attempt, error }) => [sql.slice(0, 6), attempt, error?.extendedCode])).toEqual([
      ['select', 1, undefined],
      ['insert', 1, 'SQLITE_BUSY_SNAPSHOT'],
      ['select', 2, undefined],
      ['insert', 2, undefined],
    ]);
    expect(new Set(events.map(({ transaction }) => transaction)).size).toBe(2);
  });

  it('tells on which connection: one for what runs alone, others for transactions', async () => {
    const { db } = await openFile('create table t (a)');
    const events = listen();
    await db.execute('select 1');
    await db.execute('select 2');
    await db.transaction(async (tx) => {
      await tx.execute('select 3');
      await tx.execute('select 4', [], { timeout: 9_000 });
    });
    const [first, second, third, fourth] = events.map(({ connection }) => connection);
    expect(second).toBe(first);
    expect(fourth).toBe(third);
    expect(third).not.toBe(first);
  });

  it('tells of a stream when it ends, how many rows were taken', async () => {
    const db = await openMemory();
    const events = listen();
    for await (const row of db.stream('select value from generate_series(1, 1000)', [], { batchSize: 10 })) {
      if (row['value'] === 25) break;
    }
    expect(events).toHaveLength(1);
    expect(events[0]?.rows).toBe(30);
    const failing = db.stream(
      "select json(case when value > 20 then '{' else '1' end) from generate_series(1, 30)",
    );
    const drain = async (): Promise<void> => {
      for await (const row of failing) expect(row).toBeDefined();
    };
    const error = await failure(drain());
    expect(events[1]?.error).toBe(error);
  });

  it('tells of what was refused before it reached a connection', async () => {
    const db = await openMemory('create table t (a)');
    const events = listen();
    const error = await failure(db.restricted([]).execute('select * from t'));
    expect(events).toMatchObject([{ sql: 'select * from t', connection: undefined, error }]);
  });
});
