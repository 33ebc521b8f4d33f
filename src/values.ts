import { ParameterError, ValueError } from './errors.js';
import { isOf } from './realm.js';
import { toWellFormedJson } from './sql/well-formed-json.js';

/**
 * A SQLite value as it travels through this package. In results an INTEGER is a `number` when it is a safe integer
 * and a `bigint` otherwise; in bound parameters an INTEGER is always a `bigint` and a `number` is always a REAL.
 */
export type SqlValue = null | number | bigint | string | Uint8Array;

/** How INTEGER values come back: see {@link Config.intMode}. */
export type IntMode = 'number' | 'bigint' | 'string';

const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);

/** What the engine at hand can't store or give back. */
export interface ValueLimits {
  /** Whether text that contains the character U+0000 can be read back whole. */
  readonly nulInText: boolean;
  /** Most bytes of a text, in UTF-8, or of a blob; undefined where the engine itself refuses longer ones. */
  readonly longest?: number;
}

/**
 * Encodes positional parameters for the engine. Booleans become 0 and 1, safe integers INTEGER, every other finite
 * number REAL, binary views BLOB with their exact range.
 *
 * @param values - one entry for each parameter slot of the statement
 * @throws {@link ParameterError} when a value has no SQLite form; it names the position, never the value
 */
export function encodeParameters(
  values: readonly unknown[],
  limits: ValueLimits,
  names?: readonly (string | null | undefined)[],
): SqlValue[] {
  const encoded = new Array<SqlValue>(values.length);
  for (let i = 0; i < values.length; i++) {
    encoded[i] = encodeParameter(values[i], limits, i, names);
  }
  return encoded;
}

function encodeParameter(
  value: unknown,
  limits: ValueLimits,
  index: number,
  names: readonly (string | null | undefined)[] | undefined,
): SqlValue {
  switch (typeof value) {
    case 'number':
      if (Number.isSafeInteger(value)) return Object.is(value, -0) ? value : BigInt(value);
      if (Number.isFinite(value)) return value;
      throw refuse(
        index,
        names,
        `${value > 0 ? 'Infinity' : value < 0 ? '-Infinity' : 'NaN'} has no SQLite value`,
      );
    case 'string':
      if (!limits.nulInText && value.includes('\0')) {
        throw refuse(index, names, 'text with the character U+0000 would be read back truncated; use a blob');
      }
      if (value.length * 3 > (limits.longest ?? Infinity))
        checkLength(utf8Length(value), limits, index, names);
      return toWellFormedJson(toWellFormed(value));
    case 'bigint':
      if (value > MAX_INT64 || value < MIN_INT64) {
        throw refuse(index, names, 'the bigint is outside the range of a 64-bit integer');
      }
      return value;
    case 'boolean':
      return value ? 1n : 0n;
    case 'object':
      if (value === null) return null;
      return encodeBytes(value, limits, index, names);
    case 'undefined':
      throw refuse(index, names, 'it is undefined; use null for NULL');
    default:
      throw refuse(index, names, `a ${typeof value} has no SQLite value`);
  }
}

function encodeBytes(
  value: object,
  limits: ValueLimits,
  index: number,
  names: readonly (string | null | undefined)[] | undefined,
): Uint8Array {
  let bytes: Uint8Array;
  if (value instanceof Uint8Array) bytes = value;
  else if (ArrayBuffer.isView(value))
    bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  else if (isOf(value, 'ArrayBuffer') || isOf(value, 'SharedArrayBuffer')) bytes = new Uint8Array(value);
  else throw refuse(index, names, describeObject(value));
  checkLength(bytes.byteLength, limits, index, names);
  return ownBytes(bytes);
}

function checkLength(
  length: number,
  { longest = Infinity }: ValueLimits,
  index: number,
  names: readonly (string | null | undefined)[] | undefined,
): void {
  if (length > longest) {
    throw refuse(index, names, `it has ${length} bytes, and a value may have ${longest}`);
  }
}

/** The length of text in UTF-8, with U+FFFD for a lone surrogate at least. */
function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    // Each half of a surrogate pair stands for two of its four bytes.
    if (code >= 0x80) length += code < 0x800 || (code >= 0xd800 && code < 0xe000) ? 1 : 2;
  }
  return length;
}

/** A driver can't bind memory that is shared between threads, so that is copied. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.buffer instanceof ArrayBuffer ? bytes : new Uint8Array(bytes);
}

// Node 20 has them; the type library for es2023 does not.
const strings = String.prototype as unknown as { isWellFormed(): boolean; toWellFormed(): string };
const { isWellFormed: wellFormed, toWellFormed: mended } = strings;

/** Whether text has no lone surrogate, which has no UTF-8 form. */
export function isWellFormed(text: string): boolean {
  return wellFormed.call(text);
}

/** Text with U+FFFD in the place of every lone surrogate, as `TextEncoder` and other drivers write it. */
export function toWellFormed(text: string): string {
  return mended.call(text);
}

function describeObject(value: object): string {
  if (isOf(value, 'Date')) {
    return 'a Date has no SQLite value; use a timestamp column, or bind getTime() or toISOString()';
  }
  const name = Array.isArray(value) ? 'an array' : `an object (${value.constructor?.name ?? 'no prototype'})`;
  return `${name} has no SQLite value; use a JSON column or bind JSON.stringify(value)`;
}

function refuse(
  index: number,
  names: readonly (string | null | undefined)[] | undefined,
  problem: string,
): ParameterError {
  const name = names?.[index];
  return typeof name === 'string'
    ? new ParameterError(`parameter ${name}: ${problem}`, name)
    : new ParameterError(`parameter ${index + 1}: ${problem}`, index);
}

/**
 * Gives an INTEGER in the form that `intMode` asks for. Other values pass.
 *
 * @param value - a result value; with `bigint` and `string` the integers must have been read exactly (as `bigint`)
 * @throws {@link ValueError} in mode `number` when the integer is outside the safe range
 */
export function decodeInteger(value: SqlValue, mode: IntMode, column: string): SqlValue {
  if (typeof value !== 'bigint') return value;
  if (mode === 'bigint') return value;
  if (mode === 'string') return String(value);
  throw unsafeInteger(column);
}

/** The error for an INTEGER that a JavaScript number can't hold exactly. */
export function unsafeInteger(column: string): ValueError {
  return new ValueError(
    `column "${column}" holds an integer outside the range that a number holds exactly; ` +
      `read it with intMode 'bigint' or 'string', or as a bigint column`,
    column,
  );
}
