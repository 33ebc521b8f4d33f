import { setTimeout as sleep } from 'node:timers/promises';
import { SyncError } from '../../errors.js';
import type { SyncOutcome } from '../engine.js';
import { collectNow } from '../libsql/collect.js';
import { type NativeReplica, openNativeReplica } from '../libsql/native.js';
import { logSize } from './files.js';
import type { LogTail } from './history-check.js';
import { openRelay, type Relay } from './relay.js';

/** A server may need some seconds after a large transaction until it can send it (sqld 0.24.1). */
const SNAPSHOT_WITHIN = 15_000;
const ASK_SNAPSHOT_AGAIN = 250;

/** What a sync has brought. */
type Brought = Pick<SyncOutcome, 'frameNo' | 'framesSynced'>;

/** How often it is looked whether a sync gets on, in ms. */
const LOOK_EVERY = 250;
/** How long the binding may take to end a sync whose connections were cut; it tries for 3 s (libsql 0.5.29). */
const ENDS_WITHIN = 10_000;

/** How a replica is opened for syncing. */
export interface NativeSyncOptions {
  /** The HTTP address of the server. */
  readonly server: string;
  readonly token: string | undefined;
  readonly encryptionKey: string | undefined;
  readonly remoteEncryptionKey: string | undefined;
}

/** The one handle of the binding that syncs a file, and its way to the server. */
export class NativeSync {
  /** The last frame that the file has, as far as it came since this was opened. */
  tail: LogTail | undefined;
  readonly #path: string;
  readonly #relay: Relay;
  #handle: NativeReplica | undefined;
  /** The sync that the binding has under way, also after it was given up. */
  #running: Promise<unknown> | undefined;

  private constructor(path: string, relay: Relay, handle: NativeReplica) {
    this.#path = path;
    this.#relay = relay;
    this.#handle = handle;
  }

  /**
   * Opens it.
   *
   * @param tail - the last frame that the file has, if it is known. The event loop stands still for one round trip to the server.
   */
  static async open(
    path: string,
    tail: LogTail | undefined,
    options: NativeSyncOptions,
  ): Promise<NativeSync> {
    const relay = await openRelay(options.server);
    relay.setToken(options.token);
    relay.setTail(tail);
    try {
      const handle = openNativeReplica(path, {
        syncUrl: relay.url,
        authToken: relay.secret,
        encryptionKey: options.encryptionKey,
        remoteEncryptionKey: options.remoteEncryptionKey,
      });
      return new NativeSync(path, relay, handle);
    } catch (error) {
      relay.close();
      throw error;
    }
  }

  /**
   * Brings the file up to date.
   *
   * @param patience - how long the server may send nothing, in ms
   * @throws {@link SyncError} when the server has sent nothing for that long
   */
  async sync(token: string | undefined, patience: number): Promise<Brought> {
    const start = performance.now();
    for (;;) {
      try {
        return await this.#sync(token, patience);
      } catch (thrown) {
        const waiting = /snapshot not found/i.test(String(thrown));
        if (!waiting || performance.now() - start > SNAPSHOT_WITHIN) throw thrown;
        await sleep(ASK_SNAPSHOT_AGAIN);
      }
    }
  }

  async #sync(token: string | undefined, patience: number): Promise<Brought> {
    await this.#idle();
    this.#relay.setToken(token);
    this.#relay.mend();
    const handle = this.#handle;
    if (handle === undefined) throw new SyncError('the replica is closed');
    const running = handle.sync();
    const ended = (): void => {
      this.#running = undefined;
    };
    this.#running = running.then(ended, ended);
    const watch = this.#watch(patience);
    try {
      const outcome = await Promise.race([running, watch.givenUp]);
      const { passed } = this.#relay;
      if (outcome.frameNo !== undefined && passed?.frameNo === BigInt(outcome.frameNo)) {
        this.#relay.setTail(passed);
        this.tail = passed;
      }
      return outcome;
    } finally {
      watch.end();
    }
  }

  /** How many connections to the server were made; after a restart of the server there is another. */
  get connections(): number {
    return this.#relay.connections;
  }

  /** Whether the server has sent frames of another history, which the file did not get. */
  get diverged(): boolean {
    return this.#relay.diverged;
  }

  /** Has the sync that is under way fail soon. */
  cut(): void {
    this.#relay.cut();
  }

  /**
   * Resolves when it does not sync any more: a second handle beside it would destroy the file.
   *
   * @param wholly - whether it must have let go of the files too
   */
  async end(wholly: boolean): Promise<void> {
    this.cut();
    while (this.#running !== undefined) await this.#running;
    this.#handle?.close();
    this.#handle = undefined;
    this.#relay.close();
    // The binding (libsql 0.5.29) keeps the files open until its handle is collected. Those who read the file have it
    // collected from time to time.
    if (wholly) await collectNow();
  }

  /** A sync that was given up must have ended before the next. */
  async #idle(): Promise<void> {
    if (this.#running === undefined) return;
    this.cut();
    const late = new Promise<'late'>((resolve) => setTimeout(resolve, ENDS_WITHIN, 'late').unref());
    if ((await Promise.race([this.#running, late])) === 'late') {
      throw new SyncError('a sync that was given up has not ended yet', { retryable: true });
    }
  }

  /** Fails when nothing comes for too long. */
  #watch(patience: number): { readonly givenUp: Promise<never>; end(): void } {
    let state = this.#progress();
    let since = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const givenUp = new Promise<never>((_resolve, reject) => {
      timer = setInterval(
        () => {
          const now = this.#progress();
          if (now !== state) {
            state = now;
            since = performance.now();
          } else if (performance.now() - since >= patience) {
            clearInterval(timer);
            this.cut();
            const seconds = patience / 1_000;
            reject(
              new SyncError(`the sync was given up: the server has sent nothing for ${seconds} seconds`, {
                retryable: true,
              }),
            );
          }
        },
        Math.min(LOOK_EVERY, patience),
      );
      // The binding keeps the process alive while it syncs.
      timer.unref();
    });
    givenUp.catch(ignore);
    return { givenUp, end: () => clearInterval(timer) };
  }

  #progress(): string {
    return `${this.#relay.received} ${logSize(this.#path)}`;
  }
}

function ignore(): void {}
