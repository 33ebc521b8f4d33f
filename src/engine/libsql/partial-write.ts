import { ConstraintError } from '../../errors.js';
import { type AnalyzedStatement, analyze } from '../../sql/statement.js';
import type { StatementRunner } from './statement-runner.js';

const [FIND_FAIL] = analyze(`
  SELECT max(type = 'trigger') AND (?1 OR max(instr(lower(sql), 'fail')))
  FROM (SELECT type, sql FROM sqlite_schema UNION ALL SELECT type, sql FROM sqlite_temp_schema)`)
  .statements as [AnalyzedStatement];

/**
 * Finds out whether a write that has failed has kept a part of what it did. `OR FAIL`, `ON CONFLICT FAIL` and `RAISE(FAIL)` do
 * so, and only where a constraint failed. SQLite counts what the statement itself has kept, and not what its triggers have.
 */
export function keptByFailure(
  runner: StatementRunner,
  statement: AnalyzedStatement,
  error: unknown,
): 'something' | 'perhaps' | 'nothing' {
  if (!(error instanceof ConstraintError)) return 'nothing';
  if (runner.changes(statement) > 0) return 'something';
  const saysFail = /\bfail\b/i.test(statement.text) ? 1 : 0;
  const [[found] = []] = runner.run(FIND_FAIL, [saysFail], { fetch: 'first' }).rows;
  return found === 1 ? 'perhaps' : 'nothing';
}
