import { SQL, StringChunk } from 'drizzle-orm';
import { sqlInternals, TableName, TableSchema, tableInternals } from './internals.js';
/**
 * Collects an SQL expression. Neighbouring text becomes one chunk, and the chunks are not searched for tables one by
 * one as the constructor of `SQL` would.
 */
export class SqlText {
  #sql = new SQL([]);
  #text = '';
  /** Adds SQL text. */
  text(text) {
    this.#text += text;
    return this;
  }
  /** Adds any chunk: a number is a parameter, an array a list in parentheses, `undefined` nothing. */
  chunk(chunk) {
    if (chunk === undefined) return this;
    this.#flush();
    // A bare value is a parameter at run time; the declarations have a class that is never built for it.
    this.#sql.queryChunks.push(chunk);
    return this;
  }
  /** Adds a table, which the finished expression then lists among those that it uses. */
  table(table) {
    const { [TableSchema]: schema, [TableName]: name } = tableInternals(table);
    sqlInternals(this.#sql).usedTables.push(schema === undefined ? name : `${schema}.${name}`);
    return this.chunk(table);
  }
  /** Adds each item, with `separator` between two of them. */
  join(items, separator) {
    for (let i = 0; i < items.length; i++) {
      if (i > 0) this.#text += separator;
      this.chunk(items[i]);
    }
    return this;
  }
  /** The expression collected so far. */
  toSQL() {
    this.#flush();
    return this.#sql;
  }
  #flush() {
    if (this.#text === '') return;
    this.#sql.queryChunks.push(new StringChunk(this.#text));
    this.#text = '';
  }
}
