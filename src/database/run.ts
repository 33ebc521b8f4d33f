import type { Connection, ExecuteRequest, MaybePromise, RawResult } from '../engine/engine.js';
import type { AnalyzedStatement } from '../sql/statement.js';
import { connectionSetting } from './pragma/text.js';
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
  if (statement.pragma !== undefined && connectionSetting(statement) !== undefined) unlike.add(connection);
  return connection.execute(statement, values, request);
}

/** Connections with settings of their own, which nobody else must come to have. */
const unlike = new WeakSet<Connection>();

/** Whether statements have given the connection settings that others of the database do not have. */
export function hasOwnSettings(connection: Connection): boolean {
  return unlike.has(connection);
}
