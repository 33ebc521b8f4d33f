import {
  Column,
  is,
  Param,
  type Relation,
  SQL,
  type SQLChunk,
  Subquery,
  sql,
  type TablesRelationalConfig,
} from 'drizzle-orm';
import { getViewConfig, integer, SQLiteAsyncDialect, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sqlInternals } from '../../../src/dialect/drizzle/internals.js';
import { makeJsonExact } from '../../../src/dialect/drizzle/relational-query.js';
import { TursoSQLiteDialect } from '../../../src/dialect/drizzle/sql-dialect.js';
import {
  adults,
  builderDb,
  files,
  inexactQueries,
  posts,
  queries,
  relational,
  strange,
  users,
} from './corpus.js';
import { otherCore as core, other } from './other-copy.js';

fc.configureGlobal({ seed: 20_240_229 });

const casings = [undefined, 'snake_case', 'camelCase'] as const;

/** What both dialects build, without what only Drizzle's has: the typings, which nothing for SQLite reads. */
function bothBuild(
  casing: (typeof casings)[number],
  build: (dialect: SQLiteAsyncDialect) => SQL,
  forIndex = false,
) {
  const config = casing ? { casing } : {};
  const built = [new SQLiteAsyncDialect(config), new TursoSQLiteDialect(config)].map((dialect) => {
    const { sql: statement, params } = dialect.sqlToQuery(build(dialect), forIndex ? 'indexes' : undefined);
    return { sql: statement, params };
  });
  return { stock: built[0], ours: built[1] };
}

describe.each(casings)('the SQL of casing %s', (casing) => {
  const config = casing ? { casing } : {};
  const stockDb = builderDb(new SQLiteAsyncDialect(config));
  const ourDb = builderDb(new TursoSQLiteDialect(config));

  it.each(Object.entries(queries))("is Drizzle's for: %s", (_name, build) => {
    const expected = build(stockDb).toSQL();
    const own = build(ourDb).toSQL();
    expect(own.sql).toBe(expected.sql);
    expect(own.params).toEqual(expected.params);
    expect(build(ourDb).toSQL()).toEqual(own);
  });

  it.each(Object.entries(inexactQueries))("is Drizzle's but for the inexact cells of: %s", (_name, build) => {
    const cell =
      /case typeof\(("[^"]+")\) when 'real' then json\(printf\('%!\.17g', \1\)\) when 'blob' then json_array\(hex\(\1\)\) else \1 end/g;
    const own = build(ourDb).toSQL();
    const plain = own.sql.replaceAll(cell, '$1');
    expect(plain).not.toBe(own.sql);
    expect(plain).toBe(build(stockDb).toSQL().sql);
    expect(own.params).toEqual(build(stockDb).toSQL().params);
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

/** The tables that Drizzle would watch for its cache. */
function usedTables(dialect: SQLiteAsyncDialect): string[][] {
  const db = builderDb(dialect);
  return [db.select().from(users), db.insert(files).values({ id: 1 })].map(
    // Every builder has getSQL at run time, and every SQL the list of its tables.
    (query) => (query as unknown as { getSQL(): { usedTables: string[] } }).getSQL().usedTables,
  );
}

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
    expect(usedTables(dialect)).toEqual([['users'], ['files']]);
    expect(usedTables(dialect)).toEqual(usedTables(new SQLiteAsyncDialect()));
  });

  it('encodes an object without a prototype', () => {
    const value: unknown = Object.assign(Object.create(null), { theme: 'dark' });
    const { params } = dialect.sqlToQuery(sql`${sql.param(value, users.settings)}`);
    expect(params).toEqual(['{"theme":"dark"}']);
  });

  it('takes the decoder of the only field of a subquery', () => {
    const expression = sql`1`.mapWith(String);
    const subquery = new Subquery(sql`select 1`, { n: expression }, 'n');
    db.select({ n: subquery }).from(users).toSQL();
    const { decoder } = sqlInternals(subquery._.sql);
    expect(decoder).toBe(sqlInternals(expression).decoder);
  });

  it('refuses a relational query that another version of Drizzle builds another way', () => {
    const relation = (relational.tables as TablesRelationalConfig).users?.relations.posts as Relation;
    const selection = [{ field: posts.rating }, { field: posts.id }];
    for (const unknown of [
      sql`1`,
      sql`${sql`a`}`,
      sql`${sql`${sql`a, b`}`}`,
      sql`${sql`${sql.join([sql`a`, sql`, `, sql`b`])}`}`,
    ]) {
      expect(() => makeJsonExact({ sql: unknown, selection }, relation)).toThrow(
        'use the version that its peer',
      );
    }
  });

  it('refuses to write a value without an SQL form into the text', () => {
    const symbol = sql`${Symbol('x')}`.inlineParams();
    expect(() => dialect.sqlToQuery(symbol)).toThrow("a symbol can't be written into SQL text");
  });
});

describe('objects of a second copy of drizzle-orm', () => {
  it('are recognised by their entity kind', () => {
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
