import { DatabaseError } from '../../errors.js';
import { fromEngineFailure } from '../../result-codes.js';

/** What the binding throws: a `SqliteError`, or a bare error with the same fields where it forgot to convert. */
interface NativeFailure {
  readonly message: string;
  readonly code?: unknown;
  readonly rawCode?: unknown;
}

/** Turns what the binding threw into an error of our tree. */
export function toDatabaseError(thrown: unknown, sql?: string): DatabaseError {
  if (thrown instanceof DatabaseError) return thrown;
  const failure = thrown as NativeFailure;
  const message = typeof failure?.message === 'string' ? failure.message : String(thrown);
  if (typeof failure?.rawCode === 'number') {
    const extendedCode = typeof failure.code === 'string' ? failure.code : undefined;
    return fromEngineFailure({ rawCode: failure.rawCode, message, extendedCode, sql, cause: thrown });
  }
  // Opening fails with `ConnectionFailed("Unable to open connection to local database PATH: 14")`.
  const opening = /^ConnectionFailed\(.*: (\d+)"\)$/s.exec(message)?.[1];
  if (opening !== undefined) {
    const problem = opening === '14' ? 'unable to open the database file' : 'the database can not be opened';
    return fromEngineFailure({ rawCode: Number(opening), message: problem, sql, cause: thrown });
  }
  return new DatabaseError(message, { code: 'SQLITE_ERROR', kind: 'sql', sql, cause: thrown });
}
