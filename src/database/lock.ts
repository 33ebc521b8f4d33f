import { BusyError, TransactionError } from '../errors.js';
import type { Abort } from './abort.js';
import { type LockHolder, Waiter } from './lock-waiter.js';

export { type LockHolder, newHolder } from './lock-waiter.js';

/** How long and for what a lock is waited for. */
export interface LockWait {
  /** Longest wait in ms. */
  readonly timeout: number;
  readonly abort: Abort | undefined;
  /** Count only the time in which the holder shows no sign of life, not that in which it works. */
  readonly patient?: boolean;
  /** On whose behalf it is waited and held, see {@link Lock.refuse} and {@link Lock.releaseAll}. */
  readonly owner?: object;
}

/** A lock in this process, first come first served. Waiting for it leaves the event loop free. */
export class Lock {
  readonly #what: string;
  readonly #waiters: Waiter[] = [];
  #holder: LockHolder | undefined;
  /** On whose behalf it is held. */
  #owner: object | undefined;
  #heldSince = 0;
  #closed: (() => Error) | undefined;

  /** @param what - what it protects, for messages: "the write lock" */
  constructor(what: string) {
    this.#what = what;
  }

  get free(): boolean {
    return this.#holder === undefined;
  }

  /** Takes the lock if nobody holds or waits for it. */
  tryAcquire(holder: LockHolder): boolean {
    if (this.#holder !== undefined) return false;
    this.#take(holder, undefined);
    return true;
  }

  /**
   * Waits for the lock.
   *
   * @throws {@link TransactionError} when the callback of the transaction that holds it waits for the caller
   * @throws {@link BusyError} after `wait.timeout` ms
   */
  async acquire(holder: LockHolder, wait: LockWait): Promise<void> {
    wait.abort?.throwIfAborted();
    if (this.#holder === undefined) return this.#take(holder, wait.owner);
    if (this.#closed !== undefined) throw this.#closed();
    await this.#wait(holder, wait);
  }

  release(holder: LockHolder): void {
    if (this.#holder !== holder) return;
    this.#holder = undefined;
    const next = this.#waiters.shift();
    if (next === undefined) return;
    this.#take(next.holder, next.owner);
    next.end();
  }

  /** Releases it if it is held on behalf of one owner, who is gone: the holder's own {@link release} then does nothing. */
  releaseAll(owner: object): void {
    if (this.#holder !== undefined && this.#owner === owner) this.release(this.#holder);
  }

  /** Refuses everyone who waits or comes to wait. */
  close(reason: () => Error): void {
    this.#closed = reason;
    for (const waiter of this.#waiters.splice(0)) waiter.end();
  }

  /** Refuses those who wait on behalf of one owner. */
  refuse(owner: object, reason: () => Error): void {
    for (const waiter of this.#waiters.filter((candidate) => candidate.owner === owner)) {
      waiter.refused = reason;
      waiter.end();
    }
  }

  #take(holder: LockHolder, owner: object | undefined): void {
    this.#holder = holder;
    this.#owner = owner;
    this.#heldSince = performance.now();
  }

  async #wait(holder: LockHolder, { timeout, abort, patient, owner }: LockWait): Promise<void> {
    const start = performance.now();
    const waiter = new Waiter(holder, owner);
    const expire = (): void => {
      const left = patient ? timeout - (performance.now() - (this.#holder?.lastActive ?? 0)) : 0;
      if (left < 1) waiter.end();
      else timer = setTimeout(expire, left);
    };
    let timer = setTimeout(expire, timeout);
    this.#waiters.push(waiter);
    // Calls at once if it happened already.
    const forget = abort?.onAbort(waiter.end);
    while (!waiter.over) {
      await waiter.pause();
      if (waiter.over || !waiter.isBlockedBySelf(this.#holder)) continue;
      waiter.refused = () => usedInside(this.#what);
      waiter.end();
    }
    clearTimeout(timer);
    forget?.();
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

  #timedOut(start: number): BusyError {
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

/** The error for a use of the outer handle inside the callback of its transaction. */
export function usedInside(what: string): TransactionError {
  return new TransactionError(
    `the outer handle was used inside the callback of a transaction that holds ${what}, so the call could never go ` +
      'on; use the `tx` that the callback is given',
    { code: 'TRANSACTION_MISUSE', kind: 'transaction' },
  );
}
