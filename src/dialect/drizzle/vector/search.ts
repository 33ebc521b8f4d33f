import { and, getTableColumns, getTableName, isNotNull, type SQL, sql, Table } from 'drizzle-orm';
import type { SelectedFields, SQLiteColumn } from 'drizzle-orm/sqlite-core';
import { ParameterError } from '../../../errors.js';
import { distanceFunction, type NearestPlan, planNearest, searchNearest } from '../../../vector/nearest.js';
import { measureRecall, noRowKey, type RecallReport } from '../../../vector/recall.js';
import {
  describeColumn,
  describeColumnParts,
  type SchemaRow,
  type VectorColumnInfo,
} from '../../../vector/vector-column.js';
import { shapeOf, type VectorInput, type VectorShape } from '../../../vector/vector-type.js';
import { columnName } from '../sql-dialect.js';
import type { VectorColumn } from './column.js';
import type { DrizzleNearestOptions, NearestRow, VectorDatabase } from './nearest.js';

/** See `nearest()` in nearest.ts. */
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

/** See `recall()` in nearest.ts. */
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
