import { ConfigError } from '../errors.js';
import { checkOptions } from '../options.js';
import { nextTurn } from './turn.js';

/** How many rows are inserted by one statement, and who is told. */
export interface InsertManyOptions {
  /** Rows per statement. @default as many as 8000 parameters allow, 200 at most */
  readonly batchSize?: number;
  /** Called after every statement with the number of rows so far. */
  readonly onProgress?: (done: number) => void;
}

/** SQLite takes 32766 parameters in a statement; far fewer are as fast, and leave the event loop earlier. */
const PARAMETERS = 8_000;
const ROWS = 200;

/**
 * Calls `insert` with rows by the batch, and lets everything else have a turn between two.
 *
 * @param columns - how many a row has
 * @returns how many rows there were
 * @throws {@link ConfigError} when the size of a batch is no whole number from 1
 */
export async function insertInBatches<Row>(
  rows: Iterable<Row> | AsyncIterable<Row>,
  columns: number,
  options: InsertManyOptions,
  insert: (batch: Row[]) => Promise<unknown>,
): Promise<number> {
  checkOptions(options, 'insertMany()', ['batchSize', 'onProgress']);
  const { batchSize, onProgress } = options;
  const size = batchSize ?? Math.max(1, Math.min(ROWS, Math.floor(PARAMETERS / columns)));
  if (!Number.isInteger(size) || size < 1)
    throw new ConfigError('batchSize', 'expected a whole number from 1');
  let done = 0;
  const flush = async (batch: Row[]): Promise<void> => {
    await insert(batch);
    done += batch.length;
    onProgress?.(done);
    await nextTurn();
  };
  let batch: Row[] = [];
  const add = (row: Row): Promise<void> | undefined => {
    batch.push(row);
    if (batch.length < size) return undefined;
    const full = batch;
    batch = [];
    return flush(full);
  };
  if (Symbol.asyncIterator in rows) {
    for await (const row of rows) await add(row);
  } else {
    for (const row of rows) {
      // Waiting for every single row would take a good part of the time.
      const flushing = add(row);
      if (flushing !== undefined) await flushing;
    }
  }
  if (batch.length > 0) await flush(batch);
  return done;
}
