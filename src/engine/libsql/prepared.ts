import type { AnalyzedStatement } from '../../sql/statement.js';
import type { SqlValue } from '../../values.js';
import type { Column } from '../engine.js';
import { tellsRowid } from '../statement-effect.js';
import { ColumnMemory } from './column-memory.js';
import { fetchRows, openRows, type NativeStatement } from './native.js';
import { canonicalize, canonicalizeRow } from './rows.js';

/** Rows of the first native fetch; most results are small, and an array of this size costs nothing. */
const FIRST_FETCH = 32;
const FETCH = 1024;
/** Results of up to so many rows are read as objects where that saves asking for the columns. */
const FEW = 8;

/** One prepared statement and what was learned about it. */
export class PreparedStatement {
  readonly native: NativeStatement;
  readonly reader: boolean;
  /** Whether the connection must look at the schema before each run. */
  readonly showsSchema: boolean;
  #tellsRowid: boolean | undefined;
  /** Once an integer needed more than a double, integers are read as bigint and narrowed. */
  #wide = false;
  #wideNative = false;
  #rawNative = false;
  readonly #columns: ColumnMemory;
  #lastCount = 0;

  constructor(native: NativeStatement, sql: string, showsSchema = false) {
    this.native = native;
    this.reader = native.reader;
    this.showsSchema = showsSchema;
    this.#columns = new ColumnMemory(native, sql);
    if (this.reader) this.readIntegers(false);
  }

  /** Column names and declared types. Only right after the statement was run or prepared; `row` is one that it gave. */
  columns(row?: readonly unknown[]): Column[] {
    return this.#columns.read(row);
  }

  /** Sets how rows are read, as arrays, and integers; the binding keeps this per statement. */
  readIntegers(wide: boolean): void {
    this.#setRaw(true);
    if (this.#wideNative === wide) return;
    this.native.safeIntegers(wide);
    this.#wideNative = wide;
  }

  /** Whether the rowid of its last row can be told; see {@link tellsRowid}. */
  tellsRowid(statement: AnalyzedStatement): boolean {
    return (this.#tellsRowid ??= tellsRowid(statement));
  }

  /** How to read integers where a second run can make up for a rounded one, if it may. */
  reading(repeatable: boolean): 'fast' | 'wide' {
    return repeatable && !this.#wide ? 'fast' : 'wide';
  }

  /** Notes that an integer needed more than a double. */
  needsWide(): void {
    this.#wide = true;
  }

  /** All rows with their columns; see {@link readAll}. */
  readAllNamed(args: readonly SqlValue[]): { rows: SqlValue[][]; columns: Column[] } {
    const rows = this.#readAsObjects(args);
    if (rows !== undefined) return { rows, columns: this.#columns.proved };
    const arrays = this.readAll(args);
    this.#lastCount = arrays.length;
    return { rows: arrays, columns: this.columns(arrays[0]) };
  }

  /** All rows if there are few and they prove that the columns are still called what they were. */
  #readAsObjects(args: readonly SqlValue[]): SqlValue[][] | undefined {
    const keys = this.#lastCount > FEW || this.#wide ? undefined : this.#columns.provable;
    if (keys === undefined) return undefined;
    if (this.#wideNative) this.readIntegers(false);
    this.#setRaw(false);
    const objects = this.drain(args) as unknown as Record<string, unknown>[];
    this.#lastCount = objects.length;
    if (objects[0] === undefined || !hasKeys(objects[0], keys)) return objects.length === 0 ? [] : undefined;
    const rows = objects.map((object) => keys.map((key) => object[key]));
    return canonicalize(rows, 'fast') ? rows : undefined;
  }

  #setRaw(raw: boolean): void {
    if (this.#rawNative === raw || !this.reader) return;
    this.native.raw(raw);
    this.#rawNative = raw;
  }

  /** All rows of a statement that may be run twice: if a double was not enough, it is run again with bigint. */
  readAll(args: readonly SqlValue[]): SqlValue[][] {
    if (!this.#wide) {
      this.readIntegers(false);
      const rows = this.drain(args);
      if (canonicalize(rows, 'fast')) return rows;
      this.#wide = true;
    }
    return this.readAllOnce(args, 'wide');
  }

  /** All rows of a statement that must run once only. */
  readAllOnce(args: readonly SqlValue[], reading: 'wide' | 'exact'): SqlValue[][] {
    this.readIntegers(true);
    const rows = this.drain(args);
    canonicalize(rows, reading);
    return rows as SqlValue[][];
  }

  /** The first row; the statement is reset at once. Like {@link readAll} it may run the statement twice. */
  readFirst(args: readonly SqlValue[], exact: boolean): SqlValue[] | undefined {
    if (!exact && !this.#wide) {
      this.readIntegers(false);
      const row = this.native.get(args);
      if (row === undefined || canonicalizeRow(row, 'fast')) return row;
      this.#wide = true;
    }
    this.readIntegers(true);
    const row = this.native.get(args);
    if (row !== undefined) canonicalizeRow(row, exact ? 'exact' : 'wide');
    return row as SqlValue[] | undefined;
  }

  /** Runs the statement to its end, so that it is reset, and gives the rows as the binding makes them. */
  drain(args: readonly SqlValue[]): unknown[][] {
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

function hasKeys(object: object, keys: readonly string[]): boolean {
  let i = 0;
  for (const key in object) if (key !== keys[i++]) return false;
  return i === keys.length;
}
