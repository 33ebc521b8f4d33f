import { type Config, type ResolvedConfig, resolveConfig } from '../config.js';
import { CapabilityError } from '../errors.js';
import { Observer } from '../hooks/observer.js';
import { ReplicaHandle } from '../sync/replica-handle.js';
import type { SyncCallOptions, SyncResult, SyncStatus } from '../sync/status.js';
import { Syncer } from '../sync/syncer.js';
import type { Context } from './context.js';
import { Interrupts } from './interrupts.js';
import { Session } from './session.js';
import { Statements } from './statements.js';

/** A database: connections are opened as they are needed and kept until `close()`. Made by {@link open}. */
export class Database extends Session {
  readonly #syncer: Syncer | undefined;
  readonly #replica: ReplicaHandle | undefined;

  /** @internal */
  constructor(config: ResolvedConfig) {
    const syncer = config.target.kind === 'replica' ? new Syncer(config.sync) : undefined;
    super(newContext(config), syncer, undefined);
    this.#syncer = syncer;
    this.#replica =
      syncer && new ReplicaHandle(syncer, (abort) => this.pool.openMain(abort), this.transactions);
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.pool.closed;
  }

  /**
   * Closes every connection. Open transactions are rolled back, open streams end with an error, calls that wait for a
   * lock are refused. Closing twice is fine.
   */
  async close(): Promise<void> {
    await Promise.all([this.pool.close(), this.#syncer?.close()]);
  }

  /** Same as `close()`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * Brings a replica up to date with its server. The event loop stays free; calls that come while a sync is under way
   * share the next one.
   *
   * @param options - `timeout` (ms, 30000) and `signal` end the wait; the sync itself goes on
   * @returns the number of the last frame, and how many were new
   * @throws {@link SyncError}, {@link NetworkError} or {@link AuthError} when the sync fails
   * @throws {@link TransactionError} inside a transaction
   * @throws {@link CapabilityError} when the database is no replica
   *
   * @example
   * ```ts no-run
   * import { open } from 'turso-dialect';
   *
   * await using db = open({ url: 'file:replica.db', syncUrl: 'libsql://app.turso.io', authToken: 'token' });
   * const { framesSynced } = await db.sync({ timeout: 5_000 });
   * ```
   */
  async sync(options: SyncCallOptions = {}): Promise<SyncResult> {
    return await this.#asReplica().sync(options);
  }

  /**
   * Syncs until the replica has a frame, for instance the one that another replica has told by its
   * `syncStatus().frameNo`.
   *
   * @param frameNo - number of the frame
   * @param options - as for {@link sync}; when the time is over the error is an `InterruptedError` with code `TIMEOUT`
   * @throws as {@link sync}
   */
  async syncUntil(frameNo: number, options: SyncCallOptions = {}): Promise<SyncResult> {
    return await this.#asReplica().syncUntil(frameNo, options);
  }

  /**
   * How far a replica is, and how its last sync went.
   *
   * @throws {@link CapabilityError} when the database is no replica
   */
  syncStatus(): SyncStatus {
    return this.#asReplica().status;
  }

  /**
   * Waits for the syncs that writes and timers have begun.
   *
   * @param options - `timeout` (ms, 30000) and `signal`
   * @returns how far the replica is then; a sync that failed is its `lastError`
   * @throws {@link CapabilityError} when the database is no replica
   */
  async flush(options: SyncCallOptions = {}): Promise<SyncStatus> {
    return await this.#asReplica().flush(options);
  }

  /**
   * Makes a copy of a replica as it is now, which is a database file of its own that can be written. The replica goes on.
   *
   * @param path - where the copy is put; there must be nothing yet
   * @throws {@link DatabaseError} of kind `io` when it can't be written
   * @throws {@link CapabilityError} when the database is no replica
   */
  async freeze(path: string): Promise<void> {
    await this.#asReplica().copy(path, this.config.encryptionKey.reveal());
  }

  #asReplica(): ReplicaHandle {
    if (this.#replica !== undefined) return this.#replica;
    throw new CapabilityError('sync', `a ${this.config.target.kind} database has nothing to sync with`);
  }
}

/**
 * Opens a database. The config is checked now; the connection is made with the first statement or by `ready()`.
 *
 * @param config - a `file:` URL, a path, `:memory:`, or a {@link Config}
 * @throws {@link ConfigError} naming the key that is wrong
 *
 * @example
 * ```ts
 * import { open } from 'turso-dialect';
 *
 * await using db = open('file:app.db');
 * await db.execute('create table if not exists users (id integer primary key, name text)');
 * ```
 */
export function open(config: string | Config): Database {
  return new Database(resolveConfig(config));
}

function newContext(config: ResolvedConfig): Context {
  return {
    config,
    statements: new Statements(config),
    interrupts: new Interrupts(),
    observer: new Observer(config),
    authorizer: undefined,
  };
}
