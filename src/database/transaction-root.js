import { TransactionError } from '../errors.js';
/** The state of a transaction that was not begun yet. */
export function newRoot(behavior, abort, holder) {
  return {
    behavior,
    abort,
    holder,
    cursors: new Set(),
    lastActive: performance.now(),
    savepoints: 0,
    connection: undefined,
    release: async () => {},
    takeWriteLock: undefined,
    running: undefined,
    lost: undefined,
  };
}
/** Pragmas that SQLite ignores inside a transaction without a word. */
export function checkInside(statement) {
  if (statement.pragma !== 'foreign_keys' || !statement.pragmaArgument) return;
  throw new TransactionError('PRAGMA foreign_keys has no effect inside a transaction; set it before', {
    code: 'TRANSACTION_CONTROL',
    kind: 'transaction',
    sql: statement.text,
  });
}
/** The error for every use of a transaction after its end. */
export function transactionClosed() {
  return new TransactionError('the transaction has ended; nothing more can be run in it', {
    code: 'TRANSACTION_CLOSED',
    kind: 'transaction',
  });
}
/** How a transaction, or one nested in it, holds a lock: it is alive as long as any of them runs statements. */
export class TransactionHolder {
  transactionId;
  #lastActive;
  constructor(transactionId, lastActive) {
    this.transactionId = transactionId;
    this.#lastActive = lastActive;
  }
  get lastActive() {
    return this.#lastActive();
  }
}
