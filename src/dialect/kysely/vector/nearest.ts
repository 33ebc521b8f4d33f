import {
  ColumnNode,
  type Expression,
  type ExpressionBuilder,
  type Kysely,
  ReferenceNode,
  type SelectType,
  sql,
  type SqlBool,
  TableNode,
} from 'kysely';
import { ParameterError } from '../../../errors.js';
import { quoteName } from '../../../sql/quote-name.js';
import { decodeVector } from '../../../vector/codec.js';
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
  const plan = planNearest(info, shapeOfColumn(info, column), vector, named(handle, search));
  const rows = await run(handle, plan, { table, column, include, where: where as Where | undefined });
  return rows as NearestRow<DB[Table], Included>[];
}

async function run(db: AnyKysely, plan: NearestPlan, wanted: Wanted): Promise<Near[]> {
  const near = async (candidates?: number): Promise<Near[]> => await select(db, plan, wanted, candidates);
  return await searchNearest(plan, wanted.where !== undefined, { byIndex: near, byScan: () => near() });
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
  // Of a table however small: it is the index that is measured.
  const info = { ...(await describe(handle, table, column)), small: false };
  if (info.rowKey === undefined) throw noRowKey();
  const shape = shapeOfColumn(info, column);
  const vectors = typeof queries === 'number' ? await sample(handle, table, column, shape, queries) : queries;
  return await measureRecall(vectors, async (vector, exact) => {
    const plan = planNearest(info, shape, vector, named(handle, search));
    // The metric stays that of the index.
    const used = exact ? { ...plan, index: undefined } : plan;
    const rows = await run(handle, used, { table, column, include: [], where: undefined });
    // A search leaves out the rows that have none.
    return rows.map(({ distance }) => distance as number);
  });
}

/** Any table of any database. */
// oxlint-disable-next-line typescript/no-explicit-any -- names are only known when it runs
type AnyKysely = Kysely<any>;
// oxlint-disable-next-line typescript/no-explicit-any -- as above
type Where = (eb: ExpressionBuilder<any, any>) => Expression<SqlBool>;
type Near = Record<string, unknown> & { readonly distance: number | null };

/** What is searched, and what is wanted of it; names as the application has them. */
interface Wanted {
  readonly table: string;
  readonly column: string;
  readonly include: readonly string[] | undefined;
  readonly where: Where | undefined;
}

async function describe(db: AnyKysely, table: string, column: string): Promise<VectorColumnInfo> {
  const names = namesOf(db, table, column);
  const [first, second, third, last] = describeColumnParts(names.table).map((part) => sql.raw(part));
  const query = sql<SchemaRow>`${first}${names.table}${second}${names.table}${third}${names.table}${last}`;
  return describeColumn((await query.execute(db.withoutPlugins())).rows, names.table, names.column);
}

/** The options with the name of the index in the database. */
function named(db: AnyKysely, options: NearestOptions): NearestOptions {
  const { index } = options;
  if (typeof index !== 'string' || index === 'auto') return options;
  return { ...options, index: namesOf(db, index, 'id').table };
}

/** The names in the database, of which plugins may make others. */
function namesOf(db: AnyKysely, table: string, column: string): { table: string; column: string } {
  const { from, selections } = db.selectFrom(table).select(column).toOperationNode();
  const [source] = from?.froms ?? [];
  const selected = selections?.[0]?.selection;
  return {
    table: source !== undefined && TableNode.is(source) ? source.table.identifier.name : table,
    column:
      selected !== undefined && ReferenceNode.is(selected) && ColumnNode.is(selected.column)
        ? selected.column.column.name
        : column,
  };
}

function shapeOfColumn({ shape }: VectorColumnInfo, column: string): VectorShape {
  if (shape !== undefined) return shape;
  throw new ParameterError(`the column "${column}" is not declared with a type for vectors`);
}

async function select(
  db: AnyKysely,
  { metric, query, k, index }: NearestPlan,
  { table, column, include, where }: Wanted,
  candidates: number | undefined,
): Promise<Near[]> {
  const vector = sql.ref(`${table}.${column}`);
  const distance = sql<number | null>`${sql.raw(distanceFunction(metric))}(${vector}, ${query})`.as(
    'distance',
  );
  const selected = db.selectFrom(table);
  let rows = (include === undefined ? selected.selectAll(table) : selected.select([...include]))
    .select(distance)
    .where(vector, 'is not', null);
  if (index !== undefined && candidates !== undefined) {
    // The schema's own name, which no plugin must change.
    const key = sql`${sql.table(table)}.${sql.raw(quoteName(index.rowKey))}`;
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
