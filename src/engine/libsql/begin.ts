import type { TransactionBehavior } from '../../config.js';

/** How a transaction is begun; what is missing the engine can't do. */
export const BEGIN: Readonly<Partial<Record<TransactionBehavior, string>>> = {
  deferred: 'BEGIN',
  immediate: 'BEGIN IMMEDIATE',
  exclusive: 'BEGIN EXCLUSIVE',
  read: 'BEGIN',
};
