import type { SQL } from 'drizzle-orm';
import type { SelectResultFields } from 'drizzle-orm/query-builders/select.types';
import type { SelectedFields } from 'drizzle-orm/sqlite-core';
import type { NearestOptions } from '../../../vector/nearest.js';
import type { RecallReport } from '../../../vector/recall.js';
import type { VectorInput } from '../../../vector/vector-type.js';
import type { TursoDatabase } from '../database.js';
import type { TursoTransaction } from '../transaction.js';
import type { VectorColumn } from './column.js';

/** A Drizzle database or transaction of ours. */
// oxlint-disable-next-line typescript/no-explicit-any -- whatever schema it has
export type VectorDatabase = TursoDatabase<any, unknown> | TursoTransaction<any, any>;

/** What is looked for, and what is wanted of it. */
export interface DrizzleNearestOptions<TFields extends SelectedFields | undefined = undefined>
  extends NearestOptions {
  /** Only rows for which this is true. With an index more candidates are asked for, so that k remain. */
  readonly where?: SQL | undefined;
  /** What a row has besides `distance`. @default all columns of the table */
  readonly include?: TFields;
}

/** A row that is near. */
export type NearestRow<TFields extends SelectedFields | undefined> = (TFields extends SelectedFields
  ? SelectResultFields<TFields>
  : Record<string, unknown>) & { distance: number };

/**
 * The rows whose vectors are nearest to one, nearest first, each with its exact `distance`. A vector index of the column is
 * used if there is one; it finds most of the nearest, see {@link recall}. Without one the table is scanned, which is exact.
 * Rows without a vector are passed over.
 *
 * @param db - a database or transaction
 * @param column - of vectors
 * @param vector - with as many components as the column's
 * @param options - `k`, `where`, `metric`, `index`, `rerank`, `include`
 * @throws {@link ParameterError} when k is not from 1 to 10000, or the vector is wrong
 * @throws {@link CapabilityError} when the index that is named can't be used
 *
 * @example
 * ```ts
 * import { sql } from 'drizzle-orm';
 * import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
 * import { drizzle, nearest, vector } from 'turso-dialect/drizzle';
 *
 * const notes = sqliteTable('notes', { id: integer().primaryKey(), text: text(), embedding: vector({ dimensions: 3 }) });
 * const db = drizzle(':memory:');
 * const rows = await nearest(db, notes.embedding, [1, 2, 3], { k: 5, include: { id: notes.id, text: notes.text } });
 * for (const { id, distance } of rows) console.log(id, distance);
 * ```
 */
export async function nearest<TFields extends SelectedFields | undefined = undefined>(
  db: VectorDatabase,
  column: VectorColumn,
  vector: VectorInput,
  options: DrizzleNearestOptions<TFields> = {},
): Promise<NearestRow<TFields>[]> {
  const search = await import('./search.js');
  return await search.nearest(db, column, vector, options);
}

/**
 * How many of the true nearest an index finds, by which its options can be chosen.
 *
 * @param db - a database or transaction
 * @param column - of vectors, with an index
 * @param options - as for {@link nearest}, and `queries`: vectors to search for, or how many of the table, at random
 * @throws as {@link nearest}
 *
 * @example
 * ```ts
 * import { sqliteTable } from 'drizzle-orm/sqlite-core';
 * import { drizzle, recall, vector } from 'turso-dialect/drizzle';
 *
 * const notes = sqliteTable('notes', { embedding: vector({ dimensions: 3 }) });
 * const report = await recall(drizzle(':memory:'), notes.embedding, { k: 10, queries: 100 });
 * console.log(report.recall, report.indexTime, report.scanTime);
 * ```
 */
export async function recall(
  db: VectorDatabase,
  column: VectorColumn,
  options: DrizzleNearestOptions & { readonly queries?: number | readonly VectorInput[] } = {},
): Promise<RecallReport> {
  const search = await import('./search.js');
  return await search.recall(db, column, options);
}
