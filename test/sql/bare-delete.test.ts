import { expect, it } from 'vitest';
import { rowwiseDelete } from '../../src/sql/bare-delete.js';
import { analyze, type AnalyzedStatement } from '../../src/sql/statement.js';

function rewritten(sql: string): string {
  const [statement] = analyze(sql).statements as [AnalyzedStatement];
  return rowwiseDelete(statement).text.replace(/\s+/g, ' ');
}

it.each([
  ['delete from t', 'delete from t WHERE 1'],
  ['DELETE FROM "t" RETURNING *', 'DELETE FROM "t" WHERE 1 RETURNING *'],
  ['delete from main.t as x', 'delete from main.t as x WHERE 1'],
  ['delete from t -- all', 'delete from t WHERE 1'],
  ['delete from t /* where */', 'delete from t WHERE 1'],
  ['delete from "where"', 'delete from "where" WHERE 1'],
  ['delete from t order by a limit 2', 'delete from t WHERE 1 order by a limit 2'],
  ['with x as (select 1 where 2) delete from t', 'with x as (select 1 where 2) delete from t WHERE 1'],
  [
    'delete from t returning (select a from u where b)',
    'delete from t WHERE 1 returning (select a from u where b)',
  ],
])('%s has a condition after it', (sql, expected) => {
  expect(rewritten(sql)).toBe(expected);
});

it.each([
  'delete from t where a = 1',
  'delete from t WHERE 0 returning a',
  'with x as (select 1) delete from t where a in x',
  'select * from t',
  'update t set a = 1',
  "insert into t values ('delete from t')",
])('%s stays as it is', (sql) => {
  expect(rewritten(sql)).toBe(sql);
});
