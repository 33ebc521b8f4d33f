import type { Difference } from './compare.js';

/** A fault that is not mended yet. It is no difference that is allowed: an entry goes when its fault does. */
export interface Known {
  readonly fault: string;
  is(difference: Difference): boolean;
}

/** Faults that are being mended. */
export const KNOWN: readonly Known[] = [
  {
    fault: 'a view that can no longer be read fails the introspection of Kysely, and with it its Migrator',
    is: ({ path, actual }) => path === 'migrator' && /: no such (?:column|table)/.test(actual),
  },
  {
    fault: 'after OR ROLLBACK of a virtual table in a transaction the file stays locked',
    is: ({ target, field, actual }) =>
      target.place === 'file' &&
      field === 'end of the transaction' &&
      actual === 'BusyError: database is locked',
  },
];
