import type { Connection, ExecuteRequest, MaybePromise, RawResult } from '../engine/engine.js';
import type { AnalyzedStatement } from '../sql/statement.js';
import type { SqlValue } from '../values.js';

/** Runs a statement on a connection, and notes where for whoever observes it. */
export function runOn(
  connection: Connection,
  statement: AnalyzedStatement,
  values: readonly SqlValue[],
  request: ExecuteRequest,
): MaybePromise<RawResult> {
  const { trace } = request;
  if (trace !== undefined) {
    trace.connection = connection;
    trace.tries++;
  }
  return connection.execute(statement, values, request);
}
