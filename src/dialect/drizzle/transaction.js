import { entityKind } from 'drizzle-orm';
import { SQLiteTransaction } from 'drizzle-orm/sqlite-core';
import { installRelationalQueries } from './relational.js';
import { streamQuery } from './stream.js';
/** What the callback of `db.transaction()` is given: everything that the database has, inside the transaction. */
export class TursoTransaction extends SQLiteTransaction {
  static [entityKind] = 'TursoTransaction';
  #session;
  /** @internal */
  constructor(dialect, session, schema) {
    super('async', dialect, session, undefined);
    this.#session = session;
    installRelationalQueries(this, dialect, session, schema);
  }
  /**
   * Runs a callback in a nested transaction, a savepoint. Siblings run one after another.
   *
   * @throws what the callback throws; `tx.rollback()` in it undoes the nested transaction only
   */
  async transaction(callback, config) {
    return await this.#session.transaction(callback, config);
  }
  /** Runs several queries as one unit inside the transaction; results in order, typed as a tuple. */
  async batch(queries) {
    // One result per query, each of that query's own type.
    return await this.#session.batch(queries, {});
  }
  /** Gives the rows of a query one by one; see `db.stream()`. */
  stream(query, options) {
    return streamQuery(this.#session.executor, query, options);
  }
}
