import type { Connection, MaybePromise } from '../engine/engine.js';
import { ConstraintError } from '../errors.js';
import { analyze, type AnalyzedStatement } from '../sql/statement.js';

const [FIND_INDEX] = analyze(`
  SELECT l.name, l.origin FROM pragma_index_list(?1) AS l
  WHERE l."unique" AND ?2 = (
    SELECT group_concat(i.name, ', ') FROM (SELECT name FROM pragma_index_info(l.name) ORDER BY seqno) AS i
  )
  ORDER BY l.seq DESC LIMIT 1`).statements as [AnalyzedStatement];

/**
 * Fills in the name of the unique index that an insert or update ran into: SQLite's message names its columns only.
 * The error stays as it is when there is no such index (a rowid) or it can't be found out.
 */
async function nameConstraintIndex(connection: Connection, error: unknown): Promise<void> {
  if (!(error instanceof ConstraintError) || error.index !== undefined || error.table === undefined) return;
  if (error.constraint !== 'unique' && error.constraint !== 'primaryKey') return;
  if (!connection.usable) return;
  try {
    const args = [error.table, error.columns.join(', ')];
    const { rows } = await connection.execute(FIND_INDEX, args, { fetch: 'first' });
    const [name, origin] = rows[0] ?? [];
    if (typeof name === 'string') error.index = name;
    // A server gives SQLite's message without its extended code, and that calls a primary key UNIQUE as well. One
    // without an index is the rowid.
    if (name === undefined || origin === 'pk') error.constraint = 'primaryKey';
  } catch {
    // The constraint error is what the caller must see, not a failure to describe it better.
  }
}

/** Runs something; the index that it ran into is named on its error. */
export async function namingIndex<T>(connection: Connection, run: () => MaybePromise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    await nameConstraintIndex(connection, error);
    throw error;
  }
}

/** Rejects with a constraint error, once its index is named. */
export async function rejectNamed(connection: Connection, error: ConstraintError): Promise<never> {
  await nameConstraintIndex(connection, error);
  throw error;
}
