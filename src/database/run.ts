import type { Connection, Cursor, CursorOptions, MaybePromise, RawResult } from '../engine/engine.js';
import type { AnalyzedStatement } from '../sql/statement.js';
import type { Guard, GuardedRequest } from './guard.js';
import { connectionSetting } from './pragma/text.js';
import type { SqlValue } from '../values.js';

/**
 * Runs a statement on a connection if its guard allows it, and notes where for whoever observes it.
 *
 * @param atOnce - whether the guard {@link Guard.knows} enough, and nothing may take time
 */
export function runOn(
  connection: Connection,
  statement: AnalyzedStatement,
  values: readonly SqlValue[],
  request: GuardedRequest,
  atOnce = false,
): MaybePromise<RawResult> {
  const { guard } = request;
  if (guard !== undefined) {
    return guard.run(connection, request, atOnce, () => note(connection, statement, request));
  }
  note(connection, statement, request);
  return connection.execute(statement, values, request);
}

function note(connection: Connection, statement: AnalyzedStatement, { trace }: GuardedRequest): void {
  if (trace !== undefined) {
    trace.connection = connection;
    trace.tries++;
  }
  if (statement.kind !== 'read' && leavesTraces(statement)) markUnlike(connection);
}

/** Opens a cursor on a connection if its guard allows it. */
export function openOn(
  connection: Connection,
  statement: AnalyzedStatement,
  values: readonly SqlValue[],
  options: CursorOptions,
  guard: Guard | undefined,
): MaybePromise<Cursor> {
  if (guard !== undefined) return guard.open(connection, options);
  return connection.openCursor(statement, values, options);
}

/** `create temp …` and what names the schema `temp`. */
const TEMPORARY = /^create\s+temp|\btemp["'`\]]?\s*\./i;

/** Whether it leaves behind what only its connection has: a setting, a temporary table, an attached database. */
export function leavesTraces(statement: AnalyzedStatement): boolean {
  const { pragma, text, verb } = statement;
  if (pragma !== undefined) return connectionSetting(statement) !== undefined;
  if (verb === 'CREATE' || verb === 'DROP' || verb === 'ALTER') return TEMPORARY.test(text);
  return verb === 'ATTACH' || verb === 'DETACH';
}

/** Connections with settings, tables or databases of their own, which nobody else must come to have. */
const unlike = new WeakSet<Connection>();

/** What is to be done before a connection is made unlike the others. */
const watched = new WeakMap<Connection, () => void>();

/** Notes that a connection is about to have something of its own. */
export function markUnlike(connection: Connection): void {
  watched.get(connection)?.();
  unlike.add(connection);
}

/** Has `before` called each time before something is done that leaves traces on the connection; undefined ends it. */
export function watchTraces(connection: Connection, before: (() => void) | undefined): void {
  if (before === undefined) watched.delete(connection);
  else watched.set(connection, before);
}

/** Whether statements have made the connection another than those that are opened for the database. */
export function isUnlike(connection: Connection): boolean {
  return unlike.has(connection);
}
