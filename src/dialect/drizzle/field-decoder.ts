import { Column, noopDecoder, type SQL, type Subquery } from 'drizzle-orm';
import { inColumn } from '../../errors.js';
import type { IntMode } from '../../values.js';
import { chunkKind } from './chunk-kind.js';
import { type Decoder, sqlInternals } from './internals.js';
import type { CellDecoder } from './row-shape.js';

/** How values are decoded. */
export interface DecodeOptions {
  /** What an INTEGER becomes that no column decodes. With `bigint` and `string` all integers must arrive as `bigint`. */
  readonly intMode: IntMode;

  /**
   * Makes the error for an integer that a `number` can't hold exactly.
   *
   * @param name - the path of the field in the result, such as `users.age`
   */
  onUnsafeInteger(name: string): Error;
}

/** What a query can select. */
export type SelectedField = Column | SQL | SQL.Aliased | Subquery;

// These columns give a JavaScript number, or what is made of one.
const NUMBER_COLUMNS = new Set([
  'SQLiteInteger',
  'SQLiteTimestamp',
  'SQLiteBoolean',
  'SQLiteReal',
  'SQLiteNumericNumber',
]);

/**
 * Compiles the decoding of one selected field: the same as Drizzle's decoder, but an integer is never rounded and bytes
 * are not copied.
 *
 * @param name - the path of the field, for errors
 */
export function compileField(field: SelectedField, name: string, options: DecodeOptions): CellDecoder {
  // Each cast is what `chunkKind` has just found; what is left is an `SQL.Aliased`.
  switch (chunkKind(field)) {
    case 'column':
      return compileColumn(field as Column, name, options);
    case 'sql':
      return compileExpression(field as SQL, name, options);
    case 'subquery':
      return compileSubquery(field as Subquery, name, options);
    default:
      return compileExpression((field as SQL.Aliased).sql, name, options);
  }
}

function compileColumn(column: Column, name: string, options: DecodeOptions): CellDecoder {
  const refuseBigint = NUMBER_COLUMNS.has(column.columnType);
  const isBuffer = column.columnType === 'SQLiteBlobBuffer';
  // An aliased column is a proxy: its method is looked up once.
  const map = column.mapFromDriverValue;
  const isIdentity = map === Column.prototype.mapFromDriverValue;
  return (value) => {
    if (value === null) return null;
    let given = value;
    if (typeof value === 'bigint') {
      given = narrow(value);
      if (refuseBigint && typeof given === 'bigint') throw options.onUnsafeInteger(name);
    } else if (typeof value === 'object') {
      given = asBuffer(value);
    }
    if (isIdentity || (isBuffer && given instanceof Uint8Array)) return given;
    try {
      return map.call(column, given);
    } catch (error) {
      throw inColumn(name, error);
    }
  };
}

function compileExpression(expression: SQL, name: string, options: DecodeOptions): CellDecoder {
  const { decoder } = sqlInternals(expression);
  if (isNoop(decoder, expression)) return (value) => plainValue(value, name, options);
  return compileDecoder(decoder, name, options);
}

/** A decoder that was given with `mapWith`, or that a function such as `count()` has. */
function compileDecoder(decoder: Decoder, name: string, options: DecodeOptions): CellDecoder {
  // chunkKind finds the column before it is used as one.
  if (chunkKind(decoder) === 'column') return compileColumn(decoder as Column, name, options);
  const refuseBigint = decoder.mapFromDriverValue === Number;
  return (value) => {
    if (value === null) return null;
    if (typeof value === 'bigint') {
      const narrowed = narrow(value);
      if (refuseBigint && typeof narrowed === 'bigint') throw options.onUnsafeInteger(name);
      return decoder.mapFromDriverValue(narrowed);
    }
    return decoder.mapFromDriverValue(typeof value === 'object' ? asBuffer(value) : value);
  };
}

/** A subquery with one field is decoded as that field. */
function compileSubquery(subquery: Subquery, name: string, options: DecodeOptions): CellDecoder {
  const { sql: query, selectedFields } = subquery._;
  const fields = Object.values(selectedFields);
  // A selection holds columns, expressions and subqueries.
  if (fields.length === 1) return compileField(fields[0] as SelectedField, name, options);
  return compileExpression(query, name, options);
}

/** Whether nobody set a decoder. Each copy of drizzle-orm has its own object for that. */
function isNoop(decoder: Decoder, expression: SQL): boolean {
  if (decoder === noopDecoder) return true;
  let root: unknown = expression.constructor;
  while (Object.getPrototypeOf(root) !== Function.prototype) root = Object.getPrototypeOf(root);
  // The class of every expression is SQL or extends it, and SQL extends nothing.
  const Root = root as typeof SQL;
  return decoder === sqlInternals(new Root([])).decoder;
}

/**
 * A value that nothing decodes.
 *
 * @throws what `onUnsafeInteger` makes, in mode `number`
 */
function plainValue(value: unknown, name: string, options: DecodeOptions): unknown {
  if (typeof value === 'bigint') {
    if (options.intMode === 'bigint') return value;
    if (options.intMode === 'string') return String(value);
    const narrowed = narrow(value);
    if (typeof narrowed === 'bigint') throw options.onUnsafeInteger(name);
    return narrowed;
  }
  if (typeof value !== 'object' || value === null) return value;
  return value instanceof Uint8Array ? asBuffer(value) : value;
}

/** The integer as a `number`, if that holds it exactly. */
export function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** The same bytes as a Buffer, which is what Drizzle's blob columns promise, where there is one. */
function asBuffer(value: object): object {
  if (!(value instanceof Uint8Array) || typeof Buffer === 'undefined' || Buffer.isBuffer(value)) return value;
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
