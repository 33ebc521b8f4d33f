import { CapabilityError } from '../errors.js';

/** How good an index is. */
export interface RecallReport {
  /**
   * How many of the true k nearest the index finds, from 0 to 1, on average. A row at the same distance as the last of them
   * counts as one.
   */
  readonly recall: number;
  /** Time of one search with the index, and of one without, on average in ms. */
  readonly indexTime: number;
  readonly scanTime: number;
  /** How many searches were done. */
  readonly queries: number;
}

/**
 * Searches for each vector with the index and without, and compares what is found.
 *
 * @param search - gives the distances of the nearest, nearest first
 */
export async function measureRecall<Vector>(
  vectors: readonly Vector[],
  search: (vector: Vector, exact: boolean) => Promise<readonly number[]>,
): Promise<RecallReport> {
  let found = 0;
  let wanted = 0;
  let indexTime = 0;
  let scanTime = 0;
  for (const vector of vectors) {
    const start = performance.now();
    const exact = await search(vector, true);
    const between = performance.now();
    const approximate = await search(vector, false);
    scanTime += between - start;
    indexTime += performance.now() - between;
    wanted += exact.length;
    const farthest = exact.at(-1) ?? -Infinity;
    found += Math.min(exact.length, approximate.filter((distance) => distance <= farthest).length);
  }
  const queries = vectors.length;
  return {
    recall: wanted === 0 ? 1 : found / wanted,
    indexTime: queries === 0 ? 0 : indexTime / queries,
    scanTime: queries === 0 ? 0 : scanTime / queries,
    queries,
  };
}

/** The error for a table whose rows no index can name. */
export function noRowKey(): CapabilityError {
  return new CapabilityError(
    'recall',
    'a table without a rowid and with several keys has no index that could be used',
  );
}
