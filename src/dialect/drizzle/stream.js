import { is } from 'drizzle-orm';
import { ParameterError } from '../../errors.js';
import { TursoPreparedQuery } from './prepared-query.js';
/** The rows of any query one by one, run by `executor`. */
export async function* streamQuery(executor, query, { placeholderValues, ...options } = {}) {
  const prepared = prepare(query);
  if (is(prepared, TursoPreparedQuery)) {
    yield* prepared.stream(executor, placeholderValues, options);
    return;
  }
  // db.all(sql`…`) and its like, of which only the text and parameters are public.
  const { getQuery } = prepared ?? {};
  if (typeof getQuery !== 'function') throw new ParameterError('stream() takes a query');
  const { sql, params, method } = getQuery.call(prepared);
  yield* executor.stream(sql, params, { ...options, rowMode: method === 'values' ? 'array' : 'object' });
}
function prepare(query) {
  const { _prepare } = query ?? {};
  return typeof _prepare === 'function' ? _prepare.call(query, true) : query;
}
