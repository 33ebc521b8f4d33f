import { InterruptedError } from '../../errors.js';
import type { AnalyzedStatement } from '../../sql/statement.js';
import type { SqlValue } from '../../values.js';
import type { ExecuteRequest, RawResult } from '../engine.js';
import { inserts } from '../statement-effect.js';
import type { LibsqlCursor } from './cursor.js';
import type { CursorSet } from './cursor-set.js';
import { type NativeDatabase, type NativeRows, openRowsOffThread } from './native.js';
import type { PreparedStatement } from './prepared.js';
import type { StatementRunner } from './statement-runner.js';

/** How long an interrupt is given to work before it is repeated, in ms. */
const INTERRUPT_AGAIN = 10;

/** Rows that are taken between two looks at the clock, and how long they may keep the event loop, in ms. */
const ROWS_PER_SLICE = 256;
const SLICE = 8;

/** Takes rows until the end or `limit`, giving way to the event loop between slices. */
async function drainInSlices(cursor: LibsqlCursor, rows: SqlValue[][], limit: number): Promise<void> {
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
export function materialize(statement: AnalyzedStatement): string | undefined {
  if (statement.verb !== 'SELECT' && statement.verb !== 'VALUES') return undefined;
  // The line break ends a comment at the end of the text.
  return `WITH "__turso_dialect_result" AS MATERIALIZED (${statement.text}\n) SELECT * FROM "__turso_dialect_result"`;
}

/** Runs statements of one connection on another thread. Nothing else may be asked of the connection meanwhile. */
export class OffThread {
  readonly #native: NativeDatabase;
  readonly #runner: StatementRunner;
  readonly #cursors: CursorSet;
  /** The call that is under way. */
  #running: Promise<unknown> | undefined;
  /** Whether that call was interrupted; it may have been done by then. */
  #stopped = false;

  constructor(native: NativeDatabase, runner: StatementRunner, cursors: CursorSet) {
    this.#native = native;
    this.#runner = runner;
    this.#cursors = cursors;
  }

  /**
   * Notes what is under way, so that it can be stopped.
   *
   * @param discardStopped - closes a cursor whose first row was there when the interrupt came. SQLite keeps an interrupt for
   *   as long as a statement of the connection is open, so every other statement would fail for it.
   */
  async during<T>(run: () => Promise<T>, discardStopped?: (made: T) => void): Promise<T> {
    this.#stopped = false;
    const running = run();
    this.#running = running;
    let made: T;
    try {
      made = await running;
    } finally {
      this.#running = undefined;
    }
    if (!this.#stopped || discardStopped === undefined) return made;
    discardStopped(made);
    throw new InterruptedError('interrupted', { code: 'SQLITE_INTERRUPT', rawCode: 9, kind: 'interrupted' });
  }

  /** Interrupts until the call has ended: an interrupt that comes before the other thread has begun is lost. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    this.#stopped = true;
    this.#native.interrupt();
    const again = setInterval(() => this.#native.interrupt(), INTERRUPT_AGAIN);
    // It must not be repeated once the call has ended, so this may not wait for anything else.
    const end = (): void => clearInterval(again);
    await running.then(end, end);
  }

  /** One statement, in whatever transaction is open. */
  async run(
    statement: AnalyzedStatement,
    args: readonly SqlValue[],
    request: ExecuteRequest,
  ): Promise<RawResult> {
    const source = request.columns ? this.#runner.prepareApart(statement.text) : undefined;
    if (source !== undefined) this.#runner.keep(source);
    const columns = source?.columns();
    const prepared = this.#runner.cached(statement, materialize(statement));
    const rows: SqlValue[][] = [];
    try {
      prepared.readIntegers(true);
      const native = await this.open(prepared, args);
      const reading = request.exactIntegers ? 'exact' : 'wide';
      const cursor = this.#cursors.add(native, { columns: [], reading, sql: statement.text });
      await drainInSlices(
        cursor,
        rows,
        request.fetch === 'first' && statement.kind === 'read' ? 1 : Infinity,
      );
    } catch (thrown) {
      throw this.#runner.failed(thrown, prepared, statement, args);
    }
    const rowsAffected = statement.returning
      ? rows.length
      : statement.kind === 'write'
        ? this.#runner.changes(statement)
        : 0;
    return {
      rows: request.fetch === 'none' ? [] : rows,
      columns,
      rowsAffected,
      lastInsertRowid:
        rowsAffected > 0 && inserts(statement) ? this.#runner.exactLastInsertRowid() : undefined,
    };
  }

  /** A statement up to its first row. */
  async open(prepared: PreparedStatement, args: readonly SqlValue[]): Promise<NativeRows> {
    // An interrupt stops every statement of the connection, so none but this one may be under way.
    this.#cursors.settle();
    await this.#runner.readyForOffThread();
    const running = openRowsOffThread(prepared.native, args);
    this.#runner.keep(prepared, running);
    const rows = await running;
    this.#runner.keep(rows);
    return rows;
  }
}
