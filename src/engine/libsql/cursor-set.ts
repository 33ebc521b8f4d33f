import { type CursorOwner, LibsqlCursor } from './cursor.js';
import type { NativeDatabase, NativeRows } from './native.js';

/** The statements of one connection that are open for reading piece by piece. */
export class CursorSet implements CursorOwner {
  readonly #native: NativeDatabase;
  readonly #open = new Set<LibsqlCursor>();
  /** Cursors that were left early while others were open, which an interrupt would have stopped too. */
  readonly #abandoned = new Set<LibsqlCursor>();

  constructor(native: NativeDatabase) {
    this.#native = native;
  }

  add(rows: NativeRows, details: ConstructorParameters<typeof LibsqlCursor>[2]): LibsqlCursor {
    const cursor = new LibsqlCursor(this, rows, details);
    this.#open.add(cursor);
    return cursor;
  }

  released(cursor: LibsqlCursor): void {
    this.#open.delete(cursor);
    if (cursor.active) this.#abandoned.add(cursor);
    if (this.#open.size === 0) this.#endAbandoned();
  }

  /** Ends every open statement; cursors that are still read go on from memory. */
  settle(): void {
    if (this.#open.size > 0) for (const cursor of [...this.#open]) cursor.buffer();
    this.#endAbandoned();
  }

  /** Closes every cursor and frees its statement. */
  close(): void {
    for (const cursor of [...this.#open]) cursor.close();
    this.#endAbandoned();
  }

  #endAbandoned(): void {
    if (this.#abandoned.size === 0) return;
    this.#native.interrupt();
    for (const cursor of this.#abandoned) cursor.abandon();
    this.#abandoned.clear();
  }
}
