import type { Random } from './random.js';

/** A value of each storage class, as it is bound; a number that is whole is an INTEGER. */
export type Value = null | number | bigint | string | Uint8Array;

const TEXTS = [
  '',
  'a',
  'A',
  'b',
  'B',
  'ab',
  'é',
  '😀',
  '1',
  '2',
  '1.50',
  ' 1 ',
  '1e3',
  'NULL',
  "it's",
  'x y',
  '-- ;',
];
const JSONS = ['{"a":1}', '[1,2.5,"x",null]', '{"a":{"b":[true]}}', '"t"', '1', '{bad'];
const EDGES = [
  ...[2 ** 31, -(2 ** 31), Number.MAX_SAFE_INTEGER, 2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n) - 1n],
  ...[2n ** 62n, -(2n ** 63n)],
];
/** Numbers whose text every build of SQLite reads alike. */
const REALS = [0.5, -1.25, 1.5, 2.25, 1024.0625, -0.125];
/** Others, which are only bound. */
const EXTREMES = [0.1, 1e300, -1e300, 5e-324, Number.MAX_VALUE, 1 / 3];

/** What values of a case may be. */
export interface ValueRange {
  /** Bytes that are no text and extreme reals; then no expression may make text of columns. */
  readonly wild: boolean;
  /** Integers that no JavaScript number has. */
  readonly big: boolean;
  /** The greatest integer; after it as a rowid SQLite takes one by chance. */
  readonly greatest: boolean;
}

/** A value that suits a column of this declared type more often than not. */
export function valueFor(random: Random, type: string, range: ValueRange, literal: boolean): Value {
  if (random.chance(0.1)) return null;
  if (random.chance(0.12)) return anyValue(random, range, literal);
  switch (type) {
    case 'INTEGER':
    case 'INT':
    case 'BOOLEAN':
    case 'NUMERIC':
    case '':
    case 'ANY':
      return integer(random, range);
    case 'REAL':
      return random.chance(0.3) ? random.int(4) : real(random, range, literal);
    case 'BLOB':
      return random.chance(0.5) ? blob(random, range) : integer(random, range);
    case 'JSON':
      return random.pick(JSONS);
    default:
      return text(random);
  }
}

/** Any value. */
export function anyValue(random: Random, range: ValueRange, literal: boolean): Value {
  switch (random.int(6)) {
    case 0:
      return null;
    case 1:
      return real(random, range, literal);
    case 2:
    case 3:
      return text(random);
    case 4:
      return blob(random, range);
    default:
      return integer(random, range);
  }
}

function integer(random: Random, { big, greatest }: ValueRange): Value {
  if (greatest && random.chance(0.02)) return 2n ** 63n - 1n;
  if (random.chance(0.1)) {
    const edge = random.pick(EDGES);
    return big || typeof edge === 'number' ? edge : 7;
  }
  // Few values, so that rows collide.
  return random.int(6) - 1;
}

function real(random: Random, { wild }: ValueRange, literal: boolean): number {
  return wild && !literal && random.chance(0.5) ? random.pick(EXTREMES) : random.pick(REALS);
}

function text(random: Random): string {
  if (random.chance(0.1)) return random.pick(JSONS);
  return random.chance(0.01) ? 'long '.repeat(1_000) : random.pick(TEXTS);
}

function blob(random: Random, { wild }: ValueRange): Uint8Array {
  if (wild && random.chance(0.5)) return Uint8Array.of(...random.list(random.int(5), () => random.int(256)));
  // Bytes that are ASCII text: libsql 0.5.29 ends the process when it reads TEXT that is not UTF-8.
  return Uint8Array.of(...random.list(random.int(3), () => 97 + random.int(3)));
}
