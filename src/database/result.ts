import type { Column, RawResult } from '../engine/engine.js';
import { type IntMode, decodeInteger, type SqlValue } from '../values.js';

/**
 * What a statement gave: the fields of `@libsql/client`'s ResultSet.
 *
 * @example
 * ```ts
 * import { open } from 'turso-dialect';
 *
 * await using db = open(':memory:');
 * const { columns, rows } = await db.execute('select 1 as one, 2 as two');
 * console.log(columns, rows); // [ 'one', 'two' ] [ { one: 1, two: 2 } ]
 * ```
 */
export interface ResultSet<Row = RowObject> {
  /** Names of the columns, duplicates included. */
  readonly columns: readonly string[];
  /** Declared types of the columns as written in the schema, `''` for expressions. */
  readonly columnTypes: readonly string[];
  /** The rows: plain objects, or arrays with `rowMode: 'array'`. */
  readonly rows: Row[];
  /** How many rows an INSERT, UPDATE, DELETE or REPLACE changed; 0 for everything else. */
  readonly rowsAffected: number;
  /**
   * Rowid of the last row that this INSERT or REPLACE itself inserted into a table that has rowids; undefined for everything
   * else, and where it can't be told: for an upsert.
   */
  readonly lastInsertRowid: bigint | undefined;
}

/**
 * A row by column name. Of two columns with one name the first has it, the next are called `name:1`, `name:2`, as
 * SQLite itself does in a subquery, so that no value is lost.
 */
export type RowObject = Record<string, SqlValue>;

/** Rows as objects by column name, or as arrays in column order. */
export type RowMode = 'object' | 'array';

/** Where several columns have one name, each has a key of its own, or the last one has it. */
export type RepeatedNames = 'numbered' | 'last';

/** Turns an engine's result into what callers see. */
export function toResultSet(raw: RawResult, rowMode: RowMode, intMode: IntMode): ResultSet<unknown> {
  const { columns = [] } = raw;
  return {
    columns: columns.map((column) => column.name),
    columnTypes: columns.map((column) => column.type),
    rows: toRows(raw.rows, columns, rowMode, intMode),
    rowsAffected: raw.rowsAffected,
    lastInsertRowid: raw.lastInsertRowid,
  };
}

/** Gives integers the wanted form and rows the wanted shape. May change `rows` in place. */
export function toRows(
  rows: SqlValue[][],
  columns: readonly Column[],
  rowMode: RowMode,
  intMode: IntMode,
  repeated: RepeatedNames = 'numbered',
): unknown[] {
  if (rows.length === 0) return rows;
  for (const row of rows) {
    for (let i = 0; i < row.length; i++) {
      if (typeof row[i] === 'bigint')
        row[i] = decodeInteger(row[i] as bigint, intMode, columns[i]?.name ?? `#${i}`);
    }
  }
  if (rowMode === 'array') return rows;
  const keys = repeated === 'last' ? columns.map((column) => column.name) : uniqueKeys(columns);
  // Assigning `__proto__` would set the prototype instead of a property.
  const plain = !keys.includes('__proto__');
  return rows.map((row) => (plain ? toObject(row, keys) : toObjectWithAnyKey(row, keys)));
}

function toObject(row: readonly SqlValue[], keys: readonly string[]): RowObject {
  const object: RowObject = {};
  for (let i = 0; i < keys.length; i++) object[keys[i] as string] = row[i] as SqlValue;
  return object;
}

function toObjectWithAnyKey(row: readonly SqlValue[], keys: readonly string[]): RowObject {
  const object: RowObject = {};
  for (let i = 0; i < keys.length; i++) {
    const value = row[i] as SqlValue;
    Object.defineProperty(object, keys[i] as string, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return object;
}

function uniqueKeys(columns: readonly Column[]): string[] {
  const names = columns.map((column) => column.name);
  if (new Set(names).size === names.length) return names;
  const taken = new Set(names);
  const seen = new Set<string>();
  return names.map((name) => {
    if (!seen.has(name)) {
      seen.add(name);
      return name;
    }
    let suffix = 1;
    while (taken.has(`${name}:${suffix}`)) suffix++;
    taken.add(`${name}:${suffix}`);
    return `${name}:${suffix}`;
  });
}
