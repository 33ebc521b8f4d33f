import { analyze, type AnalyzedStatement } from '../../sql/statement.js';
import type { ExecuteRequest, RawResult } from '../engine.js';
import { changesRows, inserts, insertsRowid, mayUpdateInstead } from '../statement-effect.js';
import type { StepResult } from './hrana/protocol.js';

/**
 * Drops a rowid that is not the statement's own: a connection goes on telling that of an earlier statement where this one has
 * inserted none.
 *
 * @param before - what the connection told before, if it was used before
 * @param explain - gives the rows of an EXPLAIN of the statement; asked only where nothing changed
 */
export async function withOwnRowid(
  raw: RawResult,
  statement: AnalyzedStatement,
  before: bigint | undefined,
  explain: (question: AnalyzedStatement) => Promise<Pick<StepResult, 'rows'>>,
): Promise<RawResult> {
  if (raw.lastInsertRowid === undefined || raw.lastInsertRowid !== before) return raw;
  const [question] = analyze(`EXPLAIN ${statement.text}`).statements;
  // The table may be gone when it is asked for after a batch.
  const program = await explain(question as AnalyzedStatement).catch(() => undefined);
  return program !== undefined && insertsRowid(program.rows) ? raw : { ...raw, lastInsertRowid: undefined };
}

/** Gives a result the form that every engine gives it. */
export function toRawResult(
  { columns, rows, rowsAffected, lastInsertRowid }: StepResult,
  statement: AnalyzedStatement,
  request: ExecuteRequest,
): RawResult {
  const changed = changesRows(statement) ? rowsAffected : 0;
  // A connection that has inserted no row yet says 0.
  const inserted =
    changed > 0 && lastInsertRowid !== 0n && inserts(statement) && !mayUpdateInstead(statement);
  return {
    rows: request.fetch === 'all' ? rows : request.fetch === 'first' ? rows.slice(0, 1) : [],
    columns: request.columns ? columns : undefined,
    rowsAffected: changed,
    lastInsertRowid: inserted ? lastInsertRowid : undefined,
  };
}
