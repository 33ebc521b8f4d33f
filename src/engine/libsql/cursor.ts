import type { SqlValue } from '../../values.js';
import type { Column, Cursor } from '../engine.js';
import { toDatabaseError } from './failure.js';
import { fetchRows, type NativeRows } from './native.js';
import { canonicalize, type IntegerReading } from './rows.js';

/** What a cursor needs of its connection. */
export interface CursorOwner {
  /** Takes the cursor off the list and, if it was left before its end, frees its statement. */
  released(cursor: LibsqlCursor): void;
}

/**
 * An open statement. The binding's iterator has no way to be closed: a statement that is left before its end keeps its
 * snapshot and locks until it is stepped once more after an interrupt ({@link LibsqlCursor.abandon}).
 */
export class LibsqlCursor implements Cursor {
  columns: readonly Column[] = [];
  /** Whether a number may be a rounded integer, in rows read `fast`, which then must be read again. */
  rounded = false;
  readonly #owner: CursorOwner;
  readonly #reading: IntegerReading;
  readonly #sql: string;
  #rows: NativeRows | undefined;
  #buffered: SqlValue[][] | undefined;
  /** The first row, if it was taken before anybody asked for it. */
  #first: SqlValue[][] = [];
  #closed = false;

  constructor(owner: CursorOwner, rows: NativeRows, details: { reading: IntegerReading; sql: string }) {
    this.#owner = owner;
    this.#rows = rows;
    this.#reading = details.reading;
    this.#sql = details.sql;
  }

  /** Whether the statement is still being stepped. */
  get active(): boolean {
    return this.#rows !== undefined;
  }

  fetch(size: number): SqlValue[][] {
    if (this.#buffered !== undefined) return this.#buffered.splice(0, size);
    const first = this.#first;
    this.#first = [];
    const rows = first.length < size ? first.concat(this.#step(size - first.length)) : first;
    if (!this.active) this.#owner.released(this);
    return rows;
  }

  /** Takes the first row, so that a lock is met before the cursor is handed out. */
  start(): void {
    this.#first = this.#step(1);
    if (!this.active) this.#owner.released(this);
  }

  /** Takes the remaining rows into memory, so that the statement ends. */
  buffer(): void {
    if (!this.active) return;
    const buffered = this.#first;
    while (this.active) buffered.push(...this.#step(1024));
    this.#buffered = buffered;
    this.#owner.released(this);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#buffered = [];
    this.#owner.released(this);
  }

  /**
   * Steps the interrupted statement once, which ends it. A statement that was opened off-thread has taken its first row
   * already, which the binding (libsql 0.5.29) hands out without a step: so two rows are asked for.
   */
  abandon(): void {
    try {
      this.#step(2);
    } catch {
      // The interrupt is the expected failure; whatever it is, the statement was reset by it.
    }
    this.#rows = undefined;
  }

  #step(size: number): SqlValue[][] {
    const rows = this.#rows;
    if (rows === undefined) return [];
    try {
      const batch = fetchRows(rows, size);
      if (batch.length < size) this.#rows = undefined;
      if (!canonicalize(batch, this.#reading)) this.rounded = true;
      return batch as SqlValue[][];
    } catch (thrown) {
      this.#rows = undefined;
      this.#owner.released(this);
      throw toDatabaseError(thrown, this.#sql);
    }
  }
}
