import { and, getTableColumns, getTableName, isNotNull, type SQL, sql, Table } from 'drizzle-orm';
import type { SelectedFields, SQLiteColumn } from 'drizzle-orm/sqlite-core';
import type { SelectResultFields } from 'drizzle-orm/query-builders/select.types';
import { ParameterError } from '../../../errors.js';
import {
  distanceFunction,
  type NearestOptions,
  type NearestPlan,
  planNearest,
  searchNearest,
} from '../../../vector/nearest.js';
import { measureRecall, noRowKey, type RecallReport } from '../../../vector/recall.js';
import {
  describeColumn,
  describeColumnParts,
  type SchemaRow,
  type VectorColumnInfo,
} from '../../../vector/vector-column.js';
import { shapeOf, type VectorInput, type VectorShape } from '../../../vector/vector-type.js';
import type { TursoDatabase } from '../database.js';
import { columnName } from '../sql-dialect.js';
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
  const { where, include, ...wanted } = options;
  const shape = shapeOfColumn(column);
  const plan = planNearest(await describe(db, column), shape, vector, wanted);
  const fields: SelectedFields = include ?? getTableColumns(column.table);
  return (await search(db, column, plan, { where, fields })) as NearestRow<TFields>[];
}

async function search(
  db: VectorDatabase,
  column: SQLiteColumn,
  plan: NearestPlan,
  { where, fields }: { readonly where: SQL | undefined; readonly fields: SelectedFields },
): Promise<{ distance: number }[]> {
  const run = async (candidates?: number): Promise<{ distance: number }[]> =>
    // Each row has the distance besides its fields.
    (await select(db, column, plan, { fields, where, candidates })) as { distance: number }[];
  return await searchNearest(plan, where !== undefined, { byIndex: run, byScan: () => run() });
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
  const { queries = 100, where, include: _, ...wanted } = options;
  // Of a table however small: it is the index that is measured.
  const info = { ...(await describe(db, column)), small: false };
  if (info.rowKey === undefined) throw noRowKey();
  const vectors = typeof queries === 'number' ? await sample(db, column, queries) : queries;
  return await measureRecall(vectors, async (vector, exact) => {
    const plan = planNearest(info, shapeOfColumn(column), vector, wanted);
    // The metric stays that of the index.
    const rows = await search(db, column, exact ? { ...plan, index: undefined } : plan, {
      where,
      fields: {},
    });
    return rows.map(({ distance }) => distance);
  });
}

async function sample(db: VectorDatabase, column: SQLiteColumn, count: number): Promise<VectorInput[]> {
  const rows = await db
    .select({ vector: column })
    .from(column.table)
    .where(isNotNull(column))
    .orderBy(sql`random()`)
    .limit(count);
  return rows.map(({ vector }) => vector as VectorInput);
}

async function describe(db: VectorDatabase, column: SQLiteColumn): Promise<VectorColumnInfo> {
  // An alias stands for a table that the schema knows by another name.
  const table = String((column.table as unknown as Record<symbol, unknown>)[originalName]);
  const [first, second, third, last] = describeColumnParts(table).map((part) => sql.raw(part));
  const query = sql`${first}${table}${second}${table}${third}${table}${last}`;
  return describeColumn(await db.all<SchemaRow>(query), table, columnName(db, column));
}

const { OriginalName: originalName } = (Table as unknown as { Symbol: { OriginalName: symbol } }).Symbol;

async function select(
  db: VectorDatabase,
  column: SQLiteColumn,
  { metric, query, k, index }: NearestPlan,
  {
    fields,
    where,
    candidates,
  }: { fields: SelectedFields; where: SQL | undefined; candidates: number | undefined },
): Promise<unknown[]> {
  const distance = sql<number>`${sql.raw(distanceFunction(metric))}(${column}, ${query})`.as(ALIAS);
  const near =
    index === undefined || candidates === undefined
      ? undefined
      : sql`${keyOf(column, index.rowKey)} in (select id from vector_top_k(${index.name}, ${query}, ${sql.raw(String(candidates))}))`;
  return await db
    .select({ ...fields, distance })
    .from(column.table)
    .where(and(near, isNotNull(column), where))
    // The distance to a vector of zeros is NULL.
    .orderBy(sql`${sql.identifier(ALIAS)} nulls last`)
    .limit(k);
}

/** A name that no column has. */
const ALIAS = 'turso_dialect_distance';

function keyOf(column: SQLiteColumn, key: string): SQL {
  return sql`${sql.identifier(getTableName(column.table))}.${sql.identifier(key)}`;
}

function shapeOfColumn(column: SQLiteColumn): VectorShape {
  const shape = shapeOf(column.getSQLType());
  if (shape !== undefined) return shape;
  throw new ParameterError(`the column "${column.name}" is none for vectors`);
}
