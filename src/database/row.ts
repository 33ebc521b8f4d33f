import { toBase64 } from '../base64.js';
import type { SqlValue } from '../values.js';

/** A value in JSON as `@libsql/client` gives it: an integer beyond what JSON takes as text, bytes in base64. */
export function jsonValue(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return value instanceof Uint8Array ? toBase64(value) : value;
}

/**
 * What the rows of a result have besides their columns, unseen by `Object.keys()`: their values by index, `length` and
 * `toJSON()`. A column of such a name is found before them. One object for all rows, since members of each row's own would
 * take several times as long to make as the row.
 */
const members = Object.create(Object.prototype, {
  // lodash and Next.js look at these two to find out whether an object is plain. Rows pass as plain.
  constructor: { value: Object, writable: true },
  isPrototypeOf: { value: Object.prototype.isPrototypeOf, writable: true },
  length: accessor('length', (row) => Object.keys(row).length),
  toJSON: accessor('toJSON', () => toJson),
}) as object;

function toJson(this: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(this).map(([key, value]) => [key, jsonValue(value)]));
}

/** A member that a value of that name replaces in its row, as it would in a plain object. */
function accessor(key: string, read: (row: object) => unknown): PropertyDescriptor {
  return {
    get(this: object) {
      return read(this);
    },
    set(this: object, value: unknown) {
      Object.defineProperty(this, key, { value, enumerable: true, configurable: true, writable: true });
    },
  };
}

/** A row without columns; faster than `Object.create()`. */
export const Row = function Row(): void {} as unknown as new () => Record<string, SqlValue>;
Row.prototype = members;

let indexes = 0;

/** Makes the values of rows available by index, up to this number of columns. */
export function giveIndexes(columns: number): void {
  for (; indexes < columns; indexes++) {
    const index = indexes;
    // Object.values() has the order of the columns, unless their names are numbers.
    const read = (row: object): unknown => (Object.values(row) as unknown[])[index];
    Object.defineProperty(members, index, accessor(String(index), read));
  }
}

const NUMBER = /^(0|[1-9]\d*)$/;

/** Whether objects put one of the keys before those that were there first. */
export function hasNumbers(keys: readonly string[]): boolean {
  return keys.some((key) => NUMBER.test(key));
}

/** Gives a row whose columns have numbers as names its values by index, where no column has that name. */
export function defineIndexes(row: object, values: readonly SqlValue[]): void {
  for (const [index, value] of values.entries()) {
    if (Object.hasOwn(row, index)) continue;
    Object.defineProperty(row, index, { value, enumerable: false, configurable: true, writable: true });
  }
}
