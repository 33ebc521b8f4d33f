import { toDatabaseError } from './failure.js';
import { fetchRows } from './native.js';
import { canonicalize } from './rows.js';
/**
 * An open statement. The binding's iterator has no way to be closed: a statement that is left before its end keeps its
 * snapshot and locks until it is stepped once more after an interrupt ({@link LibsqlCursor.abandon}).
 */
export class LibsqlCursor {
  columns;
  #owner;
  #reading;
  #sql;
  #rows;
  #buffered;
  #closed = false;
  constructor(owner, rows, details) {
    this.#owner = owner;
    this.#rows = rows;
    this.columns = details.columns;
    this.#reading = details.reading;
    this.#sql = details.sql;
  }
  /** Whether the statement is still being stepped. */
  get active() {
    return this.#rows !== undefined;
  }
  fetch(size) {
    if (this.#buffered !== undefined) return this.#buffered.splice(0, size);
    const rows = this.#step(size);
    if (!this.active) this.#owner.released(this);
    return rows;
  }
  /** Takes the remaining rows into memory, so that the statement ends. */
  buffer() {
    if (!this.active) return;
    const buffered = [];
    while (this.active) buffered.push(...this.#step(1024));
    this.#buffered = buffered;
    this.#owner.released(this);
  }
  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#buffered = [];
    this.#owner.released(this);
  }
  /** Steps the interrupted statement once, which ends it. */
  abandon() {
    try {
      this.#step(1);
    } catch {
      // The interrupt is the expected failure; whatever it is, the statement was reset by it.
    }
    this.#rows = undefined;
  }
  #step(size) {
    const rows = this.#rows;
    if (rows === undefined) return [];
    try {
      const batch = fetchRows(rows, size);
      if (batch.length < size) this.#rows = undefined;
      canonicalize(batch, this.#reading);
      return batch;
    } catch (thrown) {
      this.#rows = undefined;
      this.#owner.released(this);
      throw toDatabaseError(thrown, this.#sql);
    }
  }
}
