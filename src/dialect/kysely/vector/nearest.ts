import {
  type Expression,
  type ExpressionBuilder,
  type Kysely,
  type SelectType,
  sql,
  type SqlBool,
} from 'kysely';
import { CapabilityError, ParameterError } from '../../../errors.js';
import { decodeVector } from '../../../vector/codec.js';
import {
  distanceFunction,
  type NearestOptions,
  type NearestPlan,
  planNearest,
  searchNearest,
} from '../../../vector/nearest.js';
import { measureRecall, type RecallReport } from '../../../vector/recall.js';
import {
  DESCRIBE_COLUMN,
  describeColumn,
  type SchemaRow,
  type VectorColumnInfo,
} from '../../../vector/vector-column.js';
import type { VectorInput, VectorShape } from '../../../vector/vector-type.js';
import type { KyselyHandle } from '../with-connection.js';

/** What is looked for, and what is wanted of it. */
export interface KyselyNearestOptions<
  DB,
  Table extends keyof DB & string,
  Included extends keyof DB[Table] & string,
> extends NearestOptions {
  /** Only rows for which this is true. With an index more candidates are asked for, so that k remain. */
  readonly where?: (eb: ExpressionBuilder<DB, Table>) => Expression<SqlBool>;
  /** Which columns a row has besides `distance`. @default all */
  readonly include?: readonly Included[];
}

/** A row that is near. */
export type NearestRow<Table, Included extends keyof Table> = {
  [Column in Included]: SelectType<Table[Column]>;
} & { distance: number };

/**
 * The rows whose vectors are nearest to one, nearest first, each with its exact `distance`. A vector index of the column is
 * used if there is one; it finds most of the nearest, see {@link recall}. Without one the table is scanned, which is exact.
 * Rows without a vector are passed over.
 *
 * @param db - a database or transaction
 * @param table - its name
 * @param column - declared with a type for vectors
 * @param vector - with as many components as the column's
 * @param options - `k`, `where`, `metric`, `index`, `rerank`, `include`
 * @throws {@link ParameterError} when k is not from 1 to 10000, or the vector or the column is wrong
 * @throws {@link CapabilityError} when the index that is named can't be used
 *
 * @example
 * ```ts
 * import { Kysely } from 'kysely';
 * import { nearest, TursoDialect, type VectorColumn } from 'turso-dialect/kysely';
 *
 * const db = new Kysely<{ notes: { id: number; embedding: VectorColumn } }>({ dialect: new TursoDialect('notes.db') });
 * const rows = await nearest(db, 'notes', 'embedding', [1, 2, 3], { k: 5, include: ['id'] });
 * for (const { id, distance } of rows) console.log(id, distance);
 * ```
 */
export async function nearest<
  DB,
  Table extends keyof DB & string,
  Included extends keyof DB[Table] & string = keyof DB[Table] & string,
>(
  db: KyselyHandle<DB>,
  table: Table,
  column: keyof DB[Table] & string,
  vector: VectorInput,
  options: KyselyNearestOptions<DB, Table, Included> = {},
): Promise<NearestRow<DB[Table], Included>[]> {
  const { where, include, ...search } = options;
  const handle = db as unknown as AnyKysely;
  const info = await describe(handle, table, column);
  const plan = planNearest(info, shapeOfColumn(info, column), vector, search);
  const wanted = { table, column, include, where: where as Where | undefined };
  const run = async (candidates?: number): Promise<{ distance: number | null }[]> =>
    await select(handle, plan, wanted, candidates);
  const rows = await searchNearest(plan, where !== undefined, { byIndex: run, byScan: () => run() });
  return rows as NearestRow<DB[Table], Included>[];
}

/**
 * How many of the true nearest an index finds, by which its options can be chosen.
 *
 * @param options - as for {@link nearest}, and `queries`: vectors to search for, or how many of the table, at random
 * @throws as {@link nearest}
 */
export async function recall<DB, Table extends keyof DB & string>(
  db: KyselyHandle<DB>,
  table: Table,
  column: keyof DB[Table] & string,
  options: NearestOptions & { readonly queries?: number | readonly VectorInput[] } = {},
): Promise<RecallReport> {
  const { queries = 100, ...search } = options;
  const handle = db as unknown as AnyKysely;
  const info = await describe(handle, table, column);
  const { rowKey } = info;
  if (rowKey === undefined) {
    throw new CapabilityError(
      'recall',
      'the rows of a table without a rowid and with several keys have no name',
    );
  }
  const shape = shapeOfColumn(info, column);
  const vectors = typeof queries === 'number' ? await sample(handle, table, column, shape, queries) : queries;
  return await measureRecall(vectors, async (vector, exact) => {
    const plan = planNearest(info, shape, vector, exact ? { ...search, index: false } : search);
    const wanted = { table, column, include: [rowKey], where: undefined };
    const run = async (candidates?: number): Promise<KeyRow[]> =>
      await select(handle, plan, wanted, candidates);
    const rows = await searchNearest(plan, false, { byIndex: run, byScan: () => run() });
    return rows.map((row) => String(row[rowKey]));
  });
}

/** Any table of any database. */
// oxlint-disable-next-line typescript/no-explicit-any -- names are only known when it runs
type AnyKysely = Kysely<any>;
// oxlint-disable-next-line typescript/no-explicit-any -- as above
type Where = (eb: ExpressionBuilder<any, any>) => Expression<SqlBool>;
type KeyRow = Record<string, unknown> & { readonly distance: number | null };

async function describe(db: AnyKysely, table: string, column: string): Promise<VectorColumnInfo> {
  const [before, between, after] = DESCRIBE_COLUMN;
  const query = sql<SchemaRow>`${sql.raw(before)}${table}${sql.raw(between)}${table}${sql.raw(after)}`;
  return describeColumn((await query.execute(db)).rows, table, column);
}

function shapeOfColumn({ shape }: VectorColumnInfo, column: string): VectorShape {
  if (shape !== undefined) return shape;
  throw new ParameterError(`the column "${column}" is not declared with a type for vectors`);
}

async function select(
  db: AnyKysely,
  { metric, query, k, index }: NearestPlan,
  wanted: { table: string; column: string; include: readonly string[] | undefined; where: Where | undefined },
  candidates: number | undefined,
): Promise<KeyRow[]> {
  const { table, column, include, where } = wanted;
  const vector = sql.ref(`${table}.${column}`);
  const distance = sql<number | null>`${sql.raw(distanceFunction(metric))}(${vector}, ${query})`.as(
    'distance',
  );
  const selected = db.selectFrom(table);
  let rows = (include === undefined ? selected.selectAll(table) : selected.select([...include]))
    .select(distance)
    .where(vector, 'is not', null);
  if (index !== undefined && candidates !== undefined) {
    const key = sql.ref(`${table}.${index.rowKey}`);
    rows = rows.where(
      sql<SqlBool>`${key} in (select id from vector_top_k(${index.name}, ${query}, ${sql.raw(String(candidates))}))`,
    );
  }
  if (where !== undefined) rows = rows.where(where);
  // The distance to a vector of zeros is NULL.
  return await rows.orderBy(sql`"distance" nulls last`).limit(k).execute();
}

async function sample(
  db: AnyKysely,
  table: string,
  column: string,
  shape: VectorShape,
  count: number,
): Promise<VectorInput[]> {
  const rows = await db
    .selectFrom(table)
    .select(column)
    .where(column, 'is not', null)
    .orderBy(sql`random()`)
    .limit(count)
    .execute();
  // With the plugin for types they are decoded already.
  return rows.map((row) => {
    const value: unknown = row[column];
    return value instanceof Uint8Array ? decodeVector(shape, value) : (value as VectorInput);
  });
}
