import { type SQL, sql } from 'drizzle-orm';
import { index, type IndexBuilder } from 'drizzle-orm/sqlite-core';
import { ParameterError } from '../../../errors.js';
import { checkIndexName, indexSettings, type VectorIndexOptions } from '../../../vector/vector-index.js';
import { shapeOf } from '../../../vector/vector-type.js';
import type { VectorColumn } from './column.js';

/**
 * An index that finds the nearest vectors approximately. drizzle-kit writes its DDL as that of any index.
 *
 * @param name - a plain identifier: letters, digits and `_`
 * @throws {@link ParameterError} when the name or an option is wrong, or the column is none for vectors
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
  on(column: VectorColumn, options?: VectorIndexOptions): IndexBuilder;
} {
  checkIndexName(name);
  return {
    on: (column, options = {}) => {
      if (shapeOf(column.getSQLType()) === undefined) {
        throw new ParameterError(`the column "${column.name}" is none for vectors`);
      }
      // drizzle-kit 0.31 cuts an expression at its commas and quotes the pieces, but puts what are several expressions
      // together again as they are. The dialect knows the column's name, and leaves its table out, as the engine needs it.
      const pieces: SQL[] = [
        sql`libsql_vector_idx(${column}`,
        ...settingsOf(options).map((text) => sql.raw(text)),
      ];
      pieces.push(sql`${pieces.pop()})`);
      const [first, ...rest] = pieces;
      return index(name).on(first as SQL, ...rest);
    },
  };
}

function settingsOf(options: VectorIndexOptions): string[] {
  return indexSettings(options).map((setting) => `'${setting}'`);
}
