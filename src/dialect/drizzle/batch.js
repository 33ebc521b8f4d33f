import { is } from 'drizzle-orm';
import { bind } from '../../database/statements.js';
import { ParameterError } from '../../errors.js';
import { TursoPreparedQuery } from './prepared-query.js';
/** What turns a builder or prepared query into something that a batch can run. */
// biome-ignore lint: the session's schema types play no part here
export function toBatchQuery(query, session, index) {
  const prepared = prepare(query);
  if (is(prepared, TursoPreparedQuery)) return prepared;
  if (!isRawQuery(prepared)) {
    throw new ParameterError(`item ${index} of the batch is not a query`);
  }
  const { executor } = session;
  return {
    toBatchItem: () => {
      const { sql, params } = prepared.getQuery();
      const statement = executor.statements.one(sql);
      const exactIntegers = executor.config.intMode !== 'number';
      return {
        statement,
        values: bind(statement, params, executor.limits),
        request: { fetch: 'all', columns: true, rowid: true, exactIntegers },
      };
    },
    mapResult: (result) => prepared.mapResult(result, true),
  };
}
function prepare(query) {
  const { _prepare } = query ?? {};
  return typeof _prepare === 'function' ? _prepare.call(query) : query;
}
function isRawQuery(query) {
  const { getQuery, mapResult } = query ?? {};
  return typeof getQuery === 'function' && typeof mapResult === 'function';
}
