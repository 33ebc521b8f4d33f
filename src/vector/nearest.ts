import { CapabilityError, ParameterError } from '../errors.js';
import { encodeVector } from './codec.js';
import type { ColumnIndex, VectorColumnInfo } from './vector-column.js';
import { checkMetric, type VectorMetric } from './vector-index.js';
import type { VectorInput, VectorShape } from './vector-type.js';

/** What is looked for. */
export interface NearestOptions {
  /** How many rows, from 1 to 10000. @default 10 */
  readonly k?: number;
  /** What is near. @default that of the index, or 'cosine' */
  readonly metric?: VectorMetric;
  /**
   * `'auto'` uses a vector index of the column with this metric if there is one and the table has 10,000 rows or more: below,
   * a scan is as fast, and exact. `false` uses none, and a name that one, however many rows there are. @default 'auto'
   */
  readonly index?: 'auto' | false | (string & {});
  /**
   * How many times k candidates an index gives, of which the nearest k by their exact distance are kept; `true` is 4. For
   * an index that is compressed. @default 1
   */
  readonly rerank?: boolean | number;
}

/**
 * The most rows that are asked of an index. From 268435455 on, and for 0, libsql 0.5.29 and the servers that have it end
 * their process.
 */
const MOST = 10_000;
const RERANK = 4;
/** How many times k candidates are asked for at first when a condition may refuse some, and then. */
const WITH_FILTER = [4, 64];

/** What was decided about a search. */
export interface NearestPlan {
  readonly k: number;
  readonly metric: VectorMetric;
  /** The vector as the column stores it. */
  readonly query: Uint8Array;
  readonly shape: VectorShape;
  /** The index that is used, and the column by which its rows are found. */
  readonly index: { readonly name: string; readonly rowKey: string } | undefined;
  readonly rerank: number;
}

/** Name of the engine's function for a metric. */
export function distanceFunction(metric: VectorMetric): string {
  return metric === 'l2' ? 'vector_distance_l2' : 'vector_distance_cos';
}

/**
 * Decides how to search.
 *
 * @param shape - of the column
 * @throws {@link ParameterError} when an option or the vector is wrong
 * @throws {@link CapabilityError} when the named index can't be used, or the type has no such distance
 */
export function planNearest(
  info: VectorColumnInfo,
  shape: VectorShape,
  vector: VectorInput,
  options: NearestOptions,
): NearestPlan {
  const { k = 10, index: wanted = 'auto' } = options;
  if (!Number.isInteger(k) || k < 1 || k > MOST) {
    throw new ParameterError(`k is a whole number from 1 to ${MOST}`, 'k');
  }
  const rerank = rerankOf(options.rerank);
  const query = encodeVector(shape, vector);
  const index = findIndex(info, wanted, options.metric);
  const metric = checkMetric(options.metric ?? index?.metric ?? 'cosine');
  if (shape.type === 'float1bit' && metric === 'l2') {
    throw new CapabilityError('l2', "a float1bit vector has no 'l2' distance");
  }
  if (metric === 'cosine' && shape.type !== 'float1bit' && vector.every((component) => component === 0)) {
    throw new ParameterError('a vector of zeros has no direction, so nothing is near it by cosine');
  }
  // The index of a small table still says which metric is meant.
  const scans = info.rowKey === undefined || (wanted === 'auto' && info.small);
  const usable = scans ? undefined : index;
  return {
    k,
    metric,
    query,
    shape,
    index: usable && { name: usable.name, rowKey: info.rowKey as string },
    rerank,
  };
}

/**
 * Runs a search: by the index if there is one, and by a scan of the table if there is none, or if the index and what is
 * left by the condition has fewer than k rows.
 *
 * @param filtered - whether a condition may refuse candidates
 * @param byIndex - the nearest k of so many candidates
 */
export async function searchNearest<Row extends { readonly distance: number | null }>(
  plan: NearestPlan,
  filtered: boolean,
  { byIndex, byScan }: { byIndex: (candidates: number) => Promise<Row[]>; byScan: () => Promise<Row[]> },
): Promise<Row[]> {
  const known = (rows: Row[]): Row[] => rows.filter(({ distance }) => distance !== null);
  if (plan.index !== undefined) {
    for (const times of filtered ? WITH_FILTER : [1]) {
      const rows = known(await byIndex(Math.min(MOST, plan.k * Math.max(times, plan.rerank))));
      if (rows.length === plan.k) return rows;
    }
  }
  return known(await byScan());
}

function rerankOf(rerank: boolean | number = 1): number {
  if (typeof rerank === 'boolean') return rerank ? RERANK : 1;
  if (Number.isInteger(rerank) && rerank >= 1 && rerank <= 1_000) return rerank;
  throw new ParameterError('rerank is true, false or a whole number from 1 to 1000', 'rerank');
}

function findIndex(
  { indexes }: VectorColumnInfo,
  wanted: string | false,
  metric: VectorMetric | undefined,
): ColumnIndex | undefined {
  if (wanted === false) return undefined;
  if (wanted === 'auto') {
    return indexes.find((index) => !index.partial && index.metric === (metric ?? index.metric));
  }
  const named = indexes.find(({ name }) => name === wanted);
  if (named === undefined)
    throw new CapabilityError('vectorIndex', `the column has no vector index "${wanted}"`);
  if (metric !== undefined && metric !== named.metric) {
    throw new CapabilityError(
      'vectorIndex',
      `the index "${wanted}" is one for '${named.metric}', not for '${metric}'`,
    );
  }
  return named;
}
