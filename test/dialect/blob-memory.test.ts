import fc from 'fast-check';
import { relations, sql } from 'drizzle-orm';
import { blob, customType, integer, sqliteTable } from 'drizzle-orm/sqlite-core';
import { Kysely } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { drizzle, vector } from '../../src/dialect/drizzle/index.js';
import { TursoDialect } from '../../src/dialect/kysely/index.js';
import { decodeVector, encodeVector, packedBits } from '../../src/vector/index.js';
import { targets } from '../conformance/targets.js';
import { collect } from '../support/outcome.js';

/** What existing schemas do with a BLOB of floats. */
const floats = customType<{ data: Float32Array; driverData: Uint8Array }>({
  dataType: () => 'blob',
  toDriver: (value) => new Uint8Array(value.buffer),
  fromDriver: (value) => new Float32Array(value.buffer),
});
const owners = sqliteTable('owners', { id: integer().primaryKey() });
const blobs = sqliteTable('blobs', {
  id: integer().primaryKey(),
  ownerId: integer(),
  bytes: blob({ mode: 'buffer' }),
  floats: floats(),
  embedding: vector({ dimensions: 3 }),
});
const schema = {
  owners,
  blobs,
  ownersRelations: relations(owners, ({ many }) => ({ blobs: many(blobs) })),
  blobsRelations: relations(blobs, ({ one }) => ({
    owner: one(owners, { fields: [blobs.ownerId], references: [owners.id] }),
  })),
};

/** Everything binary in a result. */
function views(value: unknown): ArrayBufferView[] {
  if (ArrayBuffer.isView(value)) return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(views);
}

describe.each(targets)('what is binary, from $name', (target) => {
  it('has an ArrayBuffer of its own, of exactly its length, on every path', async () => {
    const opened = await target.open();
    onTestFinished(() => opened.close());
    const client = opened.database;
    const db = drizzle({ client, schema });
    const kysely = new Kysely<{ blobs: { id: number; bytes: Uint8Array } }>({
      dialect: new TursoDialect({ database: client }),
    });
    await client.batch([
      'create table owners (id integer primary key)',
      'create table blobs (id integer primary key, ownerId integer, bytes blob, floats blob, embedding f32_blob(3))',
      'insert into owners values (1)',
    ]);
    const lengths = [0, 1, 7, 12, 100, 5000, ...fc.sample(fc.nat(300), { numRuns: 10, seed: 5 })];
    await client.batch(
      lengths.map((length, i) => ({
        sql: 'insert into blobs values (?, 1, ?, ?, ?)',
        args: [i + 1, new Uint8Array(length).fill(i + 1), Float32Array.of(1, 2, i), Float32Array.of(1, 2, i)],
      })),
    );
    // A client that was handed in can't be stopped.
    const limits = target.name.startsWith('client') ? {} : { timeout: 20_000 };
    const text = 'select * from blobs order by id';
    const select = () => db.select().from(blobs).orderBy(blobs.id);
    const nested = () => db.query.owners.findMany({ with: { blobs: { with: { owner: true } } } });
    const paths: Record<string, () => Promise<unknown>> = {
      execute: async () => (await client.execute(text)).rows,
      arrays: async () => (await client.execute(text, [], { rowMode: 'array' })).rows,
      interruptible: async () => (await client.execute(text, [], limits)).rows,
      batch: async () => (await client.batch([text, text])).map(({ rows }) => rows),
      stream: () => collect(client.stream(text)),
      'interruptible stream': () => collect(client.stream(text, [], { ...limits, batchSize: 3 })),
      transaction: () => client.transaction(async (tx) => (await tx.execute(text)).rows),
      'stream in a transaction': () => client.transaction((tx) => collect(tx.stream(text))),
      statement: async () => [
        await client.prepare(text).all(),
        await client.prepare(text).get(),
        await client.prepare(text).values(),
      ],
      'drizzle select': select,
      'drizzle get': () => select().get() as Promise<unknown>,
      'drizzle values': () => select().values(),
      'drizzle raw': () => db.all(sql.raw(text)),
      'drizzle run': () => db.run(sql.raw(text)),
      'drizzle batch': () => db.batch([select(), nested()]),
      'drizzle stream': () => collect(db.stream(select())),
      'drizzle nested': nested,
      'drizzle nested stream': () => collect(db.stream(nested())),
      'drizzle expression': () => db.select({ bytes: sql`${blobs.bytes}` }).from(blobs),
      kysely: () => kysely.selectFrom('blobs').selectAll().execute(),
      'kysely stream': () => collect(kysely.selectFrom('blobs').selectAll().stream()),
    };
    for (const [name, read] of Object.entries(paths)) {
      const found = views(await read());
      expect(found.length, name).toBeGreaterThan(2);
      for (const { buffer, byteOffset, byteLength } of found) {
        expect([byteOffset, buffer.byteLength], name).toEqual([0, byteLength]);
      }
    }
    const [owner] = await nested();
    expect(owner?.blobs.map((row) => [...row.floats!])).toEqual(lengths.map((_, i) => [1, 2, i]));
    expect(owner?.blobs.map(({ bytes }) => bytes?.length)).toEqual(lengths);
    // One value can be changed without another.
    const [a, b] = [await select(), await select()];
    a[3]?.bytes?.fill(0);
    expect(b[3]?.bytes?.[0]).toBe(4);
  }, 30_000);
});

describe('vectors', () => {
  const types = ['float64', 'float32', 'float16', 'bfloat16', 'float8', 'float1bit'] as const;

  it('have an ArrayBuffer of their own, wherever their bytes lie', () => {
    const anyShape = fc.record({
      type: fc.constantFrom(...types),
      dimensions: fc.integer({ min: 1, max: 40 }),
    });
    fc.assert(
      fc.property(anyShape, fc.nat(20), fc.nat(20), (shape, before, after) => {
        const encoded = encodeVector(
          shape,
          Array.from({ length: shape.dimensions }, (_, i) => i % 3),
        );
        const shared = new Uint8Array(before + encoded.length + after);
        shared.set(encoded, before);
        const bytes = shared.subarray(before, before + encoded.length);
        const given = new Float32Array(before + shape.dimensions).subarray(before);
        const made: ArrayBufferView[] = [encoded, encodeVector(shape, given), decodeVector(shape, bytes)];
        if (shape.type === 'float1bit') made.push(packedBits(shape.dimensions, bytes));
        for (const { buffer, byteOffset, byteLength } of made) {
          expect([byteOffset, buffer.byteLength]).toEqual([0, byteLength]);
        }
      }),
    );
  });
});
