import { inColumn, ParameterError, ValueError } from '../../errors.js';
import { isOf } from '../../realm.js';
import { decodeVector, encodeVector } from '../../vector/codec.js';
import {
  checkMode,
  inMode,
  shapeOf,
  type VectorInput,
  type VectorMode,
  type VectorShape,
} from '../../vector/vector-type.js';

/**
 * What a column holds, under the names of Drizzle's column modes. `boolean`: 1 or 0. `json`: JSON text. `timestamp`: a Date
 * as whole seconds, `timestamp_ms`: in ms, since 1970. `date`: a Date as ISO 8601 text in UTC. A type and dimensions: vectors,
 * with `mode: 'array'` as arrays of numbers.
 */
export type ColumnKind = ValueKind | (VectorShape & { readonly mode?: VectorMode });

type ValueKind = 'boolean' | 'json' | 'timestamp' | 'timestamp_ms' | 'date';

/**
 * The kinds of columns by name. A plugin for cases, as Kysely's own, gives a column one name in queries and another in the
 * database; what is written for one of them holds for the other.
 */
export class ColumnKinds {
  readonly #exact: ReadonlyMap<string, ColumnKind>;
  readonly #similar = new Map<string, { readonly name: string; readonly kind: ColumnKind }>();

  constructor(kinds: Readonly<Record<string, ColumnKind>>) {
    this.#exact = new Map(Object.entries(kinds));
    for (const [name, kind] of this.#exact) this.#similar.set(withoutCase(name), { name, kind });
  }

  of(name: string): ColumnKind | undefined {
    const exact = this.#exact.get(name);
    if (exact !== undefined) return exact;
    const similar = this.#similar.get(withoutCase(name));
    if (similar === undefined) return undefined;
    // Two names with underscores are two columns; case makes no difference to SQLite.
    const same = similar.name.toLowerCase() === name.toLowerCase();
    return same || similar.name.includes('_') !== name.includes('_') ? similar.kind : undefined;
  }
}

function withoutCase(name: string): string {
  return name.replaceAll('_', '').toLowerCase();
}

/** What a column with this declared type holds; `dates` is the form of dates. */
export function kindOfType(type: string, dates: ColumnKind): ColumnKind | undefined {
  switch (type.toLowerCase().replace(/\(.*/s, '').trim()) {
    case 'json':
    case 'jsonb':
      return 'json';
    case 'boolean':
    case 'bool':
      return 'boolean';
    case 'date':
    case 'datetime':
    case 'timestamp':
      return dates;
    default:
      return shapeOf(type);
  }
}

/**
 * What is bound for a value of a column. What is not of the column's kind passes.
 *
 * @throws {@link ParameterError} when it has no such form
 */
export function encode(kind: ColumnKind, value: unknown): unknown {
  if (value === null || value === undefined) return value;
  if (kind === 'json') return toJson(value);
  if (typeof kind === 'object') {
    return value instanceof Uint8Array ? value : encodeVector(kind, value as VectorInput);
  }
  if (!isOf(value, 'Date')) return value;
  const time = value.getTime();
  if (Number.isNaN(time)) throw new ParameterError('an invalid Date has no SQLite value');
  if (kind === 'timestamp') return Math.floor(time / 1_000);
  return kind === 'timestamp_ms' ? time : value.toISOString();
}

/**
 * What a stored value stands for.
 *
 * @throws {@link ValueError} when it is not of the column's kind
 */
export function decode(kind: ColumnKind, value: unknown, column: string): unknown {
  if (value === null) return null;
  if (typeof kind === 'object') return decodeKnown(kind, value as Uint8Array, column);
  const decoded = decoders[kind](value);
  if (decoded !== undefined) return decoded;
  throw new ValueError(`column "${column}" holds a value that is no ${WHAT[kind]}`, column);
}

function decodeKnown(kind: Extract<ColumnKind, object>, value: Uint8Array, column: string): unknown {
  const mode = checkMode(kind.mode ?? 'typed');
  try {
    return inMode(decodeVector(kind, value), mode);
  } catch (error) {
    throw inColumn(column, error);
  }
}

const WHAT: Readonly<Record<ValueKind, string>> = {
  boolean: 'boolean (0 or 1)',
  json: 'JSON',
  timestamp: 'number of seconds',
  timestamp_ms: 'number of ms',
  date: 'date in ISO 8601',
};

/** Give undefined for what they can't decode. */
const decoders: Readonly<Record<ValueKind, (value: unknown) => unknown>> = {
  boolean: (value) => (Number(value) === 1 ? true : Number(value) === 0 ? false : undefined),
  json: parseJson,
  timestamp: (value) => toDate(value, 1_000),
  timestamp_ms: (value) => toDate(value, 1),
  date: parseDate,
};

/** @throws {@link ParameterError} when the value has no JSON form */
export function toJson(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw new ParameterError(`a value for a JSON column has no JSON form: ${(cause as Error).message}`);
  }
  if (text === undefined) throw new ParameterError(`a ${typeof value} has no JSON form`);
  return text;
}

/**
 * A number stands for itself: a column declared `json` has the affinity NUMERIC, which turns '1' into 1. JSON has no bigint,
 * whatever the `intMode`; one that no number holds exactly stays as it is.
 */
function parseJson(value: unknown): unknown {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  try {
    return JSON.parse(typeof value === 'string' ? value : utf8.decode(value as Uint8Array)) as unknown;
  } catch {
    return undefined;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function toDate(value: unknown, unit: number): Date | undefined {
  if (
    typeof value === 'string'
      ? !/^-?\d+$/.test(value)
      : typeof value !== 'number' && typeof value !== 'bigint'
  ) {
    return undefined;
  }
  const date = new Date(Number(value) * unit);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** Date and time of day, without a zone, as SQLite's functions give them; that is UTC. */
const WITHOUT_ZONE = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)$/;
const ISO = /^[+-]?\d{4,6}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?$/;

function parseDate(value: unknown): Date | undefined {
  if (typeof value !== 'string' || !ISO.test(value)) return undefined;
  const date = new Date(value.replace(WITHOUT_ZONE, '$1T$2Z'));
  return Number.isNaN(date.getTime()) ? undefined : date;
}
