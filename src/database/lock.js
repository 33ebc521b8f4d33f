import { BusyError, TransactionError } from '../errors.js';
import { enclosingTransactions } from './transaction-frame.js';
/** A lock in this process, first come first served. Waiting for it leaves the event loop free. */
export class Lock {
  #what;
  #waiters = [];
  #holder;
  #heldSince = 0;
  #closed;
  /** @param what - what it protects, for messages: "the write lock" */
  constructor(what) {
    this.#what = what;
  }
  get free() {
    return this.#holder === undefined;
  }
  /** Takes the lock if nobody holds or waits for it. */
  tryAcquire(holder) {
    if (this.#holder !== undefined) return false;
    this.#take(holder);
    return true;
  }
  /**
   * Waits for the lock.
   *
   * @throws {@link TransactionError} when the caller stands inside the callback of the transaction that holds it
   * @throws {@link BusyError} after `wait.timeout` ms
   */
  async acquire(holder, wait) {
    wait.abort?.throwIfAborted();
    if (this.tryAcquire(holder)) return;
    if (this.#closed !== undefined) throw this.#closed();
    const blocker = this.#holder?.transactionId;
    if (blocker !== undefined && blocker !== holder.transactionId && enclosingTransactions().has(blocker)) {
      throw misuse(this.#what);
    }
    await this.#wait(holder, wait);
  }
  release(holder) {
    if (this.#holder !== holder) return;
    this.#holder = undefined;
    const next = this.#waiters.shift();
    if (next === undefined) return;
    this.#take(next.holder);
    next.grant();
  }
  /** Refuses everyone who waits or comes to wait. */
  close(reason) {
    this.#closed = reason;
    for (const waiter of this.#waiters.splice(0)) waiter.grant();
  }
  /** Refuses those who wait on behalf of one owner. */
  refuse(owner, reason) {
    for (const waiter of this.#waiters.filter((candidate) => candidate.owner === owner)) {
      waiter.refused = reason;
      waiter.grant();
    }
  }
  #take(holder) {
    this.#holder = holder;
    this.#heldSince = performance.now();
  }
  async #wait(holder, { timeout, abort, patient, owner }) {
    const start = performance.now();
    const waiter = { holder, owner, grant: () => {} };
    await new Promise((resolve) => {
      const expire = () => {
        const left = patient ? timeout - (performance.now() - (this.#holder?.lastActive ?? 0)) : 0;
        if (left < 1) done();
        else timer = setTimeout(expire, left);
      };
      let timer = setTimeout(expire, timeout);
      const forget = abort?.onAbort(done);
      waiter.grant = done;
      this.#waiters.push(waiter);
      function done() {
        clearTimeout(timer);
        forget?.();
        resolve();
      }
    });
    if (this.#holder === holder) {
      if (abort?.error === undefined) return;
      this.release(holder);
    }
    const index = this.#waiters.indexOf(waiter);
    if (index >= 0) this.#waiters.splice(index, 1);
    if (waiter.refused !== undefined) throw waiter.refused();
    if (this.#closed !== undefined) throw this.#closed();
    abort?.throwIfAborted();
    throw this.#timedOut(start);
  }
  #timedOut(start) {
    const now = performance.now();
    let message = `database is locked: waited ${Math.round(now - start)} ms for ${this.#what}`;
    const holder = this.#holder;
    if (holder?.transactionId !== undefined) {
      message += `, held for ${Math.round(now - this.#heldSince)} ms by a transaction of this process`;
      if (holder.lastActive <= start) {
        message +=
          ' that ran no statement while this call waited; if this call stands in its callback, use the `tx` that the ' +
          'callback is given instead of the outer handle';
      }
    }
    return new BusyError(message, { code: 'SQLITE_BUSY', rawCode: 5, kind: 'busy', retryable: true });
  }
}
function misuse(what) {
  return new TransactionError(
    `the outer handle was used inside the callback of a transaction that holds ${what}, so the call could never go ` +
      'on; use the `tx` that the callback is given',
    { code: 'TRANSACTION_MISUSE', kind: 'transaction' },
  );
}
