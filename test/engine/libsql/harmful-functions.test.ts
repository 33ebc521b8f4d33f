import { describe, expect, it } from 'vitest';
import type { Database } from '../../../src/database/database.js';
import { runProgram } from '../../support/child.js';
import { openMemory, temporaryFile } from '../../support/database.js';
import { failure } from '../../support/outcome.js';
import { startSqld } from '../../support/sqld.js';

const REFUSED: readonly [sql: string, name: string][] = [
  ["select replicate('ab', 2147483648)", 'replicate'],
  ['select "replicate"(a, 2) from t', 'replicate'],
  ['select [Replicate] /* ( */ (a, 2) from t', 'replicate'],
  ['select `replicate` -- (\n (a, 2) from t', 'replicate'],
  ['create view v as select replicate(a, 2) from t', 'replicate'],
  ["create table d (a default (replicate('a', 2)))", 'replicate'],
  ['create table d (a, b as (replicate(a, 2)))', 'replicate'],
  ['create table d (a check (replicate(a, 2)))', 'replicate'],
  ['create index j on t (replicate(a, 2))', 'replicate'],
  ["create trigger g after insert on t begin select replicate('a', 2); end", 'replicate'],
  ['create virtual table f using fts4 (body, uncompress=replicate, compress=zip)', 'replicate'],
  ['select libsql_vector_idx()', 'libsql_vector_idx'],
  ['select libsql_vector_idx(a) from t', 'libsql_vector_idx'],
  ['create index j on t (libsql_vector_idx())', 'libsql_vector_idx'],
  ['create index j on t (libsql_vector_idx(*))', 'libsql_vector_idx'],
  ['create index j on t (libsql_vector_idx(order by a))', 'libsql_vector_idx'],
  ['create index j on t (libsql_vector_idx(e)) where libsql_vector_idx()', 'libsql_vector_idx'],
  ['create index j on t (libsql_vector_idx(e || "libsql_vector_idx"()))', 'libsql_vector_idx'],
  ['explain create unique index j on t (libsql_vector_idx(/* e */))', 'libsql_vector_idx'],
  ['create view v as select libsql_vector_idx()', 'libsql_vector_idx'],
  ["select fts3_tokenizer('simple')", 'fts3_tokenizer'],
  ["select fts3_tokenizer('simple', x'4141414141414141')", 'fts3_tokenizer'],
  ["select id from vector_top_k('t_e', vector('[1,2,3]')) where k = 0", 'vector_top_k'],
  ["select id from vector_top_k('t_e') where vector = vector('[1,2,3]') and k = 0", 'vector_top_k'],
  ["select id from vector_top_k where idx = 't_e' and vector = vector('[1,2,3]') and k = 0", 'vector_top_k'],
  ["select id from t join vector_top_k('t_e', vector('[1,2,3]')) on k = t.id - 1", 'vector_top_k'],
  ["select 1 in vector_top_k('t_e', vector('[1,2,3]'))", 'vector_top_k'],
  ['select 1 in vector_top_k', 'vector_top_k'],
  ['select * from t, ("vector_top_k")', 'vector_top_k'],
  ["select * from main.'vector_top_k'", 'vector_top_k'],
  ["select * from t, temp.[vector_top_k]('t_e', (select 1, 2, 3))", 'vector_top_k'],
  ['create view v as select * from vector_top_k', 'vector_top_k'],
];

/** A table with a vector index. */
async function openVectors(): Promise<Database> {
  return openMemory(`create table t (id integer primary key, a, e F32_BLOB(3));
    create index t_e on t (libsql_vector_idx(e, 'metric=l2'));
    insert into t values (1, 'a', vector('[1,2,3]')), (2, 'b', vector('[3,2,1]'))`);
}

describe('a function that can end the process', () => {
  it.each(REFUSED)('%s is refused', async (sql, name) => {
    const db = await openVectors();
    const error = await failure(db.execute(sql));
    expect(error).toMatchObject({ code: 'FUNCTION_REFUSED', kind: 'sql' });
    expect(error.message).toContain(`${name}()`);
    expect(error.message).not.toContain('allowFileFunctions');
  });

  it('is refused with config.allowFileFunctions too', async () => {
    const db = await openMemory('', { allowFileFunctions: true });
    const error = await failure(db.execute("select readfile('/nowhere'), replicate('a', 2)"));
    expect(error.message).toContain('replicate()');
  });

  it.each([
    ["select 'replicate(1)' as a, 1 as replicate", 1],
    ['select a as vector_top_k, e as libsql_vector_idx from t -- replicate()', 2],
    ["select id from vector_top_k('t_e', vector('[1,2,3]'), 2)", 2],
    ["select id from t where id in (select id from 'vector_top_k'('t_e', vector('[1,2,3]'), 1))", 1],
    ['explain query plan select 1', 1],
  ])('leaves %s alone', async (sql, count) => {
    const db = await openVectors();
    expect((await db.execute(sql)).rows).toHaveLength(count);
  });

  it('leaves vector indexes alone, however they are written', async () => {
    const db = await openVectors();
    for (const column of ['e', '"e"', '[e]', "e, 'metric=cosine', 'max_neighbors=8'"]) {
      await db.execute(`create  /* a */ index if not exists main."n" on t (libsql_vector_idx (${column}))`);
      await db.execute('drop index n');
    }
  });
});

describe('a count that must be kept within bounds', () => {
  it.each([
    ["padl('a', ?)", 3, '  a'],
    ["padr('é', ?)", '3x', 'é  '],
    ["padc('a', ?)", 3.9, ' a '],
    ["padl('abc', ?)", null, 'abc'],
    ['padl(null, ?)', 5, null],
    ["padl(padl('a', ?1), ?1 + 1)", 2, '  a'],
    ["rightstr('abc', ?)", 2, 'bc'],
    ["rightstr('abc', ?)", 2 ** 31, 'abc'],
    ["rightstr('abc', ?)", null, null],
    ["rightstr('abc', ?)", -1, ''],
  ])('%s with %j', async (sql, count, expected) => {
    const db = await openMemory();
    expect((await db.execute(`select ${sql} as x`, [count])).rows).toEqual([{ x: expected }]);
  });

  it('is an error where no text can be so long', async () => {
    const db = await openMemory();
    expect(await failure(db.execute("select length(padl('a', 4294967297))"))).toMatchObject({
      code: 'SQLITE_TOOBIG',
    });
    expect((await failure(db.execute("select padl('a', -1)"))).message).toContain('domain error');
  });

  it('ends neither the process', async () => {
    expect(await runProgram('bounded-counts.ts', temporaryFile())).toMatchObject({
      code: 0,
      stdout: 'done\n',
    });
  });

  it.each(['http', 'ws'] as const)('nor the server, over %s', async (protocol) => {
    const sqld = await startSqld();
    const url = protocol === 'http' ? sqld.url : sqld.wsUrl;
    expect(await runProgram('bounded-counts.ts', url)).toMatchObject({ code: 0, stdout: 'done\n' });
    expect((await fetch(`${sqld.url}/health`)).ok).toBe(true);
  });
});
