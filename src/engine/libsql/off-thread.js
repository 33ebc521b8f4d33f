/** Rows that are taken between two looks at the clock, and how long they may keep the event loop, in ms. */
const ROWS_PER_SLICE = 256;
const SLICE = 8;
/** Takes rows until the end or `limit`, giving way to the event loop between slices. */
export async function drainInSlices(cursor, rows, limit) {
  let sliceEnd = performance.now() + SLICE;
  try {
    while (rows.length < limit) {
      const batch = cursor.fetch(Math.min(ROWS_PER_SLICE, limit - rows.length));
      if (batch.length === 0) return;
      for (const row of batch) rows.push(row);
      if (performance.now() > sliceEnd) {
        await new Promise((resolve) => setImmediate(resolve));
        sliceEnd = performance.now() + SLICE;
      }
    }
  } finally {
    cursor.close();
  }
}
/**
 * The same result, computed as a whole in the first step, which is the one that runs on another thread; the other
 * steps only copy rows. Undefined for statements that can't stand in a WITH clause.
 */
export function materialize(statement) {
  if (statement.verb !== 'SELECT' && statement.verb !== 'VALUES') return undefined;
  // The line break ends a comment at the end of the text.
  return `WITH "__turso_dialect_result" AS MATERIALIZED (${statement.text}\n) SELECT * FROM "__turso_dialect_result"`;
}
