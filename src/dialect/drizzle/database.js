import { entityKind } from 'drizzle-orm';
import { BaseSQLiteDatabase } from 'drizzle-orm/sqlite-core';
import { installRelationalQueries } from './relational.js';
import { streamQuery } from './stream.js';
/** A Drizzle database on a {@link Database}. Made by `drizzle()`. */
export class TursoDatabase extends BaseSQLiteDatabase {
  static [entityKind] = 'TursoDatabase';
  /** The database under the queries: `execute`, `batch`, `script`, `stream`, `close` … */
  $client;
  #session;
  /** @internal */
  constructor(client, dialect, session, schema) {
    super('async', dialect, session, undefined);
    this.$client = client;
    this.#session = session;
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
  async transaction(callback, config) {
    return await this.#session.transaction(callback, config);
  }
  async batch(queries, options = {}) {
    return this.#session.batch(queries, options);
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
  stream(query, options) {
    return streamQuery(this.$client, query, options);
  }
}
