import { is, SQL, type SQLWrapper } from 'drizzle-orm';
import type { Executor } from '../../database/executor.js';
import type { StreamOptions } from '../../database/stream.js';
import { ParameterError } from '../../errors.js';
import { ABORT_OPTIONS, checkOptions } from '../../options.js';
import { TursoPreparedQuery } from './prepared-query.js';
import { sessionOf } from './session-of.js';

/** A query builder, a relational query, `db.all(sql)`, a prepared query, `sql` or a SQL text: anything with rows. */
export type StreamableQuery =
  | string
  | SQLWrapper
  | { readonly _: { readonly dialect: 'sqlite'; readonly result: unknown } }
  | { all(placeholderValues?: Record<string, unknown>): Promise<unknown> };

/** What a streamed query gives row by row. */
export type StreamedRow<TQuery> = TQuery extends string
  ? Record<string, unknown>
  : TQuery extends SQL<infer TRow>
    ? unknown extends TRow
      ? Record<string, unknown>
      : TRow
    : StreamedQueryRow<TQuery>;

type StreamedQueryRow<TQuery> = TQuery extends { readonly _: { readonly result: infer TResult } }
  ? Element<TResult>
  : TQuery extends { all(placeholderValues?: Record<string, unknown>): Promise<infer TResult> }
    ? Element<TResult>
    : never;

type Element<TResult> = TResult extends readonly (infer TRow)[] ? TRow : Exclude<TResult, undefined>;

/** How a query is streamed. */
export interface StreamQueryOptions extends Omit<StreamOptions, 'rowMode'> {
  /** Values of the placeholders of a prepared query. */
  readonly placeholderValues?: Record<string, unknown> | undefined;
}

/** The rows of a query one by one, run by a database or transaction. */
export function streamOn<TQuery extends StreamableQuery>(
  db: { all(query: SQLWrapper | string): unknown },
  query: TQuery,
  options: StreamQueryOptions | undefined,
): AsyncGenerator<StreamedRow<TQuery>, void, undefined> {
  // As `db.all()` runs them, which waits until it is awaited.
  const streamed = typeof query === 'string' || is(query, SQL) ? (db.all(query) as StreamableQuery) : query;
  const rows = streamQuery(sessionOf(db).executor, streamed, options);
  return rows as AsyncGenerator<StreamedRow<TQuery>, void, undefined>;
}

/** The rows of any query one by one, run by `executor`. */
async function* streamQuery(
  executor: Executor,
  query: StreamableQuery,
  given: StreamQueryOptions = {},
): AsyncGenerator<unknown, void, undefined> {
  checkOptions(given, 'stream()', ['placeholderValues', 'batchSize', ...ABORT_OPTIONS]);
  const { placeholderValues, ...options } = given;
  const prepared = prepare(query);
  if (is(prepared, TursoPreparedQuery)) {
    yield* prepared.stream(executor, placeholderValues, options);
    return;
  }
  // db.all(sql`…`) and its like, of which only the text and parameters are public.
  const { getQuery } = (prepared ?? {}) as {
    getQuery?: () => { sql: string; params: unknown[]; method?: string };
  };
  if (typeof getQuery !== 'function')
    throw new ParameterError('stream() takes a query, sql`…` or a SQL text');
  const { sql, params, method } = getQuery.call(prepared);
  yield* executor.stream(sql, params, { ...options, rowMode: method === 'values' ? 'array' : 'object' });
}

function prepare(query: unknown): unknown {
  const { _prepare } = (query ?? {}) as { _prepare?: (oneTime: boolean) => unknown };
  return typeof _prepare === 'function' ? _prepare.call(query, true) : query;
}
