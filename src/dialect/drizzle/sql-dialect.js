import { SQLiteAsyncDialect } from 'drizzle-orm/sqlite-core';
import { InsertBuilder } from './insert-text.js';
import { makeJsonExact } from './relational-query.js';
import { buildSelect } from './select-text.js';
import { quoteName, SqlWriter } from './sql-writer.js';
/**
 * Drizzle's SQLite dialect with its own way of building SQL: the same text and the same parameters in the same order,
 * several times faster.
 */
export class TursoSQLiteDialect extends SQLiteAsyncDialect {
  #casedNames = new Map();
  #insertBuilder;
  constructor(config) {
    super(config);
    this.#insertBuilder = new InsertBuilder(this.#columnName);
  }
  /** Turns a built expression into text and parameters. */
  sqlToQuery(sql, invokeSource) {
    const writer = new SqlWriter(this.#columnName, invokeSource === 'indexes');
    writer.write(sql, false);
    return { sql: writer.sql, params: writer.params };
  }
  /** Builds a select statement with its set operators. */
  buildSelectQuery(config) {
    const select = buildSelect(config, this.#internals.buildWithCTE(config.withList), this.#columnName);
    return config.setOperators.length > 0 ? this.buildSetOperations(select, config.setOperators) : select;
  }
  /** Builds an insert statement. */
  buildInsertQuery(config) {
    return this.#insertBuilder.build(config, this.#internals.buildWithCTE(config.withList));
  }
  /** Builds a relational query. What comes back as JSON keeps all digits of REAL values and can hold BLOB values. */
  buildRelationalQuery(config) {
    const built = super.buildRelationalQuery(config);
    if (config.nestedQueryRelation !== undefined) makeJsonExact(built, config.nestedQueryRelation);
    return built;
  }
  get #internals() {
    // The base class has these members (sqlite-core/dialect.js) and declares them private or not at all.
    return this;
  }
  #columnName = (column) => {
    if (!column.keyAsName) return quoteName(column.name);
    let name = this.#casedNames.get(column.name);
    if (name === undefined) {
      name = quoteName(this.#internals.casing.convert(column.name));
      this.#casedNames.set(column.name, name);
    }
    return name;
  };
}
