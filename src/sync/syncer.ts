import type { SyncConfig, SyncTrigger } from '../config.js';
import { sleep } from '../database/abort.js';
import type { Replica, ReplicaPolicy, SyncOutcome } from '../engine/engine.js';
import { closedError, DatabaseError, SyncError } from '../errors.js';
import type { SyncState, SyncStatus } from './status.js';

/** How long `close()` waits for a sync that is under way, in ms. */
const CLOSE_WAITS = 1_000;
/** How long the server is left alone before a write asks again for what it has not seen, in ms. */
const ASK_AGAIN = 100;
/** First and longest pause before a server that failed is tried again, in ms. */
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 10_000;

/**
 * Decides when a replica is synced. One sync is under way at a time; whoever asks during it waits for the next, which
 * is one for all of them, since what they want to see may have come too late for the first.
 */
export class Syncer implements ReplicaPolicy {
  readonly #config: SyncConfig;
  #replica: Replica | undefined;
  #opening: Promise<void> | undefined;
  #running: Promise<unknown> | undefined;
  #next: Promise<SyncOutcome> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Ends the wait for the sync that is under way. */
  #abandon: (reason: DatabaseError) => void = ignore;
  #failures = 0;
  #closed = false;
  /** `performance.now()` of the last success: the clock of the day may be set back. */
  #syncedAt: number | undefined;
  #lastSyncAt: Date | undefined;
  /** How many writes were acknowledged, and how many of them the last success has brought. */
  #writes = 0;
  #seen = 0;
  #frameNo: number | undefined;
  #framesSynced = 0;
  #lastError: DatabaseError | undefined;

  constructor(config: SyncConfig) {
    this.#config = config;
  }

  get status(): SyncStatus {
    const at = this.#syncedAt;
    return {
      state: this.#state,
      lastSyncAt: this.#lastSyncAt,
      lag: at === undefined ? undefined : performance.now() - at,
      frameNo: this.#frameNo,
      unseenWrites: this.#writes - this.#seen,
      framesSynced: this.#framesSynced,
      lastError: this.#lastError,
    };
  }

  async opening(replica: Replica): Promise<void> {
    this.#replica ??= replica;
    this.#opening ??= this.#open(replica).catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    await this.#opening;
  }

  get fresh(): boolean {
    const { maxStaleness } = this.#config;
    if (this.#replica?.serving === false) return false;
    if (maxStaleness === undefined) return true;
    return this.#syncedAt !== undefined && performance.now() - this.#syncedAt <= maxStaleness;
  }

  async reading(): Promise<void> {
    await this.sync('read');
  }

  written(): Promise<void> | undefined {
    const { afterWrite } = this.#config;
    const write = ++this.#writes;
    if (afterWrite === 'none' || this.#closed) return undefined;
    // The write is done, whatever becomes of the sync; `onSyncError` tells of it.
    if (afterWrite === 'lazy') return void this.sync('write').catch(ignore);
    return this.#untilSeen(write);
  }

  /** Syncs with what the server has by now. */
  sync(trigger: SyncTrigger): Promise<SyncOutcome> {
    if (this.#running === undefined) {
      const request = { afterWrite: this.#writes > this.#seen };
      return this.#alone(() => this.#attempt(trigger, (replica) => replica.sync(request)));
    }
    this.#next ??= this.#running.then(ignore, ignore).then(() => {
      this.#next = undefined;
      return this.sync(trigger);
    });
    return this.#next;
  }

  /** Makes the file again from the server. */
  async rebuild(): Promise<SyncOutcome> {
    // Another may have waited too.
    do await this.settled();
    while (this.#running !== undefined);
    return await this.#alone(() => this.#attempt('manual', (replica) => replica.rebuild()));
  }

  /** Waits for the syncs that were asked for, whatever becomes of them. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await (this.#next ?? this.#running).then(ignore, ignore);
  }

  /** Runs `use` while no sync is under way. */
  async paused<T>(use: (replica: Replica) => Promise<T>): Promise<T> {
    await this.settled();
    return await this.#alone(() => use(this.#opened()));
  }

  /** Ends syncing. A sync that is under way goes on by itself, if it does not end soon. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    if (this.#running !== undefined) await atMost(this.#running.then(ignore, ignore), CLOSE_WAITS);
    this.#abandon(closedError());
    this.#replica?.close();
  }

  get #state(): SyncState {
    if (this.#closed) return 'closed';
    if (this.#running !== undefined) return 'syncing';
    if (this.#lastError !== undefined) return 'stale';
    return this.#syncedAt === undefined ? 'unopened' : 'synced';
  }

  #opened(): Replica {
    if (this.#closed || this.#replica === undefined) throw closedError();
    return this.#replica;
  }

  async #open(replica: Replica): Promise<void> {
    try {
      await this.sync('startup');
    } catch (error) {
      const serves = this.#config.startup === 'serve-stale' && replica.readable && isOutage(error);
      if (!serves) throw error;
    }
  }

  #alone<T>(run: () => Promise<T>): Promise<T> {
    clearTimeout(this.#timer);
    const running = run().finally(() => {
      this.#running = undefined;
      this.#schedule();
    });
    this.#running = running;
    return running;
  }

  async #attempt(
    trigger: SyncTrigger,
    run: (replica: Replica) => Promise<SyncOutcome>,
  ): Promise<SyncOutcome> {
    const replica = this.#opened();
    const start = performance.now();
    const writes = this.#writes;
    try {
      const outcome = await this.#unlessClosed(run(replica));
      this.#seen = writes;
      this.#frameNo = outcome.frameNo;
      this.#framesSynced += outcome.framesSynced;
      this.#syncedAt = performance.now();
      this.#lastSyncAt = new Date();
      this.#lastError = undefined;
      this.#failures = 0;
      const duration = performance.now() - start;
      tell(() => this.#config.onSync?.({ trigger, ...outcome, duration }));
      return outcome;
    } catch (thrown) {
      const error =
        thrown instanceof DatabaseError ? thrown : new SyncError('the sync failed', { cause: thrown });
      this.#lastError = error;
      this.#failures++;
      if (!this.#closed) tell(() => this.#config.onSyncError?.(error, trigger));
      throw error;
    }
  }

  async #unlessClosed<T>(sync: Promise<T>): Promise<T> {
    const abandoned = new Promise<never>((_resolve, reject) => {
      this.#abandon = reject;
    });
    // It may fail after the other has won.
    sync.catch(ignore);
    return await Promise.race([sync, abandoned]);
  }

  /** Waits until the file has a write, for as long as it may; what fails meanwhile and may pass is tried again. */
  async #untilSeen(write: number): Promise<void> {
    const { afterWrite, afterWriteTimeout } = this.#config;
    const end = performance.now() + afterWriteTimeout;
    let failed: unknown;
    while (this.#seen < write && !this.#closed) {
      const left = end - performance.now();
      if (left <= 0) break;
      failed = undefined;
      const syncing = this.sync('write').then(ignore, (error: unknown) => {
        failed = error;
      });
      await atMost(syncing, left);
      if (failed === undefined) continue;
      if (!isOutage(failed)) break;
      await sleep(Math.min(ASK_AGAIN, Math.max(0, end - performance.now())), undefined);
    }
    if (afterWrite !== 'require' || this.#seen >= write || this.#closed) return;
    throw new SyncError(
      `the write was done at the server, but the replica has not got it within ${afterWriteTimeout} ms; do not repeat it`,
      { code: 'WRITE_UNSEEN', cause: failed ?? this.#lastError },
    );
  }

  /** Sets the timer for the next sync: after the interval, or after an outage, if syncing is automatic. */
  #schedule(): void {
    clearTimeout(this.#timer);
    const { interval, afterWrite, startup } = this.#config;
    if (this.#closed || this.#next !== undefined) return;
    const failed = this.#lastError !== undefined;
    const eager =
      interval !== undefined ||
      (isOutage(this.#lastError) && (afterWrite !== 'none' || startup === 'serve-stale'));
    const again = failed && eager ? this.#pause : interval;
    if (again === undefined) return;
    this.#timer = setTimeout(() => {
      this.sync(failed ? 'reconnect' : 'interval').catch(ignore);
    }, again);
    this.#timer.unref();
  }

  /** Grows with every failure. */
  get #pause(): number {
    return Math.min(FIRST_PAUSE * 2 ** (this.#failures - 1), LONGEST_PAUSE);
  }
}

/** Whether trying again later may help. */
function isOutage(error: unknown): boolean {
  return (
    error instanceof DatabaseError && (error.kind === 'network' || (error.kind === 'sync' && error.retryable))
  );
}

/** Calls a hook of the application, whose failure is no failure of the sync. */
function tell(hook: () => void): void {
  try {
    hook();
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error));
  }
}

async function atMost(done: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([done, over]);
  clearTimeout(timer);
}

function ignore(): void {}
