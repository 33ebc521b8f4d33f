import { DrizzleQueryError } from 'drizzle-orm';
/**
 * Wraps a failure as Drizzle does, but keeps the parameters out of the message and of what is printed or serialised:
 * they may be secrets. They are still there as `error.params`.
 */
export function queryError(sql, params, thrown) {
  const cause = thrown instanceof DrizzleQueryError ? thrown.cause : thrown;
  const reason = cause instanceof Error ? cause : new Error(String(cause));
  const error = new DrizzleQueryError(sql, [], reason);
  error.message = `Failed query: ${shorten(sql)}\n${reason.message}`;
  Object.defineProperty(error, 'params', {
    value: params,
    enumerable: false,
    configurable: true,
    writable: true,
  });
  return error;
}
/** A bulk insert's text can be megabytes long; the whole of it is in `error.query`. */
function shorten(sql) {
  return sql.length <= LONGEST_SHOWN ? sql : `${sql.slice(0, LONGEST_SHOWN)}… (${sql.length} characters)`;
}
const LONGEST_SHOWN = 2_000;
