import { ABORT_OPTIONS, checkOptions } from '../options.js';
import { Abort, orAborted, sleep } from '../database/abort.js';
import { enclosingTransactions } from '../database/transaction-frame.js';
import { type ErrorCode, SyncError, TransactionError } from '../errors.js';
import type { SyncCallOptions, SyncResult, SyncStatus } from './status.js';
import type { Syncer } from './syncer.js';

/** How long a sync is waited for when it is not told, in ms. */
const WAITS = 30_000;
/** How long the server is left alone while a frame is not there yet, in ms. */
const ASK_AGAIN = 100;

/** Failures to open that are no reason not to make the file again. */
const REBUILT: ReadonlySet<ErrorCode> = new Set(['REPLICA_CORRUPT', 'NOT_A_REPLICA', 'SYNC_FAILED']);

/** What a database of a replica can do that others can't. */
export class ReplicaHandle {
  readonly #syncer: Syncer;
  readonly #open: (abort: Abort | undefined) => Promise<unknown>;
  readonly #transactions: ReadonlyMap<number, unknown>;

  /**
   * @param open - opens the replica
   * @param transactions - ids of those that are open
   */
  constructor(
    syncer: Syncer,
    open: (abort: Abort | undefined) => Promise<unknown>,
    transactions: ReadonlyMap<number, unknown>,
  ) {
    this.#syncer = syncer;
    this.#open = open;
    this.#transactions = transactions;
  }

  get status(): SyncStatus {
    return this.#syncer.status;
  }

  async sync(options: SyncCallOptions): Promise<SyncResult> {
    this.#assertOutside();
    return await within(options, (abort) => this.#sync(abort));
  }

  async syncUntil(frameNo: number, options: SyncCallOptions): Promise<SyncResult> {
    this.#assertOutside();
    return await within(options, async (abort) => {
      let framesSynced = 0;
      let replaced = false;
      // The binding's own wait for a frame that is still to come has no end, and can't be stopped.
      for (;;) {
        const result = await this.#sync(abort);
        framesSynced += result.framesSynced;
        replaced ||= result.replaced;
        if ((result.frameNo ?? -1) >= frameNo) return { frameNo: result.frameNo, framesSynced, replaced };
        await sleep(ASK_AGAIN, abort);
      }
    });
  }

  /** A damaged replica can't be opened before, so this opens it as well as it can. */
  async rebuild(options: SyncCallOptions): Promise<SyncResult> {
    this.#assertOutside();
    return await within(options, async (abort) => {
      await this.#open(abort).catch((error: unknown) => {
        if (!(error instanceof SyncError) || !REBUILT.has(error.code)) throw error;
      });
      return await orAborted(this.#syncer.rebuild(), abort);
    });
  }

  async flush(options: SyncCallOptions): Promise<SyncStatus> {
    await within(options, (abort) => orAborted(this.#syncer.settled(), abort));
    return this.#syncer.status;
  }

  async copy(path: string, key: string | undefined): Promise<void> {
    await this.#open(undefined);
    await this.#syncer.paused((replica) => replica.copy(path, key));
  }

  async #sync(abort: Abort): Promise<SyncResult> {
    await this.#open(abort);
    return await orAborted(this.#syncer.sync('manual'), abort);
  }

  /** What a transaction sees stays as it is, so a sync inside it would not do what it seems to. */
  #assertOutside(): void {
    for (const id of enclosingTransactions()) {
      if (!this.#transactions.has(id)) continue;
      throw syncInside();
    }
  }
}

/** The error for a sync inside a transaction. */
export function syncInside(): TransactionError {
  return new TransactionError('a replica can not be synced inside a transaction; do it before or after', {
    code: 'TRANSACTION_MISUSE',
    kind: 'transaction',
  });
}

async function within<T>(options: SyncCallOptions, run: (abort: Abort) => Promise<T>): Promise<T> {
  checkOptions(options, 'a sync', ABORT_OPTIONS);
  const { timeout = WAITS, signal } = options;
  const abort = Abort.from({ timeout, signal }) as Abort;
  try {
    return await run(abort);
  } finally {
    abort.dispose();
  }
}
