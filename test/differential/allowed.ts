import type { Difference } from './compare.js';

/** A difference that is documented. */
export interface Allowed {
  readonly reason: string;
  /** The line of the documentation that says so. */
  readonly line: string;
  is(difference: Difference): boolean;
}

const remote = ({ target: { place } }: Difference): boolean => place !== 'memory' && place !== 'file';

/** Everything in which a target may differ from SQLite itself: 15 entries at most. */
export const ALLOWED: readonly Allowed[] = [
  {
    reason: 'JSON has no infinity, and a null would be a wrong value',
    line: 'docs/values.md: ±Infinity',
    is: (difference) =>
      remote(difference) && /Infinity/.test(difference.expected) && difference.error?.name === 'ValueError',
  },
];
