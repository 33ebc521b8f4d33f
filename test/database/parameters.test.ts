import { describe, expect, it } from 'vitest';
import type { Arguments } from '../../src/database/statements.js';
import { ParameterError } from '../../src/errors.js';
import { openFile, openMemory } from '../support/database.js';
import { collect, failure } from '../support/outcome.js';

async function values(sql: string, args?: Arguments): Promise<unknown[] | undefined> {
  const db = await openMemory();
  const { rows } = await db.execute(sql, args as unknown[], { rowMode: 'array' });
  return rows[0];
}

describe('parameters', () => {
  it.each<[string, Arguments, unknown[]]>([
    ['select ?, ?', [1, 'a'], [1, 'a']],
    ['select ?2, ?1', [1, 2], [2, 1]],
    ['select ?1, ?1, ?2', [1, 2], [1, 1, 2]],
    ['select ?, ?1, ?', [1, 2], [1, 1, 2]],
    ['select ?3, ?', [1, 2, 3, 4], [3, 4]],
    ['select ?005', [1, 2, 3, 4, 5], [5]],
    ['select :a, :b', [1, 2], [1, 2]],
    ['select :a, :b', { a: 1, b: 2 }, [1, 2]],
    ['select :a, :b', { ':b': 2, ':a': 1 }, [1, 2]],
    ['select @a, $b', { a: 1, b: 2 }, [1, 2]],
    ['select @a, $b', { '@a': 1, $b: 2 }, [1, 2]],
    ['select :a, @a, $a', { a: 7 }, [7, 7, 7]],
    ['select :a, @a, $a', { ':a': 1, '@a': 2, $a: 3 }, [1, 2, 3]],
    ['select :x, :x, :y', { x: 1, y: 2 }, [1, 1, 2]],
    ['select ?1, ?2', { 1: 'a', 2: 'b' }, ['a', 'b']],
    ["select ':not_a_param', :id -- :nor_this\n /* @that */", { id: 3 }, [':not_a_param', 3]],
    ['select "?", 1 from (select 2 as "?")', [], [2, 1]],
    ['select :constructor', { constructor: 1 }, [1]],
    ['select $a::b(c)', { '$a::b(c)': 4 }, [4]],
    ['select 1', undefined, [1]],
    ['select 1', [], [1]],
    ['select 1', {}, [1]],
    ['select typeof(?), typeof(?), typeof(?)', [123, 1.5, true], ['integer', 'real', 'integer']],
    ['select json_array(?, ?)', [1, 2], ['[1,2]']],
    ['select 7 / ?', [2], [3]],
    [`select '[1,2,3]' -> ?`, [1], ['2']],
    ['select ?', [''], ['']],
    ['select coalesce(?, 0)', [null], [0]],
  ])('%s with %j', async (sql, args, expected) => {
    expect(await values(sql, args)).toEqual(expected);
  });

  it('are bound anew for every run, and keep nothing of the last one', async () => {
    const db = await openMemory();
    const statement = db.prepare('select ?1 as a, ?2 as b');
    expect(await statement.get([42, 'x'])).toEqual({ a: 42, b: 'x' });
    expect(await statement.get([99, null])).toEqual({ a: 99, b: null });
    const calls = Array.from({ length: 50 }, (_, i) => statement.get([i, -i]));
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 50 }, (_, i) => ({ a: i, b: -i })));
  });

  it('may be as many as SQLite allows', async () => {
    const db = await openMemory();
    const many = Array.from({ length: 32_766 }, (_, i) => i);
    const sql = `select count(*) as n from (select 1 where 0 in (${many.map(() => '?').join(',')}))`;
    expect((await db.execute(sql, many)).rows).toEqual([{ n: 1 }]);
  });

  it('go into an integer column as integers and into a text column as their text', async () => {
    const { db, look } = await openFile('create table t (i integer, t text, a)');
    await db.execute('insert into t values (?, ?, ?)', [123, 123, 123]);
    expect(look('select typeof(i), t, typeof(a) from t')).toEqual([['integer', '123', 'integer']]);
  });
});

describe('wrong parameters', () => {
  it.each<[string, unknown, RegExp, number | string | undefined]>([
    ['insert into t values (?, ?)', [1], /expected 2 parameters, got 1/, undefined],
    ['insert into t values (?, ?)', [1, 2, 3], /expected 2 parameters, got 3/, undefined],
    ['insert into t values (?, ?)', [], /expected 2 parameters, got 0/, undefined],
    ['insert into t values (?, ?)', undefined, /expected 2 parameters, got none/, undefined],
    ['insert into t values (1, 2)', ['s3cret'], /expected 0 parameters, got 1/, undefined],
    // eslint-disable-next-line no-sparse-arrays
    ['insert into t values (?, ?)', [1, ,], /parameter 2 is a hole/, 2],
    ['insert into t values (?, ?)', [1, undefined], /parameter 2: it is undefined/, 1],
    ['insert into t values (?, ?)', { a: 1, b: 2 }, /plain \? parameters/, 1],
    ['insert into t values (:a, :age)', { a: 1 }, /missing parameter\(s\): :age/, ':age'],
    ['insert into t values (:a, :b)', {}, /missing parameter\(s\): :a, :b/, ':a'],
    ['insert into t values (:Name, :b)', { name: 1, b: 2 }, /missing.*:Name.*no such.*name/, ':Name'],
    [
      'insert into t values (:a, :b)',
      { a: 1, b: 2, s3: 's3cret' },
      /no such parameter\(s\) in the statement: s3/,
      's3',
    ],
    ['insert into t values (:a, :b)', { a: 1, ':a': 1, b: 2 }, /:a is given twice/, ':a'],
    ['insert into t values (:toString, 1)', {}, /missing parameter\(s\): :toString/, ':toString'],
    ['insert into t values (:a, 1)', { a: undefined }, /parameter :a: it is undefined/, ':a'],
    ['insert into t values (:a, 1)', { a: new Date('s3cret') }, /parameter :a: a Date/, ':a'],
    ['insert into t values (?, ?)', [1, { password: 's3cret' }], /parameter 2: an object \(Object\)/, 1],
    ['insert into t values (?, ?)', 's3cret', /array or a plain object, got string/, undefined],
    ['insert into t values (?, ?)', null, /array or a plain object, got null/, undefined],
    ['insert into t values (?, ?)', new Map(), /array or a plain object, got Map/, undefined],
    ['insert into t values (?, ?)', new Uint8Array(2), /array or a plain object, got Uint8Array/, undefined],
  ])('%s with %s are refused and nothing is run', async (sql, args, message, parameter) => {
    const { db, look } = await openFile('create table t (a, b)');
    const wrong = args as Arguments;
    const calls = [
      () => db.execute(sql, wrong),
      () => db.execute(sql, wrong, { timeout: 9_000 }),
      () => db.prepare(sql).run(wrong),
      () => db.batch([{ sql: 'insert into t values (0, 0)' }, { sql, args: wrong }]),
      () => db.transaction((tx) => tx.execute(sql, wrong)),
      () => collect(db.stream(`${sql} returning a`, wrong)),
    ];
    for (const call of calls) {
      const error = await failure(call, ParameterError);
      expect(error).toMatchObject({ code: 'PARAMETER_INVALID', kind: 'parameter', parameter });
      expect(error.sql).toContain(sql);
      expect(error.message).toMatch(message);
      expect(`${error.message} ${String(error.stack)}`).not.toContain('s3cret');
    }
    expect(look('select count(*) from t')).toEqual([[0]]);
  });

  it('of a number that SQLite has not are refused by SQLite', async () => {
    const db = await openMemory();
    expect((await failure(db.execute('select ?0'))).message).toContain('variable number must be');
    expect((await failure(db.execute('select ?32767'))).message).toContain('variable number must be');
  });

  it('that are longer than SQLite’s limit are refused', async () => {
    const { db, look } = await openFile('create table t (a)');
    for (const make of [() => Buffer.alloc(1_000_000_001), () => new DataView(new ArrayBuffer(2.2e9))]) {
      const error = await failure(db.execute('insert into t values (?)', [make()]), ParameterError);
      expect(error).toMatchObject({ code: 'PARAMETER_INVALID', parameter: 0 });
      expect(error.message).toMatch(/^parameter 1: it has \d+ bytes, and a value may have 1000000000$/);
    }
    expect(look('select count(*) from t')).toEqual([[0]]);
  });
});
