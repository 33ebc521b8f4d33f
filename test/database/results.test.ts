import { describe, expect, it } from 'vitest';
import { ValueError } from '../../src/errors.js';
import type { IntMode } from '../../src/values.js';
import { openFile, openMemory } from '../support/database.js';
import { collect, failure } from '../support/outcome.js';

const BIG = 2n ** 53n + 1n;
const MAX = 2n ** 63n - 1n;
const MIN = -(2n ** 63n);

describe('a result', () => {
  it('has the columns in their order, with the types of the schema', async () => {
    const db = await openMemory('create table t (id INTEGER PRIMARY KEY, name Varchar(20), x)');
    const { columns, columnTypes, rows } = await db.execute(
      'select name, id, x, 1 + 1 as two, id as name from t',
    );
    expect(columns).toEqual(['name', 'id', 'x', 'two', 'name']);
    expect(columnTypes).toEqual(['Varchar(20)', 'INTEGER', '', '', 'INTEGER']);
    expect(rows).toEqual([]);
  });

  it('belongs to its reader: what is changed in it shows in no other result of the statement', async () => {
    const db = await openMemory('create table t (a integer); insert into t values (1)');
    const sql = 'select a from t';
    const first = await db.execute(sql);
    for (const list of [first.columns, first.columnTypes]) (list as string[]).push('other');
    first.rows.length = 0;
    const { columns, columnTypes, rows } = await db.execute(sql);
    expect([columns, columnTypes, rows]).toEqual([['a'], ['INTEGER'], [{ a: 1 }]]);
    const none = await db.execute('delete from t');
    (none.columns as string[]).push('other');
    expect((await db.execute('delete from t')).columns).toEqual([]);
  });

  it('of a write without RETURNING has neither columns nor rows', async () => {
    const db = await openMemory('create table t (a)');
    const result = await db.execute('insert into t values (1), (2)');
    expect(result).toEqual({ columns: [], columnTypes: [], rows: [], rowsAffected: 2, lastInsertRowid: 2n });
  });

  it('of a write that returns nothing has the columns', async () => {
    const db = await openMemory('create table t (a integer)');
    const result = await db.execute('update t set a = 1 returning a');
    const nothing = { columns: ['a'], columnTypes: ['INTEGER'], rows: [], rowsAffected: 0 };
    expect(result).toEqual({ ...nothing, lastInsertRowid: undefined });
  });

  it.each([
    ['insert into t values (4), (5)', 2, 5n],
    ['insert into t values (4), (5) returning a', 2, 5n],
    ['replace into t values (1)', 1, 1n],
    ['insert or ignore into t values (1)', 0, undefined],
    ['with w as (select 7 as a) insert into t select a from w', 1, 7n],
    ['update t set a = a + 10', 3, undefined],
    ['update t set a = a + 10 where a > 1 returning a', 2, undefined],
    ['delete from t', 3, undefined],
    ['delete from t where a = 1 returning a', 1, undefined],
    ['select * from t', 0, undefined],
    ['create table u (a)', 0, undefined],
    ['create table u as select * from t', 0, undefined],
    ['drop table t', 0, undefined],
    ['pragma user_version = 3', 0, undefined],
    ['explain insert into t values (9)', 0, undefined],
    ['explain query plan delete from t', 0, undefined],
  ])('counts the rows of %s', async (sql, rowsAffected, lastInsertRowid) => {
    const db = await openMemory('create table t (a integer primary key); insert into t values (1), (2), (3)');
    expect(await db.execute(sql)).toMatchObject({ rowsAffected, lastInsertRowid });
    await db.script(
      'drop table if exists t; create table t (a integer primary key); insert into t values (1), (2), (3)',
    );
    await db.script('drop table if exists u');
    expect(await db.execute(sql, [], { timeout: 9_000 })).toMatchObject({ rowsAffected, lastInsertRowid });
  });

  it('of EXPLAIN describes and changes nothing', async () => {
    const db = await openMemory('create table t (a)');
    const { columns, rows } = await db.execute('explain insert into t values (1)');
    expect(columns).toContain('opcode');
    expect(rows.length).toBeGreaterThan(3);
    expect((await db.execute('select * from t')).rows).toEqual([]);
  });

  it.each([
    'pragma foreign_keys = on',
    'pragma journal_mode = wal',
    'pragma no_such_pragma',
    'PrAgMa main.user_version',
  ])('comes from %s', async (sql) => {
    const { db } = await openFile();
    expect((await db.execute(sql)).rowsAffected).toBe(0);
  });
});

describe('the names of columns', () => {
  const NAMES = ['length', '__proto__', 'constructor', '0', '', '😀', 'toString', 'a b', 'rows', 'then'];
  const list = NAMES.map((name, i) => `${i} as "${name}"`).join(', ');

  it.each([
    ['', {}],
    [' through another thread', { timeout: 9_000 }],
  ])('may be anything%s', async (_how, options) => {
    const db = await openMemory();
    const { columns, rows } = await db.execute(`select ${list}`, [], options);
    expect(columns).toEqual(NAMES);
    const row = rows[0] ?? {};
    expect(Object.fromEntries(NAMES.map((name) => [name, row[name]]))).toEqual(
      Object.fromEntries(NAMES.map((name, i) => [name, i])),
    );
    expect(Object.keys(row)).toHaveLength(NAMES.length);
    // No column is a member of the prototype, which all rows share.
    const prototype: unknown = Object.getPrototypeOf((await db.execute('select 1 as a')).rows[0]);
    expect(Object.getPrototypeOf(row)).toBe(prototype);
    expect(Object.getPrototypeOf(prototype)).toBe(Object.prototype);
    const arrays = await db.execute(`select ${list}`, [], { ...options, rowMode: 'array' });
    expect(arrays.rows).toEqual([NAMES.map((_, i) => i)]);
  });

  it.each([
    ['', {}],
    [' through another thread', { timeout: 9_000 }],
  ])('may occur twice without the loss of a value%s', async (_how, options) => {
    const db = await openMemory();
    const sql = 'select 1 as a, 2 as a, 3 as "a:1", 4 as a, 5 as b';
    const { columns, rows } = await db.execute(sql, [], options);
    expect(columns).toEqual(['a', 'a', 'a:1', 'a', 'b']);
    expect(rows).toEqual([{ a: 1, 'a:2': 2, 'a:1': 3, 'a:3': 4, b: 5 }]);
    expect((await db.execute(sql, [], { ...options, rowMode: 'array' })).rows).toEqual([[1, 2, 3, 4, 5]]);
    expect(await db.prepare(sql).values([], options)).toEqual([[1, 2, 3, 4, 5]]);
    expect(await collect(db.stream(sql, [], options))).toEqual(rows);
  });
});

describe('an integer', () => {
  const SCHEMA = `create table t (id integer primary key, v integer);
    insert into t (v) values (1), (${2n ** 53n - 1n}), (${-(2n ** 53n) + 1n}), (null)`;
  const read = async (intMode: IntMode, sql = 'select v from t order by id'): Promise<unknown[]> => {
    const db = await openMemory(SCHEMA, { intMode });
    const results = [
      (await db.execute(sql, [], { rowMode: 'array' })).rows,
      (await db.execute(sql, [], { rowMode: 'array', timeout: 9_000 })).rows,
      await db.prepare(sql).values(),
      await collect(db.stream(sql, [], { rowMode: 'array' })),
      await db.transaction(async (tx) => (await tx.execute(sql, [], { rowMode: 'array' })).rows),
    ];
    for (const result of results) expect(result).toEqual(results[0]);
    return (results[0] as unknown[][]).flat();
  };

  it('is a number by default', async () => {
    expect(await read('number')).toEqual([1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, null]);
  });

  it('is a bigint, always, if asked for', async () => {
    expect(await read('bigint')).toEqual([1n, 2n ** 53n - 1n, -(2n ** 53n) + 1n, null]);
    expect(await read('bigint', `select ${MAX} union all select ${MIN}`)).toEqual([MAX, MIN]);
  });

  it('is a string, always, if asked for', async () => {
    expect(await read('string')).toEqual(['1', '9007199254740991', '-9007199254740991', null]);
    expect(await read('string', `select ${MIN}, ${MAX}`)).toEqual([String(MIN), String(MAX)]);
  });

  it.each([BIG, -BIG, 2n ** 53n, MAX, MIN])(
    '%s is an error that names its column where it should be a number',
    async (value) => {
      const db = await openMemory('create table t (small, big); insert into t values (1, 2)');
      await db.execute('insert into t values (?, ?)', [3, value]);
      const sql = 'select small, big as "the big one" from t';
      const calls = [
        () => db.execute(sql),
        () => db.execute(sql, [], { timeout: 9_000 }),
        () => db.execute(sql, [], { rowMode: 'array' as const }),
        () => db.prepare(sql).all(),
        () => db.batch([sql]),
        () => collect(db.stream(sql)),
        () => db.transaction((tx) => tx.execute(sql)),
      ];
      for (const call of calls) {
        const error = await failure(call, ValueError);
        expect(error).toMatchObject({ code: 'VALUE_OUT_OF_RANGE', kind: 'value', column: 'the big one' });
        expect(error.message).not.toContain(String(value));
      }
      expect((await db.execute('select small from t')).rows).toEqual([{ small: 1 }, { small: 3 }]);
    },
  );

  it.each(['1e300', '-1e300', String(2n ** 60n), '9007199254740994'])(
    'is not what the REAL %s is taken for',
    async (value) => {
      const db = await openMemory('create table t (r real)');
      await db.execute(`insert into t values (${value}.0)`.replace('e300.0', 'e300'));
      for (let run = 0; run < 3; run++) {
        expect((await db.execute('select r from t')).rows).toEqual([{ r: Number(value) }]);
        expect((await db.execute('select r from t', [], { timeout: 9_000 })).rows).toEqual([
          { r: Number(value) },
        ]);
      }
    },
  );

  it('beside a large REAL stays what it is', async () => {
    const db = await openMemory();
    const sql = 'select 1 as i, 1e300 as r, 2 as j';
    expect((await db.execute(sql)).rows).toEqual([{ i: 1, r: 1e300, j: 2 }]);
    expect(await db.prepare(sql).get()).toEqual({ i: 1, r: 1e300, j: 2 });
  });
});

describe('the rowid of an insert', () => {
  it.each(['', ' returning v'])('is exact above 2^53%s', async (returning) => {
    const { db, look } = await openFile('create table t (id integer primary key, v)');
    const sql = `insert into t values (?, 1)${returning}`;
    expect((await db.execute(sql, [BIG])).lastInsertRowid).toBe(BIG);
    expect((await db.execute(sql, [MAX], { timeout: 9_000 })).lastInsertRowid).toBe(MAX);
    expect((await db.execute(sql, [MIN])).lastInsertRowid).toBe(MIN);
    const inTransaction = await db.transaction((tx) => tx.execute(sql, [BIG + 2n]));
    expect(inTransaction.lastInsertRowid).toBe(BIG + 2n);
    const [batched] = await db.batch([{ sql, args: [BIG + 4n] }]);
    expect(batched?.lastInsertRowid).toBe(BIG + 4n);
    const stored = look('select cast(id as text) from t order by id').flat();
    expect(stored).toEqual([MIN, BIG, BIG + 2n, BIG + 4n, MAX].map(String));
  });

  it('is that of the table, not of one that a trigger fills', async () => {
    const db =
      await openMemory(`create table t (id integer primary key); create table log (id integer primary key);
      create trigger logged after insert on t begin insert into log values (new.id + 1000); end;`);
    expect(await db.execute('insert into t values (1), (2)')).toMatchObject({
      rowsAffected: 2,
      lastInsertRowid: 2n,
    });
  });
});

describe('bytes and text', () => {
  it('of a megabyte come back as they were', async () => {
    const db = await openMemory('create table t (b blob, t text)');
    const bytes = Uint8Array.from({ length: 1 << 20 }, (_, i) => (i * 31) & 255);
    const text = 'aé😀'.repeat(100_000);
    await db.execute('insert into t values (?, ?)', [bytes, text]);
    const { rows } = await db.execute('select b, t from t');
    expect(Buffer.compare(rows[0]?.b as Uint8Array, bytes)).toBe(0);
    expect(rows[0]?.t).toBe(text);
  });

  it('belong to the caller alone', async () => {
    const db = await openMemory('create table t (b blob)');
    const bytes = Uint8Array.of(1, 2, 3);
    await db.execute('insert into t values (?)', [bytes]);
    bytes.fill(0);
    const [first, second] = [await db.execute('select b from t'), await db.execute('select b from t')];
    expect(first.rows[0]?.b).toEqual(Uint8Array.of(1, 2, 3));
    (first.rows[0]?.b as Uint8Array).fill(9);
    expect(second.rows[0]?.b).toEqual(Uint8Array.of(1, 2, 3));
  });
});
