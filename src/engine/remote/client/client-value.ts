import { CapabilityError, protocolError } from '../../../errors.js';
import type { SqlValue } from '../../../values.js';
import type { ResultColumn } from '../hrana/protocol.js';

/** A larger number is a REAL; this one is the largest INTEGER if a client has rounded it. */
const LARGEST_INTEGER = 2 ** 63;

/** Types of columns that hold REAL values, https://www.sqlite.org/datatype3.html#determination_of_column_affinity. */
const REAL = /real|floa|doub/i;

/**
 * A value of a client as every engine gives it: safe integers as number unless `exact`, blobs as Uint8Array.
 *
 * @throws {@link CapabilityError} when the client may have rounded it
 */
export function decodeClientValue(value: unknown, column: ResultColumn, exact: boolean): SqlValue {
  switch (typeof value) {
    case 'string':
      return value;
    case 'bigint': {
      const safe = value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER;
      return safe && !exact ? Number(value) : value;
    }
    case 'number':
      return decodeNumber(value, column, exact);
    case 'boolean':
      return value ? 1 : 0;
    default:
      return decodeObject(value);
  }
}

/** A client that gives integers as numbers gives a REAL without a fraction in the same way. */
function decodeNumber(value: number, { name, type }: ResultColumn, exact: boolean): SqlValue {
  if (!Number.isInteger(value) || Object.is(value, -0) || REAL.test(type)) return value;
  if (Number.isSafeInteger(value)) return exact ? BigInt(value) : value;
  if (Math.abs(value) > LARGEST_INTEGER) return value;
  throw new CapabilityError(
    'exactIntegers',
    `column "${name}" may hold an integer that the client has rounded; make the client with intMode 'bigint', or open ` +
      'the database by its URL',
  );
}

function decodeObject(value: unknown): SqlValue {
  if (value === null) return null;
  if (value instanceof Uint8Array) {
    const own = value.byteOffset === 0 && value.byteLength === value.buffer.byteLength;
    return own && value.constructor === Uint8Array ? value : new Uint8Array(value);
  }
  if (Object.prototype.toString.call(value) === '[object ArrayBuffer]')
    return new Uint8Array(value as ArrayBuffer);
  throw protocolError('the client gave a value of an unknown kind');
}
