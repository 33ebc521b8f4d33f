import { eq, isNull, sql } from 'drizzle-orm';
import { blob, customType, integer, numeric, real, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { drizzle, vector } from '../../../src/dialect/drizzle/index.js';
import { DrizzleQueryError } from 'drizzle-orm';
import { ParameterError } from '../../../src/index.js';
import { openMemory } from '../../support/database.js';

const wrapped = customType<{ data: string | null; driverData: string }>({
  dataType: () => 'text',
  toDriver: (value) => `<${value}>`,
});

/** Every kind of column that encodes what it is given. */
const kinds = sqliteTable('kinds', {
  id: integer().primaryKey(),
  boolean: integer({ mode: 'boolean' }),
  seconds: integer({ mode: 'timestamp' }),
  milliseconds: integer({ mode: 'timestamp_ms' }),
  json: text({ mode: 'json' }),
  bytes: blob({ mode: 'buffer' }),
  bytesJson: blob({ mode: 'json' }),
  bytesBigint: blob({ mode: 'bigint' }),
  decimal: numeric(),
  decimalNumber: numeric({ mode: 'number' }),
  decimalBigint: numeric({ mode: 'bigint' }),
  real: real(),
  wrapped: wrapped(),
  vector: vector({ dimensions: 2 }),
});
const names = Object.keys(kinds).filter((name) => name !== 'id' && name in kinds && name !== 'enableRLS');
const placeholders = Object.fromEntries(names.map((name) => [name, sql.placeholder(name)]));
const nulls = Object.fromEntries(names.map((name) => [name, null]));
const given = {
  boolean: true,
  seconds: new Date(5000),
  milliseconds: new Date(5),
  json: { a: 1 },
  bytes: Buffer.of(1),
  bytesJson: { a: 1 },
  bytesBigint: 5n,
  decimal: '5',
  decimalNumber: 5,
  decimalBigint: 5n,
  real: 5,
  wrapped: 'a',
  vector: Float32Array.of(1, 2),
};

describe('NULL for a placeholder', () => {
  async function scene() {
    const client = await openMemory(`create table kinds (id integer primary key, ${names.join(', ')})`);
    const db = drizzle({ client });
    const types = async (): Promise<unknown[][]> =>
      (
        await client.execute(`select ${names.map((name) => `typeof(${name})`).join(', ')} from kinds`, [], {
          rowMode: 'array',
        })
      ).rows;
    return { db, types };
  }
  const allNull = [names.map(() => 'null')];

  it('is NULL in an insert, for every kind of column', async () => {
    const { db, types } = await scene();
    expect(names).toHaveLength(13);
    const insert = db
      .insert(kinds)
      .values({ id: 1, ...placeholders })
      .prepare();
    await insert.run(nulls);
    expect(await types()).toEqual(allNull);
  });

  it('is NULL in an update and in an upsert', async () => {
    const { db, types } = await scene();
    await db.insert(kinds).values({ id: 1, ...given });
    expect((await types())[0]).not.toContain('null');
    await db.update(kinds).set(placeholders).prepare().run(nulls);
    expect(await types()).toEqual(allNull);
    await db.update(kinds).set(given);
    const upsert = db
      .insert(kinds)
      .values({ id: 1 })
      .onConflictDoUpdate({ target: kinds.id, set: placeholders })
      .prepare();
    await upsert.run(nulls);
    expect(await types()).toEqual(allNull);
  });

  it('is NULL in a condition', async () => {
    const { db } = await scene();
    await db.insert(kinds).values([{ id: 1, boolean: false }, { id: 2 }]);
    const find = db
      .select({ id: kinds.id })
      .from(kinds)
      .where(sql`${kinds.boolean} is ${sql.param(sql.placeholder('x'), kinds.boolean)}`)
      .prepare();
    expect(await find.all({ x: null })).toEqual([{ id: 2 }]);
    expect(await find.all({ x: false })).toEqual([{ id: 1 }]);
    const equal = db
      .select()
      .from(kinds)
      .where(eq(kinds.seconds, sql.placeholder('at')))
      .prepare();
    expect(await equal.all({ at: null })).toEqual([]);
    expect(await db.$count(kinds, isNull(kinds.seconds))).toBe(2);
  });

  it('is not what undefined is, which no column takes', async () => {
    const { db } = await scene();
    for (const name of names) {
      const insert = db
        .insert(kinds)
        .values({ id: 1, [name]: sql.placeholder('x') })
        .prepare();
      const error = await insert.run({ x: undefined }).catch((reason: unknown) => reason);
      expect(error, name).toBeInstanceOf(DrizzleQueryError);
      expect((error as Error).cause, name).toBeInstanceOf(ParameterError);
    }
  });
});
