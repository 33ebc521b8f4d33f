import { entityKind, is, type Logger, NoopLogger, Param, Placeholder, type Query } from 'drizzle-orm';
import { type Cache, NoopCache } from 'drizzle-orm/cache/core';
import type { WithCacheConfig } from 'drizzle-orm/cache/core/types';
import {
  type PreparedQueryConfig,
  type SelectedFieldsOrdered,
  type SQLiteExecuteMethod,
  SQLitePreparedQuery,
} from 'drizzle-orm/sqlite-core';
import type { BatchItem } from '../../database/batch.js';
import type { ExecuteRequest, Executor, RawResult } from '../../database/executor.js';
import { toResultSet, toRows } from '../../database/result.js';
import { bind } from '../../database/statements.js';
import { type StreamOptions, streamBatches } from '../../database/stream.js';
import { ParameterError } from '../../errors.js';
import type { AnalyzedStatement } from '../../sql/statement.js';
import { type SqlValue, unsafeInteger } from '../../values.js';
import type { DecodeOptions } from './field-decoder.js';
import { queryError } from './query-error.js';
import { compileRowDecoder } from './row-decoder.js';
import type { RunResult } from './run-result.js';

/** Turns one row of values into what the query promises. */
export type RowDecoder = (row: SqlValue[]) => unknown;

/** What a query is about, for Drizzle's cache. */
export interface QueryMetadata {
  readonly type: 'select' | 'update' | 'delete' | 'insert';
  readonly tables: string[];
}

/** Everything a prepared query is made of. */
export interface PreparedQueryParts {
  readonly executor: Executor;
  readonly query: Query;
  readonly logger: Logger;
  readonly cache: Cache;
  readonly method: SQLiteExecuteMethod;
  readonly arrayMode: boolean;
  readonly metadata?: QueryMetadata | undefined;
  readonly cacheConfig?: WithCacheConfig | undefined;
  /** Columns and expressions of the result; undefined for raw SQL, whose rows become objects as they are. */
  readonly fields?: SelectedFieldsOrdered | undefined;
  /** For relational queries, whose rows are trees. */
  readonly decodeRow?: RowDecoder | undefined;
  /** A mapper of whole results that somebody else made. */
  readonly mapRows?: ((rows: unknown[][]) => unknown) | undefined;
}

/** The members of `SQLitePreparedQuery` that drizzle-orm 0.45.4 has and does not declare. */
interface PreparedQueryInternals {
  joinsNotNullableMap?: Record<string, boolean>;
  queryWithCache<T>(sql: string, params: unknown[], run: () => Promise<T>): Promise<T>;
}

/** A Drizzle query ready to run on a database or transaction. */
export class TursoPreparedQuery<
  T extends PreparedQueryConfig = PreparedQueryConfig,
> extends SQLitePreparedQuery<{
  type: 'async';
  run: RunResult;
  all: T['all'];
  get: T['get'];
  values: T['values'];
  execute: T['execute'];
}> {
  static override readonly [entityKind]: string = 'TursoPreparedQuery';
  readonly #parts: PreparedQueryParts;
  readonly #hasPlaceholders: boolean;
  /** Without a cache Drizzle's own wrapper would only cost time. */
  readonly #cached: boolean;
  readonly #logged: boolean;
  #slots: (Slot | undefined)[] | undefined;
  #statement: AnalyzedStatement | undefined;
  #decoder: RowDecoder | undefined;

  constructor(parts: PreparedQueryParts) {
    super('async', parts.method, parts.query, parts.cache, parts.metadata, parts.cacheConfig);
    this.#parts = parts;
    this.#hasPlaceholders = parts.query.params.some(isPlaceholder);
    this.#cached = parts.metadata !== undefined && !is(parts.cache, NoopCache);
    this.#logged = !is(parts.logger, NoopLogger);
  }

  override run(placeholderValues?: Record<string, unknown>): Promise<RunResult> {
    return this.#query(placeholderValues, RUN, this.#toResult);
  }

  override all(placeholderValues?: Record<string, unknown>): Promise<T['all']> {
    return this.#query(placeholderValues, this.#isRaw ? OBJECTS : ROWS, this.#decodeAll);
  }

  override get(placeholderValues?: Record<string, unknown>): Promise<T['get']> {
    return this.#query(placeholderValues, this.#isRaw ? FIRST_OBJECT : FIRST_ROW, this.#decodeFirst);
  }

  override values(placeholderValues?: Record<string, unknown>): Promise<T['values']> {
    return this.#query(placeholderValues, OBJECTS, this.#toArrays);
  }

  /** The rows one by one, run by `executor`. */
  async *stream(
    executor: Executor,
    placeholderValues: Record<string, unknown> | undefined,
    options: StreamOptions | undefined,
  ): AsyncGenerator<unknown, void, undefined> {
    const params = this.#params(placeholderValues);
    this.#log(params);
    const exact = this.#intMode !== 'number';
    try {
      const statement = this.#analyzed();
      const values = bind(statement, params, executor.limits);
      for await (const { rows, columns } of streamBatches(executor, statement, values, exact, options)) {
        const decoded = this.#decodeAll({ rows, columns, rowsAffected: 0, lastInsertRowid: undefined });
        yield* decoded as unknown[];
      }
    } catch (error) {
      throw queryError(this.query.sql, params, error);
    }
  }

  /** This query as an item of a batch. */
  toBatchItem(): BatchItem {
    const params = this.#params(undefined);
    this.#log(params);
    const { method } = this.#parts;
    const request = method === 'run' ? RUN : this.#isRaw ? OBJECTS : ROWS;
    const statement = this.#analyzed();
    return {
      statement,
      values: bind(statement, params, this.#parts.executor.limits),
      request: this.#exact(request),
    };
  }

  override mapRunResult(result: unknown): unknown {
    return this.#toResult(result as RawResult);
  }

  override mapAllResult(result: unknown): unknown {
    return this.#decodeAll(result as RawResult);
  }

  override mapGetResult(result: unknown): unknown {
    return this.#decodeFirst(result as RawResult);
  }

  /** @internal Asked for by Drizzle's set operations and batches. */
  isResponseInArrayMode(): boolean {
    return this.#parts.arrayMode;
  }

  get #intMode(): DecodeOptions['intMode'] {
    return this.#parts.executor.config.intMode;
  }

  /** Whether rows are objects by column name, since nothing is known of the columns. */
  get #isRaw(): boolean {
    const { fields, decodeRow, mapRows } = this.#parts;
    return fields === undefined && decodeRow === undefined && mapRows === undefined;
  }

  /** One async function for all of it: each further one would be a noticeable part of a point query's time. */
  async #query<R>(
    placeholderValues: Record<string, unknown> | undefined,
    request: ExecuteRequest,
    decode: (raw: RawResult) => R,
  ): Promise<R> {
    const params = this.#params(placeholderValues);
    if (this.#logged) this.#log(params);
    try {
      const result = this.#cached ? this.#runCached(params, request) : this.#run(params, request);
      return decode(result instanceof Promise ? await result : result);
    } catch (error) {
      throw queryError(this.query.sql, params, error);
    }
  }

  /** Drizzle's own wrapper wraps errors too; {@link queryError} takes care that they are wrapped once. */
  async #runCached(params: unknown[], request: ExecuteRequest): Promise<RawResult> {
    const { sql } = this.query;
    const raw = await this.#internals.queryWithCache(sql, params, async () => this.#run(params, request));
    // The cache may keep the very object, and decoding works in place.
    return { ...raw, rows: raw.rows.map((row) => [...row]) };
  }

  #run(params: unknown[], request: ExecuteRequest): RawResult | Promise<RawResult> {
    const { executor } = this.#parts;
    const statement = this.#analyzed();
    const values = bind(statement, params, executor.limits);
    const abort = executor.config.timeout === undefined ? undefined : executor.abortFrom(undefined);
    const result = executor.runStatement(statement, values, this.#exact(request), abort);
    return abort === undefined ? result : Promise.resolve(result).finally(() => abort.dispose());
  }

  #analyzed(): AnalyzedStatement {
    this.#statement ??= this.#parts.executor.statements.one(this.query.sql);
    return this.#statement;
  }

  #exact(request: ExecuteRequest): ExecuteRequest {
    return this.#intMode === 'number' ? request : { ...request, exactIntegers: true };
  }

  #params(placeholderValues: Record<string, unknown> | undefined): unknown[] {
    const { params } = this.query;
    return this.#hasPlaceholders ? this.#fill(params, placeholderValues ?? {}) : params;
  }

  /** What Drizzle's `fillPlaceholders` does, with the look at each parameter done once. */
  #fill(params: readonly unknown[], given: Record<string, unknown>): unknown[] {
    this.#slots ??= params.map(toSlot);
    return this.#slots.map((slot, i) => {
      if (slot === undefined) return params[i];
      const { name, encode } = slot;
      if (!(name in given))
        throw new ParameterError(`no value for placeholder "${name}" was provided`, name, this.query.sql);
      const value = given[name];
      // As everywhere in Drizzle, NULL is NULL in every column; undefined is refused when it is bound.
      return encode === undefined || value === null || value === undefined ? value : encode(value);
    });
  }

  #log(params: unknown[]): void {
    this.#parts.logger.logQuery(this.query.sql, params);
  }

  // A row has these members; their types here are those of `@libsql/client`.
  readonly #toResult = (raw: RawResult): RunResult =>
    toResultSet(raw, 'object', this.#intMode) as unknown as RunResult;

  readonly #toArrays = (raw: RawResult): unknown =>
    toRows(raw.rows, raw.columns ?? [], 'array', this.#intMode);

  readonly #decodeAll = (raw: RawResult): unknown => {
    const { mapRows } = this.#parts;
    if (mapRows !== undefined) return mapRows(raw.rows);
    if (this.#isRaw) return toRows(raw.rows, raw.columns ?? [], 'object', this.#intMode);
    const decode = (this.#decoder ??= this.#compile());
    const rows: unknown[] = raw.rows;
    // In place: the rows belong to this result alone.
    for (let i = 0; i < rows.length; i++) rows[i] = decode(rows[i] as SqlValue[]);
    return rows;
  };

  readonly #decodeFirst = (raw: RawResult): unknown => {
    const { mapRows } = this.#parts;
    const [row] = raw.rows;
    if (row === undefined) return undefined;
    if (mapRows !== undefined) return mapRows([row]);
    if (this.#isRaw) return toRows([row], raw.columns ?? [], 'object', this.#intMode)[0];
    return (this.#decoder ??= this.#compile())(row);
  };

  /** Only now: the builder tells which joined tables may be missing after it has made this object. */
  #compile(): RowDecoder {
    const { fields, decodeRow } = this.#parts;
    if (decodeRow !== undefined) return decodeRow;
    const options: DecodeOptions = { intMode: this.#intMode, onUnsafeInteger: unsafeInteger };
    return compileRowDecoder(fields as SelectedFieldsOrdered, this.#internals.joinsNotNullableMap, options);
  }

  get #internals(): PreparedQueryInternals {
    return this as unknown as PreparedQueryInternals;
  }
}

const RUN: ExecuteRequest = Object.freeze({ fetch: 'all', columns: true, rowid: true });
const ROWS: ExecuteRequest = Object.freeze({ fetch: 'all' });
const FIRST_ROW: ExecuteRequest = Object.freeze({ fetch: 'first' });
const OBJECTS: ExecuteRequest = Object.freeze({ fetch: 'all', columns: true });
const FIRST_OBJECT: ExecuteRequest = Object.freeze({ fetch: 'first', columns: true });

/** A parameter that is given with each run. */
interface Slot {
  readonly name: string;
  readonly encode: ((value: unknown) => unknown) | undefined;
}

function toSlot(param: unknown): Slot | undefined {
  if (!isPlaceholder(param)) return undefined;
  if (is(param, Placeholder)) return { name: param.name, encode: undefined };
  const { value, encoder } = param as Param;
  return { name: (value as Placeholder).name, encode: (given) => encoder.mapToDriverValue(given) };
}

function isPlaceholder(param: unknown): boolean {
  if (typeof param !== 'object' || param === null) return false;
  return is(param, Placeholder) || (is(param, Param) && is(param.value, Placeholder));
}
