import { protocolError, ValueError } from '../../../errors.js';
import type { SqlValue } from '../../../values.js';
import { fromBase64, toBase64 } from '../../../base64.js';

/** More digits than this may not be a safe integer. */
const SAFE_DIGITS = 15;

/** The longest integer of 64 bits, with its sign. */
const MOST_DIGITS = 20;

const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);

/** A value as JSON text. JSON has no -0 in JavaScript's own form, so numbers are written by hand. */
export function encodeValue(value: SqlValue): string {
  if (value === null) return '{"type":"null"}';
  switch (typeof value) {
    case 'bigint':
      return `{"type":"integer","value":"${value}"}`;
    case 'number':
      return `{"type":"float","value":${Object.is(value, -0) ? '-0.0' : value}}`;
    case 'string':
      return `{"type":"text","value":${JSON.stringify(value)}}`;
    default:
      return `{"type":"blob","base64":"${toBase64(value)}"}`;
  }
}

/**
 * Decodes a row straight into our values.
 *
 * @param width - how many columns there are
 * @param exact - every INTEGER as bigint
 * @throws {@link ValueError} for an infinite number, which JSON can't hold
 * @throws {@link ProtocolError} when it is no row
 */
export function decodeRow(
  row: unknown,
  width: number,
  exact: boolean,
  columnName: (index: number) => string,
  rowNumber: number,
): SqlValue[] {
  if (!Array.isArray(row) || row.length !== width)
    throw protocolError('a row has the wrong number of values');
  const values = new Array<SqlValue>(width);
  for (let i = 0; i < width; i++) {
    const wire = row[i] as WireValue | null;
    if (typeof wire !== 'object' || wire === null) throw protocolError('a value has no type');
    switch (wire.type) {
      case 'integer':
        values[i] = decodeInteger(wire.value, exact);
        break;
      case 'text':
        if (typeof wire.value !== 'string') throw protocolError('a text is no string');
        values[i] = wire.value;
        break;
      case 'float':
        if (typeof wire.value !== 'number') throw infinite(wire.value, columnName(i), rowNumber);
        values[i] = wire.value;
        break;
      case 'null':
        values[i] = null;
        break;
      case 'blob':
        values[i] = decodeBlob(wire.base64);
        break;
      default:
        throw protocolError('a value has an unknown type');
    }
  }
  return values;
}

interface WireValue {
  readonly type?: unknown;
  readonly value?: unknown;
  readonly base64?: unknown;
}

/** A 64-bit integer as the protocol writes it, in decimal. */
export function decodeInteger(text: unknown, exact: boolean): number | bigint {
  if (typeof text !== 'string') throw protocolError('an integer is no string');
  const negative = text.charCodeAt(0) === 45;
  const first = negative ? 1 : 0;
  if (text.length === first) throw protocolError('an integer has no digits');
  let value = 0;
  for (let i = first; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) throw protocolError('an integer has other characters than digits');
    value = value * 10 + digit;
  }
  if (!exact && text.length <= SAFE_DIGITS) return negative && value !== 0 ? -value : value;
  // To read millions of digits takes long.
  const integer = text.length > MOST_DIGITS ? MAX_INT64 + 1n : BigInt(text);
  if (integer > MAX_INT64 || integer < MIN_INT64) throw protocolError('an integer has more than 64 bits');
  const safe = integer <= Number.MAX_SAFE_INTEGER && integer >= Number.MIN_SAFE_INTEGER;
  return safe && !exact ? Number(integer) : integer;
}

function decodeBlob(text: unknown): Uint8Array {
  const bytes = typeof text === 'string' ? fromBase64(text) : undefined;
  if (bytes === undefined) throw protocolError('a blob is not in base64');
  return bytes;
}

/** A server writes ±Infinity as null (sqld 0.24): JSON has no number for it. */
function infinite(value: unknown, column: string, row: number): Error {
  if (value !== null) return protocolError('a float is no number');
  return new ValueError(
    `row ${row}, column "${column}": the server can't send an infinite number; select it as text, ` +
      'for instance with format()',
    column,
  );
}
