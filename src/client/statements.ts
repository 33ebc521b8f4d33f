import type { ClientResultSet, InArgs, InStatement, Row, Value } from '../database/client-api.js';
import { type BatchItem, type SqlStatement, toBatchItem, toSqlStatement } from '../database/batch.js';
import type { Database } from '../database/database.js';
import type { Executor, RawResult } from '../database/executor.js';
import { withoutForeignKeys } from '../database/lazy.js';
import { toResultSet } from '../database/result.js';
import { jsonValue } from '../database/row.js';
import type { SqlValue } from '../values.js';

/** A statement in any form that `batch()` takes. */
export type BatchInput = InStatement | readonly [sql: string, args?: InArgs | undefined];

/** A statement with the values that may stand beside it. */
export function withArgs(statement: InStatement, args: InArgs | undefined): BatchInput {
  return typeof statement === 'string' ? [statement, args] : statement;
}

/** Runs statements as one transaction with foreign keys off. */
export async function migrateOn(
  database: Database,
  inputs: readonly BatchInput[],
): Promise<ClientResultSet[]> {
  const items = toItems(database, inputs);
  const { runWithoutForeignKeys } = withoutForeignKeys.loaded ?? (await withoutForeignKeys.load());
  const results = await runWithoutForeignKeys(database, items);
  return results.map((result) => toClientResult(result, database));
}

/** What is to be run of several, checked. */
export function toItems(executor: Executor, inputs: readonly BatchInput[]): BatchItem[] {
  return inputs.map((input, index) => toItem(executor, input, index));
}

/** What is to be run, checked; an error carries the index of its statement. */
export function toItem(executor: Executor, input: BatchInput, index?: number): BatchItem {
  const exactIntegers = executor.config.intMode !== 'number';
  const { sql, args } = toSqlStatement(input);
  // The real client takes null for no values.
  const statement: SqlStatement = { sql, args: encodeDates(args ?? undefined) };
  return toBatchItem(executor, statement, { fetch: 'all', columns: true, rowid: true, exactIntegers }, index);
}

/** Values as this package takes them: a bare `Date` would be refused. */
function encodeDates(args: SqlStatement['args']): SqlStatement['args'] {
  if (args === undefined) return undefined;
  if (Array.isArray(args)) return args.map(encodeDate);
  return Object.fromEntries(Object.entries(args).map(([name, value]) => [name, encodeDate(value)]));
}

function encodeDate(value: unknown): unknown {
  return value instanceof Date ? value.valueOf() : value;
}

/** A result in the form of `@libsql/client`. */
export function toClientResult(raw: RawResult, executor: Executor): ClientResultSet {
  const result = toResultSet(raw, 'array', executor.config.intMode);
  const columns = [...result.columns];
  const keys = keysOf(columns);
  return new ClientResult({
    columns,
    columnTypes: [...result.columnTypes],
    rows: (result.rows as SqlValue[][]).map((row) => toRow(row, keys)),
    rowsAffected: result.rowsAffected,
    lastInsertRowid: result.lastInsertRowid,
  });
}

class ClientResult implements ClientResultSet {
  columns: string[];
  columnTypes: string[];
  rows: Row[];
  rowsAffected: number;
  lastInsertRowid: bigint | undefined;

  constructor(fields: Omit<ClientResultSet, 'toJSON'>) {
    this.columns = fields.columns;
    this.columnTypes = fields.columnTypes;
    this.rows = fields.rows;
    this.rowsAffected = fields.rowsAffected;
    this.lastInsertRowid = fields.lastInsertRowid;
  }

  toJSON(): unknown {
    const { columns, columnTypes, rowsAffected, lastInsertRowid } = this;
    const rows = this.rows.map((row) =>
      Array.from({ length: columns.length }, (_, i) => valueToJson(row[i])),
    );
    return { columns, columnTypes, rows, rowsAffected, lastInsertRowid: lastInsertRowid?.toString() ?? null };
  }
}

/**
 * The keys of a row by the index of their column. Indexes and `length` win over another column of that name, as in
 * `@libsql/client`, because code that reads rows as arrays needs them; that column has the key `1:1` or `length:1` here, and none
 * there. Of several columns with one name the first wins, and the others have no key.
 */
function keysOf(columns: readonly string[]): (string | undefined)[] {
  const seen = new Set<string>();
  return columns.map((column, i) => {
    const other = Number(column);
    const isIndex =
      String(other) === column && Number.isInteger(other) && other >= 0 && other < columns.length;
    const key = column === 'length' || (isIndex && other !== i) ? `${column}:1` : column;
    if (seen.has(key)) return undefined;
    seen.add(key);
    return key;
  });
}

/** Indexes and `length` are not enumerable. */
function toRow(given: readonly SqlValue[], keys: readonly (string | undefined)[]): Row {
  const row = {} as Row;
  const values = given.map(toValue);
  define(row, 'length', values.length, false);
  for (let i = 0; i < values.length; i++) define(row, i, values[i] as Value, false);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i];
    if (key !== undefined) define(row, key, values[i] as Value, true);
  }
  return row;
}

function define(row: Row, key: string | number, value: Value, enumerable: boolean): void {
  Object.defineProperty(row, key, { value, enumerable, configurable: true, writable: true });
}

/** A BLOB as an `ArrayBuffer`, which every engine gives a view of its own to. */
function toValue(value: SqlValue): Value {
  if (!(value instanceof Uint8Array)) return value;
  const { buffer, byteOffset, byteLength } = value;
  const own = byteOffset === 0 && byteLength === buffer.byteLength && buffer instanceof ArrayBuffer;
  return own ? buffer : value.slice().buffer;
}

function valueToJson(value: Value | undefined): unknown {
  return jsonValue(value instanceof ArrayBuffer ? new Uint8Array(value) : value);
}
