import {
  type CompiledQuery,
  DeleteResult,
  InsertResult,
  type OperationNode,
  type QueryResult,
  type RawBuilder,
  UpdateResult,
} from 'kysely';
import {
  type BatchItem,
  type BatchOptions,
  type BatchOutcome,
  checkBatchOptions,
  runIndependently,
} from '../../database/batch.js';
import type { Executor, RawResult } from '../../database/executor.js';
import { ParameterError } from '../../errors.js';
import { toItem, toQueryResult } from './execute.js';
import { type KyselyHandle, withConnection } from './with-connection.js';

/** A query of a batch: any builder that can be executed, an `sql` template, or a compiled query. */
export type BatchQuery = ExecutableQuery | RawBuilder<unknown> | CompiledQuery;

/** What the query builders and those of the schema have in common. */
interface ExecutableQuery {
  compile(): CompiledQuery;
  execute(): Promise<unknown>;
}

/** What `execute()` of a query gives; for a compiled query its rows. */
export type BatchResult<TQuery> =
  TQuery extends RawBuilder<infer TRow>
    ? QueryResult<TRow>
    : TQuery extends { execute(): Promise<infer TResult> }
      ? TResult
      : TQuery extends CompiledQuery<infer TRow>
        ? TRow[]
        : never;

/** The results of a batch, one for each query. */
export type BatchResults<TQueries extends readonly BatchQuery[]> = {
  -readonly [K in keyof TQueries]: BatchResult<TQueries[K]>;
};

/** The outcomes of an independent batch, one for each query. */
export type BatchOutcomes<TQueries extends readonly BatchQuery[]> = {
  -readonly [K in keyof TQueries]: BatchOutcome<BatchResult<TQueries[K]>>;
};

/**
 * Runs several queries: all or none of them (the default), or with `atomic: false` each on its own. On a remote database
 * that is one round trip. In a transaction it is a part of that.
 *
 * Results go through the plugins of `db`; those of a single query (`query.withPlugin()`) have no part in it.
 *
 * @param db - a Kysely database or transaction with the {@link TursoDialect}
 * @param queries - queries that are not executed yet
 * @param options - `behavior` of the transaction, or `atomic: false`; `signal` and `timeout` (ms)
 * @returns what `execute()` of each query gives; with `atomic: false` one outcome each, as `Promise.allSettled` has them
 * @throws {@link DatabaseError} with `statementIndex`, when `atomic` and a query fails; nothing is kept then
 *
 * @example
 * ```ts
 * import { Kysely } from 'kysely';
 * import { batch, TursoDialect } from 'turso-dialect/kysely';
 *
 * const db = new Kysely<{ users: { name: string } }>({ dialect: new TursoDialect(':memory:') });
 * await db.schema.createTable('users').addColumn('name', 'text').execute();
 * const [inserted, users] = await batch(db, [
 *   db.insertInto('users').values({ name: 'Ada' }),
 *   db.selectFrom('users').selectAll(),
 * ]);
 * console.log(inserted[0]?.insertId, users[0]?.name); // 1n Ada
 * await db.destroy();
 * ```
 */
export function batch<DB, const TQueries extends readonly BatchQuery[]>(
  db: KyselyHandle<DB>,
  queries: TQueries,
  options: BatchOptions & { readonly atomic: false },
): Promise<BatchOutcomes<TQueries>>;
export function batch<DB, const TQueries extends readonly BatchQuery[]>(
  db: KyselyHandle<DB>,
  queries: TQueries,
  options?: BatchOptions,
): Promise<BatchResults<TQueries>>;
export async function batch<DB>(
  db: KyselyHandle<DB>,
  queries: readonly BatchQuery[],
  options: BatchOptions = {},
): Promise<unknown> {
  checkBatchOptions(options);
  return await withConnection(db, async (connection) => {
    const executor = await connection.forSeveral();
    const compiled = queries.map((query, index) => compile(db, query, index));
    const abort = executor.abortFrom(options);
    try {
      if (options.atomic !== false) {
        const items = compiled.map(({ query }, index) => toItem(executor, query, index));
        const results = await executor.runAtomically(items, { behavior: options.behavior, abort });
        return await Promise.all(results.map((raw, i) => finish(db, executor, compiled[i] as Compiled, raw)));
      }
      const prepare = ({ query }: Compiled): BatchItem => toItem(executor, query);
      const outcomes = await runIndependently(executor, compiled, prepare, options, abort);
      return await Promise.all(
        outcomes.map(async (outcome, i) =>
          outcome.status === 'fulfilled'
            ? { ...outcome, value: await finish(db, executor, compiled[i] as Compiled, outcome.value) }
            : outcome,
        ),
      );
    } finally {
      abort?.dispose();
    }
  });
}

/** A query and the form in which its own `execute()` would give the result. */
interface Compiled {
  readonly query: CompiledQuery;
  readonly toValue: (result: QueryResult<unknown>) => unknown;
}

function compile<DB>(db: KyselyHandle<DB>, query: BatchQuery, index: number): Compiled {
  if (query !== null && typeof query === 'object') {
    if ('isRawBuilder' in query) return { query: query.compile(db), toValue: (result) => result };
    if ('compile' in query) {
      const compiled = query.compile();
      return { query: compiled, toValue: (result) => valueOf(compiled.query, result) };
    }
    if ('sql' in query && 'parameters' in query) return { query, toValue: ({ rows }) => rows };
  }
  throw new ParameterError(`item ${index} of the batch is not a query`);
}

/** What the builders of Kysely make of a result in their `execute()`. */
function valueOf(node: OperationNode, result: QueryResult<unknown>): unknown {
  const { rows, insertId, numAffectedRows = 0n, numChangedRows } = result;
  const returning = 'returning' in node && node.returning !== undefined;
  switch (node.kind) {
    case 'SelectQueryNode':
      return rows;
    case 'InsertQueryNode':
      return returning ? rows : [new InsertResult(insertId, numAffectedRows)];
    case 'UpdateQueryNode':
      return returning ? rows : [new UpdateResult(numAffectedRows, numChangedRows)];
    case 'DeleteQueryNode':
      return returning ? rows : [new DeleteResult(numAffectedRows)];
    default:
      // The builders of the schema give nothing.
      return undefined;
  }
}

async function finish<DB>(
  db: KyselyHandle<DB>,
  executor: Executor,
  { query, toValue }: Compiled,
  raw: RawResult,
): Promise<unknown> {
  let result: QueryResult<unknown> = toQueryResult(executor, executor.statements.one(query.sql), raw);
  for (const plugin of db.getExecutor().plugins) {
    // The rows of a plugin's result are records to Kysely, whatever they are.
    result = await plugin.transformResult({ result: result as never, queryId: query.queryId });
  }
  return toValue(result);
}
