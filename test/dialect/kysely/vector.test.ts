import { CamelCasePlugin, Kysely, sql } from 'kysely';
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  cosineDistance,
  dotProduct,
  insertMany,
  jaccardDistance,
  l2Distance,
  nearest,
  recall,
  TursoDialect,
  TursoTypesPlugin,
  type VectorColumn,
  vectorIndex,
  vectorType,
} from '../../../src/dialect/kysely/index.js';
import type { VectorIndexOptions } from '../../../src/vector/index.js';
import { CapabilityError, ParameterError, ValueError } from '../../../src/index.js';
import { openDatabase } from '../../support/database.js';
import { failure, thrownBy } from '../../support/outcome.js';

interface Schema {
  notes: { id: number; kind: string; embedding: VectorColumn | null };
}

const SHAPE = { type: 'float32', dimensions: 3 } as const;

async function open(config: { indexed?: boolean } = {}): Promise<Kysely<Schema>> {
  const database = openDatabase({ url: ':memory:' });
  const db = new Kysely<Schema>({
    dialect: new TursoDialect({ database }),
    plugins: [new TursoTypesPlugin({ columns: { embedding: SHAPE } })],
  });
  await db.schema
    .createTable('notes')
    .addColumn('id', 'integer', (id) => id.primaryKey())
    .addColumn('kind', 'text', (kind) => kind.notNull())
    .addColumn('embedding', vectorType(SHAPE))
    .execute();
  const rows = Array.from({ length: 60 }, (_, i) => ({
    id: i + 1,
    kind: i % 6 === 0 ? 'rare' : 'common',
    embedding: [Math.cos(i / 10), Math.sin(i / 10), i / 60],
  }));
  await db.insertInto('notes').values(rows).execute();
  if (config.indexed) {
    await db.schema
      .createIndex('notes_embedding')
      .on('notes')
      .expression(vectorIndex('embedding', { metric: 'cosine' }))
      .execute();
  }
  return db;
}

describe('columns', () => {
  it('take arrays and give Float32Arrays', async () => {
    const db = await open();
    await db
      .updateTable('notes')
      .set({ embedding: Float32Array.of(7, 8, 9) })
      .where('id', '=', 1)
      .execute();
    const row = await db.selectFrom('notes').selectAll().where('id', '=', 1).executeTakeFirstOrThrow();
    expect(row.embedding).toEqual(Float32Array.of(7, 8, 9));
    expectTypeOf(row.embedding).toEqualTypeOf<Float32Array | null>();
    const { rows } = await sql<{
      t: string;
      n: number;
    }>`select typeof(embedding) as t, length(embedding) as n from notes`.execute(db);
    expect(rows.every(({ t, n }) => t === 'blob' && n === 12)).toBe(true);
  });

  it('refuse what is no vector of theirs', async () => {
    const db = await open();
    for (const embedding of [[1, 2], [1, 2, NaN], 'text']) {
      await failure(
        async () =>
          await db
            .insertInto('notes')
            .values({ id: 99, kind: 'a', embedding: embedding as never })
            .execute(),
        ParameterError,
      );
    }
    await sql`insert into notes values (100, 'bad', x'01')`.execute(db);
    await failure(async () => await db.selectFrom('notes').selectAll().execute(), ValueError);
  });

  it('of wrong dimensions are refused', () => {
    thrownBy(() => vectorType({ dimensions: 70_000 }), ParameterError);
    thrownBy(() => vectorIndex('embedding', { maxNeighbors: 0 }), ParameterError);
  });

  it.each<VectorIndexOptions>([
    ...(['float32', 'float16', 'bfloat16', 'float8', 'float1bit'] as const).map((compressNeighbors) => ({
      compressNeighbors,
    })),
    { metric: 'l2' },
    { maxNeighbors: 3 },
    { searchL: 4 },
    { insertL: 4 },
    { alpha: 2 },
  ])('an index with %o is what the engine makes of it', async (options) => {
    const db = await open();
    await db.schema
      .createIndex('notes_embedding')
      .on('notes')
      .expression(vectorIndex('embedding', options))
      .execute();
    const stored = await sql<{ metadata: Uint8Array }>`
      select metadata from libsql_vector_meta_shadow where name = 'notes_embedding'`.execute(db);
    const plain = await open({ indexed: true });
    const usual = await sql<{ metadata: Uint8Array }>`
      select metadata from libsql_vector_meta_shadow where name = 'notes_embedding'`.execute(plain);
    expect(stored.rows).toHaveLength(1);
    expect(stored.rows).not.toEqual(usual.rows);
    const found = await nearest(db, 'notes', 'embedding', [1, 0, 0], { k: 3, index: 'notes_embedding' });
    expect(found).toHaveLength(3);
  });
});

describe('distances', () => {
  it('can be selected and ordered by, and are NULL where a vector is', async () => {
    const db = await open();
    await db.insertInto('notes').values({ id: 99, kind: 'none', embedding: null }).execute();
    const rows = await db
      .selectFrom('notes')
      .select((eb) => [
        'id',
        cosineDistance(eb.ref('embedding'), [1, 0, 0]).as('cos'),
        l2Distance(eb.ref('embedding'), Float32Array.of(1, 0, 0)).as('l2'),
      ])
      .orderBy('l2', (order) => order.asc().nullsLast())
      .execute();
    expect(rows[0]).toEqual({ id: 1, cos: 0, l2: 0 });
    expect(rows.at(-1)).toEqual({ id: 99, cos: null, l2: null });
    expectTypeOf(rows[0]?.cos).toEqualTypeOf<number | null | undefined>();
  });

  it('that the engine has not are a CapabilityError', () => {
    thrownBy(() => dotProduct([1], [1]), CapabilityError);
    thrownBy(() => jaccardDistance([1], [1]), CapabilityError);
    thrownBy(() => l2Distance([1], [1], 'float1bit'), CapabilityError);
  });
});

describe.each([false, true])('nearest (index: %s)', (indexed) => {
  const index = indexed ? 'notes_embedding' : false;

  it('gives the nearest rows, their columns and distances', async () => {
    const db = await open({ indexed });
    const rows = await nearest(db, 'notes', 'embedding', [1, 0, 0], { k: 3, index, include: ['id', 'kind'] });
    expect(rows.map(({ id }) => id)).toEqual([1, 2, 3]);
    expect(Object.keys(rows[0] ?? {})).toEqual(['id', 'kind', 'distance']);
    expectTypeOf(rows[0]?.kind).toEqualTypeOf<string | undefined>();
    const [first] = await nearest(db, 'notes', 'embedding', [1, 0, 0], { k: 1 });
    expect(first?.embedding).toEqual(Float32Array.of(1, 0, 0));
  });

  it('meets a condition', async () => {
    const db = await open({ indexed });
    const rows = await nearest(db, 'notes', 'embedding', [1, 0, 0], {
      k: 4,
      index,
      where: (eb) => eb('kind', '=', 'rare'),
      include: ['id', 'kind'],
    });
    expect(rows.map(({ id }) => id)).toEqual([1, 7, 55, 13]);
  });

  it('works in a transaction', async () => {
    const db = await open({ indexed });
    await db.transaction().execute(async (trx) => {
      await trx
        .insertInto('notes')
        .values({ id: 500, kind: 'new', embedding: [0, 0, -1] })
        .execute();
      const [first] = await nearest(trx, 'notes', 'embedding', [0, 0, -1], { k: 1, index });
      expect(first?.id).toBe(500);
    });
  });

  it('refuses what is hostile', async () => {
    const db = await open({ indexed });
    for (const k of [0, -1, 2 ** 31, NaN]) {
      await failure(nearest(db, 'notes', 'embedding', [1, 0, 0], { k }), ParameterError);
    }
    await failure(nearest(db, 'notes', 'embedding', [1, 0]), ParameterError);
    await failure(nearest(db, 'notes', 'kind', [1, 0, 0]), ParameterError);
    await failure(nearest(db, 'notes', 'missing' as never, [1, 0, 0]), ParameterError);
    await failure(nearest(db, 'notes', 'embedding', [1, 0, 0], { index: 'missing' }), CapabilityError);
  });

  it('tells how much an index finds', async () => {
    const db = await open({ indexed });
    const report = await recall(db, 'notes', 'embedding', { k: 5, queries: 10 });
    expect(report.recall).toBeGreaterThan(0.9);
    expect(report.queries).toBe(10);
  });
});

describe('behind plugins that change names', () => {
  interface Cased {
    myNotes: { noteId: number; text: string; textEmbedding: VectorColumn; createdAt: Date };
  }

  it.each([
    ['by default', {}],
    ['in capitals', { upperCase: true }],
  ])('nearest, recall, vectorIndex and insertMany find columns, %s', async (_name, options) => {
    const database = openDatabase({ url: ':memory:' });
    const db = new Kysely<Cased>({
      dialect: new TursoDialect({ database }),
      plugins: [
        // A name that the search uses itself for something else.
        new TursoTypesPlugin({ columns: { textEmbedding: SHAPE, text: 'json', createdAt: 'timestamp_ms' } }),
        new CamelCasePlugin(options),
      ],
    });
    await db.schema
      .createTable('myNotes')
      .addColumn('noteId', 'text', (id) => id.primaryKey())
      .addColumn('text', 'text')
      .addColumn('textEmbedding', vectorType(SHAPE))
      .addColumn('createdAt', 'integer')
      .modifyEnd(sql`without rowid`)
      .execute();
    await db.schema
      .createIndex('notes_index')
      .on('myNotes')
      .expression(vectorIndex('textEmbedding', { metric: 'l2' }))
      .execute();
    const rows = [1, 2, 3].map((i) => ({
      ...{ noteId: i, text: `${i}`, textEmbedding: [i, 0, 0], createdAt: new Date(i) },
    }));
    await insertMany(db, 'myNotes', rows);
    for (const index of ['auto', 'notes_index', false] as const) {
      const [near] = await nearest(db, 'myNotes', 'textEmbedding', [2, 0, 0], { k: 1, index, metric: 'l2' });
      expect(near).toEqual({
        ...{ noteId: '2', text: '2', textEmbedding: Float32Array.of(2, 0, 0), createdAt: new Date(2) },
        distance: 0,
      });
      const include = ['createdAt'] as const;
      const [chosen] = await db
        .transaction()
        .execute((trx) =>
          nearest(trx, 'myNotes', 'textEmbedding', [3, 0, 0], { k: 1, index, metric: 'l2', include }),
        );
      expect(chosen).toEqual({ createdAt: new Date(3), distance: 0 });
    }
    expect((await recall(db, 'myNotes', 'textEmbedding', { k: 2 })).recall).toBe(1);
    const stored = await database.execute('select created_at from my_notes', [], { rowMode: 'array' });
    expect(stored.rows).toEqual([[1], [2], [3]]);
  });
});
