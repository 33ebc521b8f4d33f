import type { TransactionBehavior } from '../../config.js';

/** How a transaction is begun at a server; what is missing servers can't do. */
export const BEGIN: Readonly<Partial<Record<TransactionBehavior, string>>> = {
  deferred: 'BEGIN DEFERRED',
  immediate: 'BEGIN IMMEDIATE',
  exclusive: 'BEGIN EXCLUSIVE',
  read: 'BEGIN DEFERRED',
};
