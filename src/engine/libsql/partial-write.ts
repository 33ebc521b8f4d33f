import { BusyError, ConstraintError, suppress } from '../../errors.js';
import { type AnalyzedStatement, analyze } from '../../sql/statement.js';
import type { StatementRunner } from './statement-runner.js';

const [FIND_FAIL] = analyze(`
  SELECT max(type = 'trigger') AND (?1 OR max(instr(lower(sql), 'fail')))
  FROM (SELECT type, sql FROM sqlite_schema UNION ALL SELECT type, sql FROM sqlite_temp_schema)`)
  .statements as [AnalyzedStatement];

/**
 * Commits what a write has kept although it failed. `OR FAIL`, `ON CONFLICT FAIL` and `RAISE(FAIL)` keep what was done before,
 * and only where a constraint failed.
 *
 * @param commit - `wrote`: whether anything was kept for certain
 * @returns the error to throw instead, when a lock is in the way and the write may be repeated
 */
export function commitKept(
  runner: StatementRunner,
  statement: AnalyzedStatement,
  error: unknown,
  commit: (wrote: boolean) => void,
): BusyError | undefined {
  // A value of the wrong type for a STRICT table undoes the whole statement, whatever its conflict clause says.
  if (!(error instanceof ConstraintError) || error.constraint === 'datatype') return undefined;
  try {
    // SQLite counts what the statement itself has kept, and not what its triggers have.
    if (runner.changes(statement) > 0) commit(true);
    else if (triggersMayKeep(runner, statement)) commit(false);
    return undefined;
  } catch (later) {
    return later instanceof BusyError ? later : undefined;
  }
}

function triggersMayKeep(runner: StatementRunner, { text }: AnalyzedStatement): boolean {
  const [[found] = []] = runner.run(FIND_FAIL, [/\bfail\b/i.test(text) ? 1 : 0], { fetch: 'first' }).rows;
  return found === 1;
}

/** Rolls back after `error`, which stays the one that is thrown. */
export function undo(rollback: () => void, error: unknown): void {
  try {
    rollback();
  } catch (later) {
    suppress(error, later);
  }
}
