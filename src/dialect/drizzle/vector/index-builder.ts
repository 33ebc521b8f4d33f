import { sql } from 'drizzle-orm';
import { index, type IndexBuilder, type SQLiteColumn } from 'drizzle-orm/sqlite-core';
import { checkIndexName, indexSettings, type VectorIndexOptions } from '../../../vector/vector-index.js';

/**
 * An index that finds the nearest vectors approximately. drizzle-kit writes its DDL as that of any index.
 *
 * @param name - a plain identifier: letters, digits and `_`
 * @throws {@link ParameterError} when the name or an option is wrong
 *
 * @example
 * ```ts
 * import { sqliteTable } from 'drizzle-orm/sqlite-core';
 * import { vector, vectorIndex } from 'turso-dialect/drizzle';
 *
 * export const notes = sqliteTable('notes', { embedding: vector({ dimensions: 384 }) }, (table) => [
 *   vectorIndex('notes_embedding').on(table.embedding, { metric: 'l2', compressNeighbors: 'float8' }),
 * ]);
 * ```
 */
export function vectorIndex(name: string): {
  /** @param column - the column of vectors; @param options - of the index */
  on(column: SQLiteColumn, options?: VectorIndexOptions): IndexBuilder;
} {
  checkIndexName(name);
  return {
    on: (column, options = {}) => {
      const settings = indexSettings(options).map((setting) => `, '${setting}'`);
      // The engine takes the column only without its table.
      return index(name).on(
        sql`libsql_vector_idx(${sql.identifier(column.name)}${sql.raw(settings.join(''))})`,
      );
    },
  };
}
