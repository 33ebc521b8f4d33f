import {
  aliasedTable,
  Column,
  getTableName,
  count,
  eq,
  gt,
  is,
  mapRelationalRow,
  max,
  sql,
  sum,
  type TableRelationalConfig,
  type TablesRelationalConfig,
} from 'drizzle-orm';
import * as drizzle from 'drizzle-orm';
import { type SelectedFieldsOrdered, SQLiteAsyncDialect } from 'drizzle-orm/sqlite-core';
import * as fc from 'fast-check';
import Database from 'libsql';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { parseExactJson } from '../../../src/dialect/drizzle/exact-json.js';
import type { DecodeOptions } from '../../../src/dialect/drizzle/field-decoder.js';
import {
  compileRelationalDecoder,
  compileRowDecoder,
  type RelationalSelection,
  type RowDecoder,
} from '../../../src/dialect/drizzle/row-decoder.js';
import { TursoSQLiteDialect } from '../../../src/dialect/drizzle/sql-dialect.js';
import { encodeParameters, type IntMode, type SqlValue } from '../../../src/values.js';
import { builderDb, files, inexactQueries, posts, queries, relational, users } from './corpus.js';
import { otherCore as core, other } from './other-copy.js';

fc.configureGlobal({ seed: 20_240_229 });

type Row = Record<string, unknown>;
type MapResultRow = (fields: SelectedFieldsOrdered, row: unknown[], joins?: Record<string, boolean>) => Row;
// drizzle-orm exports these two and does not declare them.
const { mapResultRow, orderSelectedFields } = drizzle as unknown as {
  mapResultRow: MapResultRow;
  orderSelectedFields(fields: object): SelectedFieldsOrdered;
};

const options = (intMode: IntMode = 'number'): DecodeOptions => ({
  intMode,
  onUnsafeInteger: (name) => new RangeError(`unsafe: ${name}`),
});

const native = new Database(':memory:');
afterAll(() => native.close());
const BIG = 9007199254740993n;

/** Runs a query and gives the rows as an engine does: safe integers as numbers, or all as `bigint`. */
function rowsOf(query: { sql: string; params: readonly unknown[] }, exact = false): SqlValue[][] {
  const statement = native.prepare(query.sql).safeIntegers(true).raw(true);
  const values = encodeParameters(query.params, { nulInText: false });
  const rows = statement.all([...values]) as SqlValue[][];
  return exact ? rows : rows.map((row) => row.map(narrow));
}

function narrow(value: SqlValue): SqlValue {
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

native.exec(`
  create table users (id integer primary key, fullName text, email text, role text, age integer, score real, created_at integer,
    updatedAt integer, isActive integer, settings text, managerId integer, touched text);
  create table posts (id integer primary key, authorId integer, title text, bodyText text, price numeric, exact numeric,
    plain numeric, rating real, views integer, words integer);
  create table files (id integer primary key, postId integer, data blob, big blob, json blob, at F32_BLOB(2));
  create table existing (id integer, someName text);
  create table "app_we""ird" ("i""d" integer primary key, quotedName text);
  create view adults as select * from users where age >= 18;
  create view totals as select authorId, total(price) as total from posts group by 1;
  insert into users values
    (1, 'Ada', 'a@x', 'admin', 36, 0.1 + 0.2, 1700000000, 1700000000123, 1, '{"theme":"it''s \\u0041"}', null, null),
    (2, 'Bob "B"', null, 'user', 17, 5e-324, 0, null, 0, null, 1, 'x'),
    (3, 'Cy', 'c@x', null, null, null, null, null, null, '[1,2]', 1, null);
  insert into posts values
    (1, 1, 'one', 'b', 842999032.6216381, ${BIG}, 0.1 + 0.2, 1e21, ${BIG}, 3),
    (2, 1, null, null, 3, 9223372036854775807, 'text', -1.7976931348623157e308, 7, null),
    (3, 2, 'three', 'b', null, null, null, 2.0, -9223372036854775807 - 1, 5),
    (4, null, 'orphan', null, 1.5, 4, 12, null, null, 6);
  insert into files values
    (1, 1, x'00ff10', cast('${BIG}' as blob), cast('{"a":[1.5]}' as blob), vector32('[1,2]')),
    (2, 1, x'', null, null, null);
  insert into existing values (1, 'e'), (9, null);
`);

/** What a select builder holds at run time. */
interface SelectInternals {
  config: { fields: Row };
  joinsNotNullableMap: Record<string, boolean>;
}

/** Fields and joins of a select, as the builder gives them to a session. */
function decodingOf(query: unknown): [SelectedFieldsOrdered, Record<string, boolean>] {
  const { config, joinsNotNullableMap } = query as SelectInternals;
  return [orderSelectedFields(config.fields), joinsNotNullableMap];
}

const db = builderDb(new TursoSQLiteDialect());
const isSelect = (query: object): boolean => 'joinsNotNullableMap' in query;
const bound = { age: 1, at: 0n, ages: '[1]', p: 1, q: new Date(0), l: 2, o: 0, id: 1 };
const fill = (query: { sql: string; params: unknown[] }) => ({
  sql: query.sql,
  params: drizzle.fillPlaceholders(query.params, bound),
});
// A column that is a JavaScript number can't hold them; they are tested below.
const isSafe = (row: readonly SqlValue[]) => row.every((value) => typeof value !== 'bigint');
const asBuffers = (row: readonly SqlValue[]) =>
  row.map((v) => (v instanceof Uint8Array ? Buffer.from(v) : v));

/** Decodes a row after so many others that the decoder has become a generated function. */
function generated(decode: RowDecoder, row: SqlValue[]): Row {
  for (let i = 0; i < 50; i++) decode(row);
  return decode(row);
}

/** Decodes one value of a field whose path is `at.x`. */
function decodeOne(
  field: SelectedFieldsOrdered[number]['field'],
  value: SqlValue,
  intMode?: IntMode,
): unknown {
  const row = compileRowDecoder([{ path: ['at', 'x'], field }], undefined, options(intMode))([value]);
  // The path says so.
  return (row.at as Row).x;
}

/** The row with null in the place of each object whose columns are of one table that has no row. */
function withoutAbsent(
  decoded: Row,
  fields: SelectedFieldsOrdered,
  row: readonly SqlValue[],
  joins: Record<string, boolean> | undefined,
): Row {
  const cells = fields.flatMap(({ path, field }, i) =>
    is(field, Column) ? [{ path, table: getTableName(field.table), value: row[i] }] : [],
  );
  const replace = (object: Row, path: string[]): Row => {
    const below = cells.filter((cell) => path.every((key, i) => cell.path[i] === key));
    const direct = below.filter((cell) => cell.path.length === path.length + 1);
    const tables = new Set(direct.map(({ table }) => table));
    const [table = ''] = tables;
    const deciding = [...below, ...cells.filter((cell) => cell.table === table)];
    const nullable = path.length > 0 && tables.size === 1 && joins !== undefined && !joins[table];
    // What the type says is that of the outermost object, which is never null.
    if (nullable && deciding.every(({ value }) => value === null)) return null as unknown as Row;
    const isObject = (key: string): boolean =>
      fields.some(
        ({ path: at }) => at.length > path.length + 1 && [...path, key].every((part, i) => at[i] === part),
      );
    return Object.fromEntries(
      Object.entries(object).map(([key, value]) => [
        key,
        isObject(key) ? replace(value as Row, [...path, key]) : value,
      ]),
    );
  };
  return replace(decoded, []);
}

/** Objects with some of the keys. */
function members<T>(keys: string[], value: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> {
  return fc.dictionary(fc.constantFrom(...keys), value, { noNullPrototype: true });
}

describe('rows of selects', () => {
  // Text that both dialects build alike and SQLite does not run.
  const notRun = new Set([
    'where inArray placeholder',
    'where array operator',
    'where raw',
    'where identifier',
    'where joined parts',
    'where joined without separator',
    'where inlined parameters',
    'where inlined inside',
    'where inlined objects',
    'where placeholder in inlined',
    'where parameter with encoder',
    'where parameter that is null',
    'where parameter as SQL',
    'where parameter as inlined SQL',
    'where bare values',
    'where whole table',
    'where alias of an expression',
    'where appended parts',
    'where empty expression',
    'where view',
    'select a list',
    'select from an SQL',
    'select the definition of a view',
    'union all with order and limit',
    'union with its own limits',
  ]);
  const runnable = Object.entries(queries).filter(
    ([name, build]) => isSelect(build(db)) && !notRun.has(name),
  );
  let compared = 0;

  it.each(runnable)('are those of mapResultRow: %s', (_name, build) => {
    const query = build(db);
    const { sql: text, params } = fill(query.toSQL());
    const [fields, joins] = decodingOf(query);
    const decode = compileRowDecoder(fields, joins, options());
    for (const row of rowsOf({ sql: text, params }).filter(isSafe)) {
      expect(decode(row)).toEqual(mapResultRow(fields, asBuffers(row), joins));
      compared++;
    }
    if (!fields.every(({ field }) => is(field, Column))) return;
    // What columns give does not depend on the mode.
    const exact = compileRowDecoder(fields, joins, options('bigint'));
    const safe = rowsOf({ sql: text, params }, true).filter((row) => isSafe(row.map(narrow)));
    expect(safe.map((row) => exact(row))).toEqual(
      rowsOf({ sql: text, params })
        .filter(isSafe)
        .map((row) => decode(row)),
    );
  });

  it('were compared', () => expect(compared).toBeGreaterThan(100));

  const cell = fc.oneof(
    fc.constant(null),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true }),
    fc.string(),
    fc.uint8Array({ maxLength: 4 }),
  );
  const otherPosts = aliasedTable(posts, 'other');
  const field = fc.constantFrom(
    users.id,
    users.score,
    users.fullName,
    posts.id,
    otherPosts.id,
    sql`1`,
    sql`1`.as('a'),
    sql`2`.mapWith(String),
  );
  const selection = members(
    ['a', 'b', 'c', 'users', 'posts'],
    fc.oneof(field, members(['x', 'y', 'z'], fc.oneof(field, members(['p', 'q'], field)))),
  );
  const joins = fc.option(
    fc.record(
      { users: fc.boolean(), posts: fc.boolean(), other: fc.boolean() },
      { requiredKeys: [], noNullPrototype: true },
    ),
    { nil: undefined },
  );

  it('are those of mapResultRow for any selection and joins, absent tables aside', () => {
    fc.assert(
      fc.property(selection, joins, fc.infiniteStream(cell), (fields, map, cells) => {
        const ordered = orderSelectedFields(fields);
        const row = [...cells.take(ordered.length)];
        const decode = compileRowDecoder(ordered, map, options());
        const stock = withoutAbsent(mapResultRow(ordered, asBuffers(row), undefined), ordered, row, map);
        for (const decoded of [decode(row), generated(decode, row)]) {
          expect(decoded).toEqual(stock);
          expect(JSON.stringify(decoded)).toBe(JSON.stringify(stock));
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('are the same where code may not be generated', async () => {
    const refused = vi.fn<() => never>(function refuse() {
      throw new EvalError('Code generation from strings disallowed for this context');
    });
    vi.resetModules();
    const { compileRowDecoder: compile } = await import('../../../src/dialect/drizzle/row-decoder.js');
    vi.stubGlobal('Function', Object.assign(refused, { prototype: Function.prototype }));
    try {
      const query = db.select().from(users).leftJoin(posts, eq(posts.authorId, users.id));
      const [fields, map] = decodingOf(query);
      const decode = compile(fields, map, options());
      for (const row of rowsOf(query.toSQL()).filter(isSafe)) {
        expect(generated(decode, row)).toEqual(mapResultRow(fields, asBuffers(row), map));
      }
      generated(compile([{ path: ['x'], field: sql`1` }], undefined, options()), [1]);
      expect(refused).toHaveBeenCalledTimes(1);
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it('keep a member named __proto__ a member', () => {
    const decode = compileRowDecoder([{ path: ['__proto__'], field: sql`1` }], undefined, options());
    for (const row of [decode([1]), generated(decode, [1])]) {
      expect(Object.keys(row)).toEqual(['__proto__']);
      expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
    }
  });

  it('have any key in generated code', () => {
    const key = `a"]:1}\u2028/*'`;
    const decode = compileRowDecoder([{ path: [key], field: sql`1` }], undefined, options());
    expect(generated(decode, [1])).toEqual({ [key]: 1 });
  });
});

describe('integers', () => {
  const unsafe = new RangeError('unsafe: at.x');
  const modes = ['number', 'bigint', 'string'] as const;

  it.each(modes)('are exact or an error in number columns in mode %s', (mode) => {
    for (const column of [users.id, users.createdAt, users.isActive, users.score, posts.price]) {
      expect(() => decodeOne(column, BIG, mode)).toThrow(unsafe);
    }
    expect(decodeOne(users.id, 5n, mode)).toEqual(5);
    expect(decodeOne(users.createdAt, 5n, mode)).toEqual(new Date(5000));
    expect(decodeOne(users.isActive, 1n, mode)).toEqual(true);
    expect(decodeOne(posts.price, 5n, mode)).toEqual(5);
    expect(decodeOne(aliasedTable(users, 'u').id, 5n, mode)).toEqual(5);
  });

  it.each(modes)('are exact in the other columns in mode %s', (mode) => {
    expect(decodeOne(posts.plain, BIG, mode)).toEqual(String(BIG));
    expect(decodeOne(posts.plain, 5n, mode)).toEqual('5');
    expect(decodeOne(posts.exact, BIG, mode)).toEqual(BIG);
    expect(decodeOne(posts.exact, String(BIG), mode)).toEqual(BIG);
    expect(decodeOne(posts.views, BIG, mode)).toEqual(BIG);
    expect(decodeOne(posts.views, 5n, mode)).toEqual(5n);
  });

  it('become what the mode says in expressions that nothing decodes', () => {
    for (const field of [sql`1`, sql`1`.as('n')]) {
      expect(() => decodeOne(field, BIG)).toThrow(unsafe);
      expect(decodeOne(field, 5)).toEqual(5);
      expect(decodeOne(field, BIG, 'bigint')).toEqual(BIG);
      expect(decodeOne(field, 5n, 'bigint')).toEqual(5n);
      expect(decodeOne(field, 1.5, 'bigint')).toEqual(1.5);
      expect(decodeOne(field, 5n, 'string')).toEqual('5');
      expect(decodeOne(field, null, 'string')).toEqual(null);
    }
  });

  it('are never rounded by the decoder of an expression', () => {
    expect(() => decodeOne(count(), BIG, 'bigint')).toThrow(unsafe);
    expect(decodeOne(count(), 5n, 'bigint')).toEqual(5);
    expect(decodeOne(sum(users.age), BIG)).toEqual(String(BIG));
    expect(() => decodeOne(max(users.age), BIG)).toThrow(unsafe);
    expect(decodeOne(max(users.createdAt), 5n, 'bigint')).toEqual(new Date(5000));
    expect(decodeOne(sql`1`.mapWith(BigInt), BIG)).toEqual(BIG);
    expect(decodeOne(sql`1`.mapWith(posts.views), BIG)).toEqual(BIG);
  });

  it('are decoded as the only field of a subquery', () => {
    const subquery = db.select({ v: posts.views }).from(posts).as('s');
    expect(decodeOne(subquery, BIG)).toEqual(BIG);
    const expression = db
      .select({ v: sql`1`.as('v') })
      .from(posts)
      .as('s');
    expect(() => decodeOne(expression, BIG)).toThrow(unsafe);
    const two = db.select({ v: posts.views, w: posts.id }).from(posts).as('s');
    expect(decodeOne(two, BIG, 'string')).toEqual(String(BIG));
  });

  it('are decoded alike for objects of a second copy of drizzle-orm', () => {
    expect(decodeOne(other.sql`1`, 5n, 'string')).toEqual('5');
    expect(() => decodeOne(other.sql`1`, BIG)).toThrow(unsafe);
    class Counted extends other.SQL {}
    expect(decodeOne(new Counted([]), 5n, 'string')).toEqual('5');
    const table = core.sqliteTable('t', { at: core.integer({ mode: 'timestamp' }) });
    expect(decodeOne(table.at, 5n, 'string')).toEqual(new Date(5000));
  });
});

describe('bytes', () => {
  const memory = new Uint8Array([9, 9, ...Buffer.from('{"a":1}'), 9]);
  const bytes = memory.subarray(2, 9);

  it('are a Buffer over the same memory in a buffer column and in an expression', () => {
    for (const field of [files.data, sql`1`]) {
      const buffer = decodeOne(field, bytes);
      expect(buffer).toBeInstanceOf(Buffer);
      expect(buffer).toEqual(Buffer.from('{"a":1}'));
      expect((buffer as Buffer).buffer).toBe(memory.buffer);
    }
    const buffer = Buffer.from('x');
    expect(decodeOne(files.data, buffer)).toBe(buffer);
    expect(decodeOne(files.data, 'text')).toEqual(Buffer.from('text'));
  });

  it('are read in their range by the other columns', () => {
    expect(decodeOne(files.json, bytes)).toEqual({ a: 1 });
    expect(decodeOne(files.big, new Uint8Array(Buffer.from('x123y')).subarray(1, 4))).toBe(123n);
    expect(decodeOne(files.at, new Uint8Array(new Float32Array([0, 1.5, 2]).buffer).subarray(4))).toEqual([
      1.5, 2,
    ]);
  });

  it('stay a Uint8Array where there is no Buffer', () => {
    vi.stubGlobal('Buffer', undefined);
    try {
      expect(decodeOne(files.data, bytes)).toBe(bytes);
      expect(decodeOne(files.json, bytes)).toEqual({ a: 1 });
    } finally {
      vi.unstubAllGlobals();
    }
  });
});

/** What a relational builder holds and can do at run time. */
interface RelationalInternals {
  tableConfig: TableRelationalConfig;
  _toSQL(): { query: { selection: RelationalSelection }; builtQuery: { sql: string; params: unknown[] } };
}

// The helper that made it types it more widely.
const tables = relational.tables as TablesRelationalConfig;

function relationalRows(query: unknown, intMode: IntMode = 'number'): unknown[] {
  const { tableConfig, _toSQL } = query as RelationalInternals;
  const { query: built, builtQuery } = _toSQL.call(query);
  const decode = compileRelationalDecoder(tables, tableConfig, built.selection, options(intMode));
  return rowsOf(fill(builtQuery), intMode !== 'number').map((row) => decode(row));
}

function stockRelationalRows(query: unknown): unknown[] {
  const { tableConfig, _toSQL } = query as RelationalInternals;
  const { query: built, builtQuery } = _toSQL.call(query);
  return rowsOf(fill(builtQuery)).map((row) => mapRelationalRow(tables, tableConfig, row, built.selection));
}

/** The rows of a table as a plain select gives them. */
function tableRows(query: { toSQL(): { sql: string; params: unknown[] } }): Row[] {
  const [fields, joins] = decodingOf(query);
  return rowsOf(query.toSQL()).map((row) => compileRowDecoder(fields, joins, options())(row));
}

/** A query with an expression of every kind on top and nested. */
function withExtras() {
  return db.query.users.findFirst({
    columns: {},
    extras: { top: sql<unknown>`3`.as('top') },
    with: {
      posts: {
        columns: { id: true },
        where: gt(posts.id, 0),
        limit: 1,
        extras: {
          int: sql`7`.as('int'),
          real: sql`2.0`.as('real'),
          big: sql<unknown>`${sql.raw(String(BIG))}`.as('big'),
          text: sql`'7'`.as('text'),
          json: sql`json('{"a":[1,null,{"b":${sql.raw(String(BIG))}}],"c":"d"}')`.as('json'),
        },
      },
    },
  });
}

/** What it gives but for the integers that the mode decides on. */
function extrasRows(post: object, top: unknown): object[] {
  return [{ top, posts: [{ id: 1, real: 2, text: '7', ...post }] }];
}

describe('rows of relational queries', () => {
  const all = Object.entries(queries).filter(([name]) => name.startsWith('relational'));
  const stock = builderDb(new SQLiteAsyncDialect());

  it.each(all)('are those of mapRelationalRow: %s', (_name, build) => {
    const rows = relationalRows(build(db));
    expect(rows.length).toBeGreaterThan(0);
    expect(rows).toEqual(stockRelationalRows(build(stock)));
    expect(JSON.stringify(rows)).toBe(JSON.stringify(stockRelationalRows(build(stock))));
    expect(rows).toEqual(relationalRows(build(stock)));
  });

  it.each(Object.entries(inexactQueries))('are those of the tables: %s', (_name, build) => {
    expect(relationalRows(build(db)).length).toBeGreaterThan(0);
    for (const mode of ['bigint', 'string'] as const) {
      expect(relationalRows(build(db), mode)).toEqual(relationalRows(build(db)));
    }
  });

  it('hold the same values nested as on top', () => {
    const query = db.query.users.findMany({ with: { posts: { with: { files: true } } } });
    const posted = tableRows(db.select().from(posts)).map((post) => ({
      ...post,
      files: tableRows(db.select().from(files)).filter((file) => file.postId === post.id),
    }));
    const expected = tableRows(db.select().from(users)).map((user) => ({
      ...user,
      posts: posted.filter((post) => (post as Row).authorId === user.id),
    }));
    expect(relationalRows(query)).toEqual(expected);
    const [ada] = relationalRows(query) as {
      posts: { views: bigint; price: number; files: { data: Buffer }[] }[];
    }[];
    expect(ada?.posts[0]).toMatchObject({ views: BIG, price: 842999032.6216381, rating: 1e21 });
    expect(ada?.posts[0]?.files[0]?.data).toEqual(Buffer.from([0, 255, 16]));
  });

  it('hold every REAL with all its digits, infinities too', () => {
    const query = db.query.users.findFirst({
      columns: { id: true },
      where: eq(users.id, 77),
      with: { posts: { columns: { rating: true } } },
    });
    native.exec('insert into users (id) values (77)');
    const insert = native.prepare('insert into posts (authorId, rating) values (77, ?)');
    const reals = [
      Infinity,
      -Infinity,
      5e-324,
      Number.MAX_VALUE,
      ...fc.sample(fc.double({ noNaN: true }), 300),
    ];
    for (const value of reals) insert.run([value]);
    const [user] = relationalRows(query) as { posts: { rating: number }[] }[];
    // SQLite has no negative zero.
    expect(user?.posts.map(({ rating }) => rating)).toEqual(reals.map((value) => value + 0));
    native.exec('delete from users where id = 77; ');
    native.exec('delete from posts where authorId = 77; ');
  });

  it('refuse an unsafe integer in a nested number column, by its path', () => {
    native.exec(`update posts set words = ${BIG} where id = 1`);
    const query = db.query.users.findMany({ with: { posts: { columns: { words: true } } } });
    expect(() => relationalRows(query)).toThrow(new RangeError('unsafe: posts.words'));
    native.exec('update posts set words = 3 where id = 1');
  });

  it('give the integers of nested expressions as the mode says', () => {
    expect(relationalRows(withExtras(), 'bigint')).toEqual(
      extrasRows({ int: 7n, big: BIG, json: { a: [1, null, { b: BIG }], c: 'd' } }, 3n),
    );
    expect(relationalRows(withExtras(), 'string')).toEqual(
      extrasRows({ int: '7', big: String(BIG), json: { a: [1, null, { b: String(BIG) }], c: 'd' } }, '3'),
    );
    expect(() => relationalRows(withExtras())).toThrow(new RangeError('unsafe: posts.big'));
  });

  it('refuse an unsafe integer inside a document in mode number', () => {
    const query = db.query.users.findFirst({
      columns: { id: true },
      with: {
        posts: {
          extras: { json: sql`json_array(${sql.raw(String(BIG))})`.as('json') },
          columns: { id: true },
        },
      },
    });
    expect(() => relationalRows(query)).toThrow(new RangeError('unsafe: posts.json'));
  });

  it('hold bytes where there is no Buffer', () => {
    const query = db.query.posts.findFirst({
      columns: { id: true },
      with: { files: { columns: { data: true } } },
    });
    const { tableConfig, _toSQL } = query as unknown as RelationalInternals;
    const { query: built } = _toSQL.call(query);
    vi.stubGlobal('Buffer', undefined);
    try {
      const decode = compileRelationalDecoder(tables, tableConfig, built.selection, options());
      expect(decode([1, '[[["00FF10"]],[null]]'])).toEqual({
        id: 1,
        files: [{ data: new Uint8Array([0, 255, 16]) }, { data: null }],
      });
    } finally {
      vi.unstubAllGlobals();
    }
  });
});

describe('exact JSON', () => {
  const shortJson = fc.json().filter((text) => !/\d{16}/.test(text));

  it('is what JSON.parse gives when no integer is long', () => {
    fc.assert(
      fc.property(shortJson, fc.boolean(), (text, pad) => {
        const padded = pad ? ` [ ${text} , "${'1'.repeat(20)}" , {"k" : 1234567890123456789.5 } ] ` : text;
        // The parser is asked by a long integer before the text, which is then taken away.
        const [, parsed] = parseExactJson(`[12345678901234567890,${padded}]`, false) as unknown[];
        expect(parsed).toEqual(JSON.parse(padded));
        expect(parseExactJson(padded, false)).toEqual(JSON.parse(padded));
      }),
    );
  });

  it('keeps every integer', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })), (values) => {
        const parsed = parseExactJson(`[${values.join(',')}]`, false) as (number | bigint)[];
        expect(parsed.map(BigInt)).toEqual(values);
        expect(parsed.every((v) => typeof v === 'bigint' || Number.isSafeInteger(v))).toBe(true);
        expect(parseExactJson(`{"a" : [${values.join(' , ')}]}`, true)).toEqual({ a: values });
      }),
    );
  });

  it.each([
    ['9007199254740993', 9007199254740993n],
    ['-9007199254740993', -9007199254740993n],
    ['9007199254740991', 9007199254740991],
    ['[1e400,-9.0e+999,12345678901234567890.5]', [Infinity, -Infinity, 12345678901234567168]],
    ['["9007199254740993",",9007199254740993,"]', ['9007199254740993', ',9007199254740993,']],
  ])('reads %s', (text, value) => expect(parseExactJson(text, false)).toEqual(value));

  it('keeps a member named __proto__', () => {
    const parsed = parseExactJson('{"__proto__":[9007199254740993]}', false) as object;
    expect(Object.entries(parsed)).toEqual([['__proto__', [BIG]]]);
  });

  it.each([
    '',
    '[',
    '[1',
    '[1 2]',
    '{1:2}',
    '{"a" 1}',
    '{"a":1',
    '{"a":1 "b"}',
    '[1]x',
    ']',
    '[nope]',
    '{"a":1,}',
  ])('refuses %s', (text) => expect(() => parseExactJson(text, true)).toThrow(SyntaxError));
});
