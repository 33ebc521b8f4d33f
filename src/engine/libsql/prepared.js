import { fetchRows, openRows } from './native.js';
import { canonicalize, canonicalizeRow } from './rows.js';
/** Rows of the first native fetch; most results are small, and an array of this size costs nothing. */
const FIRST_FETCH = 32;
const FETCH = 1024;
/** One prepared statement and what was learned about it. */
export class PreparedStatement {
  native;
  reader;
  /** Once an integer needed more than a double, integers are read as bigint and narrowed. */
  #wide = false;
  #wideNative = false;
  constructor(native) {
    this.native = native;
    this.reader = native.reader;
    if (this.reader) native.raw();
  }
  /**
   * Column names and declared types. Only right after the statement was run or prepared: the binding refreshes them
   * with the first step after a schema change.
   */
  columns() {
    return this.native.columns().map(({ name, type }) => ({ name, type: type ?? '' }));
  }
  /** Sets how integers are read; the binding keeps this per statement. */
  readIntegers(wide) {
    if (this.#wideNative === wide) return;
    this.native.safeIntegers(wide);
    this.#wideNative = wide;
  }
  /** All rows of a statement that may be run twice: if a double was not enough, it is run again with bigint. */
  readAll(args) {
    if (!this.#wide) {
      this.readIntegers(false);
      const rows = this.drain(args);
      if (canonicalize(rows, 'fast')) return rows;
      this.#wide = true;
    }
    return this.readAllOnce(args, 'wide');
  }
  /** All rows of a statement that must run once only. */
  readAllOnce(args, reading) {
    this.readIntegers(true);
    const rows = this.drain(args);
    canonicalize(rows, reading);
    return rows;
  }
  /** The first row; the statement is reset at once. Like {@link readAll} it may run the statement twice. */
  readFirst(args, exact) {
    if (!exact && !this.#wide) {
      this.readIntegers(false);
      const row = this.native.get(args);
      if (row === undefined || canonicalizeRow(row, 'fast')) return row;
      this.#wide = true;
    }
    this.readIntegers(true);
    const row = this.native.get(args);
    if (row !== undefined) canonicalizeRow(row, exact ? 'exact' : 'wide');
    return row;
  }
  /** Runs the statement to its end, so that it is reset, and gives the rows as the binding makes them. */
  drain(args) {
    const iterator = openRows(this.native, args);
    const rows = fetchRows(iterator, FIRST_FETCH);
    let fetched = rows.length;
    for (let size = FIRST_FETCH; fetched === size; ) {
      size = FETCH;
      const more = fetchRows(iterator, size);
      fetched = more.length;
      for (const row of more) rows.push(row);
    }
    return rows;
  }
}
