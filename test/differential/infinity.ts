import type { Answer } from './oracle.js';

/** Whether an answer has a value that JSON can't tell. */
export function hasInfinity(answer: Answer | undefined): boolean {
  const values = answer?.rows.flat() ?? [];
  return values.some((value) => value === Infinity || value === -Infinity);
}
