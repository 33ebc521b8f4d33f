import {
  entityKind,
  type ExtractTablesWithRelations,
  type RelationalSchemaConfig,
  type TablesRelationalConfig,
} from 'drizzle-orm';
import type { BatchItem, BatchResponse } from 'drizzle-orm/batch';
import { BaseSQLiteDatabase } from 'drizzle-orm/sqlite-core';
import type { BatchMode, BatchOptions, BatchOutcome } from '../../database/batch.js';
import type { Database } from '../../database/database.js';
import type { TransactionOptions } from '../../database/session.js';
import { installRelationalQueries } from './relational.js';
import type { RunResult } from './run-result.js';
import { sessionOf } from './session-of.js';
import type { TursoSession } from './session.js';
import type { TursoSQLiteDialect } from './sql-dialect.js';
import { type StreamableQuery, type StreamedRow, streamOn, type StreamQueryOptions } from './stream.js';
import type { TursoTransaction } from './transaction.js';

/**
 * A Drizzle database on a {@link Database}. Made by `drizzle()`.
 *
 * @typeParam TClient - what `$client` is: the client that was given to `drizzle()`, otherwise a {@link Database}
 */
export class TursoDatabase<
  TFullSchema extends Record<string, unknown> = Record<string, never>,
  TClient = Database,
> extends BaseSQLiteDatabase<'async', RunResult, TFullSchema> {
  static override readonly [entityKind]: string = 'TursoDatabase';
  /** The client that was given to `drizzle()`; otherwise the {@link Database} under the queries. */
  readonly $client: TClient;

  /** @internal */
  constructor(
    client: TClient,
    dialect: TursoSQLiteDialect,
    session: TursoSession<TFullSchema, ExtractTablesWithRelations<TFullSchema>>,
    schema: RelationalSchemaConfig<TablesRelationalConfig> | undefined,
  ) {
    super('async', dialect, session, undefined);
    this.$client = client;
    installRelationalQueries(this, dialect, session, schema);
  }

  /**
   * Runs a callback in a transaction: commits when it resolves, rolls back when it throws.
   *
   * @param config - `behavior`, `retry`, `signal` and `timeout` (ms); see {@link TransactionOptions}
   * @throws what the callback throws, or as `Database.transaction()`
   *
   * @example
   * ```ts
   * import { drizzle } from 'turso-dialect/drizzle';
   * import { integer, sqliteTable } from 'drizzle-orm/sqlite-core';
   *
   * const counters = sqliteTable('counters', { value: integer().notNull() });
   * const db = drizzle(':memory:');
   * await db.run('create table counters (value integer not null)');
   * await db.transaction((tx) => tx.insert(counters).values({ value: 1 }), { behavior: 'immediate', retry: 3 });
   * ```
   */
  override async transaction<T>(
    callback: (tx: TursoTransaction<TFullSchema, ExtractTablesWithRelations<TFullSchema>>) => Promise<T>,
    config?: TransactionOptions,
  ): Promise<T> {
    return await sessionOf<TFullSchema, ExtractTablesWithRelations<TFullSchema>>(this).transaction(
      callback,
      config,
    );
  }

  /**
   * Runs several queries: all or none of them (the default), or with `atomic: false` each on its own.
   *
   * @returns the results in order, typed as a tuple; with `atomic: false` one outcome per query
   * @throws {@link DatabaseError} with `statementIndex`, when `atomic` and a query fails
   *
   * @example
   * ```ts
   * import { sql } from 'drizzle-orm';
   * import { drizzle } from 'turso-dialect/drizzle';
   *
   * const db = drizzle(':memory:');
   * const [, rows] = await db.batch([db.run(sql`create table t (a)`), db.all<{ n: number }>(sql`select 1 as n`)]);
   * console.log(rows[0]?.n); // 1
   * ```
   */
  batch<U extends BatchItem<'sqlite'>, T extends Readonly<[U, ...U[]]>>(
    queries: T,
    options: BatchOptions & { readonly atomic: false },
  ): Promise<{ [K in keyof T]: BatchOutcome<T[K]['_']['result']> }>;
  batch<U extends BatchItem<'sqlite'>, T extends Readonly<[U, ...U[]]>>(
    queries: T,
    options?: BatchOptions | BatchMode,
  ): Promise<BatchResponse<T>>;
  async batch(queries: readonly BatchItem<'sqlite'>[], options?: BatchOptions | BatchMode): Promise<unknown> {
    return sessionOf<TFullSchema, ExtractTablesWithRelations<TFullSchema>>(this).batch(queries, options);
  }

  /**
   * Gives the rows of a query one by one, decoded as the query itself would, fetching them as they are asked for.
   * Leaving the loop frees the statement and its locks.
   *
   * @param query - a builder, a relational query, `db.all(sql)` or a prepared query
   * @param options - `placeholderValues` of a prepared query, `batchSize`, `signal` and `timeout` (ms)
   *
   * @example
   * ```ts
   * import { sql } from 'drizzle-orm';
   * import { drizzle } from 'turso-dialect/drizzle';
   *
   * const db = drizzle(':memory:');
   * for await (const row of db.stream(db.all<{ value: number }>(sql`select value from generate_series(1, 3)`))) {
   *   console.log(row.value);
   * }
   * ```
   */
  stream<TQuery extends StreamableQuery>(
    query: TQuery,
    options?: StreamQueryOptions,
  ): AsyncGenerator<StreamedRow<TQuery>, void, undefined> {
    return streamOn(this, query, options);
  }
}
