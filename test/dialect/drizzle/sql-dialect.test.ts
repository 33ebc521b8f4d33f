import { Column, is, Param, SQL, type SQLChunk, sql } from 'drizzle-orm';
import { getViewConfig, integer, SQLiteAsyncDialect, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TursoSQLiteDialect } from '../../../src/dialect/drizzle/sql-dialect.js';
import { adults, builderDb, files, inexactQueries, posts, queries, strange, users } from './corpus.js';

const casings = [undefined, 'snake_case', 'camelCase'] as const;

/** What both dialects build, without what only Drizzle's has: the typings, which nothing for SQLite reads. */
function bothBuild(
  casing: (typeof casings)[number],
  build: (dialect: SQLiteAsyncDialect) => SQL,
  forIndex = false,
) {
  const config = casing ? { casing } : {};
  const [stock, ours] = [new SQLiteAsyncDialect(config), new TursoSQLiteDialect(config)].map((dialect) => {
    const { sql: text, params } = dialect.sqlToQuery(build(dialect), forIndex ? 'indexes' : undefined);
    return { sql: text, params };
  });
  return { stock, ours };
}

describe.each(casings)('the SQL of casing %s', (casing) => {
  const config = casing ? { casing } : {};
  const stock = builderDb(new SQLiteAsyncDialect(config));
  const ours = builderDb(new TursoSQLiteDialect(config));

  it.each(Object.entries(queries))("is Drizzle's for: %s", (_name, build) => {
    const { sql: text, params } = build(stock).toSQL();
    const own = build(ours).toSQL();
    expect(own.sql).toBe(text);
    expect(own.params).toEqual(params);
    expect(build(ours).toSQL()).toEqual(own);
  });

  it.each(Object.entries(inexactQueries))("is Drizzle's but for the inexact cells of: %s", (_name, build) => {
    const cell =
      /case typeof\(("[^"]+")\) when 'real' then json\(printf\('%!\.17g', \1\)\) when 'blob' then json_array\(hex\(\1\)\) else \1 end/g;
    const own = build(ours).toSQL();
    const text = own.sql.replaceAll(cell, '$1');
    expect(text).not.toBe(own.sql);
    expect(text).toBe(build(stock).toSQL().sql);
    expect(own.params).toEqual(build(stock).toSQL().params);
  });

  it('names columns without their table in an index', () => {
    const { stock, ours } = bothBuild(
      casing,
      () => sql`${users.fullName}, lower(${users.email}), ${users}`,
      true,
    );
    expect(ours).toEqual(stock);
  });

  it('writes the definition of a view with its values', () => {
    // A view that was made from a query has it.
    const definition = getViewConfig(adults).query as SQL;
    const { stock, ours } = bothBuild(casing, () => definition);
    expect(ours).toEqual(stock);
    expect(ours?.sql).toMatch(/ >= 18$/);
  });
});

describe('the corpus', () => {
  it('is broad', () => expect(Object.keys(queries).length).toBeGreaterThanOrEqual(120));
});

describe('building', () => {
  const dialect = new TursoSQLiteDialect();
  const db = builderDb(dialect);

  it('refuses a column whose table is not in the query, as Drizzle does', () => {
    const wrong = (of: typeof db) => () =>
      of.select({ id: posts.id, name: users.fullName }).from(posts).toSQL();
    expect(wrong(db)).toThrow('Your "name" field references a column "users"."fullName"');
    let message = '';
    try {
      wrong(builderDb(new SQLiteAsyncDialect()))();
    } catch (error) {
      message = (error as Error).message;
    }
    expect(wrong(db)).toThrow(message);
  });

  it('inserts more values than a call has arguments', () => {
    const rows = Array.from({ length: 70_000 }, (_, i) => ({ id: i, quotedName: `n${i}` }));
    const query = db.insert(strange).values(rows).toSQL();
    expect(query.params).toHaveLength(140_000);
    expect(query.params.slice(-2)).toEqual([69_999, 'n69999']);
    expect(query.sql.endsWith('(?, ?), (?, ?)')).toBe(true);
  });

  it('names the columns of two tables of one name by casing', () => {
    const one = sqliteTable('same', { firstKey: integer() });
    const two = sqliteTable('same', { otherKey: text() });
    const snake = builderDb(new TursoSQLiteDialect({ casing: 'snake_case' }));
    expect(snake.select().from(one).toSQL().sql).toBe('select "first_key" from "same"');
    expect(snake.select().from(two).toSQL().sql).toBe('select "other_key" from "same"');
  });

  it('lists the tables that a select and an insert use', () => {
    const usedTables = (of: SQLiteAsyncDialect) =>
      [builderDb(of).select().from(users), builderDb(of).insert(files).values({ id: 1 })].map(
        (query) => (query as unknown as { getSQL(): { usedTables: string[] } }).getSQL().usedTables,
      );
    expect(usedTables(dialect)).toEqual([['users'], ['files']]);
    expect(usedTables(dialect)).toEqual(usedTables(new SQLiteAsyncDialect()));
  });

  it('refuses to write a value without an SQL form into the text', () => {
    const symbol = sql`${Symbol('x')}`.inlineParams();
    expect(() => dialect.sqlToQuery(symbol)).toThrow("a symbol can't be written into SQL text");
  });
});

describe('objects of a second copy of drizzle-orm', () => {
  it('are recognised by their entity kind', async () => {
    const { createRequire } = await import('node:module');
    const require = createRequire(import.meta.url);
    const other: typeof import('drizzle-orm') = require('drizzle-orm');
    const core: typeof import('drizzle-orm/sqlite-core') = require('drizzle-orm/sqlite-core');
    expect(other.SQL).not.toBe(SQL);
    const table = core.sqliteTable('t', {
      id: core.integer('id'),
      at: core.integer('at', { mode: 'timestamp' }),
    });
    const build = (dialect: SQLiteAsyncDialect) => {
      const db = builderDb(dialect);
      const rows = db.select({ id: table.id, n: other.sql`${table.at} + ${1}`.as('n') }).from(table);
      return rows
        .where(other.and(other.eq(table.at, new Date(1000)), other.inArray(table.id, [1, 2])))
        .getSQL();
    };
    const { stock, ours } = bothBuild(undefined, build);
    expect(ours).toEqual(stock);
    expect(ours?.params).toEqual([1, 1, 1, 2]);
  });
});

describe('random expressions', () => {
  const columns = Object.values(users).filter((value): value is Column => is(value, Column));
  const scalar = fc.oneof(
    fc.integer(),
    fc.double(),
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    fc.constant(undefined),
    fc.date({ noInvalidDate: true }),
    fc.array(fc.integer(), { maxLength: 3 }),
    fc.record({ a: fc.string() }, { noNullPrototype: true }),
  );
  const { chunk } = fc.letrec<{ chunk: unknown; expression: SQL }>((tie) => ({
    chunk: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      scalar,
      fc.constantFrom<unknown>(...columns, users, posts, adults, sql.placeholder('p'), sql.identifier('a"b')),
      fc.string().map((name) => sql.identifier(name)),
      fc.string().map((value) => new Param(value, users.fullName)),
      fc.date({ noInvalidDate: true }).map((value) => new Param(value, users.createdAt)),
      fc.constant(new Param([1, 2], files.at)),
      fc.constant(new Param(sql.placeholder('q'), users.createdAt)),
      tie('expression'),
      fc.array(tie('chunk'), { maxLength: 3 }),
      tie('expression').map((expression) => expression.as('named')),
      tie('expression').map((expression) => ({ getSQL: () => expression })),
      tie('expression').map((expression) => ({ getSQL: () => expression, shouldOmitSQLParens: () => true })),
      tie('expression').map((expression) =>
        builderDb(new TursoSQLiteDialect())
          .select({ v: expression.as('v') })
          .from(users)
          .as('sub'),
      ),
    ),
    expression: fc
      .tuple(fc.array(tie('chunk'), { maxLength: 4 }), fc.boolean(), fc.integer({ min: 0, max: 3 }))
      .map(([chunks, isTemplate, inline]) => {
        // Chunks are what a template takes.
        const parts = chunks as SQLChunk[];
        const made = isTemplate
          ? sql(
              Object.assign([...chunks.map((_, i) => ` t${i} `), ' '], {
                raw: [],
              }) as unknown as TemplateStringsArray,
              ...parts,
            )
          : sql.join(parts, sql`, `);
        return inline === 0 ? made.inlineParams() : made;
      }),
  }));

  it("become Drizzle's text and parameters", () => {
    fc.assert(
      fc.property(chunk, fc.constantFrom(...casings), (part, casing) => {
        const { stock, ours } = bothBuild(casing, () => sql`select ${part}`);
        expect(ours).toEqual(stock);
      }),
      { numRuns: 2000 },
    );
  });
});
