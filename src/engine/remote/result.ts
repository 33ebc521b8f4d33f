import type { AnalyzedStatement } from '../../sql/statement.js';
import type { ExecuteRequest, RawResult } from '../engine.js';
import { changesRows, tellsRowid } from '../statement-effect.js';
import type { StepResult } from './hrana/protocol.js';

/** Gives a result the form that every engine gives it. */
export function toRawResult(
  { columns, rows, rowsAffected, lastInsertRowid }: StepResult,
  statement: AnalyzedStatement,
  request: ExecuteRequest,
): RawResult {
  const changed = changesRows(statement) ? rowsAffected : 0;
  // A connection that has inserted no row yet says 0.
  const inserted = changed > 0 && lastInsertRowid !== 0n && tellsRowid(statement);
  return {
    rows: request.fetch === 'all' ? rows : request.fetch === 'first' ? rows.slice(0, 1) : [],
    columns: request.columns ? columns : undefined,
    rowsAffected: changed,
    lastInsertRowid: inserted ? lastInsertRowid : undefined,
  };
}
