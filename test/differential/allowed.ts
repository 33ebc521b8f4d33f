import type { Difference } from './compare.js';

/** A difference that is documented. */
export interface Allowed {
  readonly reason: string;
  /** The file of the documentation that says so, and words of its line. */
  readonly docs: readonly [file: string, words: string];
  /** Whether the databases may be different ones afterwards, so that the case ends on this target. */
  readonly parts?: boolean;
  is(difference: Difference): boolean;
}

const remote = ({ target: { place } }: Difference): boolean => place !== 'memory' && place !== 'file';

/** Rules whose message tells two codes. */
const HIDDEN: ReadonlySet<string> = new Set([
  '"SQLITE_CONSTRAINT_FOREIGNKEY"',
  '"SQLITE_CONSTRAINT_UNIQUE"',
  '"SQLITE_CONSTRAINT_PRIMARYKEY"',
  '"SQLITE_CONSTRAINT_TRIGGER"',
]);

/** Everything in which a target may differ from SQLite itself: 15 entries at most. */
export const ALLOWED: readonly Allowed[] = [
  {
    reason: 'a server answers ±Infinity with a null, which is no value of the column',
    docs: ['docs/servers.md', '±Infinity'],
    parts: true,
    is: (difference) =>
      remote(difference) && /Infinity/.test(difference.expected) && difference.error?.name === 'ValueError',
  },
  {
    reason: 'a server has a parser of its own, which refuses ANALYZE, REINDEX and most pragmas',
    docs: ['docs/servers.md', 'What it refuses is a `DatabaseError` with its message'],
    parts: true,
    is: (difference) => remote(difference) && /unsupported statement/i.test(difference.actual),
  },
  {
    reason: 'nobody can know at a server which of two rules with one message was broken',
    docs: ['docs/errors.md', 'where nobody can know'],
    is: (difference) =>
      remote(difference) &&
      (difference.field === 'error.extendedCode'
        ? HIDDEN.has(difference.expected) && difference.actual === 'undefined'
        : (difference.field === 'error.rawCode' || difference.field === 'error.constraint') &&
          difference.error?.rawCode === 19 &&
          difference.error.extendedCode === undefined),
  },
];
