import type { SqlValue } from '../../values.js';

/** How the integers of native rows were read. */
export type IntegerReading =
  /** As doubles; what may have been rounded is reported. */
  | 'fast'
  /** As bigint, to be given as number where that is exact. */
  | 'wide'
  /** As bigint, to be kept. */
  | 'exact';

/**
 * Brings native rows into canonical form in place: safe integers as number, blobs as Uint8Array.
 *
 * @returns false when `fast` reading met a number that may be a rounded integer; the rows must then be read `wide`
 */
export function canonicalize(rows: unknown[][], reading: IntegerReading): rows is SqlValue[][] {
  for (const row of rows) {
    if (!canonicalizeRow(row, reading)) return false;
  }
  return true;
}

/** {@link canonicalize} for one row. */
export function canonicalizeRow(row: unknown[], reading: IntegerReading): row is SqlValue[] {
  for (let i = 0; i < row.length; i++) {
    const value = row[i];
    switch (typeof value) {
      case 'number':
        if (reading === 'fast' && (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER)) {
          return false;
        }
        break;
      case 'bigint':
        if (reading === 'wide' && value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER) {
          row[i] = Number(value);
        }
        break;
      case 'object':
        if (value !== null) row[i] = plainBytes(value as Uint8Array | ArrayBuffer);
        break;
      default:
    }
  }
  return true;
}

/** The binding gives a Buffer over memory of its own, in an object an ArrayBuffer; results promise a plain Uint8Array. */
function plainBytes(bytes: Uint8Array | ArrayBuffer): Uint8Array {
  if (bytes instanceof ArrayBuffer) return new Uint8Array(bytes);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
