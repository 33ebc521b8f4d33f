import { ParameterError, ValueError } from '../errors.js';
import { isOf } from '../realm.js';
import { fromBfloat, fromHalf, toBfloat, toHalf } from './half.js';
import {
  checkShape,
  type VectorInput,
  type VectorOutput,
  type VectorShape,
  type VectorType,
} from './vector-type.js';

/**
 * Last byte of a blob, which tells its type; a `float32` has none. Layouts, all little-endian, as libsql 0.5.29 writes
 * them, https://github.com/tursodatabase/libsql/blob/main/libsql-sqlite3/src/vector.c:
 *
 * - `float32`: the components.
 * - `float64`, `float16`, `bfloat16`: the components, the type.
 * - `float8`: a byte a component, zeros up to a multiple of 4, alpha and shift as float32 (a component is
 *   `byte * alpha + shift`), 0, the number of those zeros, the type.
 * - `float1bit`: a bit a component (1 is positive), lowest first, a zero byte if needed to make the length odd,
 *   `8 * (length - 1) - dimensions`, the type.
 */
const TYPE_BYTE: Readonly<Record<Exclude<VectorType, 'float32'>, number>> = {
  float64: 2,
  float1bit: 3,
  float8: 4,
  float16: 5,
  bfloat16: 6,
};

/**
 * The bytes in which the engine stores a vector, the same as its own `vector32()` and the like make of JSON.
 *
 * @param shape - how the components are stored, and how many there must be
 * @param vector - finite components; for `float1bit` only their signs count
 * @throws {@link ParameterError} when the number of components is another, or one is not finite or too large for the type
 *
 * @example
 * ```ts
 * import { decodeVector, encodeVector } from 'turso-dialect/vector';
 *
 * const shape = { type: 'float32', dimensions: 3 } as const;
 * const bytes = encodeVector(shape, [1, 2, 3]); // 12 bytes
 * const vector = decodeVector(shape, bytes); // Float32Array [1, 2, 3]
 * ```
 */
export function encodeVector(shape: VectorShape, vector: VectorInput): Uint8Array {
  checkShape(shape);
  const { type, dimensions } = shape;
  const given: Float32Array | Float64Array = checkInput(vector, dimensions);
  if (type === 'float64') return withType(bytesOf(toFloat64(given)), 'float64');
  const floats = toFloat32(given);
  switch (type) {
    case 'float32':
      return bytesOf(floats);
    case 'float16':
      return encodeHalves(floats);
    case 'bfloat16':
      return withType(bytesOf(Uint16Array.from(floats, toBfloat)), 'bfloat16');
    case 'float8':
      return encodeFloat8(floats);
    default:
      return encodeBits(floats);
  }
}

/**
 * The components of a stored vector. `float1bit` gives 1 and -1. A `float32` that fills its ArrayBuffer shares it with `bytes`.
 *
 * @throws {@link ValueError} when the bytes are no vector of this shape
 */
export function decodeVector<T extends VectorType>(shape: VectorShape<T>, bytes: Uint8Array): VectorOutput<T>;
export function decodeVector(
  { type, dimensions }: VectorShape,
  bytes: Uint8Array,
): Float32Array | Float64Array {
  if (
    !(bytes instanceof Uint8Array) ||
    bytes.length !== lengthOf(type, dimensions) ||
    !hasType({ type, dimensions }, bytes)
  ) {
    throw new ValueError(`a stored value is no ${type} vector of ${dimensions} dimensions`);
  }
  switch (type) {
    case 'float64':
      return new Float64Array(exactBuffer(bytes, dimensions * 8));
    case 'float32':
      return new Float32Array(exactBuffer(bytes, dimensions * 4));
    case 'float16':
      return Float32Array.from(words(bytes, dimensions), fromHalf);
    case 'bfloat16':
      return Float32Array.from(words(bytes, dimensions), fromBfloat);
    case 'float8':
      return decodeFloat8(bytes, dimensions);
    default:
      return Float32Array.from({ length: dimensions }, (_, i) => (bitOf(bytes, i) ? 1 : -1));
  }
}

/**
 * The packed signs of a stored `float1bit` vector: a bit a component, lowest first, 1 is positive.
 *
 * @param dimensions - how many components it has
 * @returns `ceil(dimensions / 8)` bytes
 * @throws {@link ValueError} when the bytes are no such vector
 */
export function packedBits(dimensions: number, bytes: Uint8Array): Uint8Array {
  decodeVector({ type: 'float1bit', dimensions }, bytes);
  return new Uint8Array(bytes.subarray(0, Math.ceil(dimensions / 8)));
}

function lengthOf(type: VectorType, dimensions: number): number {
  switch (type) {
    case 'float64':
      return dimensions * 8 + 1;
    case 'float32':
      return dimensions * 4;
    case 'float16':
    case 'bfloat16':
      return dimensions * 2 + 1;
    case 'float8':
      return Math.ceil(dimensions / 4) * 4 + 11;
    default:
      return bitBytes(dimensions) + 2;
  }
}

function hasType({ type, dimensions }: VectorShape, bytes: Uint8Array): boolean {
  const { length } = bytes;
  if (type === 'float32') return true;
  if (bytes[length - 1] !== TYPE_BYTE[type]) return false;
  if (type === 'float8') return bytes[length - 2] === Math.ceil(dimensions / 4) * 4 - dimensions;
  return type !== 'float1bit' || bytes[length - 2] === 8 * (length - 1) - dimensions;
}

function checkInput(vector: VectorInput, dimensions: number): Float32Array | Float64Array {
  const typed = isOf(vector, 'Float32Array') || isOf(vector, 'Float64Array');
  if (!typed && !Array.isArray(vector)) {
    throw new ParameterError('a vector is a Float32Array, a Float64Array or an array of numbers');
  }
  if (vector.length !== dimensions) {
    throw new ParameterError(`a vector of ${dimensions} dimensions was expected, got ${vector.length}`);
  }
  const components = typed ? vector : Float64Array.from(vector as readonly number[], finiteNumber);
  for (let i = 0; i < components.length; i++) {
    if (!Number.isFinite(components[i])) throw notFinite(i);
  }
  return components;
}

/** Nothing is converted: `null` and `'1'` are no components. */
function finiteNumber(component: unknown, index: number): number {
  if (typeof component !== 'number') throw notFinite(index);
  return component;
}

function notFinite(index: number): ParameterError {
  return new ParameterError(`component ${index} of a vector is no finite number`, index);
}

function toFloat64(vector: Float32Array | Float64Array): Float64Array {
  return vector instanceof Float64Array ? vector : Float64Array.from(vector);
}

function toFloat32(vector: Float32Array | Float64Array): Float32Array {
  if (vector instanceof Float32Array) return vector;
  const floats = Float32Array.from(vector);
  const large = floats.findIndex((component) => !Number.isFinite(component));
  if (large >= 0) throw tooLarge(large, 'float32');
  return floats;
}

function tooLarge(index: number, type: VectorType): ParameterError {
  return new ParameterError(`component ${index} of a vector is too large for ${type}`, index);
}

function bytesOf(components: Float32Array | Float64Array | Uint16Array): Uint8Array {
  const { buffer, byteOffset, byteLength } = components;
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  return byteLength === buffer.byteLength ? bytes : new Uint8Array(bytes);
}

function withType(components: Uint8Array, type: keyof typeof TYPE_BYTE): Uint8Array {
  const bytes = new Uint8Array(components.length + 1);
  bytes.set(components);
  bytes[components.length] = TYPE_BYTE[type];
  return bytes;
}

function encodeHalves(floats: Float32Array): Uint8Array {
  const halves = Uint16Array.from(floats, toHalf);
  const large = halves.findIndex((half) => (half & 0x7fff) >= 0x7c00);
  if (large >= 0) throw tooLarge(large, 'float16');
  return withType(bytesOf(halves), 'float16');
}

function encodeFloat8(floats: Float32Array): Uint8Array {
  let least = floats[0] as number;
  let most = least;
  for (const component of floats) {
    if (component < least) least = component;
    if (component > most) most = component;
  }
  // Each step is rounded to 32 bits, as in the engine.
  const alpha = Math.fround(Math.fround(most - least) / 255);
  if (!Number.isFinite(alpha)) throw tooLarge(floats.indexOf(most), 'float8');
  const padded = Math.ceil(floats.length / 4) * 4;
  const bytes = new Uint8Array(padded + 11);
  if (alpha !== 0) {
    for (let i = 0; i < floats.length; i++) {
      const step = Math.fround(Math.fround((floats[i] as number) - least) / alpha);
      bytes[i] = Math.min(255, Math.trunc(Math.fround(step + 0.5)));
    }
  }
  const view = new DataView(bytes.buffer);
  view.setFloat32(padded, alpha, true);
  view.setFloat32(padded + 4, least, true);
  bytes[padded + 9] = padded - floats.length;
  bytes[padded + 10] = TYPE_BYTE.float8;
  return bytes;
}

function decodeFloat8(bytes: Uint8Array, dimensions: number): Float32Array {
  const padded = Math.ceil(dimensions / 4) * 4;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const alpha = view.getFloat32(padded, true);
  const shift = view.getFloat32(padded + 4, true);
  const floats = new Float32Array(dimensions);
  for (let i = 0; i < dimensions; i++) floats[i] = (bytes[i] as number) * alpha + shift;
  return floats;
}

/** Bytes of the bits, with the one that makes the whole length odd. */
function bitBytes(dimensions: number): number {
  const bytes = Math.ceil(dimensions / 8);
  return bytes % 2 === 0 ? bytes + 1 : bytes;
}

function encodeBits(floats: Float32Array): Uint8Array {
  const length = bitBytes(floats.length) + 2;
  const bytes = new Uint8Array(length);
  for (let i = 0; i < floats.length; i++) {
    if ((floats[i] as number) > 0) bytes[i >> 3] = (bytes[i >> 3] as number) | (1 << (i & 7));
  }
  bytes[length - 2] = 8 * (length - 1) - floats.length;
  bytes[length - 1] = TYPE_BYTE.float1bit;
  return bytes;
}

function bitOf(bytes: Uint8Array, i: number): boolean {
  return (((bytes[i >> 3] as number) >> (i & 7)) & 1) === 1;
}

function words(bytes: Uint8Array, count: number): Uint16Array {
  return new Uint16Array(exactBuffer(bytes, count * 2));
}

/** A buffer with the first bytes and nothing else: the one under them if it is such, or a copy. */
function exactBuffer(bytes: Uint8Array, length: number): ArrayBuffer {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === length) return buffer;
  // `slice()` of a Buffer is no copy.
  return new Uint8Array(bytes.subarray(0, length)).buffer;
}
