import { ConfigError } from '../errors.js';
import { toRows } from './result.js';
import { bind } from './statements.js';
/** How long rows may be handed out without giving way to the event loop, in ms. */
const SLICE = 8;
/** The rows of a SQL text one by one. Nothing happens before the first row is asked for. */
export async function* openStream(executor, sql, args, options) {
  const statement = executor.statements.one(sql);
  const values = bind(statement, args, executor.limits);
  const { intMode } = executor.config;
  const rowMode = options?.rowMode ?? 'object';
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
/** The rows of a statement, batch by batch, as the engine gives them. */
export async function* streamBatches(executor, statement, values, exactIntegers, options) {
  const size = checkBatchSize(options?.batchSize);
  const abort = executor.abortFrom(options);
  let source;
  try {
    source = await openAny(executor, statement, values, exactIntegers, abort);
    let sliceEnd = performance.now() + SLICE;
    for (;;) {
      abort?.throwIfAborted();
      const rows = await source.fetch(size);
      if (rows.length === 0) return;
      yield { rows, columns: source.columns };
      if (performance.now() > sliceEnd) {
        // A consumer that never waits for anything else would starve timers and sockets.
        await new Promise((resolve) => setImmediate(resolve));
        sliceEnd = performance.now() + SLICE;
      }
    }
  } finally {
    abort?.dispose();
    await source?.close();
  }
}
/** A statement that writes (RETURNING) is run as a whole, only its rows are handed out one by one. */
async function openAny(executor, statement, values, exactIntegers, abort) {
  if (statement.kind === 'read') return executor.openSource(statement, values, { exactIntegers, abort });
  const request = { fetch: 'all', columns: true, exactIntegers };
  const { rows, columns = [] } = await executor.runStatement(statement, values, request, abort);
  return { columns, fetch: (size) => rows.splice(0, size), close: async () => {} };
}
function checkBatchSize(size = 256) {
  if (Number.isInteger(size) && size >= 1 && size <= 1_000_000) return size;
  throw new ConfigError('batchSize', 'expected a whole number from 1 to 1000000');
}
