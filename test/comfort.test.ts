import { inspect } from 'node:util';
import { sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Kysely } from 'kysely';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { open } from '../src/database/database.js';
import type { ForeignClient } from '../src/database/from-client.js';
import { drizzle, vector, vector64 } from '../src/dialect/drizzle/index.js';
import { TursoDialect, TursoTypesPlugin, type VectorColumn } from '../src/dialect/kysely/index.js';
import {
  DatabaseError,
  findDatabaseError,
  NetworkError,
  ParameterError,
  ProtocolError,
  ValueError,
} from '../src/errors.js';
import { runProgram } from './support/child.js';
import { openMemory } from './support/database.js';
import { collect, failure, rejection } from './support/outcome.js';
import { startSqld } from './support/sqld.js';

describe('vectors of mode array', () => {
  const notes = sqliteTable('notes', {
    id: integer().primaryKey(),
    embedding: vector({ dimensions: 2, mode: 'array' }).notNull(),
    exact: vector64({ dimensions: 2, mode: 'array' }),
    typed: vector({ dimensions: 2 }),
  });
  const SETUP =
    'create table notes (id integer primary key, embedding F32_BLOB(2), exact F64_BLOB(2), typed F32_BLOB(2))';

  it('are numbers in and out, with Drizzle', async () => {
    const db = drizzle(await openMemory(SETUP), { schema: { notes } });
    await db.insert(notes).values({ embedding: [1, 2], exact: [0.1, 3], typed: Float32Array.of(1, 2) });
    const [row] = await db.select().from(notes);
    expectTypeOf(row?.embedding).toEqualTypeOf<number[] | undefined>();
    expectTypeOf(row?.typed).toEqualTypeOf<Float32Array | null | undefined>();
    const whole = { id: 1, embedding: [1, 2], exact: [0.1, 3], typed: Float32Array.of(1, 2) };
    expect(row).toEqual(whole);
    expect(await db.query.notes.findFirst({ columns: { embedding: true } })).toEqual({ embedding: [1, 2] });
    expect(JSON.stringify(row?.embedding)).toBe('[1,2]');
    expect(() => vector({ dimensions: 2, mode: 'list' as 'array' })).toThrow(ParameterError);
    expect(() => vector(undefined as never)).toThrow(ParameterError);
    expect(() => vector('embedding', undefined as never)).toThrow(ParameterError);
  });

  it('are numbers in and out, with Kysely', async () => {
    const client = await openMemory(SETUP);
    const shape = { type: 'float32', dimensions: 2 } as const;
    const db = new Kysely<{ notes: { embedding: VectorColumn<'float32', 'array'>; typed: VectorColumn } }>({
      dialect: new TursoDialect({ client }),
      plugins: [new TursoTypesPlugin({ columns: { embedding: { ...shape, mode: 'array' }, typed: shape } })],
    });
    await db
      .insertInto('notes')
      .values({ embedding: [1, 2], typed: [3, 4] })
      .execute();
    const row = await db.selectFrom('notes').select(['embedding', 'typed']).executeTakeFirstOrThrow();
    expectTypeOf(row.embedding).toEqualTypeOf<number[]>();
    expect(row).toEqual({ embedding: [1, 2], typed: Float32Array.of(3, 4) });
    await client.execute("update notes set embedding = x'00'");
    const error = await failure(db.selectFrom('notes').select('embedding').execute(), ValueError);
    expect(error).toMatchObject({ column: 'embedding' });
  });

  it('that can not be read name their column, as JSON does', async () => {
    const table = sqliteTable('notes', {
      ...{ id: integer().primaryKey(), embedding: vector({ dimensions: 3 }) },
      json: text({ mode: 'json' }),
    });
    const client = await openMemory('create table notes (id integer primary key, embedding, json)');
    await client.execute("insert into notes values (1, x'00', null), (2, null, 's3cret {')");
    const db = drizzle(client, { schema: { table } });
    for (const [id, column] of [
      [1, 'embedding'],
      [2, 'json'],
    ] as const) {
      const where = sql`id = ${id}`;
      const calls = [db.select().from(table).where(where), db.query.table.findFirst({ where })];
      for (const call of calls) {
        const error = findDatabaseError(await rejection(async () => await call));
        expect(error).toBeInstanceOf(ValueError);
        expect(error).toMatchObject({ column });
        expect(error?.message).toContain(`column "${column}"`);
        expect(inspect(error)).not.toContain('s3cret');
      }
    }
  });
});

describe('db.stream() of Drizzle', () => {
  it('takes sql and text, in a transaction too', async () => {
    const db = drizzle(await openMemory('create table t (a); insert into t values (1), (2)'));
    const rows = [{ a: 1 }, { a: 2 }];
    expect(await collect(db.stream(sql<{ a: number }>`select a from t where a > ${0}`))).toEqual(rows);
    expect(await collect(db.stream('select a from t'))).toEqual(rows);
    await db.transaction(async (tx) => {
      await tx.run('delete from t where a = 2');
      expect(await collect(tx.stream('select a from t'))).toEqual([{ a: 1 }]);
      expect(await collect(tx.stream(sql`select a from t`))).toEqual([{ a: 1 }]);
    });
    const error = await rejection(collect(db.stream(5 as never)));
    expect(String(error)).toContain('takes a query, sql`…` or a SQL text');
  });
});

describe('an error of a long SQL text', () => {
  const long = `insert into missing values ${Array.from({ length: 4_000 }, (_, i) => `(${i})`).join()}`;

  it('shows its beginning and length, and names insertMany', async () => {
    const client = await openMemory();
    const db = new Kysely<object>({ dialect: new TursoDialect({ client }) });
    const calls = [
      () => client.execute(long),
      () => client.batch([long]),
      () => client.execute(`${long}, (?)`, [() => {}]),
      () => drizzle(client).run(sql.raw(long)),
      () => sqlOf(db),
    ];
    for (const call of calls) {
      const error = (await rejection(async () => await call())) as Error;
      for (const shown of [error.message, inspect(error)]) {
        expect(shown).toContain('insert into missing values (0),(1)');
        expect(shown).toMatch(/SQL of 26\d\d\d characters/);
        expect(shown).toContain('insertMany()');
        expect(shown.length).toBeLessThan(8_000);
      }
      expect(findDatabaseError(error)?.sql).toContain('(3999)');
      expect(JSON.stringify(error).length).toBeLessThan(2_000);
    }
    const other = await failure(client.execute(`select ${'1 + '.repeat(3_000)} missing`), DatabaseError);
    expect(other.message).toContain('characters: select 1 +');
    expect(other.message).not.toContain('insertMany');
  });

  async function sqlOf(db: Kysely<object>): Promise<unknown> {
    const { CompiledQuery } = await import('kysely');
    return await db.executeQuery(CompiledQuery.raw(long));
  }
});

describe('a client that does not keep its promises', () => {
  it.each([
    undefined,
    null,
    5,
    {},
    { columns: ['a'], rows: [undefined] },
    { columns: [], rows: [], lastInsertRowid: 'x' },
  ])('is named when it gives %j for a statement', async (result) => {
    const give = async (): Promise<unknown> => result;
    const client = { execute: give, batch: give, executeMultiple: give, transaction: give };
    const db = drizzle(client as unknown as ForeignClient);
    for (const call of [() => db.all('select 1'), () => db.transaction((tx) => tx.all('select 1'))]) {
      const error = findDatabaseError(await rejection(async () => await call()));
      expect(error).toBeInstanceOf(ProtocolError);
      expect(error?.message).toContain('client gave');
    }
  });
});

describe('a server over WebSocket', () => {
  it('holds no process up that only has it open', async () => {
    const { wsUrl } = await startSqld();
    expect(await runProgram('idle-server.ts', wsUrl)).toMatchObject({ code: 0, stdout: 'asked\n' });
  });

  it('that takes no message as long as one says so', async () => {
    const { wsUrl } = await startSqld();
    await using db = open({ url: wsUrl, networkRetry: 0 });
    const error = await failure(db.execute('select length(?)', ['x'.repeat(18_000_000)]), NetworkError);
    expect(error.message).toMatch(/a request of 18\.0 MB was sent.*use the http: URL/);
  });
});
