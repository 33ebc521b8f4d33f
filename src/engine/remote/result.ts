import { analyze, type AnalyzedStatement } from '../../sql/statement.js';
import type { ConnectionBatchItem, ExecuteRequest, RawResult } from '../engine.js';
import { changesRows, inserts, insertsRowid, mayUpdateInstead } from '../statement-effect.js';
import type { Step, StepResult } from './hrana/protocol.js';
import { toStep } from './step.js';

/** Runs a question that is a statement. */
type Ask = (question: AnalyzedStatement, step: Step) => Promise<StepResult>;

/** Gives the results of the statements of one connection, each after the one before, the form that every engine gives them. */
export async function toRawResults(
  results: readonly StepResult[],
  items: readonly Pick<ConnectionBatchItem, 'statement' | 'request'>[],
  ask: Ask,
): Promise<RawResult[]> {
  const forms = results.map(async (result, i) => {
    const { statement, request } = items[i] as ConnectionBatchItem;
    const raw = toRawResult(result, statement, request);
    return await withOwnRowid(raw, statement, results[i - 1]?.lastInsertRowid, ask);
  });
  return await Promise.all(forms);
}

/**
 * Drops a rowid that is not the statement's own: a connection goes on telling that of an earlier statement where this one has
 * inserted none.
 *
 * @param before - what the connection told before, if it was used before
 * @param ask - is used only where that has not changed
 */
export async function withOwnRowid(
  raw: RawResult,
  statement: AnalyzedStatement,
  before: bigint | undefined,
  ask: Ask,
): Promise<RawResult> {
  if (raw.lastInsertRowid === undefined || raw.lastInsertRowid !== before) return raw;
  const question = analyze(`EXPLAIN ${statement.text}`).statements[0] as AnalyzedStatement;
  // The table may be gone when it is asked for after a batch.
  const program = await ask(question, toStep(question, [], { fetch: 'all' })).catch(() => undefined);
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
