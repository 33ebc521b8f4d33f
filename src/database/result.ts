import type { Column, RawResult } from '../engine/engine.js';
import { checkChoice } from '../options.js';
import { defineIndexes, giveIndexes, hasNumbers, jsonValue, Row } from './row.js';
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
  /**
   * The rows: objects, or arrays with `rowMode: 'array'`. An object also gives its values by index and has `length` and
   * `toJSON()`, which are no keys of it; a column of such a name comes first.
   */
  readonly rows: Row[];
  /** How many rows an INSERT, UPDATE, DELETE or REPLACE changed; 0 for everything else. */
  readonly rowsAffected: number;
  /**
   * Rowid of the last row that this INSERT or REPLACE itself inserted into a table that has rowids; undefined for everything
   * else, and where it can't be told: for an upsert.
   */
  readonly lastInsertRowid: bigint | undefined;
  /**
   * What `JSON.stringify()` makes of it, the same as of `@libsql/client`'s: rows as arrays, `lastInsertRowid` as text or null,
   * a `bigint` as text, a blob in base64.
   */
  toJSON(): Record<string, unknown>;
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

/** @throws {@link ParameterError} when it is none */
export function checkRowMode(rowMode: RowMode | undefined): RowMode {
  checkChoice(rowMode, 'rowMode', ['object', 'array']);
  return rowMode ?? 'object';
}

/** Turns an engine's result into what callers see. */
export function toResultSet(raw: RawResult, rowMode: RowMode, intMode: IntMode): ResultSet<unknown> {
  return new Result(raw, rowMode, intMode);
}

class Result implements ResultSet<unknown> {
  readonly columns: readonly string[];
  readonly columnTypes: readonly string[];
  readonly rows: unknown[];
  readonly rowsAffected: number;
  readonly lastInsertRowid: bigint | undefined;

  constructor(raw: RawResult, rowMode: RowMode, intMode: IntMode) {
    const { columns = NO_COLUMNS } = raw;
    const { names, types } = shapeOf(columns);
    // They are its reader's own.
    this.columns = names.slice();
    this.columnTypes = types.slice();
    this.rows = toRows(raw.rows, columns, rowMode === 'object' ? 'row' : 'array', intMode);
    this.rowsAffected = raw.rowsAffected;
    this.lastInsertRowid = raw.lastInsertRowid;
  }

  toJSON(): Record<string, unknown> {
    const { columns, columnTypes, rowsAffected, lastInsertRowid } = this;
    const keys = uniqueKeys(columns);
    return {
      columns,
      columnTypes,
      rows: this.rows.map((row) =>
        Array.isArray(row)
          ? row.map(jsonValue)
          : keys.map((key) => jsonValue((row as Record<string, unknown>)[key])),
      ),
      rowsAffected,
      lastInsertRowid: lastInsertRowid === undefined ? null : String(lastInsertRowid),
    };
  }

  static {
    // It is shown, compared and copied as the plain object that it could be.
    Object.defineProperty(Result.prototype, 'constructor', { value: Object });
  }
}

const NO_COLUMNS: readonly Column[] = Object.freeze([]);

/** What all rows of a result have in common. */
interface Shape {
  readonly columns: readonly Column[];
  readonly names: readonly string[];
  readonly types: readonly string[];
  /** The names, of which each is there once. */
  readonly unique: readonly string[];
  /** Whether all can be assigned: `__proto__` would set the prototype instead of a property. */
  readonly plain: boolean;
  /** Whether some are called as an index is. */
  readonly numbered: boolean;
}

const NO_SHAPE = makeShape(NO_COLUMNS);

/** The shape that was asked for last: a statement that is run again has the same columns. */
let lastShape = NO_SHAPE;

function shapeOf(columns: readonly Column[]): Shape {
  if (columns.length === 0) return NO_SHAPE;
  if (lastShape.columns !== columns) lastShape = makeShape(columns);
  return lastShape;
}

function makeShape(columns: readonly Column[]): Shape {
  const names = columns.map(({ name }) => name);
  const types = columns.map(({ type }) => type);
  const unique = uniqueKeys(names);
  const [plain, numbered] = [!names.includes('__proto__'), hasNumbers(unique)];
  return { columns, names, types, unique, plain, numbered };
}

/** Gives integers the wanted form and rows the wanted shape, `row` being that of a {@link ResultSet}. May change `rows` in place. */
export function toRows(
  rows: SqlValue[][],
  columns: readonly Column[],
  rowMode: RowMode | 'row',
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
  const { names, unique, plain, numbered } = shapeOf(columns);
  const keys = repeated === 'last' ? names : unique;
  if (rowMode === 'row') {
    giveIndexes(keys.length);
    return rows.map((row) => {
      const object = new Row();
      fill(object, row, keys, plain);
      if (numbered) defineIndexes(object, row);
      return object;
    });
  }
  return rows.map((row) => {
    const object: RowObject = {};
    fill(object, row, keys, plain);
    return object;
  });
}

function fill(object: RowObject, row: readonly SqlValue[], keys: readonly string[], plain: boolean): void {
  if (!plain) return fillAnyKey(object, row, keys);
  for (let i = 0; i < keys.length; i++) object[keys[i] as string] = row[i] as SqlValue;
}

function fillAnyKey(object: RowObject, row: readonly SqlValue[], keys: readonly string[]): void {
  for (let i = 0; i < keys.length; i++) {
    const value = row[i] as SqlValue;
    Object.defineProperty(object, keys[i] as string, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
}

function uniqueKeys(names: readonly string[]): readonly string[] {
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
