import { findCalls, type Call } from './calls.js';
import { BOUNDED_FUNCTIONS } from './functions.js';

/** How one argument of a function is kept within bounds. */
interface Bound {
  /** Which argument, from 0. */
  readonly argument: number;
  /** A plain number of this range stays as it is. */
  readonly least: number;
  readonly most: number;
  readonly before: string;
  readonly after: string;
}

/** One more than the longest text of the engine has characters. */
const TOO_LONG = 1_000_000_001;
const PADDING: Bound = {
  ...{ argument: 1, least: 0, most: TOO_LONG },
  ...{ before: `min(${TOO_LONG}, cast(`, after: ' as integer))' },
};
const BOUNDS: Readonly<Record<string, Bound>> = {
  vector_top_k: {
    ...{ argument: 2, least: 1, most: 10_000 },
    ...{ before: 'max(1, min(10000, ifnull(cast(', after: ' as integer), 1)))' },
  },
  ...{ padc: PADDING, padl: PADDING, padr: PADDING },
  rightstr: {
    ...{ argument: 1, least: 0, most: 2_147_483_647 },
    ...{ before: 'max(0, min(2147483647, cast(', after: ' as integer)))' },
  },
};

const BOUNDED: ReadonlySet<string> = new Set(['vector_top_k', ...BOUNDED_FUNCTIONS]);
const MENTION = new RegExp([...BOUNDED].join('|'), 'i');

/**
 * Keeps counts within bounds that end the process of libsql 0.5.29, and that of a server:
 *
 * - the k of every `vector_top_k(index, vector, k)`: 0 and very large numbers do. A k that is no plain number from 1 to
 *   10000 becomes an expression that is one.
 * - the length of `padl(text, length)`, `padr` and `padc`: what does not fit into 32 bits does. A longer text than the
 *   engine takes stays an error.
 * - the length of `rightstr(text, length)`: a negative one does, and what does not fit into 32 bits. It counts as 0, or as
 *   the length of the text.
 *
 * @example
 * ```ts
 * import { boundCalls } from './bounded-calls.js';
 *
 * boundCalls("select id from vector_top_k('i', ?, :k)");
 * // select id from vector_top_k('i', ?, max(1, min(10000, ifnull(cast(:k as integer), 1))))
 * ```
 */
export function boundCalls(sql: string): string {
  if (!MENTION.test(sql)) return sql;
  const insertions = findCalls(sql, BOUNDED).flatMap((call) => bound(sql, call));
  insertions.sort((a, b) => a.at - b.at);
  let text = '';
  let copied = 0;
  for (const { at, what } of insertions) {
    text += sql.slice(copied, at) + what;
    copied = at;
  }
  return text + sql.slice(copied);
}

interface Insertion {
  readonly at: number;
  readonly what: string;
}

function bound(sql: string, { name, args }: Call): Insertion[] {
  const { argument, least, most, before, after } = BOUNDS[name] as Bound;
  const span = args[argument];
  if (span === undefined) return [];
  const count = sql.slice(span.start, span.end);
  if (/^\d{1,10}$/.test(count) && Number(count) >= least && Number(count) <= most) return [];
  return [
    { at: span.start, what: before },
    { at: span.end, what: after },
  ];
}
