import type { Column, MaybePromise } from '../engine/engine.js';
import { ConfigError } from '../errors.js';
import { ABORT_OPTIONS, checkOptions } from '../options.js';
import type { AnalyzedStatement } from '../sql/statement.js';
import type { SqlValue } from '../values.js';
import { type Abort, type AbortOptions, orAborted } from './abort.js';
import type { Guard } from './guard.js';
import type { Interrupts } from './interrupts.js';
import type { Executor } from './executor.js';
import { checkRowMode, type RowMode, toRows } from './result.js';
import { type Arguments, bind } from './statements.js';
import { closeWhenAbandoned, type HeldSource } from './abandoned.js';
import { nextTurn, turnIsOver } from './turn.js';
import type { EndStatement } from '../hooks/observer.js';

/** How a stream is read. */
export interface StreamOptions extends AbortOptions {
  /** Rows as objects by column name or as arrays. @default 'object' */
  readonly rowMode?: RowMode | undefined;
  /** How many rows are fetched at a time. @default 256 */
  readonly batchSize?: number | undefined;
}

/** An open result, and with it what must be given back. */
export interface StreamSource {
  readonly columns: readonly Column[];
  /** The next rows; an empty array at the end. */
  fetch(size: number): MaybePromise<SqlValue[][]>;
  /** Frees the statement and its connection; closing twice is fine. */
  close(): Promise<void>;
}

/** How a statement is opened for a stream. */
export interface SourceOptions {
  readonly exactIntegers: boolean;
  readonly abort: Abort | undefined;
  readonly guard?: Guard | undefined;
}

/** A source that `interrupts` can end, and whose end is told to `end`. */
export function watchedSource(
  source: StreamSource,
  interrupts: Interrupts,
  end: EndStatement | undefined,
): StreamSource {
  const stop = interrupts.begin();
  let count = 0;
  let failure: unknown;
  return {
    columns: source.columns,
    fetch: async (size) => {
      try {
        stop.throwIfAborted();
        const rows = source.fetch(size);
        const fetched = rows instanceof Promise ? await orAborted(rows, stop) : rows;
        count += fetched.length;
        return fetched;
      } catch (error) {
        failure = error;
        throw error;
      }
    },
    close: async () => {
      interrupts.end(stop);
      end?.({ rows: count, error: failure });
      await source.close();
    },
  };
}

const STREAM_OPTIONS = ['rowMode', 'batchSize', ...ABORT_OPTIONS];

/** The rows of a SQL text one by one. Nothing happens before the first row is asked for. */
export async function* openStream(
  executor: Executor,
  sql: string,
  args: Arguments,
  options: StreamOptions | undefined,
): AsyncGenerator<unknown, void, undefined> {
  checkOptions(options, 'stream()', STREAM_OPTIONS);
  const rowMode = checkRowMode(options?.rowMode);
  const statement = executor.statements.one(sql);
  const values = bind(statement, args, executor.limits);
  const { intMode } = executor.config;
  for await (const { rows, columns } of streamBatches(
    executor,
    statement,
    values,
    intMode !== 'number',
    options,
  )) {
    yield* toRows(rows, columns, rowMode, intMode);
  }
}

/** Some rows, and the columns of all. */
export interface StreamBatch {
  readonly rows: SqlValue[][];
  readonly columns: readonly Column[];
}

/** The rows of a statement, batch by batch, as the engine gives them. One that is left without a word is closed in the end. */
export function streamBatches(
  executor: Executor,
  statement: AnalyzedStatement,
  values: readonly SqlValue[],
  exactIntegers: boolean,
  options: StreamOptions | undefined,
): AsyncGenerator<StreamBatch, void, undefined> {
  const held: HeldSource = { sql: statement.text, source: undefined };
  const batches = readBatches(executor, { statement, values, exactIntegers, options, held });
  closeWhenAbandoned(batches, held);
  return batches;
}

interface BatchRequest {
  readonly statement: AnalyzedStatement;
  readonly values: readonly SqlValue[];
  readonly exactIntegers: boolean;
  readonly options: StreamOptions | undefined;
  readonly held: HeldSource;
}

async function* readBatches(
  executor: Executor,
  { statement, values, exactIntegers, options, held }: BatchRequest,
): AsyncGenerator<StreamBatch, void, undefined> {
  const size = checkBatchSize(options?.batchSize);
  const abort = executor.abortFrom(options);
  let source: StreamSource | undefined;
  try {
    source = await openAny(executor, statement, values, exactIntegers, abort);
    held.source = source;
    for (;;) {
      abort?.throwIfAborted();
      const rows = await source.fetch(size);
      if (turnIsOver()) await nextTurn();
      if (rows.length === 0) return;
      yield { rows, columns: source.columns };
    }
  } finally {
    abort?.dispose();
    held.source = undefined;
    await source?.close();
  }
}

/** A statement that writes (RETURNING) is run as a whole, only its rows are handed out one by one. */
async function openAny(
  executor: Executor,
  statement: AnalyzedStatement,
  values: readonly SqlValue[],
  exactIntegers: boolean,
  abort: Abort | undefined,
): Promise<StreamSource> {
  if (statement.kind === 'read') return executor.openSource(statement, values, { exactIntegers, abort });
  const request = { fetch: 'all', columns: true, exactIntegers } as const;
  const { rows, columns = [] } = await executor.runStatement(statement, values, request, abort);
  return { columns, fetch: (size) => rows.splice(0, size), close: async () => {} };
}

function checkBatchSize(size = 256): number {
  if (Number.isInteger(size) && size >= 1 && size <= 1_000_000) return size;
  throw new ConfigError('batchSize', 'expected a whole number from 1 to 1000000');
}
