import type { SyncConfig, SyncTrigger } from '../config.js';
import type { Replica, ReplicaPolicy, SyncOutcome } from '../engine/engine.js';
import { closedError, DatabaseError, SyncError } from '../errors.js';
import type { SyncState, SyncStatus } from './status.js';

/** How long a sync may take before it is given up, in ms. */
const GIVEN_UP_AFTER = 30_000;
/** How long a write waits for the sync after it, and `close()` for one that is under way, in ms. */
const WRITE_WAITS = 5_000;
const CLOSE_WAITS = 1_000;
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
  #lastSyncAt: number | undefined;
  #frameNo: number | undefined;
  #framesSynced = 0;
  #lastError: DatabaseError | undefined;

  constructor(config: SyncConfig) {
    this.#config = config;
  }

  get status(): SyncStatus {
    const at = this.#lastSyncAt;
    return {
      state: this.#state,
      lastSyncAt: at === undefined ? undefined : new Date(at),
      lag: at === undefined ? undefined : Math.max(0, Date.now() - at),
      frameNo: this.#frameNo,
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
    return maxStaleness === undefined || Date.now() - (this.#lastSyncAt ?? 0) <= maxStaleness;
  }

  async reading(): Promise<void> {
    await this.sync('read');
  }

  written(): Promise<void> | undefined {
    const { afterWrite } = this.#config;
    if (afterWrite === 'none' || this.#closed) return undefined;
    // The write is done, whatever becomes of the sync; who cares is told by `onSyncError`.
    const done = this.sync('write').then(ignore, ignore);
    return afterWrite === 'lazy' ? undefined : atMost(done, WRITE_WAITS);
  }

  /** Syncs with what the server has by now. */
  sync(trigger: SyncTrigger): Promise<SyncOutcome> {
    if (this.#running === undefined) return this.#alone(() => this.#attempt(trigger));
    this.#next ??= this.#running.then(ignore, ignore).then(() => {
      this.#next = undefined;
      return this.sync(trigger);
    });
    return this.#next;
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
    return this.#lastSyncAt === undefined ? 'unopened' : 'synced';
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

  async #attempt(trigger: SyncTrigger): Promise<SyncOutcome> {
    const replica = this.#opened();
    const start = performance.now();
    try {
      const outcome = await this.#limited(replica, trigger);
      const before = this.#frameNo;
      const replaced = before !== undefined && outcome.frameNo !== undefined && outcome.frameNo < before;
      this.#frameNo = outcome.frameNo;
      this.#framesSynced += outcome.framesSynced;
      this.#lastSyncAt = Date.now();
      this.#lastError = undefined;
      this.#failures = 0;
      const duration = performance.now() - start;
      tell(() => this.#config.onSync?.({ trigger, ...outcome, duration, replaced }));
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

  async #limited(replica: Replica, trigger: SyncTrigger): Promise<SyncOutcome> {
    let timer: NodeJS.Timeout | undefined;
    const abandoned = new Promise<never>((_resolve, reject) => {
      this.#abandon = reject;
      timer = setTimeout(() => {
        replica.giveUp();
        reject(
          new SyncError(`the sync was given up after ${GIVEN_UP_AFTER / 1_000} seconds`, { retryable: true }),
        );
      }, GIVEN_UP_AFTER);
      // What nobody waits for does not keep the process alive.
      if (trigger === 'interval' || trigger === 'reconnect') timer.unref();
    });
    try {
      return await Promise.race([replica.sync(), abandoned]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Whoever wants a replica that is fresh by itself has a server that failed tried again. */
  #schedule(): void {
    clearTimeout(this.#timer);
    const { interval, afterWrite, startup } = this.#config;
    if (this.#closed || this.#next !== undefined) return;
    const failed = this.#lastError !== undefined;
    if (failed && !isOutage(this.#lastError)) return;
    const eager = interval !== undefined || afterWrite !== 'none' || startup === 'serve-stale';
    const again =
      failed && eager ? Math.min(FIRST_PAUSE * 2 ** (this.#failures - 1), LONGEST_PAUSE) : interval;
    if (again === undefined) return;
    this.#timer = setTimeout(() => {
      this.sync(failed ? 'reconnect' : 'interval').catch(ignore);
    }, again);
    this.#timer.unref();
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
