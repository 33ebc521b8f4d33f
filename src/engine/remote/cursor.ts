import { closedError, type DatabaseError, InterruptedError, NetworkError } from '../../errors.js';
import type { SqlValue } from '../../values.js';
import type { Column, Cursor } from '../engine.js';
import { toRemoteError } from './failure.js';
import type { CursorEntry, EntrySource } from './hrana/protocol.js';

/** Reads a result piece by piece while the server sends it, so that its size has no limit. */
export class RemoteCursor implements Cursor {
  columns: readonly Column[] = [];
  readonly #sql: string;
  readonly #closed: () => void;
  #source: EntrySource | undefined;
  #entries: readonly CursorEntry[] = [];
  #next = 0;
  #done = false;
  #interrupted = false;

  /** @param closed - called when it is closed, once */
  constructor(sql: string, closed: () => void) {
    this.#sql = sql;
    this.#closed = closed;
  }

  /** Reads up to the columns. */
  async open(source: Promise<EntrySource>): Promise<void> {
    try {
      this.#source = await source;
      if (this.#done) throw closedError();
      const first = await this.#read(1);
      if (first?.type === 'begin') this.columns = first.columns;
    } catch (thrown) {
      throw this.#failed(thrown);
    }
  }

  async fetch(size: number): Promise<SqlValue[][]> {
    const rows: SqlValue[][] = [];
    try {
      while (rows.length < size && !this.#done) {
        const entry = await this.#read(size - rows.length);
        if (entry?.type === 'row') rows.push(entry.row);
      }
      return rows;
    } catch (thrown) {
      throw this.#failed(thrown);
    }
  }

  close(): void {
    if (this.#done) return;
    this.#done = true;
    this.#source?.close();
    this.#closed();
  }

  /** Stops the fetch that is under way. */
  interrupt(): void {
    this.#interrupted = true;
    this.close();
  }

  #failed(thrown: unknown): DatabaseError {
    const closed = this.#done;
    this.close();
    if (this.#interrupted) {
      return new InterruptedError('the stream was interrupted', {
        code: 'SQLITE_INTERRUPT',
        kind: 'interrupted',
        sql: this.#sql,
      });
    }
    return closed ? closedError() : toRemoteError(thrown, this.#sql);
  }

  async #read(wanted: number): Promise<CursorEntry | undefined> {
    while (this.#next >= this.#entries.length) {
      const entries = await this.#source?.next(wanted);
      if (entries === undefined) {
        if (this.#done) return undefined;
        throw new NetworkError('the answer of the server ended too early', { reached: true, sql: this.#sql });
      }
      this.#entries = entries;
      this.#next = 0;
    }
    const entry = this.#entries[this.#next++];
    if (entry?.type === 'error') throw entry.error;
    if (entry?.type === 'end') this.close();
    return entry;
  }
}
