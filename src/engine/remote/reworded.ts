import type { DatabaseError } from '../../errors.js';
import { isOfOtherParser, toRemoteError } from './failure.js';
import type { RemoteStream } from './stream.js';

/**
 * The error in SQLite's words. sqld 0.24 gives a text to SQLite as it is when it is asked for the columns. What SQLite would
 * take stays in the words of the server, which has refused it.
 */
export async function reworded(
  error: DatabaseError,
  openStream: () => Promise<RemoteStream>,
): Promise<DatabaseError> {
  const { sql, statementIndex } = error;
  if (sql === undefined) return error;
  let stream: RemoteStream | undefined;
  try {
    stream = await openStream();
    await stream.describe(sql);
    return error;
  } catch (thrown) {
    const reason = toRemoteError(thrown, sql);
    if (reason.kind !== 'sql' || isOfOtherParser(reason)) return error;
    reason.statementIndex = statementIndex;
    return reason;
  } finally {
    stream?.close();
  }
}
