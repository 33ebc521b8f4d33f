import { and, eq, gt, lt, relations, type SQL, sql } from 'drizzle-orm';
import {
  alias,
  getTableConfig,
  integer,
  SQLiteAsyncDialect,
  sqliteTable,
  text,
} from 'drizzle-orm/sqlite-core';
import { describe, expect, expectTypeOf, it, onTestFinished } from 'vitest';
import {
  cosineDistance,
  dotProduct,
  drizzle,
  insertMany,
  jaccardDistance,
  l2Distance,
  nearest,
  recall,
  type TursoDatabase,
  vector,
  vector1bit,
  vector8,
  vector16,
  vector32,
  vector64,
  vectorb16,
  vectorIndex,
} from '../../../src/dialect/drizzle/index.js';
import {
  CapabilityError,
  type Database,
  DatabaseError,
  open,
  ParameterError,
  ValueError,
} from '../../../src/index.js';
import { targets } from '../../conformance/targets.js';
import { failureOf } from '../../conformance/capabilities.js';
import { failure, thrownBy } from '../../support/outcome.js';

const DIMENSIONS = 24;

const notes = sqliteTable(
  'notes',
  {
    id: integer().primaryKey(),
    kind: text().notNull(),
    embedding: vector({ dimensions: DIMENSIONS }),
  },
  (table) => [vectorIndex('notes_embedding').on(table.embedding)],
);
const CREATE = `create table notes (id integer primary key, kind text not null, embedding F32_BLOB(${DIMENSIONS}))`;
const INDEX = 'create index notes_embedding on notes (libsql_vector_idx(embedding))';

/** Numbers that look random and are the same in every run (Park and Miller). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

function randomVector(random: () => number, dimensions = DIMENSIONS): Float32Array {
  return Float32Array.from({ length: dimensions }, () => random() * 2 - 1);
}

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let dot = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < a.length; i++) {
    dot += (a[i] as number) * (b[i] as number);
    aa += (a[i] as number) ** 2;
    bb += (b[i] as number) ** 2;
  }
  return 1 - dot / Math.sqrt(aa * bb);
}

function l2(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += ((a[i] as number) - (b[i] as number)) ** 2;
  return Math.sqrt(sum);
}

interface Note {
  id: number;
  kind: string;
  embedding: Float32Array;
}

/** Notes in a table, with an index on request. */
async function scene({ count = 300, indexed = false, target = targets[1] } = {}) {
  const opened = await (target as NonNullable<typeof target>).open();
  onTestFinished(() => opened.close());
  const db = drizzle({ client: opened.database });
  await db.run(CREATE);
  const random = randomFrom(7);
  const all: Note[] = Array.from({ length: count }, (_, i) => ({
    id: i + 1,
    kind: i % 10 === 0 ? 'rare' : 'common',
    embedding: randomVector(random),
  }));
  if (count > 0) await db.insert(notes).values(all);
  if (indexed) await db.run(INDEX);
  return { ...opened, db, all, random };
}

/** The ids of the nearest notes, found by looking at all. */
function bruteForce(all: readonly Note[], query: Float32Array, k: number, metric = cosine): number[] {
  return all
    .map(({ id, embedding }) => ({ id, distance: metric(embedding, query) }))
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, k)
    .map(({ id }) => id);
}

describe('columns', () => {
  const every = sqliteTable('every', {
    id: integer().primaryKey(),
    f64: vector64({ dimensions: 3 }),
    f32: vector32('single', { dimensions: 3 }),
    f16: vector16({ dimensions: 3 }),
    b16: vectorb16({ dimensions: 3 }),
    f8: vector8({ dimensions: 3 }),
    bits: vector1bit({ dimensions: 3 }),
  });

  it('of every type give what was stored', async () => {
    await using client = open(':memory:');
    const db = drizzle({ client });
    await db.run(
      'create table every (id integer primary key, f64 F64_BLOB(3), single F32_BLOB(3), f16 F16_BLOB(3), b16 FB16_BLOB(3), f8 F8_BLOB(3), bits F1BIT_BLOB(3))',
    );
    const v = Float32Array.of(1, -2, 0.5);
    await db.insert(every).values({ f64: Float64Array.from(v), f32: v, f16: v, b16: v, f8: v, bits: v });
    await db.insert(every).values({});
    const [row, empty] = await db.select().from(every);
    expect(row).toEqual({
      id: 1,
      f64: Float64Array.of(1, -2, 0.5),
      f32: v,
      f16: v,
      b16: v,
      f8: expect.any(Float32Array),
      bits: Float32Array.of(1, -1, 1),
    });
    expect(Math.abs((row?.f8?.[2] ?? 0) - 0.5)).toBeLessThan(3 / 255);
    expect(empty?.f32).toBeNull();
    if (row !== undefined) {
      expectTypeOf(row.f64).toEqualTypeOf<Float64Array | null>();
      expectTypeOf(row.f16).toEqualTypeOf<Float32Array | null>();
    }
  });

  it('come in relational queries too', async () => {
    const owners = sqliteTable('owners', { id: integer().primaryKey(), v: vector({ dimensions: 2 }) });
    const things = sqliteTable('things', {
      id: integer().primaryKey(),
      owner: integer(),
      v: vector16({ dimensions: 2 }),
    });
    const schema = {
      owners,
      things,
      ownersRelations: relations(owners, ({ many }) => ({ things: many(things) })),
      thingsRelations: relations(things, ({ one }) => ({
        owner: one(owners, { fields: [things.owner], references: [owners.id] }),
      })),
    };
    const db = drizzle(':memory:', { schema });
    onTestFinished(() => db.$client.close());
    await db.$client.script(`
      create table owners (id integer primary key, v F32_BLOB(2));
      create table things (id integer primary key, owner integer, v F16_BLOB(2))`);
    await db.insert(owners).values({ id: 1, v: Float32Array.of(1, 2) });
    await db.insert(things).values([
      { id: 1, owner: 1, v: Float32Array.of(3, 4) },
      { id: 2, owner: 1 },
    ]);
    expect(await db.query.owners.findMany({ with: { things: { columns: { v: true } } } })).toEqual([
      { id: 1, v: Float32Array.of(1, 2), things: [{ v: Float32Array.of(3, 4) }, { v: null }] },
    ]);
    expect(await db.query.things.findFirst({ columns: { v: true }, with: { owner: true } })).toEqual({
      v: Float32Array.of(3, 4),
      owner: { id: 1, v: Float32Array.of(1, 2) },
    });
  });

  it('refuse a wrong vector before the database sees it, and a stored one that is none', async () => {
    const { db } = await scene({ count: 0 });
    const wrong = [[1, 2], Float32Array.of(NaN, ...Array<number>(23).fill(0)), 'text', new Uint8Array(96)];
    for (const embedding of wrong) {
      const inserting = db.insert(notes).values({ kind: 'a', embedding: embedding as never });
      expect(await failureOf((async () => await inserting)())).toBeInstanceOf(ParameterError);
    }
    expect(await db.$count(notes)).toBe(0);
    await db.run("insert into notes values (1, 'a', x'0102')");
    expect(await failureOf((async () => await db.select().from(notes))())).toBeInstanceOf(ValueError);
  });
});

describe('distances', () => {
  it('are those of a plain computation, in select, where and order by', async () => {
    const { db, all, random } = await scene();
    const query = randomVector(random);
    const rows = await db
      .select({
        id: notes.id,
        cos: cosineDistance(notes.embedding, query),
        l2: l2Distance(notes.embedding, query),
      })
      .from(notes)
      .where(lt(cosineDistance(notes.embedding, query), 1))
      .orderBy(l2Distance(notes.embedding, query));
    expect(rows.length).toBe(all.filter(({ embedding }) => cosine(embedding, query) < 1).length);
    for (const { id, cos, l2: length } of rows) {
      const { embedding } = all[id - 1] as Note;
      expect(Math.abs((cos ?? 9) - cosine(embedding, query))).toBeLessThan(1e-5);
      expect(Math.abs((length ?? 9) - l2(embedding, query))).toBeLessThan(1e-5);
    }
    const lengths = rows.map((row) => row.l2 ?? 0);
    expect(lengths).toEqual(lengths.toSorted((a, b) => a - b));
  });

  it('are NULL where a vector is', async () => {
    const { db } = await scene({ count: 2 });
    await db.insert(notes).values({ id: 99, kind: 'none' });
    const distance = cosineDistance(notes.embedding, new Float32Array(DIMENSIONS).fill(1));
    const rows = await db.select({ id: notes.id, distance }).from(notes).orderBy(notes.id);
    expect(rows.map((row) => typeof row.distance)).toEqual(['number', 'number', 'object']);
    const self = await db
      .select({ d: l2Distance(notes.embedding, notes.embedding) })
      .from(notes)
      .orderBy(notes.id);
    expect(self).toEqual([{ d: 0 }, { d: 0 }, { d: null }]);
  });

  it('that the engine has not are a CapabilityError', () => {
    const bits = sqliteTable('bits', { v: vector1bit({ dimensions: 8 }) });
    thrownBy(() => dotProduct(notes.embedding, [1]), CapabilityError);
    thrownBy(() => jaccardDistance(notes.embedding, [1]), CapabilityError);
    thrownBy(() => l2Distance(bits.v, [1, 1, 1, 1, 1, 1, 1, 1]), CapabilityError);
  });

  it('take no vector of other dimensions', () => {
    thrownBy(() => cosineDistance(notes.embedding, [1, 2, 3]), ParameterError);
  });
});

describe('nearest', () => {
  it('without an index is exact', async () => {
    const { db, all, random } = await scene({ count: 2_000 });
    for (let i = 0; i < 50; i++) {
      const query = randomVector(random);
      const rows = await nearest(db, notes.embedding, query, { include: { id: notes.id } });
      expect(rows.map(({ id }) => id)).toEqual(bruteForce(all, query, 10));
      const byLength = await nearest(db, notes.embedding, query, { include: { id: notes.id }, metric: 'l2' });
      expect(byLength.map(({ id }) => id)).toEqual(bruteForce(all, query, 10, l2));
    }
  });

  it('gives the columns that are asked for, all of the table if none', async () => {
    const { db, all } = await scene({ count: 20 });
    const query = (all[4] as Note).embedding;
    const [first] = await nearest(db, notes.embedding, query, { k: 1 });
    expect(first).toMatchObject({ id: 5, kind: 'common', embedding: query });
    expect(first?.distance).toBeCloseTo(0, 5);
    const rows = await nearest(db, notes.embedding, query, { k: 3, include: { name: notes.kind } });
    expectTypeOf(rows).toEqualTypeOf<({ name: string } & { distance: number })[]>();
    expect(Object.keys(rows[0] ?? {})).toEqual(['name', 'distance']);
  });

  it('uses the index that there is, and joins its rows', async () => {
    const { db, database, all, random } = await scene({ count: 1_000, indexed: true });
    const query = randomVector(random);
    const rows = await nearest(db, notes.embedding, query, {
      k: 10,
      index: 'notes_embedding',
      include: { id: notes.id },
    });
    const truth = new Set(bruteForce(all, query, 10));
    expect(rows.filter(({ id }) => truth.has(id)).length).toBeGreaterThanOrEqual(9);
    const distances = rows.map(({ distance }) => distance);
    expect(distances).toEqual(distances.toSorted((a, b) => a - b));
    // What the index does not know is not found by it.
    await database.execute('delete from notes_embedding_shadow where index_key = ?', [rows[0]?.id as number]);
    const named = await nearest(db, notes.embedding, query, {
      k: 5,
      index: 'notes_embedding',
      include: { id: notes.id },
    });
    expect(named.map(({ id }) => id)).not.toContain(rows[0]?.id);
    const scanned = await nearest(db, notes.embedding, query, {
      k: 5,
      index: false,
      include: { id: notes.id },
    });
    expect(scanned.map(({ id }) => id)).toContain(rows[0]?.id);
  });

  it.each([false, true])(
    'gives k rows that meet a condition if there are so many (index: %s)',
    async (indexed) => {
      const { db, all, random } = await scene({ count: 500, indexed });
      const index = indexed ? 'notes_embedding' : false;
      const query = randomVector(random);
      const rare = all.filter(({ kind }) => kind === 'rare');
      const rows = await nearest(db, notes.embedding, query, {
        k: 20,
        index,
        where: eq(notes.kind, 'rare'),
        include: { id: notes.id },
      });
      expect(rows).toHaveLength(20);
      const truth = new Set(bruteForce(rare, query, 20));
      expect(rows.filter(({ id }) => truth.has(id)).length).toBeGreaterThanOrEqual(18);
      const all50 = await nearest(db, notes.embedding, query, {
        k: 80,
        index,
        where: eq(notes.kind, 'rare'),
        include: { id: notes.id },
      });
      expect(all50).toHaveLength(50);
      const none = await nearest(db, notes.embedding, query, {
        index,
        where: and(eq(notes.kind, 'rare'), gt(notes.id, 9_999)),
      });
      expect(none).toEqual([]);
    },
  );

  it('passes over rows without a vector, and those without a direction', async () => {
    const { db, all } = await scene({ count: 5 });
    await db.insert(notes).values([
      { id: 90, kind: 'none' },
      { id: 91, kind: 'zero', embedding: new Float32Array(DIMENSIONS) },
    ]);
    const rows = await nearest(db, notes.embedding, (all[0] as Note).embedding, {
      k: 10,
      include: { id: notes.id },
    });
    expect(rows.map(({ id }) => id).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
    await failure(nearest(db, notes.embedding, new Float32Array(DIMENSIONS)), ParameterError);
  });

  it('sees what its transaction has written', async () => {
    const { db, random } = await scene({ count: 50, indexed: true });
    const query = randomVector(random);
    await db.transaction(async (tx) => {
      await tx.insert(notes).values({ id: 777, kind: 'new', embedding: query });
      const wanted = { k: 1, index: 'notes_embedding', include: { id: notes.id } };
      const [first] = await nearest(tx, notes.embedding, query, wanted);
      expect(first?.id).toBe(777);
    });
  });

  it('has a compressed index give more candidates on request', async () => {
    const { db, database, random } = await scene({ count: 1_000 });
    await db.run(
      "create index small on notes (libsql_vector_idx(embedding, 'compress_neighbors=float1bit', 'max_neighbors=20'))",
    );
    const sent: string[] = [];
    const logged = drizzle({ client: database, logger: { logQuery: (query) => sent.push(query) } });
    const query = randomVector(random);
    for (const rerank of [undefined, true, 20] as const) {
      expect(
        await nearest(logged, notes.embedding, query, { k: 10, index: 'small', ...(rerank && { rerank }) }),
      ).toHaveLength(10);
    }
    const asked = sent.flatMap((text) => /vector_top_k\(\?, \?, (\d+)\)/.exec(text)?.[1] ?? []);
    expect(asked).toEqual(['10', '40', '200']);
    const queries = Array.from({ length: 20 }, () => randomVector(random));
    const report = await recall(db, notes.embedding, { queries, rerank: 20 });
    expect(report.recall).toBeGreaterThan(0.9);
    expect(report.queries).toBe(20);
  });

  /** The statements of a search. */
  async function statementsOf(database: Database, search: (db: TursoDatabase) => Promise<unknown>) {
    const sent: string[] = [];
    await search(drizzle({ client: database, logger: { logQuery: (query) => sent.push(query) } }));
    return sent;
  }

  it('asks an index from 10,000 rows on, and scans below, in two statements', async () => {
    const { db, database, random } = await scene({ count: 20, indexed: true });
    const query = randomVector(random);
    const search = (logged: TursoDatabase) => nearest(logged, notes.embedding, query, { k: 5 });
    await db.run(sql`insert into notes (id, kind) select value, 'none' from generate_series(21, 9999)`);
    const below = await statementsOf(database, search);
    expect(below).toHaveLength(2);
    expect(below[1]).not.toContain('vector_top_k');
    await db.run(sql`insert into notes (id, kind) values (10000, 'none')`);
    const [, above] = await statementsOf(database, search);
    expect(above).toContain('vector_top_k');
    await db.run('delete from notes where id = 10000');
    const [, named] = await statementsOf(database, (logged) =>
      nearest(logged, notes.embedding, query, { k: 5, index: 'notes_embedding' }),
    );
    expect(named).toContain('vector_top_k');
  });

  it('takes the metric of the index of a small table, which is not asked', async () => {
    const { db, all, random } = await scene({ count: 50 });
    await db.run("create index by_length on notes (libsql_vector_idx(embedding, 'metric=l2'))");
    const query = randomVector(random).map((component) => component * 3);
    const rows = await nearest(db, notes.embedding, query, { include: { id: notes.id } });
    expect(rows.map(({ id }) => id)).toEqual(bruteForce(all, query, 10, l2));
  });

  it('finds every exact match where vectors repeat', async () => {
    const { db, random } = await scene({ count: 0, indexed: true });
    const few = Array.from({ length: 5 }, () => randomVector(random));
    const rows = Array.from({ length: 300 }, (_, i) => ({ kind: 'copy', embedding: few[i % 5] }));
    await db.insert(notes).values(rows);
    for (const query of few) {
      const found = await nearest(db, notes.embedding, query, { k: 10, include: { id: notes.id } });
      expect(found.map(({ distance }) => Math.abs(distance) < 1e-6)).toEqual(Array(10).fill(true));
    }
  });

  it('finds columns that casing names', async () => {
    const table = sqliteTable(
      'cased_notes',
      { noteId: integer().primaryKey(), textEmbedding: vector({ dimensions: 2 }) },
      (cased) => [vectorIndex('cased_index').on(cased.textEmbedding, { metric: 'l2', searchL: 50 })],
    );
    const db = drizzle(':memory:', { casing: 'snake_case' });
    onTestFinished(() => db.$client.close());
    const [index] = getTableConfig(table).indexes;
    const dialect = new SQLiteAsyncDialect({ casing: 'snake_case' });
    const columns = index?.config.columns.map((part) => dialect.sqlToQuery(part as SQL, 'indexes').sql);
    expect(columns).toEqual(['libsql_vector_idx("text_embedding"', "'metric=l2'", "'search_l=50')"]);
    await db.run('create table cased_notes (note_id integer primary key, text_embedding f32_blob(2))');
    await db.run(`create index cased_index on cased_notes (${columns?.join(', ')})`);
    await insertMany(db, table, [{ textEmbedding: Float32Array.of(1, 2) }]);
    await db.transaction(async (tx) => {
      await insertMany(tx, table, [{ textEmbedding: Float32Array.of(3, 4) }]);
      const [first] = await nearest(tx, table.textEmbedding, [3, 4], { index: 'cased_index' });
      expect(first).toMatchObject({ noteId: 2, textEmbedding: Float32Array.of(3, 4) });
    });
    expect((await recall(db, table.textEmbedding)).recall).toBe(1);
    const [first] = await nearest(db, alias(table, 'other').textEmbedding, [1, 2], { k: 1 });
    expect(first).toMatchObject({ noteId: 1 });
  });

  it('tells how much an index finds', async () => {
    const { db } = await scene({ count: 1_000, indexed: true });
    const report = await recall(db, notes.embedding, { k: 10, queries: 30 });
    expect(report.recall).toBeGreaterThan(0.9);
    expect(report.recall).toBeLessThanOrEqual(1);
    expect(report.indexTime).toBeGreaterThan(0);
  });

  it('can not use an index of another metric or name', async () => {
    const { db, random } = await scene({ count: 10, indexed: true });
    const query = randomVector(random);
    await failure(nearest(db, notes.embedding, query, { index: 'missing' }), CapabilityError);
    await failure(
      nearest(db, notes.embedding, query, { index: 'notes_embedding', metric: 'l2' }),
      CapabilityError,
    );
    expect(await nearest(db, notes.embedding, query, { metric: 'l2' })).toHaveLength(10);
  });
});

describe('an index', () => {
  it('stays right, whatever is deleted, changed and inserted', async () => {
    const { db, all, random } = await scene({ count: 200, indexed: true });
    const current = new Map(all.map((note) => [note.id, note]));
    let found = 0;
    let wanted = 0;
    const check = async (): Promise<void> => {
      const query = randomVector(random);
      const rows = await nearest(db, notes.embedding, query, {
        k: 10,
        index: 'notes_embedding',
        include: { id: notes.id },
      });
      const truth = new Set(bruteForce([...current.values()], query, 10));
      expect(rows.length).toBe(Math.min(10, current.size));
      const known = await db.all<{ id: number }>(
        sql`select index_key as id from notes_embedding_shadow order by 1`,
      );
      expect(known.map(({ id }) => id)).toEqual([...current.keys()].toSorted((a, b) => a - b));
      found += rows.filter(({ id }) => truth.has(id)).length;
      wanted += rows.length;
    };
    for (let round = 0; round < 15; round++) {
      const id = 1 + Math.floor(random() * 220);
      const embedding = randomVector(random);
      await db
        .insert(notes)
        .values({ id, kind: 'a', embedding })
        .onConflictDoUpdate({ target: notes.id, set: { embedding } });
      current.set(id, { id, kind: 'a', embedding });
      const gone = 1 + Math.floor(random() * 220);
      await db.delete(notes).where(eq(notes.id, gone));
      current.delete(gone);
      const changed = [...current.keys()][round];
      if (changed !== undefined) {
        const other = randomVector(random);
        await db.update(notes).set({ embedding: other }).where(eq(notes.id, changed));
        current.set(changed, { id: changed, kind: 'a', embedding: other });
      }
      await check();
    }
    await db.delete(notes);
    current.clear();
    expect(await db.all(sql`select * from notes_embedding_shadow`)).toEqual([]);
    await db.insert(notes).values(all.slice(0, 50));
    for (const note of all.slice(0, 50)) current.set(note.id, note);
    await check();
    expect(found / wanted).toBeGreaterThan(0.85);
    expect(await db.all(sql`pragma integrity_check`)).toEqual([{ integrity_check: 'ok' }]);
  });

  it('is not damaged by VACUUM, which is refused', async () => {
    const { db, database } = await scene({ count: 20, indexed: true });
    for (const statement of ['vacuum', "vacuum into 'never.db'"]) {
      expect((await failure(database.execute(statement), CapabilityError)).capability).toBe('vacuum');
    }
    await db.run('drop index notes_embedding');
    await database.execute('vacuum');
    await db.run(INDEX);
    expect(await db.all(sql`pragma integrity_check`)).toEqual([{ integrity_check: 'ok' }]);
  });

  it.each([
    ['i-x', {}],
    ['i"; drop table notes; --', {}],
    ['i', { maxNeighbors: 0 }],
    ['i', { searchL: 1.5 }],
    ['i', { alpha: 0 }],
    ['i', { metric: "l2', 'x" }],
    ['i', { compressNeighbors: 'int4' }],
    ['i', { unknown: 1 }],
  ])('with the name %s and the options %o is refused', (name, options) => {
    thrownBy(() => vectorIndex(name).on(notes.embedding, options as never), ParameterError);
  });
});

const reachable = targets.filter(({ name }) => /^(libsql file|server http|server ws|replica)/.test(name));

describe.each(reachable)('on $name', (target) => {
  it('finds the nearest, by scan and by index', async () => {
    const { db, all, random } = await scene({ count: 200, indexed: true, target });
    const query = randomVector(random);
    const exact = await nearest(db, notes.embedding, query, { index: false, include: { id: notes.id } });
    expect(exact.map(({ id }) => id)).toEqual(bruteForce(all, query, 10));
    const found = await nearest(db, notes.embedding, query, { include: { id: notes.id } });
    expect(found.length).toBe(10);
    await db.delete(notes);
    await db.insert(notes).values(all.slice(0, 20));
    expect(await nearest(db, notes.embedding, query, { k: 50, include: { id: notes.id } })).toHaveLength(20);
  });

  it('survives what is hostile', async () => {
    const { db, database, random } = await scene({ count: 30, indexed: true, target });
    const query = randomVector(random);
    for (const k of [0, -1, 2 ** 31, 268_435_455, 10_001, NaN, 1.5, Infinity, '5', 10n]) {
      await failure(nearest(db, notes.embedding, query, { k: k as number }), ParameterError);
    }
    for (const wrong of [
      [],
      [1, 2, 3],
      new Float32Array(70_000),
      new Float32Array(DIMENSIONS).fill(NaN),
      null,
      '[1]',
    ]) {
      await failure(nearest(db, notes.embedding, wrong as never), ParameterError);
    }
    for (const rerank of [0, -1, 1.5, 1e9]) {
      await failure(nearest(db, notes.embedding, query, { rerank }), ParameterError);
    }
    // Vectors that somebody else has stored.
    await db.run(sql`drop index notes_embedding`);
    for (const blob of ['010203', '', '00'.repeat(97), `${'00'.repeat(96)}02`]) {
      await database.execute(`insert into notes values (500, 'bad', x'${blob}')`);
      expect([blob.length, await failureOf(nearest(db, notes.embedding, query))]).toEqual([
        blob.length,
        expect.any(DatabaseError),
      ]);
      await database.execute('delete from notes where id = 500');
    }
    expect(await nearest(db, notes.embedding, query, { k: 5 })).toHaveLength(5);
  });
});
