import type { Column } from '../engine.js';
import type { NativeStatement } from './native.js';
import { schemaChanges } from './schema-changes.js';

/** How long the columns of a statement are taken as they were, in ms, should another process change the schema. */
const LIFETIME = 1_000;

/**
 * The columns of a prepared statement. Asking the binding for them costs as much as reading a row (libsql 0.5.29), so
 * they are remembered as long as no statement of this process may have changed a schema. Another process may: where
 * that could give a column another name (`*`), rows are asked to prove the names, or the columns are asked for again.
 */
export class ColumnMemory {
  readonly #native: NativeStatement;
  /** Whether the names are written in the statement, and not those that the table has. */
  readonly #named: boolean;
  #columns: Column[] = [];
  #keys: string[] | undefined;
  #changes = -1;
  #until = 0;

  constructor(native: NativeStatement, sql: string) {
    this.#native = native;
    this.#named = !sql.includes('*');
  }

  /** Names that a row as an object can prove; undefined where they are known anyway or can't be proved so. */
  get provable(): readonly string[] | undefined {
    return this.#named || !this.#fresh ? undefined : this.#keys;
  }

  /** The columns, of which `provable` have been proved. */
  get proved(): Column[] {
    return this.#columns;
  }

  /** The columns. Only right after the statement was run or prepared: then the binding has noticed a new schema. */
  read(row?: readonly unknown[]): Column[] {
    if (this.#named && this.#fresh && (row === undefined || row.length === this.#columns.length)) {
      return this.#columns;
    }
    this.#columns = this.#native.columns().map(({ name, type }) => ({ name, type: type ?? '' }));
    const names = this.#columns.map((column) => column.name);
    // An object has a key once, and those that look like an index come first.
    const inOrder = new Set(names).size === names.length && !names.some((name) => /^\d+$/.test(name));
    this.#keys = inOrder ? names : undefined;
    this.#changes = schemaChanges();
    this.#until = performance.now() + LIFETIME;
    return this.#columns;
  }

  get #fresh(): boolean {
    return this.#changes === schemaChanges() && performance.now() < this.#until;
  }
}
