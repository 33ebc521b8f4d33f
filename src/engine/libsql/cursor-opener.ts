import type { AnalyzedStatement } from '../../sql/statement.js';
import type { SqlValue } from '../../values.js';
import type { Cursor, CursorOptions, MaybePromise } from '../engine.js';
import { wholeResult } from '../whole-result.js';
import type { LibsqlCursor } from './cursor.js';
import type { CursorSet } from './cursor-set.js';
import { type NativeRows, openRows } from './native.js';
import type { OffThread } from './off-thread.js';
import type { StatementRunner } from './statement-runner.js';

/** Opens statements of one connection for reading piece by piece. */
export class CursorOpener {
  readonly #runner: StatementRunner;
  readonly #cursors: CursorSet;
  readonly #apart: OffThread;

  constructor(runner: StatementRunner, cursors: CursorSet, apart: OffThread) {
    this.#runner = runner;
    this.#cursors = cursors;
    this.#apart = apart;
  }

  /** @param offThread - runs what is interruptible, and discards a cursor that an interrupt has met */
  open(
    statement: AnalyzedStatement,
    args: readonly SqlValue[],
    options: CursorOptions,
    offThread: (run: () => Promise<Cursor>, discardStopped: (cursor: Cursor) => void) => Promise<Cursor>,
  ): MaybePromise<Cursor> {
    if (statement.verb === 'EXPLAIN')
      return wholeResult(this.#runner.run(statement, args, { fetch: 'all', columns: true, ...options }));
    const reading = options.exactIntegers ? 'exact' : 'wide';
    // A cursor's statement is never one of the cache: two runs of one statement at a time would disturb each other.
    const whole = options.interruptible || options.snapshot ? this.#apart.whole(statement, true) : undefined;
    const prepared = whole ?? this.#runner.prepareApart(statement.text);
    prepared.readIntegers(true);
    if (options.interruptible) this.#runner.keep(prepared);
    else this.#runner.litter();
    const open = (rows: NativeRows): LibsqlCursor => {
      const cursor = this.#cursors.add(rows, { reading, sql: statement.text });
      try {
        // On another thread the first step was taken.
        if (!options.interruptible) cursor.start();
        cursor.columns = this.#apart.columns(statement, prepared, whole !== undefined);
        return cursor;
      } catch (error) {
        discard(cursor);
        throw error;
      }
    };
    if (options.interruptible) {
      const run = (): Promise<Cursor> =>
        this.#apart
          .open(prepared, args)
          .then(open)
          .catch((thrown: unknown) => {
            throw this.#runner.failed(thrown, prepared, statement);
          });
      return offThread(run, (cursor) => cursor.close());
    }
    try {
      return open(openRows(prepared.native, args));
    } catch (thrown) {
      throw this.#runner.failed(thrown, prepared, statement);
    }
  }
}

/** Closes a cursor that nobody has read from. */
export function discard(cursor: Cursor): void {
  // An interrupt ends a statement only when it is stepped, and the first row may have been stepped to already.
  void cursor.fetch(1);
  cursor.close();
}
