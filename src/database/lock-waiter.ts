import { isAwaitedBy, isCalledFrom } from './transaction-frame.js';
import { nextTurn } from './turn.js';

/**
 * How long a transaction may rest while a call from its callback waits for it, in ms. Then the callback most likely waits for
 * the call in a way that can't be seen.
 */
const LONGEST_REST = 500;

/** The pauses in ms between looks at who awaits a call; the last one is repeated. */
const PAUSES = [4, 16, 64, 128, 256, 512] as const;

/** Who holds or wants a lock. */
export interface LockHolder {
  /** Set while a transaction holds it. */
  readonly transactionId: number | undefined;
  /** `performance.now()` of the holder's last sign of life. */
  readonly lastActive: number;
  /** Of a transaction: whether it has the write lock of the database, or may have it. */
  writes?: boolean;
}

/** A holder for a call outside of transactions. */
export function newHolder(): LockHolder {
  return { transactionId: undefined, lastActive: performance.now() };
}

/** Somebody who waits for a lock. */
export class Waiter {
  readonly holder: LockHolder;
  readonly owner: object | undefined;
  /** Why the wait was ended without the lock. */
  refused: (() => Error) | undefined;
  readonly #start = performance.now();
  #over = false;
  #wake: () => void = () => {};
  #timer: NodeJS.Timeout | undefined;
  #looks = 0;

  constructor(holder: LockHolder, owner: object | undefined) {
    this.holder = holder;
    this.owner = owner;
  }

  /** Whether the wait has ended. */
  get over(): boolean {
    return this.#over;
  }

  /** Ends the wait. */
  readonly end = (): void => {
    this.#over = true;
    this.#wake();
  };

  /** Waits for the end, or until it is time to look who awaits this; the first time everybody else has a turn. */
  async pause(): Promise<void> {
    if (this.#looks === 0) {
      this.#looks++;
      const ended = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await Promise.race([nextTurn(), ended]);
      return;
    }
    const ms = PAUSES[Math.min(this.#looks++, PAUSES.length) - 1];
    await new Promise<void>((resolve) => {
      this.#timer = setTimeout(resolve, ms);
      this.#wake = resolve;
    });
    clearTimeout(this.#timer);
  }

  /**
   * Whether the lock can't become free as long as this waits: the transaction that holds it waits for the caller. A callback
   * may also go on without a call that it has started, so only its rest makes that a deadlock. To be asked by the function
   * that the callers await, after it has awaited something.
   */
  isBlockedBySelf(by: LockHolder | undefined): boolean {
    if (by?.transactionId === undefined || by.transactionId === this.holder.transactionId) return false;
    if (isAwaitedBy(by.transactionId)) return true;
    const resting = performance.now() - Math.max(by.lastActive, this.#start);
    return resting >= LONGEST_REST && isCalledFrom(by.transactionId);
  }
}
