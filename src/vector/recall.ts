/** How good an index is. */
export interface RecallReport {
  /** How many of the true k nearest the index finds, from 0 to 1, on average. */
  readonly recall: number;
  /** Time of one search with the index, and of one without, on average in ms. */
  readonly indexTime: number;
  readonly scanTime: number;
  /** How many searches were done. */
  readonly queries: number;
}

/** Searches for each vector with the index and without, and compares what is found. */
export async function measureRecall<Vector>(
  vectors: readonly Vector[],
  search: (vector: Vector, exact: boolean) => Promise<readonly string[]>,
): Promise<RecallReport> {
  let found = 0;
  let wanted = 0;
  let indexTime = 0;
  let scanTime = 0;
  for (const vector of vectors) {
    const start = performance.now();
    const exact = await search(vector, true);
    const between = performance.now();
    const approximate = new Set(await search(vector, false));
    scanTime += between - start;
    indexTime += performance.now() - between;
    wanted += exact.length;
    found += exact.filter((row) => approximate.has(row)).length;
  }
  const queries = vectors.length;
  return {
    recall: wanted === 0 ? 1 : found / wanted,
    indexTime: queries === 0 ? 0 : indexTime / queries,
    scanTime: queries === 0 ? 0 : scanTime / queries,
    queries,
  };
}
