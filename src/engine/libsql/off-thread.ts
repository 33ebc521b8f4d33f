import { DatabaseError, InterruptedError } from '../../errors.js';
import type { AnalyzedStatement } from '../../sql/statement.js';
import type { SqlValue } from '../../values.js';
import type { Column, ExecuteRequest, RawResult } from '../engine.js';
import { inserts } from '../statement-effect.js';
import type { LibsqlCursor } from './cursor.js';
import type { CursorSet } from './cursor-set.js';
import { type NativeDatabase, type NativeRows, openRowsOffThread } from './native.js';
import type { PreparedStatement } from './prepared.js';
import type { StatementRunner } from './statement-runner.js';
import { wholeQuery } from './whole-query.js';

/** How long an interrupt is given to work before it is repeated, in ms. */
const INTERRUPT_AGAIN = 10;

/** Rows that are taken between two looks at the clock, and how long they may keep the event loop, in ms. */
const ROWS_PER_SLICE = 256;
const SLICE = 8;

/**
 * Takes rows until the end or `limit`, giving way to the event loop between slices.
 *
 * @param begin - is called before the next step
 * @returns false when a number may be a rounded integer
 */
async function drainInSlices(
  cursor: LibsqlCursor,
  rows: SqlValue[][],
  limit: number,
  begin: () => void,
): Promise<boolean> {
  let sliceEnd = performance.now() + SLICE;
  try {
    begin();
    while (rows.length < limit) {
      const batch = cursor.fetch(Math.min(ROWS_PER_SLICE, limit - rows.length));
      if (cursor.rounded) return false;
      if (batch.length === 0) return true;
      for (const row of batch) rows.push(row);
      if (performance.now() > sliceEnd) {
        await new Promise((resolve) => setImmediate(resolve));
        sliceEnd = performance.now() + SLICE;
      }
    }
    return true;
  } finally {
    cursor.close();
  }
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
    // The first row is computed in the first step anyway, and no other may be.
    const firstOnly = request.fetch === 'first' && statement.kind === 'read';
    const whole = firstOnly ? undefined : this.whole(statement);
    const prepared = whole ?? this.#runner.cached(statement);
    let rows: SqlValue[][] | undefined;
    let columns: readonly Column[] | undefined;
    try {
      do {
        const reading = request.exactIntegers ? 'exact' : prepared.reading(statement.kind === 'read');
        prepared.readIntegers(reading !== 'fast');
        const cursor = this.#cursors.add(await this.open(prepared, args), { reading, sql: statement.text });
        const read: SqlValue[][] = [];
        const limit = firstOnly ? 1 : Infinity;
        const know = (): void => {
          if (request.columns) columns = this.columns(statement, prepared, whole !== undefined);
        };
        if (await drainInSlices(cursor, read, limit, know)) rows = read;
        else prepared.needsWide();
      } while (rows === undefined);
    } catch (thrown) {
      throw this.#runner.failed(thrown, prepared, statement, args);
    }
    const counts = statement.kind === 'write' && (!statement.returning || rows.length > 0);
    const rowsAffected = counts ? this.#runner.changes(statement) : 0;
    return {
      rows: request.fetch === 'none' ? [] : rows,
      columns,
      rowsAffected,
      lastInsertRowid: inserts(statement) ? this.#runner.insertedRowid(statement, rowsAffected) : undefined,
    };
  }

  /** The statement as one whose first step does all the work; undefined where there is no such form, or it has none. */
  whole(statement: AnalyzedStatement, apart = false): PreparedStatement | undefined {
    const count = (): number => {
      this.#runner.lookAtSchema();
      const source = this.#runner.prepareApart(statement.text);
      this.#runner.keep(source);
      return source.columns().length;
    };
    const text = wholeQuery(statement, count);
    if (text === undefined) return undefined;
    try {
      return apart ? this.#runner.prepareApart(text) : this.#runner.cached(statement, text);
    } catch (error) {
      // Only the statement itself may fail in its own words. It may also be right, and too large for the other form.
      if (!(error instanceof DatabaseError) || error.kind !== 'sql') throw error;
      return undefined;
    }
  }

  /**
   * The columns of a statement whose first step was run: before it, SQLite has not noticed what others did to the schema.
   *
   * @param rewritten - whether it was run in another form, which may have other names
   */
  columns(statement: AnalyzedStatement, prepared: PreparedStatement, rewritten: boolean): readonly Column[] {
    if (!rewritten) return prepared.columns();
    const source = this.#runner.prepareApart(statement.text);
    this.#runner.keep(source);
    return source.columns();
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
