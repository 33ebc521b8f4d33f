import { Kysely } from 'kysely';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { drizzle, insertMany as insertByDrizzle } from '../../src/dialect/drizzle/index.js';
import { insertMany as insertByKysely, TursoDialect } from '../../src/dialect/kysely/index.js';
import { ConfigError, ConstraintError } from '../../src/index.js';
import { failureOf } from '../conformance/capabilities.js';
import { openDatabase } from '../support/database.js';
import { failure } from '../support/outcome.js';

const items = sqliteTable('items', { id: integer().primaryKey(), name: text().notNull().unique() });

interface Row {
  id: number;
  name: string;
}

async function scene() {
  const database = openDatabase({ url: ':memory:' });
  await database.execute('create table items (id integer primary key, name text not null unique)');
  const kysely = new Kysely<{ items: Row }>({ dialect: new TursoDialect({ database }) });
  const db = drizzle({ client: database });
  return {
    database,
    insert: {
      drizzle: (rows: Iterable<Row> | AsyncIterable<Row>, options?: object) =>
        insertByDrizzle(db, items, rows, options),
      kysely: (rows: Iterable<Row> | AsyncIterable<Row>, options?: object) =>
        insertByKysely(kysely, 'items', rows, options),
    },
    count: async () => (await database.execute('select count(*) as n from items')).rows[0]?.['n'],
  };
}

const rowsOf = (count: number): Row[] =>
  Array.from({ length: count }, (_, i) => ({ id: i + 1, name: `item ${i}` }));

async function* asTheyCome(rows: Row[]): AsyncGenerator<Row> {
  for (const row of rows) {
    await new Promise((resolve) => setImmediate(resolve));
    yield row;
  }
}

describe.each(['drizzle', 'kysely'] as const)('insertMany with %s', (builder) => {
  it('inserts any number of rows, and tells how far it is', async () => {
    const { insert, count } = await scene();
    const told: number[] = [];
    expect(
      await insert[builder](rowsOf(1_234), { batchSize: 100, onProgress: (done: number) => told.push(done) }),
    ).toBe(1_234);
    expect(await count()).toBe(1_234);
    expect(told).toHaveLength(13);
    expect(told.at(-1)).toBe(1_234);
    expect(await insert[builder]([])).toBe(0);
  });

  it('takes rows as they come', async () => {
    const { insert, count } = await scene();
    expect(await insert[builder](asTheyCome(rowsOf(55)), { batchSize: 10 })).toBe(55);
    expect(await count()).toBe(55);
    expect(await insert[builder](new Set([{ id: 900, name: 'set' }]))).toBe(1);
  });

  it('keeps nothing when one fails', async () => {
    const { insert, count } = await scene();
    const rows = [...rowsOf(500), { id: 501, name: 'item 3' }];
    expect(await failureOf(insert[builder](rows, { batchSize: 50 }))).toBeInstanceOf(ConstraintError);
    expect(await count()).toBe(0);
  });

  it.each([0, -1, 1.5, NaN])('refuses batches of %s', async (batchSize) => {
    const { insert } = await scene();
    await failure(insert[builder](rowsOf(1), { batchSize }), ConfigError);
  });
});
