import { ParameterError } from '../errors.js';

/** How the components of a vector are stored. */
export type VectorType = 'float64' | 'float32' | 'float16' | 'bfloat16' | 'float8' | 'float1bit';

/** What a vector can be given as. */
export type VectorInput = Float32Array | Float64Array | readonly number[];

/** What a stored vector comes back as: a Float64Array for `float64`. */
export type VectorOutput<T extends VectorType = VectorType> = T extends 'float64'
  ? Float64Array
  : Float32Array;

/**
 * What a vector comes back as: `typed`, a Float32Array (for `float64` a Float64Array), or `array`, an array of numbers, which
 * `JSON.stringify` writes as one.
 */
export type VectorMode = 'typed' | 'array';

/** What a stored vector comes back as in a mode. */
export type VectorInMode<T extends VectorType, M extends VectorMode> = M extends 'array'
  ? number[]
  : VectorOutput<T>;

/** A vector in the mode that is asked for. */
export function inMode(vector: VectorOutput, mode: VectorMode): VectorOutput | number[] {
  return mode === 'array' ? Array.from(vector) : vector;
}

/** @throws {@link ParameterError} when it is no mode */
export function checkMode(mode: unknown): VectorMode {
  if (mode === 'typed' || mode === 'array') return mode;
  throw new ParameterError("the mode of a vector is 'typed' or 'array'");
}

/** How many components a vector of a column has, and how they are stored. */
export interface VectorShape<T extends VectorType = VectorType> {
  readonly type: T;
  readonly dimensions: number;
}

/** The most components that the engine allows (libsql 0.5.29). */
export const MAX_DIMENSIONS = 65_536;

const NAMES: Readonly<Record<VectorType, string>> = {
  float64: 'F64_BLOB',
  float32: 'F32_BLOB',
  float16: 'F16_BLOB',
  bfloat16: 'FB16_BLOB',
  float8: 'F8_BLOB',
  float1bit: 'F1BIT_BLOB',
};

/** Names that the engine takes as well, see https://docs.turso.tech/features/ai-and-embeddings. */
const OTHER_NAMES: Readonly<Record<string, VectorType>> = {
  FLOAT64: 'float64',
  FLOAT32: 'float32',
  FLOAT16: 'float16',
  FLOATB16: 'bfloat16',
  FLOAT8: 'float8',
  FLOAT1BIT: 'float1bit',
};

/**
 * The declared type of a column for vectors, such as `F32_BLOB(384)`.
 *
 * @throws {@link ParameterError} when the type is unknown or the dimensions are no whole number from 1 to 65536
 */
export function declaredType({ type, dimensions }: VectorShape): string {
  checkShape({ type, dimensions });
  return `${NAMES[type]}(${dimensions})`;
}

/** What vectors a column with this declared type holds; undefined when it holds none. */
export function shapeOf(declared: string): VectorShape | undefined {
  const [, name = '', dimensions] = /^\s*(\w+)\s*\(\s*(\d+)\s*\)\s*$/.exec(declared) ?? [];
  const known = Object.entries(NAMES).find(([, own]) => own === name.toUpperCase());
  const type = (known?.[0] as VectorType | undefined) ?? OTHER_NAMES[name.toUpperCase()];
  return type === undefined ? undefined : { type, dimensions: Number(dimensions) };
}

/** @throws {@link ParameterError} when the type is unknown or the dimensions are out of range */
export function checkShape({ type, dimensions }: VectorShape): void {
  if (NAMES[type] === undefined) {
    throw new ParameterError(`no such vector type; expected ${Object.keys(NAMES).join(', ')}`);
  }
  if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > MAX_DIMENSIONS) {
    throw new ParameterError(
      `a vector has from 1 to ${MAX_DIMENSIONS} dimensions, got ${typeof dimensions === 'number' ? dimensions : typeof dimensions}`,
    );
  }
}
