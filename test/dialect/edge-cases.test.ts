import { eq, sql as drizzleSql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { type Generated, Kysely } from 'kysely';
import { describe, expect, it } from 'vitest';
import { drizzle } from '../../src/dialect/drizzle/index.js';
import { TursoDialect, TursoTypesPlugin } from '../../src/dialect/kysely/index.js';
import { openMemory } from '../support/database.js';

/** Edge cases of the model systems that are about what a builder makes of values and columns. */
describe('what a builder stores and reads', () => {
  const things = sqliteTable('things', {
    id: text()
      .primaryKey()
      .$defaultFn(() => crypto.randomUUID()),
    flag: integer({ mode: 'boolean' }),
    data: text({ mode: 'json' }),
  });
  const schema = 'create table things (id text primary key, flag boolean, data json)';

  it('booleans are 0 and 1, NULL stays NULL (#31)', async () => {
    const client = await openMemory(schema);
    const db = drizzle({ client });
    const kysely = new Kysely<{ things: { id: string; flag: boolean | null } }>({
      dialect: new TursoDialect({ database: client }),
      plugins: [new TursoTypesPlugin()],
    });
    await db.insert(things).values([
      { id: 'a', flag: true },
      { id: 'b', flag: false },
    ]);
    await kysely
      .insertInto('things')
      .values([
        { id: 'c', flag: true },
        { id: 'd', flag: null },
      ])
      .execute();
    const stored = await client.execute('select flag from things order by id', [], { rowMode: 'array' });
    expect(stored.rows).toEqual([[1], [0], [1], [null]]);
    const flags = [true, false, true, null];
    expect((await db.select().from(things).orderBy(things.id)).map(({ flag }) => flag)).toEqual(flags);
    const rows = await kysely.selectFrom('things').select('flag').orderBy('id').execute();
    expect(rows.map(({ flag }) => flag)).toEqual(flags);
  });

  it('JSON: {} stays {}, a string is one, null is NULL, what is nested is encoded (#35, #36)', async () => {
    const client = await openMemory(schema);
    const db = drizzle({ client });
    const values = [{}, [], 'a string', { at: new Date(0), n: { m: [1, null] } }, null];
    await db.insert(things).values(values.map((data, i) => ({ id: String(i), data })));
    const stored = await client.execute('select data from things order by id', [], { rowMode: 'array' });
    expect(stored.rows).toEqual([
      ['{}'],
      ['[]'],
      ['"a string"'],
      ['{"at":"1970-01-01T00:00:00.000Z","n":{"m":[1,null]}}'],
      [null],
    ]);
    const read = await db.select({ data: things.data }).from(things).orderBy(things.id);
    expect(read.map(({ data }) => data)).toEqual([
      ...[{}, [], 'a string', { at: '1970-01-01T00:00:00.000Z', n: { m: [1, null] } }, null],
    ]);
  });

  it('a UUID is made before the insert, and found by its text (#37)', async () => {
    const db = drizzle({ client: await openMemory(schema) });
    const [made] = await db.insert(things).values({ flag: true }).returning();
    expect(made?.id).toMatch(/^[\da-f]{8}-([\da-f]{4}-){3}[\da-f]{12}$/);
    expect(
      await db
        .select()
        .from(things)
        .where(eq(things.id, made?.id ?? '')),
    ).toHaveLength(1);
  });

  it("a default with a ' is escaped (#86)", async () => {
    const client = await openMemory();
    const db = new Kysely<{ notes: { id: Generated<number>; line: Generated<string> } }>({
      dialect: new TursoDialect({ database: client }),
    });
    await db.schema
      .createTable('notes')
      .addColumn('id', 'integer', (id) => id.primaryKey())
      .addColumn('line', 'text', (line) => line.defaultTo("it's"))
      .execute();
    await db.insertInto('notes').values({ id: 1 }).execute();
    expect(await db.selectFrom('notes').select('line').execute()).toEqual([{ line: "it's" }]);
    const row = await drizzle({ client }).all(drizzleSql`select ${"it's"} as inlined`.inlineParams());
    expect(row).toEqual([{ inlined: "it's" }]);
  });
});
