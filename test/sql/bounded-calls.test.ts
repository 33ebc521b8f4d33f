import { expect, it } from 'vitest';
import { boundCalls } from '../../src/sql/bounded-calls.js';

const clamped = (count: string): string => `max(1, min(10000, ifnull(cast(${count} as integer), 1)))`;

it.each(['1', '10', ' 10000 '])('k = %s stays as it is', (count) => {
  const sql = `select id from vector_top_k('i', vector('[1,2]'),${count})`;
  expect(boundCalls(sql)).toBe(sql);
});

it.each([
  '0',
  '-1',
  '10001',
  '268435455',
  '?',
  ':k',
  '1e9',
  'null',
  "'x'",
  '(select 0)',
  '5 - 5',
  '0x0',
  'f(1, 2)',
])('k = %s is kept within bounds', (count) => {
  const sql = (k: string): string => `select id from vector_top_k('i', vector('[1,2]'), ${k}) where 1`;
  expect(boundCalls(sql(count)).replace(/\s+/g, ' ')).toBe(sql(clamped(count)));
});

it.each([
  ["select * from VECTOR_TOP_K('i', ?, 0)", "select * from VECTOR_TOP_K('i', ?, CLAMPED)"],
  ['select * from "vector_top_k"(\'i\', ?, 0)', 'select * from "vector_top_k"(\'i\', ?, CLAMPED)'],
  ["select * from [vector_top_k] ('i', ?, 0) n", "select * from [vector_top_k] ('i', ?, CLAMPED) n"],
  [
    "select * from main.vector_top_k /* x */ ('i', f(1, 2), 0)",
    "select * from main.vector_top_k /* x */ ('i', f(1, 2), CLAMPED)",
  ],
  [
    "select 1; select * from vector_top_k('a', ?, 0) join vector_top_k('b', ?, 0)",
    "select 1; select * from vector_top_k('a', ?, CLAMPED) join vector_top_k('b', ?, CLAMPED)",
  ],
])('%s', (sql, expected) => {
  expect(boundCalls(sql).replace(/\s+/g, ' ')).toBe(expected.replaceAll('CLAMPED', clamped('0')));
});

it.each([
  "select 'vector_top_k(a, b, 0)'",
  'select 1 -- vector_top_k(a, b, 0)',
  "select * from vector_top_k('i', ?)",
  'select vector_top_k from t',
  'select 1',
])('%s stays as it is', (sql) => {
  expect(boundCalls(sql)).toBe(sql);
});
