import { DrizzleQueryError } from 'drizzle-orm';
import { DatabaseError, hide, isLong } from '../../errors.js';
import { withWordsOf } from '../../hints.js';

/**
 * Wraps a failure as Drizzle does, but keeps the parameters out of the message and of what is printed or serialised:
 * they may be secrets. They are still there as `error.params`.
 */
export function queryError(sql: string, params: unknown[], thrown: unknown): DrizzleQueryError {
  const cause = thrown instanceof DrizzleQueryError ? thrown.cause : thrown;
  const reason = cause instanceof Error ? cause : new Error(String(cause));
  withWordsOf('drizzle', reason);
  const error = new DrizzleQueryError(sql, [], reason);
  // Our own message shows the beginning of a long text itself.
  const shown = isLong(sql) && reason instanceof DatabaseError ? '' : `${shorten(sql)}\n`;
  error.message = `Failed query: ${shown}${reason.message}`;
  if (isLong(sql)) hide(error, 'query');
  Object.defineProperty(error, 'params', {
    value: params,
    enumerable: false,
    configurable: true,
    writable: true,
  });
  return error;
}

/** A bulk insert's text can be megabytes long; the whole of it is in `error.query`. */
function shorten(sql: string): string {
  return sql.length <= LONGEST_SHOWN ? sql : `${sql.slice(0, LONGEST_SHOWN)}… (${sql.length} characters)`;
}

const LONGEST_SHOWN = 2_000;
