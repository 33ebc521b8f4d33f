import { expect, it } from 'vitest';
import { toExplainable } from '../../src/sql/explainable.js';

it.each([
  ['select 1', 'select 1'],
  ["select x'61', X'c3a9', x''", "select x'61', X'c3a9', x''"],
  ["insert into t values (x'ff', X'C3', 'x''ff''')", "insert into t values (x'', x'', 'x''ff''')"],
  ["select \"x'ff\" -- x'ff'", "select \"x'ff\" -- x'ff'"],
])('%s', (sql, explainable) => {
  expect(toExplainable(sql)).toBe(explainable);
});
