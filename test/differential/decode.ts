import type { Value } from './values.js';

/** A value that is not of the type that its column declares. */
export class Undecodable extends Error {
  readonly column: string;

  constructor(column: string) {
    super(column);
    this.column = column;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });
const ISO = /^\d{4}-\d\d-\d\d/;

/**
 * A value as `TursoTypesPlugin` must give it in a column that declares this type: JSON as what it says, whose numbers are
 * never bigints, BOOLEAN as true or false. No value of this run is a date.
 */
export function decodeBy(type: string, value: Value, column: string): unknown {
  if (value === null) return null;
  switch (type) {
    case 'JSON':
      return typeof value === 'bigint' || typeof value === 'number'
        ? jsonNumber(value)
        : jsonOf(value, column);
    case 'BOOLEAN':
      if (value === 1n || value === 0n) return value === 1n;
      throw new Undecodable(column);
    case 'DATE':
      if (typeof value === 'string' && ISO.test(value)) return value;
      throw new Undecodable(column);
    default:
      return value;
  }
}

/** Beyond 2^53 it stays what it is. */
function jsonNumber(value: number | bigint): unknown {
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function jsonOf(value: string | Uint8Array, column: string): unknown {
  try {
    return JSON.parse(typeof value === 'string' ? value : utf8.decode(value)) as unknown;
  } catch {
    throw new Undecodable(column);
  }
}
