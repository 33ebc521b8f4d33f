import { entityKind, is, NoopLogger, Param, Placeholder } from 'drizzle-orm';
import { NoopCache } from 'drizzle-orm/cache/core';
import { SQLitePreparedQuery } from 'drizzle-orm/sqlite-core';
import { toResultSet, toRows } from '../../database/result.js';
import { bind } from '../../database/statements.js';
import { streamBatches } from '../../database/stream.js';
import { ParameterError } from '../../errors.js';
import { unsafeInteger } from '../../values.js';
import { queryError } from './query-error.js';
import { compileRowDecoder } from './row-decoder.js';
/** A Drizzle query ready to run on a database or transaction. */
export class TursoPreparedQuery extends SQLitePreparedQuery {
  static [entityKind] = 'TursoPreparedQuery';
  #parts;
  #hasPlaceholders;
  /** Without a cache Drizzle's own wrapper would only cost time. */
  #cached;
  #logged;
  #slots;
  #statement;
  #decoder;
  constructor(parts) {
    super('async', parts.method, parts.query, parts.cache, parts.metadata, parts.cacheConfig);
    this.#parts = parts;
    this.#hasPlaceholders = parts.query.params.some(isPlaceholder);
    this.#cached = parts.metadata !== undefined && !is(parts.cache, NoopCache);
    this.#logged = !is(parts.logger, NoopLogger);
  }
  run(placeholderValues) {
    return this.#query(placeholderValues, RUN, this.#toResult);
  }
  all(placeholderValues) {
    return this.#query(placeholderValues, this.#isRaw ? OBJECTS : ROWS, this.#decodeAll);
  }
  get(placeholderValues) {
    return this.#query(placeholderValues, this.#isRaw ? FIRST_OBJECT : FIRST_ROW, this.#decodeFirst);
  }
  values(placeholderValues) {
    return this.#query(placeholderValues, OBJECTS, this.#toArrays);
  }
  /** The rows one by one, run by `executor`. */
  async *stream(executor, placeholderValues, options) {
    const params = this.#params(placeholderValues);
    this.#log(params);
    const exact = this.#intMode !== 'number';
    try {
      const statement = this.#analyzed();
      const values = bind(statement, params, executor.limits);
      for await (const { rows, columns } of streamBatches(executor, statement, values, exact, options)) {
        const decoded = this.#decodeAll({ rows, columns, rowsAffected: 0, lastInsertRowid: undefined });
        yield* decoded;
      }
    } catch (error) {
      throw queryError(this.query.sql, params, error);
    }
  }
  /** This query as an item of a batch. */
  toBatchItem() {
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
  mapRunResult(result) {
    return this.#toResult(result);
  }
  mapAllResult(result) {
    return this.#decodeAll(result);
  }
  mapGetResult(result) {
    return this.#decodeFirst(result);
  }
  /** @internal Asked for by Drizzle's set operations and batches. */
  isResponseInArrayMode() {
    return this.#parts.arrayMode;
  }
  get #intMode() {
    return this.#parts.executor.config.intMode;
  }
  /** Whether rows are objects by column name, since nothing is known of the columns. */
  get #isRaw() {
    const { fields, decodeRow, mapRows } = this.#parts;
    return fields === undefined && decodeRow === undefined && mapRows === undefined;
  }
  /** One async function for all of it: each further one would be a noticeable part of a point query's time. */
  async #query(placeholderValues, request, decode) {
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
  async #runCached(params, request) {
    const { sql } = this.query;
    const raw = await this.#internals.queryWithCache(sql, params, async () => this.#run(params, request));
    // The cache may keep the very object, and decoding works in place.
    return { ...raw, rows: raw.rows.map((row) => [...row]) };
  }
  #run(params, request) {
    const { executor } = this.#parts;
    const statement = this.#analyzed();
    const values = bind(statement, params, executor.limits);
    const abort = executor.config.timeout === undefined ? undefined : executor.abortFrom(undefined);
    const result = executor.runStatement(statement, values, this.#exact(request), abort);
    return abort === undefined ? result : Promise.resolve(result).finally(() => abort.dispose());
  }
  #analyzed() {
    this.#statement ??= this.#parts.executor.statements.one(this.query.sql);
    return this.#statement;
  }
  #exact(request) {
    return this.#intMode === 'number' ? request : { ...request, exactIntegers: true };
  }
  #params(placeholderValues) {
    const { params } = this.query;
    return this.#hasPlaceholders ? this.#fill(params, placeholderValues ?? {}) : params;
  }
  /** What Drizzle's `fillPlaceholders` does, with the look at each parameter done once. */
  #fill(params, given) {
    this.#slots ??= params.map(toSlot);
    return this.#slots.map((slot, i) => {
      if (slot === undefined) return params[i];
      const { name, encode } = slot;
      if (!(name in given))
        throw new ParameterError(`no value for placeholder "${name}" was provided`, name, this.query.sql);
      return encode === undefined ? given[name] : encode(given[name]);
    });
  }
  #log(params) {
    this.#parts.logger.logQuery(this.query.sql, params);
  }
  #toResult = (raw) => toResultSet(raw, 'object', this.#intMode);
  #toArrays = (raw) => toRows(raw.rows, raw.columns ?? [], 'array', this.#intMode);
  #decodeAll = (raw) => {
    const { mapRows } = this.#parts;
    if (mapRows !== undefined) return mapRows(raw.rows);
    if (this.#isRaw) return toRows(raw.rows, raw.columns ?? [], 'object', this.#intMode);
    const decode = (this.#decoder ??= this.#compile());
    const rows = raw.rows;
    // In place: the rows belong to this result alone.
    for (let i = 0; i < rows.length; i++) rows[i] = decode(rows[i]);
    return rows;
  };
  #decodeFirst = (raw) => {
    const { mapRows } = this.#parts;
    const [row] = raw.rows;
    if (row === undefined) return undefined;
    if (mapRows !== undefined) return mapRows([row]);
    if (this.#isRaw) return toRows([row], raw.columns ?? [], 'object', this.#intMode)[0];
    return (this.#decoder ??= this.#compile())(row);
  };
  /** Only now: the builder tells which joined tables may be missing after it has made this object. */
  #compile() {
    const { fields, decodeRow } = this.#parts;
    if (decodeRow !== undefined) return decodeRow;
    const options = { intMode: this.#intMode, onUnsafeInteger: unsafeInteger };
    return compileRowDecoder(fields, this.#internals.joinsNotNullableMap, options);
  }
  get #internals() {
    return this;
  }
}
const RUN = Object.freeze({ fetch: 'all', columns: true, rowid: true });
const ROWS = Object.freeze({ fetch: 'all' });
const FIRST_ROW = Object.freeze({ fetch: 'first' });
const OBJECTS = Object.freeze({ fetch: 'all', columns: true });
const FIRST_OBJECT = Object.freeze({ fetch: 'first', columns: true });
function toSlot(param) {
  if (!isPlaceholder(param)) return undefined;
  if (is(param, Placeholder)) return { name: param.name, encode: undefined };
  const { value, encoder } = param;
  return { name: value.name, encode: (given) => encoder.mapToDriverValue(given) };
}
function isPlaceholder(param) {
  if (typeof param !== 'object' || param === null) return false;
  return is(param, Placeholder) || (is(param, Param) && is(param.value, Placeholder));
}
