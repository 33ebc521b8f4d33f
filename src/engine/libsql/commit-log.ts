import type { CommitListener } from '../engine.js';
import { ChangeCapture } from './change-capture.js';
import { toDatabaseError } from './failure.js';
import type { NativeDatabase } from './native.js';

/** Knows what one connection has written and not yet committed, and tells the listener. Without one it does nothing. */
export class CommitLog {
  listener: CommitListener | undefined;
  readonly #native: NativeDatabase;
  #capture: ChangeCapture | undefined;
  /** Whether the open transaction has written. */
  #wrote = false;

  constructor(native: NativeDatabase) {
    this.#native = native;
  }

  /** To be called before a transaction that may write: begins or ends the recording as it is wanted. */
  beforeTransaction(): void {
    if (this.listener === undefined && this.#capture === undefined) return;
    if (this.#native.inTransaction) return;
    converting(() => {
      if (this.listener === this.#capture?.listener) return this.#capture?.purge();
      this.#capture?.remove();
      this.#capture = this.listener && new ChangeCapture(this.#native, this.listener);
      return undefined;
    });
  }

  /** To be called before a write inside a transaction. */
  beforeWrite(): void {
    this.#wrote = true;
    const capture = this.#capture;
    if (capture !== undefined) converting(() => capture.prepare());
  }

  beforeCommit(): void {
    const capture = this.#capture;
    if (this.#wrote && capture !== undefined) converting(() => capture.drain());
  }

  /** Whether changes of rows are known that {@link committed} would tell; to be asked after {@link beforeCommit}. */
  get recorded(): boolean {
    return this.#capture?.recorded === true;
  }

  committed(): void {
    if (this.#wrote) this.#capture?.committed();
    this.#wrote = false;
  }

  rolledBack(): void {
    if (this.#wrote) this.#capture?.rolledBack();
    this.#wrote = false;
  }

  /** Forgets its statements, so that the collector can free the connection. */
  clear(): void {
    this.listener = undefined;
    this.#capture = undefined;
  }

  /** To be called before something that may take away what is temporary. */
  doubt(): void {
    this.#capture?.doubt();
  }

  /** To be called after a part of the transaction was rolled back. */
  undone(): void {
    this.#capture?.undone();
  }
}

/** What the binding throws becomes an error of ours. */
function converting(run: () => void): void {
  try {
    run();
  } catch (thrown) {
    throw toDatabaseError(thrown);
  }
}
