import {
  entityKind,
  type Logger,
  NoopLogger,
  type Query,
  type RelationalSchemaConfig,
  type TablesRelationalConfig,
} from 'drizzle-orm';
import type { BatchItem as DrizzleBatchItem } from 'drizzle-orm/batch';
import { type Cache, NoopCache } from 'drizzle-orm/cache/core';
import type { WithCacheConfig } from 'drizzle-orm/cache/core/types';
import {
  type PreparedQueryConfig,
  type SelectedFieldsOrdered,
  type SQLiteExecuteMethod,
  SQLiteSession,
} from 'drizzle-orm/sqlite-core';
import {
  type BatchMode,
  type BatchOptions,
  type BatchOutcome,
  runIndependently,
  toBatchOptions,
} from '../../database/batch.js';
import { Database } from '../../database/database.js';
import type { TransactionOptions } from '../../database/session.js';
import type { Executor, RawResult } from '../../database/executor.js';
import { withWordsOf } from '../../hints.js';
import { withoutForeignKeys } from '../../database/lazy.js';
import { toResultSet, toRows } from '../../database/result.js';
import type { Transaction } from '../../database/transaction.js';
import { toBatchQuery } from './batch.js';
import { type QueryMetadata, type RowDecoder, TursoPreparedQuery } from './prepared-query.js';
import type { RunResult } from './run-result.js';
import type { TursoSQLiteDialect } from './sql-dialect.js';
import { TursoTransaction } from './transaction.js';

/** What every query of a session shares. */
export interface TursoSessionOptions {
  readonly logger?: Logger | undefined;
  readonly cache?: Cache | undefined;
}

/** Runs Drizzle's queries on a database or in a transaction. */
export class TursoSession<
  TFullSchema extends Record<string, unknown>,
  TSchema extends TablesRelationalConfig,
> extends SQLiteSession<'async', RunResult, TFullSchema, TSchema> {
  static override readonly [entityKind]: string = 'TursoSession';
  /** @internal */
  readonly executor: Executor;
  readonly #dialect: TursoSQLiteDialect;
  readonly #schema: RelationalSchemaConfig<TSchema> | undefined;
  readonly #options: TursoSessionOptions;
  readonly #logger: Logger;
  readonly #cache: Cache;

  constructor(
    executor: Executor,
    dialect: TursoSQLiteDialect,
    schema: RelationalSchemaConfig<TSchema> | undefined,
    options: TursoSessionOptions,
  ) {
    super(dialect);
    this.executor = executor;
    this.#dialect = dialect;
    this.#schema = schema;
    this.#options = options;
    this.#logger = options.logger ?? new NoopLogger();
    this.#cache = options.cache ?? new NoopCache();
  }

  // oxlint-disable-next-line max-params -- the signature is Drizzle's
  override prepareQuery<T extends PreparedQueryConfig>(
    query: Query,
    fields: SelectedFieldsOrdered | undefined,
    method: SQLiteExecuteMethod,
    arrayMode: boolean,
    mapRows?: (rows: unknown[][]) => unknown,
    metadata?: QueryMetadata,
    cacheConfig?: WithCacheConfig,
  ): TursoPreparedQuery<T> {
    const { executor } = this;
    const [logger, cache] = [this.#logger, this.#cache];
    return new TursoPreparedQuery<T>({
      ...{ executor, query, logger, cache, method, arrayMode, metadata, cacheConfig, fields, mapRows },
    });
  }

  /** @internal A relational query, whose rows are decoded one by one. */
  prepareRelationalQuery(query: Query, method: 'all' | 'get', decodeRow: RowDecoder): TursoPreparedQuery {
    const { executor } = this;
    const [logger, cache] = [this.#logger, this.#cache];
    return new TursoPreparedQuery({ executor, query, logger, cache, method, arrayMode: true, decodeRow });
  }

  /** @internal Runs queries as one unit, or each on its own. */
  async batch(
    queries: readonly DrizzleBatchItem<'sqlite'>[],
    given: BatchOptions | BatchMode | undefined,
  ): Promise<unknown[] | BatchOutcome<unknown>[]> {
    const options = toBatchOptions(given);
    const items = queries.map((query, index) => toBatchQuery(query, this, index));
    const abort = this.executor.abortFrom(options);
    try {
      if (options.atomic === false) {
        const outcomes = await runIndependently(
          this.executor,
          items,
          (item) => item.toBatchItem(),
          options,
          abort,
        );
        return outcomes.map((outcome, i) =>
          outcome.status === 'fulfilled'
            ? { ...outcome, value: items[i]?.mapResult(outcome.value) }
            : outcome,
        );
      }
      const { behavior } = options;
      const run = items.map((item) => item.toBatchItem());
      const results = await this.executor.runAtomically(run, { behavior, abort });
      return results.map((result, i) => items[i]?.mapResult(result));
    } catch (error) {
      throw withWordsOf('drizzle', error);
    } finally {
      abort?.dispose();
    }
  }

  /**
   * @internal What the migrator of `drizzle-orm/libsql` calls with all statements of all pending migrations. That of
   * `turso-dialect/drizzle/migrator` checks more and undoes less.
   */
  async migrate(queries: readonly DrizzleBatchItem<'sqlite'>[]): Promise<void> {
    const items = queries.map((query, index) => toBatchQuery(query, this, index).toBatchItem());
    const { runWithoutForeignKeys } = withoutForeignKeys.loaded ?? (await withoutForeignKeys.load());
    await runWithoutForeignKeys(this.executor as Database, items);
  }

  override async transaction<T>(
    callback: (tx: TursoTransaction<TFullSchema, TSchema>) => Promise<T>,
    config: TransactionOptions = {},
  ): Promise<T> {
    const { executor } = this;
    const run = (inner: Transaction): Promise<T> => callback(this.#transactionOn(inner));
    // Awaited here, not just returned: only awaiting callers are listed in the stack by which a call on the outer handle
    // inside the callback is recognised.
    if (executor instanceof Database) return await executor.transaction(run, config);
    const outer = executor as Transaction;
    outer.checkNested(config);
    return await outer.transaction(run);
  }

  /** @internal */
  extractRawRunValueFromBatchResult(result: unknown): unknown {
    return toResultSet(result as RawResult, 'object', this.executor.config.intMode);
  }

  /** @internal */
  extractRawAllValueFromBatchResult(result: unknown): unknown {
    const { rows, columns = [] } = result as RawResult;
    return toRows(rows, columns, 'object', this.executor.config.intMode);
  }

  /** @internal */
  extractRawGetValueFromBatchResult(result: unknown): unknown {
    const { rows, columns = [] } = result as RawResult;
    return toRows(rows.slice(0, 1), columns, 'object', this.executor.config.intMode)[0];
  }

  /** @internal */
  extractRawValuesValueFromBatchResult(result: unknown): unknown {
    const { rows, columns = [] } = result as RawResult;
    return toRows(rows, columns, 'array', this.executor.config.intMode);
  }

  #transactionOn(executor: Executor): TursoTransaction<TFullSchema, TSchema> {
    const session = new TursoSession<TFullSchema, TSchema>(
      executor,
      this.#dialect,
      this.#schema,
      this.#options,
    );
    return new TursoTransaction(this.#dialect, session, this.#schema);
  }
}
