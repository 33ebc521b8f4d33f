import { channel } from 'node:diagnostics_channel';
import type { ResolvedConfig } from '../../config.js';
import { cutsWal, type WalEvent } from '../../config/wal.js';
import { BusyError, type DatabaseError } from '../../errors.js';
import { cutLog, lookAtLog, readFrames } from './checkpoint.js';
import { toDatabaseError } from './failure.js';
import type { NativeDatabase } from './native.js';

/** How often the log of a file that is written to is looked at, in ms: a look takes some microseconds. */
const LOOK_EVERY = 1_000;
/** Longest pause between two tries to cut the log, in ms. */
const LONGEST_PAUSE = 300_000;
/** How long an interrupt is given to work before it is repeated, in ms. */
const INTERRUPT_AGAIN = 5;

const events = channel('turso-dialect:wal');

/**
 * Watches the write-ahead log of a file that this handle writes to: tells when it has grown, and cuts it when nothing was
 * written for a while. SQLite leaves it at the size that a reader has made it grow to, until the next write begins it again.
 *
 * Nothing waits for it, and its timer keeps no process alive. It has one only from a write until the log is short.
 */
export class WalWatch {
  readonly #path: string;
  readonly #config: ResolvedConfig;
  readonly #open: () => NativeDatabase;
  #timer: NodeJS.Timeout | undefined;
  /** When the log was changed last, as far as is known, by `performance.now()`. */
  #active = 0;
  #changed = 0;
  /** The pause after the last try, which failed; 0 after a write. */
  #pause = 0;
  /** The size that was told about. */
  #told = 0;
  #cutting: { readonly native: NativeDatabase; readonly ended: Promise<void> } | undefined;
  #closed = false;

  /** @param open - opens a connection to the file, which must be there */
  constructor(path: string, config: ResolvedConfig, open: () => NativeDatabase) {
    this.#path = path;
    this.#config = config;
    this.#open = open;
  }

  /** To be called when something is written; not for every write, which would cost too much. */
  wrote(now: number): void {
    this.#active = now;
    if (this.#pause > 0) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#pause = 0;
    }
    if (this.#timer === undefined && this.#wanted) this.#lookIn(LOOK_EVERY);
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    const cutting = this.#cutting;
    if (cutting === undefined) return;
    // An interrupt that comes before the other thread has begun is lost.
    const again = setInterval(() => cutting.native.interrupt(), INTERRUPT_AGAIN);
    cutting.native.interrupt();
    await cutting.ended.finally(() => clearInterval(again));
  }

  get #wanted(): boolean {
    return events.hasSubscribers || cutsWal(this.#config);
  }

  #lookIn(ms: number): void {
    if (this.#closed) return;
    const { after } = this.#config.walTruncate;
    this.#timer ??= setTimeout(() => this.#look(), Math.min(ms, Math.max(after, this.#pause))).unref();
  }

  #look(): void {
    this.#timer = undefined;
    const { after, above } = this.#config.walTruncate;
    const now = performance.now();
    const { size, changed } = lookAtLog(this.#path);
    // Others write too.
    if (changed !== this.#changed) this.#active = Math.max(this.#active, now - LOOK_EVERY);
    this.#changed = changed;
    const idle = this.#cutting === undefined ? now - this.#active : 0;
    if (size <= above) this.#told = 0;
    else if (size >= 2 * this.#told) this.#tell('grown', size);
    if (idle < after) this.#lookIn(LOOK_EVERY);
    else if (size > above && cutsWal(this.#config)) this.#cut(size);
  }

  #cut(size: number): void {
    let native: NativeDatabase;
    try {
      native = this.#open();
    } catch (thrown) {
      this.#tryAgain(size, thrown);
      return;
    }
    this.#cutting = { native, ended: this.#cutOn(native, size) };
  }

  async #cutOn(native: NativeDatabase, size: number): Promise<void> {
    let thrown: unknown;
    try {
      await cutLog(native, () => !this.#closed);
    } catch (error) {
      thrown = error;
    }
    this.#cutting = undefined;
    native.close();
    if (this.#closed) return;
    if (thrown !== undefined || lookAtLog(this.#path).size > 0) this.#tryAgain(size, thrown);
    else this.#tell('truncated', size);
  }

  #tryAgain(size: number, thrown: unknown): void {
    const error = thrown === undefined ? undefined : toDatabaseError(thrown);
    const busy = error === undefined || error instanceof BusyError;
    this.#tell(busy ? 'busy' : 'failed', size, busy ? undefined : error);
    const { after } = this.#config.walTruncate;
    this.#pause = this.#pause === 0 ? after : Math.min(Math.max(LONGEST_PAUSE, after), 2 * this.#pause);
    this.#lookIn(this.#pause);
  }

  #tell(outcome: WalEvent['outcome'], size: number, error?: DatabaseError): void {
    this.#told = outcome === 'truncated' ? 0 : size;
    if (!events.hasSubscribers) return;
    const { frames, checkpointed } = readFrames(this.#path) ?? {};
    const event: WalEvent = { path: this.#path, outcome, size, frames, checkpointed, error };
    events.publish(event);
  }
}
