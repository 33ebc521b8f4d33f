import { entityKind, type RelationalSchemaConfig, type TablesRelationalConfig } from 'drizzle-orm';
import type { BatchItem, BatchResponse } from 'drizzle-orm/batch';
import { SQLiteTransaction } from 'drizzle-orm/sqlite-core';
import type { Transaction } from '../../database/transaction.js';
import { installRelationalQueries } from './relational.js';
import type { RunResult } from './run-result.js';
import { sessionOf } from './session-of.js';
import type { TursoSession } from './session.js';
import type { TursoSQLiteDialect } from './sql-dialect.js';
import { type StreamableQuery, type StreamedRow, streamOn, type StreamQueryOptions } from './stream.js';

/** What the callback of `db.transaction()` is given: everything that the database has, inside the transaction. */
export class TursoTransaction<
  TFullSchema extends Record<string, unknown>,
  TSchema extends TablesRelationalConfig,
> extends SQLiteTransaction<'async', RunResult, TFullSchema, TSchema> {
  static override readonly [entityKind]: string = 'TursoTransaction';

  /** @internal */
  constructor(
    dialect: TursoSQLiteDialect,
    session: TursoSession<TFullSchema, TSchema>,
    schema: RelationalSchemaConfig<TSchema> | undefined,
  ) {
    super('async', dialect, session, undefined);
    // Drizzle would build what `query` needs at once; adapters read the schema.
    this.schema = schema;
    installRelationalQueries(this, dialect, session, schema);
  }

  /** The transaction under the queries: `execute`, `prepare`, `pragma`, `explain` … */
  get $client(): Transaction {
    return sessionOf<TFullSchema, TSchema>(this).executor as Transaction;
  }

  /**
   * Runs a callback in a nested transaction, a savepoint. Siblings run one after another.
   *
   * @throws what the callback throws; `tx.rollback()` in it undoes the nested transaction only
   */
  override async transaction<T>(
    callback: (tx: TursoTransaction<TFullSchema, TSchema>) => Promise<T>,
    config?: { readonly behavior?: 'deferred' | 'immediate' | 'exclusive' },
  ): Promise<T> {
    return await sessionOf<TFullSchema, TSchema>(this).transaction(callback, config);
  }

  /** Runs several queries as one unit inside the transaction; results in order, typed as a tuple. */
  async batch<U extends BatchItem<'sqlite'>, T extends Readonly<[U, ...U[]]>>(
    queries: T,
  ): Promise<BatchResponse<T>> {
    // One result per query, each of that query's own type.
    return (await sessionOf<TFullSchema, TSchema>(this).batch(queries, {})) as BatchResponse<T>;
  }

  /** Gives the rows of a query one by one; see `db.stream()`. */
  stream<TQuery extends StreamableQuery>(
    query: TQuery,
    options?: StreamQueryOptions,
  ): AsyncGenerator<StreamedRow<TQuery>, void, undefined> {
    return streamOn(this, query, options);
  }
}
