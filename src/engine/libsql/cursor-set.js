import { LibsqlCursor } from './cursor.js';
/** The statements of one connection that are open for reading piece by piece. */
export class CursorSet {
  #native;
  #open = new Set();
  /** Cursors that were left early while others were open, which an interrupt would have stopped too. */
  #abandoned = new Set();
  constructor(native) {
    this.#native = native;
  }
  add(rows, details) {
    const cursor = new LibsqlCursor(this, rows, details);
    this.#open.add(cursor);
    return cursor;
  }
  released(cursor) {
    this.#open.delete(cursor);
    if (cursor.active) this.#abandoned.add(cursor);
    if (this.#open.size === 0) this.#endAbandoned();
  }
  /** Ends every open statement; cursors that are still read go on from memory. */
  settle() {
    if (this.#open.size > 0) for (const cursor of [...this.#open]) cursor.buffer();
    this.#endAbandoned();
  }
  /** Closes every cursor and frees its statement. */
  close() {
    for (const cursor of [...this.#open]) cursor.close();
    this.#endAbandoned();
  }
  #endAbandoned() {
    if (this.#abandoned.size === 0) return;
    this.#native.interrupt();
    for (const cursor of this.#abandoned) cursor.abandon();
    this.#abandoned.clear();
  }
}
