import type { Difference } from './compare.js';
import { hasInfinity } from './infinity.js';

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
  // Of a virtual table, when the failure has ended the transaction.
  '"SQLITE_CONSTRAINT"',
]);

/** Statements that insert or update. */
const UPSERT = /\bdo update\b/i;

/** Everything in which a target may differ from SQLite itself: 15 entries at most. */
export const ALLOWED: readonly Allowed[] = [
  {
    reason: 'a server answers ±Infinity with a null, which is no value of the column',
    docs: ['docs/servers.md', '±Infinity'],
    parts: true,
    is: (difference) =>
      remote(difference) && hasInfinity(difference.answer) && difference.error?.name === 'ValueError',
  },
  {
    reason: 'with intMode number an integer beyond 2^53 is an error, also of a write that returns it',
    docs: ['docs/values.md', "With `intMode: 'number'` reading one is a `ValueError`"],
    parts: true,
    is: ({ field }) => field === 'inexact',
  },
  {
    reason: 'a server has a parser of its own, which refuses ANALYZE, REINDEX and most pragmas',
    docs: ['docs/servers.md', 'What it refuses is a `DatabaseError` with its message'],
    parts: true,
    is: (difference) => remote(difference) && /unsupported statement/i.test(difference.actual),
  },
  {
    reason: 'an upsert never tells a rowid, since SQLite does not tell whether the last row was inserted',
    docs: ['docs/values.md', 'For an upsert (`DO UPDATE`) it is always `undefined`'],
    is: ({ field, actual, statement }) =>
      field === 'lastInsertRowid' && actual === 'undefined' && UPSERT.test(statement?.sql ?? ''),
  },
  {
    reason: 'a server that has inserted no row tells the rowid 0',
    docs: ['docs/values.md', 'At a server, the rowid 0 is `undefined` too'],
    is: (difference) =>
      remote(difference) &&
      difference.field === 'lastInsertRowid' &&
      difference.expected === '0' &&
      difference.actual === 'undefined',
  },
  {
    reason: 'with a trigger, and so with a listener, SQLite notices a foreign key to no key when one row is inserted',
    docs: ['docs/hooks.md', 'with a listener such an INSERT fails, as one of two rows does without'],
    parts: true,
    is: ({ target, expected, actual }) =>
      target.name.includes('observed') && /foreign key mismatch/.test(actual) && !/mismatch/.test(expected),
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
