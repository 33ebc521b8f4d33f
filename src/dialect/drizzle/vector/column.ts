import type { ColumnBaseConfig } from 'drizzle-orm';
import { customType, type SQLiteColumn, type SQLiteCustomColumnBuilder } from 'drizzle-orm/sqlite-core';
import { ParameterError } from '../../../errors.js';
import { decodeVector, encodeVector } from '../../../vector/codec.js';
import {
  checkMode,
  declaredType,
  inMode,
  type VectorInMode,
  type VectorMode,
  type VectorOutput,
  type VectorShape,
  type VectorType,
} from '../../../vector/vector-type.js';

/** How many components the vectors of a column have, and how they are stored. */
export interface VectorColumnConfig<T extends VectorType = VectorType, M extends VectorMode = VectorMode> {
  readonly dimensions: number;
  /** @default 'float32' */
  readonly type?: T;
  /**
   * What it gives: a typed array, or with `'array'` a `number[]`, which JSON has as well. By type an insert takes what a
   * select gives, since Drizzle has one type for both; at run time it takes both. @default 'typed'
   */
  readonly mode?: M;
}

/** A column of vectors: made by {@link vector}, or a custom type of the application whose values are arrays of numbers. */
export type VectorColumn = SQLiteColumn<ColumnBaseConfig<'custom', string> & { data: ArrayLike<number> }>;

/** The builder of a column of vectors. */
export type VectorColumnBuilder<
  TName extends string,
  T extends VectorType,
  M extends VectorMode = 'typed',
> = SQLiteCustomColumnBuilder<{
  name: TName;
  dataType: 'custom';
  columnType: 'SQLiteCustomColumn';
  data: VectorInMode<T, M>;
  driverParam: Uint8Array;
  enumValues: undefined;
}>;

/**
 * A column of vectors, stored as the engine's own type (`F32_BLOB(384)`). It gives a Float32Array, for `float64` a
 * Float64Array, or with `mode: 'array'` a `number[]`, and takes all of these.
 *
 * @param name - of the column; without it the key in the table is its name
 * @param config - `dimensions`, 1 to 65536, `type` and `mode`
 * @throws {@link ParameterError} when the dimensions are out of range, and for a vector with others
 *
 * @example
 * ```ts
 * import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
 * import { vector, vectorIndex } from 'turso-dialect/drizzle';
 *
 * export const notes = sqliteTable(
 *   'notes',
 *   { id: integer().primaryKey(), text: text(), embedding: vector({ dimensions: 384 }).notNull() },
 *   (table) => [vectorIndex('notes_embedding').on(table.embedding, { metric: 'cosine' })],
 * );
 * ```
 */
export function vector<T extends VectorType = 'float32', M extends VectorMode = 'typed'>(
  config: VectorColumnConfig<T, M>,
): VectorColumnBuilder<'', T, M>;
export function vector<
  TName extends string,
  T extends VectorType = 'float32',
  M extends VectorMode = 'typed',
>(name: TName, config: VectorColumnConfig<T, M>): VectorColumnBuilder<TName, T, M>;
export function vector(first: string | VectorColumnConfig, second?: VectorColumnConfig): unknown {
  const config = typeof first === 'string' ? second : first;
  if (typeof config !== 'object' || config === null) {
    throw new ParameterError('vector() takes { dimensions }, after the name if there is one');
  }
  const { dimensions, type = 'float32' } = config;
  const mode = checkMode(config.mode ?? 'typed');
  const shape: VectorShape = { type, dimensions };
  const declared = declaredType(shape);
  const column = customType<{ data: VectorOutput | number[]; driverData: Uint8Array }>({
    dataType: () => declared,
    toDriver: (value) => encodeVector(shape, value),
    fromDriver: (bytes) => inMode(decodeVector(shape, bytes), mode),
  });
  return typeof first === 'string' ? column(first) : column();
}

/** Config of a column of one type. */
type ConfigOfType<M extends VectorMode> = Omit<VectorColumnConfig<VectorType, M>, 'type'>;

/** A column of one type: `vector32({ dimensions: 384 })`, `vector32('embedding', { dimensions: 384 })`. */
interface ColumnOfType<T extends VectorType> {
  <M extends VectorMode = 'typed'>(config: ConfigOfType<M>): VectorColumnBuilder<'', T, M>;
  <TName extends string, M extends VectorMode = 'typed'>(
    name: TName,
    config: ConfigOfType<M>,
  ): VectorColumnBuilder<TName, T, M>;
}

function ofType<T extends VectorType>(type: T): ColumnOfType<T> {
  return ((first: string | ConfigOfType<VectorMode>, second?: ConfigOfType<VectorMode>) =>
    typeof first === 'string'
      ? vector(first, { ...(second as ConfigOfType<VectorMode>), type })
      : vector({ ...first, type })) as ColumnOfType<T>;
}

/** A column of `float64` vectors, 8 bytes a component; see {@link vector}. */
export const vector64: ColumnOfType<'float64'> = ofType('float64');
/** A column of `float32` vectors, 4 bytes a component; see {@link vector}. */
export const vector32: ColumnOfType<'float32'> = ofType('float32');
/** A column of `float16` vectors, 2 bytes a component; see {@link vector}. */
export const vector16: ColumnOfType<'float16'> = ofType('float16');
/** A column of `bfloat16` vectors, 2 bytes a component; see {@link vector}. */
export const vectorb16: ColumnOfType<'bfloat16'> = ofType('bfloat16');
/** A column of `float8` vectors, a byte a component; see {@link vector}. */
export const vector8: ColumnOfType<'float8'> = ofType('float8');
/** A column of `float1bit` vectors, a bit a component; see {@link vector}. */
export const vector1bit: ColumnOfType<'float1bit'> = ofType('float1bit');
