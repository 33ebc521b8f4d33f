import { sqliteTable, integer } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { ConfigError, type Database } from '../../src/index.js';
import { drizzle } from '../../src/dialect/drizzle/index.js';
import { openDatabase, temporaryFile } from '../support/database.js';
import { failure } from '../support/outcome.js';

const t = sqliteTable('t', { a: integer() });

const uses: Record<string, (db: Database) => unknown> = {
  'execute()': (db) => db.execute('select 1'),
  'execute() with a timeout': (db) => db.execute('select 1', [], { timeout: 9_000 }),
  'transaction()': (db) => db.transaction((tx) => tx.execute('select 1')),
  'a read transaction': (db) => db.transaction((tx) => tx.execute('select 1'), { behavior: 'read' }),
  'batch()': (db) => db.batch(['select 1']),
  'script()': (db) => db.script('select 1'),
  'stream()': (db) => db.stream('select 1').next(),
  'ready()': (db) => db.ready(),
  'a pragma function': (db) => db.pragma.userVersion(),
  "a builder's query": (db) => drizzle({ client: db }).select().from(t),
};

describe.each(['memory', 'file'])('onConnect that uses its own handle (%s)', (kind) => {
  it.each(Object.entries(uses))('is named at once: %s', async (_name, use) => {
    const db: Database = openDatabase({
      url: kind === 'memory' ? ':memory:' : temporaryFile(),
      onConnect: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        await use(db);
      },
    });
    const start = performance.now();
    const results = await Promise.allSettled([db.execute('select 1'), db.ready()]);
    for (const { reason } of results as PromiseRejectedResult[]) {
      const { cause, message } = reason as Error;
      expect(`${message} ${cause instanceof Error ? cause.message : ''}`).toMatch(
        /use script\(\) of the connection/,
      );
    }
    expect(performance.now() - start).toBeLessThan(1_500);
  });
});

describe('onConnect', () => {
  it('may use another handle, and leave behind what uses its own', async () => {
    const other = openDatabase({ url: ':memory:' });
    let later: Promise<unknown> | undefined;
    const db = openDatabase({
      url: temporaryFile(),
      onConnect: async () => {
        await other.execute('select 1');
        later ??= new Promise((resolve) => setTimeout(resolve, 20)).then(() => db.execute('select 2 as two'));
      },
    });
    await db.ready();
    expect(await later).toMatchObject({ rows: [{ two: 2 }] });
    await db.transaction((tx) => tx.execute('select 1'));
  });

  it('of two handles that use each other is named at once', async () => {
    const handles: Database[] = [];
    for (const i of [0, 1]) {
      handles.push(
        openDatabase({
          url: temporaryFile(),
          onConnect: async () => {
            await handles[1 - i]?.ready();
          },
        }),
      );
    }
    expect(await failure((handles[0] as Database).ready())).toBeInstanceOf(ConfigError);
  });
});
