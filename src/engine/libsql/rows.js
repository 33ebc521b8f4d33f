/**
 * Brings native rows into canonical form in place: safe integers as number, blobs as Uint8Array.
 *
 * @returns false when `fast` reading met a number that may be a rounded integer; the rows must then be read `wide`
 */
export function canonicalize(rows, reading) {
  for (const row of rows) {
    if (!canonicalizeRow(row, reading)) return false;
  }
  return true;
}
/** {@link canonicalize} for one row. */
export function canonicalizeRow(row, reading) {
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
        if (value !== null) row[i] = plainBytes(value);
        break;
      default:
    }
  }
  return true;
}
/** The binding gives a Buffer over memory of its own; results promise a plain Uint8Array. */
function plainBytes(bytes) {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
