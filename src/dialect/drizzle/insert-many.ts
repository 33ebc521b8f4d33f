import { getTableColumns, type InferInsertModel } from 'drizzle-orm';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import { type InsertManyOptions, insertInBatches } from '../../database/chunks.js';
import type { VectorDatabase } from './vector/nearest.js';

/**
 * Inserts any number of rows, all or none of them, by statements of many rows each.
 *
 * @param db - a database or transaction
 * @param rows - in an array, or as they come
 * @param options - `batchSize`, `onProgress`
 * @returns how many rows were inserted
 * @throws as an insert does
 *
 * @example
 * ```ts
 * import { integer, sqliteTable } from 'drizzle-orm/sqlite-core';
 * import { drizzle, insertMany, vector } from 'turso-dialect/drizzle';
 *
 * const notes = sqliteTable('notes', { id: integer().primaryKey(), embedding: vector({ dimensions: 3 }) });
 * const rows = Array.from({ length: 10_000 }, () => ({ embedding: Float32Array.of(1, 2, 3) }));
 * await insertMany(drizzle('notes.db'), notes, rows, { onProgress: (done) => console.log(done) });
 * ```
 */
export async function insertMany<TTable extends SQLiteTable>(
  db: VectorDatabase,
  table: TTable,
  rows: Iterable<InferInsertModel<TTable>> | AsyncIterable<InferInsertModel<TTable>>,
  options: InsertManyOptions = {},
): Promise<number> {
  const columns = Object.keys(getTableColumns(table)).length;
  return await db.transaction(
    async (tx: VectorDatabase) =>
      await insertInBatches(
        rows,
        columns,
        options,
        async (batch) => await tx.insert(table).values(batch as never),
      ),
  );
}
