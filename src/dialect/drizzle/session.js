var _a;
import { entityKind, NoopLogger } from 'drizzle-orm';
import { NoopCache } from 'drizzle-orm/cache/core';
import { SQLiteSession } from 'drizzle-orm/sqlite-core';
import { runIndependently } from '../../database/batch.js';
import { Database } from '../../database/database.js';
import { toResultSet, toRows } from '../../database/result.js';
import { toBatchQuery } from './batch.js';
import { TursoPreparedQuery } from './prepared-query.js';
import { TursoTransaction } from './transaction.js';
/** Runs Drizzle's queries on a database or in a transaction. */
export class TursoSession extends SQLiteSession {
  static [entityKind] = 'TursoSession';
  /** @internal */
  executor;
  #dialect;
  #schema;
  #options;
  #logger;
  #cache;
  constructor(executor, dialect, schema, options) {
    super(dialect);
    this.executor = executor;
    this.#dialect = dialect;
    this.#schema = schema;
    this.#options = options;
    this.#logger = options.logger ?? new NoopLogger();
    this.#cache = options.cache ?? new NoopCache();
  }
  // oxlint-disable-next-line max-params -- the signature is Drizzle's
  prepareQuery(query, fields, method, arrayMode, mapRows, metadata, cacheConfig) {
    const { executor } = this;
    const [logger, cache] = [this.#logger, this.#cache];
    return new TursoPreparedQuery({
      ...{ executor, query, logger, cache, method, arrayMode, metadata, cacheConfig, fields, mapRows },
    });
  }
  /** @internal A relational query, whose rows are decoded one by one. */
  prepareRelationalQuery(query, method, decodeRow) {
    const { executor } = this;
    const [logger, cache] = [this.#logger, this.#cache];
    return new TursoPreparedQuery({ executor, query, logger, cache, method, arrayMode: true, decodeRow });
  }
  /** @internal Runs queries as one unit, or each on its own. */
  async batch(queries, options) {
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
    } finally {
      abort?.dispose();
    }
  }
  async transaction(callback, config = {}) {
    const { executor } = this;
    const run = (inner) => callback(this.#transactionOn(inner));
    // Awaited here, not just returned: only awaiting callers are listed in the stack by which a call on the outer handle
    // inside the callback is recognised.
    if (executor instanceof Database) return await executor.transaction(run, config);
    const outer = executor;
    outer.checkNested(config);
    return await outer.transaction(run);
  }
  /** @internal */
  extractRawRunValueFromBatchResult(result) {
    return toResultSet(result, 'object', this.executor.config.intMode);
  }
  /** @internal */
  extractRawAllValueFromBatchResult(result) {
    const { rows, columns = [] } = result;
    return toRows(rows, columns, 'object', this.executor.config.intMode);
  }
  /** @internal */
  extractRawGetValueFromBatchResult(result) {
    const { rows, columns = [] } = result;
    return toRows(rows.slice(0, 1), columns, 'object', this.executor.config.intMode)[0];
  }
  /** @internal */
  extractRawValuesValueFromBatchResult(result) {
    const { rows, columns = [] } = result;
    return toRows(rows, columns, 'array', this.executor.config.intMode);
  }
  #transactionOn(executor) {
    const session = new _a(executor, this.#dialect, this.#schema, this.#options);
    return new TursoTransaction(this.#dialect, session, this.#schema);
  }
}
_a = TursoSession;
