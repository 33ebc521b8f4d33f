import { blob, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { CamelCasePlugin, sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { drizzle } from '../../../src/dialect/drizzle/index.js';
import { json, TursoTypesPlugin, type TursoTypesPluginOptions } from '../../../src/dialect/kysely/index.js';
import { ConfigError, ParameterError, ValueError } from '../../../src/index.js';
import { openMemory } from '../../support/database.js';
import { failure } from '../../support/outcome.js';
import { openKysely } from './scene.js';

// oxlint-disable-next-line typescript/no-explicit-any -- values of every kind are put in
type Anything = any;

interface Tables {
  events: { id: Anything; payload: Anything; done: Anything; at: Anything; day: Anything };
}

const EVENTS =
  'create table events (id integer primary key, payload json, done boolean, at timestamp(3), day date)';

async function scene(options?: TursoTypesPluginOptions, schema = EVENTS) {
  const database = await openMemory(schema);
  const db = openKysely<Tables>({ database }, { plugins: [new TursoTypesPlugin(options)] });
  const stored = async (text_: string): Promise<unknown[]> =>
    (await database.execute(text_, [], { rowMode: 'array' })).rows[0] ?? [];
  return { database, db, stored };
}

const NOON = new Date('2026-03-01T12:00:00.250Z');

describe('by declared type', () => {
  it('values go in and come back', async () => {
    const { db, stored } = await scene();
    const payload = { a: [1, 'zwei', { drei: null }], t: true };
    await db.insertInto('events').values({ id: 1, payload, done: true, at: NOON, day: NOON }).execute();
    expect(await stored('select payload, done, at, day from events')).toEqual([
      JSON.stringify(payload),
      1,
      '2026-03-01T12:00:00.250Z',
      '2026-03-01T12:00:00.250Z',
    ]);
    const row = { id: 1, payload, done: true, at: NOON, day: NOON };
    expect(await db.selectFrom('events').selectAll().execute()).toEqual([row]);
    const renamed = db.selectFrom('events as e').select(['e.payload as p', 'e.done as d', 'e.at as t']);
    expect(await renamed.execute()).toEqual([{ p: payload, d: true, t: NOON }]);
    const nested = db
      .with('x', (q) => q.selectFrom('events').selectAll())
      .selectFrom('x')
      .select('done');
    expect(await nested.execute()).toEqual([{ done: true }]);
    const updated = db.updateTable('events').set({ done: false, payload: [] }).returning(['done', 'payload']);
    expect(await updated.execute()).toEqual([{ done: false, payload: [] }]);
    for await (const { at } of db.selectFrom('events').select('at').stream()) expect(at).toEqual(NOON);
    const found = db.selectFrom('events').select('id').where('at', '=', NOON);
    expect(await found.execute()).toEqual([{ id: 1 }]);
  });

  it('NULL stays, and everything else is left alone', async () => {
    const { db } = await scene();
    const bytes = new Uint8Array([1, 2]);
    await db.insertInto('events').values({ id: 1, payload: null, done: null, at: null, day: null }).execute();
    const [row] = await db.selectFrom('events').selectAll().select(sql`${bytes}`.as('bytes')).execute();
    expect(row).toEqual({ id: 1, payload: null, done: null, at: null, day: null, bytes });
    expect((await sql`select ${'text'} as a, ${2n} as b`.execute(db)).rows).toEqual([{ a: 'text', b: 2 }]);
  });

  it("SQLite's own dates are UTC", async () => {
    const { db, database } = await scene();
    await database.execute(
      "insert into events (at, day) values (datetime('2026-03-01 12:00:00'), date('2026-03-01'))",
    );
    expect(await db.selectFrom('events').select(['at', 'day']).execute()).toEqual([
      { at: new Date('2026-03-01T12:00:00Z'), day: new Date('2026-03-01T00:00:00Z') },
    ]);
  });

  it('what is of another kind is an error that names the column', async () => {
    for (const [column, value] of [
      ['payload', "'{'"],
      ['done', '2'],
      ['at', "'soon'"],
      ['at', '12'],
    ] as const) {
      const { db, database } = await scene();
      await database.execute(`insert into events (${column}) values (${value})`);
      const error = await failure(db.selectFrom('events').selectAll().execute());
      expect(error).toBeInstanceOf(ValueError);
      expect(error.message).toContain(`"${column}"`);
    }
    const { db } = await scene();
    const cyclic: Record<string, unknown> = {};
    cyclic.self = cyclic;
    for (const payload of [cyclic, new Date(Number.NaN)]) {
      const insert = async () =>
        db
          .insertInto('events')
          .values({ payload } as Anything)
          .execute();
      expect(await failure(insert())).toBeInstanceOf(ParameterError);
    }
  });

  it('json() writes a JSON string', async () => {
    const { db, stored } = await scene();
    await db
      .insertInto('events')
      .values({ payload: json('text') } as Anything)
      .execute();
    expect(await stored('select payload from events')).toEqual(['"text"']);
    expect(await db.selectFrom('events').select('payload').execute()).toEqual([{ payload: 'text' }]);
    expect(() => json(undefined)).toThrow(ParameterError);
  });
});

describe('by column name', () => {
  const events = sqliteTable('events', {
    id: integer().primaryKey(),
    payload: text({ mode: 'json' }),
    done: integer({ mode: 'boolean' }),
    at: integer({ mode: 'timestamp' }),
    day: integer({ mode: 'timestamp_ms' }),
    data: blob({ mode: 'buffer' }),
  });
  const DRIZZLES =
    'create table events (id integer primary key, payload text, done integer, at integer, day integer, data blob)';
  const columns = { payload: 'json', done: 'boolean', at: 'timestamp', day: 'timestamp_ms' } as const;

  it('is the same as with the column modes of Drizzle, both ways', async () => {
    const { db, database, stored } = await scene({ columns }, DRIZZLES);
    const drizzled = drizzle({ client: database });
    const row = { id: 1, payload: 'a string', done: true, at: new Date('2026-03-01T12:00:00Z'), day: NOON };
    await drizzled.insert(events).values(row);
    const fromDrizzle = await stored('select payload, done, at, day from events');
    const select = db.selectFrom('events').select(['id', 'payload', 'done', 'at', 'day']);
    expect(await select.execute()).toEqual([row]);
    await db.deleteFrom('events').execute();
    await db.insertInto('events').values(row).execute();
    expect(await stored('select payload, done, at, day from events')).toEqual(fromDrizzle);
    expect(await drizzled.select().from(events)).toEqual([{ ...row, data: null }]);
  });

  it('works in every place of a query', async () => {
    const { db } = await scene({ columns }, DRIZZLES);
    const at = new Date('2026-03-01T12:00:00Z');
    await db
      .insertInto('events')
      .values([
        { id: 1, at, payload: 'x' },
        { id: 2, at: sql`1`, payload: null },
      ] as Anything)
      .onConflict((c) => c.column('id').doUpdateSet({ at }))
      .execute();
    const ids = async (query: { execute(): Promise<{ id: unknown }[]> }) =>
      (await query.execute()).map(({ id }) => id);
    const select = db.selectFrom('events').select('id');
    expect(await ids(select.where('at', '=', at))).toEqual([1]);
    expect(await ids(select.where('events.at', 'in', [at]))).toEqual([1]);
    expect(await ids(select.where((eb) => eb.between('at', at, at)))).toEqual([1]);
    expect(await ids(select.where('payload', '=', 'x'))).toEqual([1]);
    expect(await ids(select.where('payload', 'like', '%x%'))).toEqual([1]);
    expect(await ids(select.where('payload', 'is', null))).toEqual([2]);
    await db.updateTable('events').set({ at: NOON, payload: 'y' }).where('id', '=', 2).execute();
    expect(await db.selectFrom('events').select('payload').where('id', '=', 2).execute()).toEqual([
      { payload: 'y' },
    ]);
  });

  it('dates are kept as the option says', async () => {
    const { db, stored } = await scene({ dates: 'timestamp' });
    await db
      .insertInto('events')
      .values({ at: NOON } as Anything)
      .execute();
    expect(await stored('select at from events')).toEqual([Math.floor(NOON.getTime() / 1_000)]);
    expect(await db.selectFrom('events').select('at').execute()).toEqual([
      { at: new Date('2026-03-01T12:00:00Z') },
    ]);
  });
});

describe('beside other plugins', () => {
  it('is the first, and is told the columns of the database', async () => {
    const database = await openMemory('create table t (created_at integer, is_done boolean)');
    const types = new TursoTypesPlugin({ columns: { created_at: 'timestamp_ms' } });
    const db = openKysely<{ t: { createdAt: Date; isDone: boolean } }>(
      { database },
      { plugins: [types, new CamelCasePlugin()] },
    );
    await db.insertInto('t').values({ createdAt: NOON, isDone: true }).execute();
    expect(await db.selectFrom('t').selectAll().execute()).toEqual([{ createdAt: NOON, isDone: true }]);
    const wrong = openKysely<{ t: { isDone: boolean } }>(
      { database },
      { plugins: [new CamelCasePlugin(), types] },
    );
    expect(await failure(wrong.selectFrom('t').select('isDone').execute())).toBeInstanceOf(ConfigError);
  });
});
