import type { Difference } from './compare.js';

/** A fault that is not mended yet. It is no difference that is allowed: an entry goes when its fault does. */
export interface Known {
  readonly fault: string;
  is(difference: Difference): boolean;
}

/** Faults that are being mended. */
export const KNOWN: readonly Known[] = [];
