import {
  type Config,
  checkEncryptionKey,
  checkTimeout,
  describeTarget,
  type ResolvedConfig,
  resolveConfig,
} from '../config.js';
import { knowsFiles, localConfig } from '../config/local-config.js';
import { CapabilityError, closedError, ParameterError } from '../errors.js';
import { need } from '../features.js';
import { type AccessRule, AccessRules } from '../hooks/access-rules.js';
import { Authorizer } from '../hooks/authorizer.js';
import { type ChangeEvent, ChangeFeed, type Unsubscribe } from '../hooks/change-feed.js';
import { Observer } from '../hooks/observer.js';
import type { Watcher } from '../hooks/watcher.js';
import { checkOptions } from '../options.js';
import { Secret } from '../secret.js';
import type { ReplicaHandle } from '../sync/replica-handle.js';
import type { SyncCallOptions, SyncResult, SyncStatus } from '../sync/status.js';
import type { Syncer } from '../sync/syncer.js';
import type { Context } from './context.js';
import { databaseOf } from './database-key.js';
import { Interrupts } from './interrupts.js';
import { localParts } from './local-parts.js';
import type { SessionPool } from './pool.js';
import { Session } from './session.js';
import { Statements } from './statements.js';

/** What a database is: see {@link Database.describe}. */
export interface DatabaseDescription {
  /** `remote`: a server. `client`: whatever a client leads to that was handed in. */
  readonly kind: 'memory' | 'file' | 'replica' | 'remote' | 'client';
  /** Address of the server, its own for a replica, or path of the file; undefined for a client. */
  readonly location: string | undefined;
  /**
   * The keys of the config that only a database of another kind needs, and that have no effect here; `concurrency` if it was
   * lowered to what a server allows.
   */
  readonly keysWithoutEffect: readonly string[];
}

/** A database: connections are opened as they are needed and kept until `close()`. Made by {@link open}. */
export class Database extends Session {
  /** @internal */
  readonly syncer: Syncer | undefined;
  private readonly replica: ReplicaHandle | undefined;
  private readonly feed: ChangeFeed;
  private readonly watchers: Set<Watcher>;

  /**
   * @internal
   * @param view - what it is a view of, and what guards it or where its connections are from instead
   */
  constructor(
    config: ResolvedConfig,
    view?: { readonly of: Database; readonly authorizer?: Authorizer; readonly pool?: SessionPool },
  ) {
    const { of, pool } = view ?? {};
    const authorizer = view?.authorizer ?? of?.context.authorizer;
    const isReplica = of === undefined && config.features.sync === true;
    const syncer = isReplica ? new (localParts().Syncer)(config.sync) : of?.syncer;
    super(of === undefined ? newContext(config) : { ...of.context, config, authorizer }, syncer, of, pool);
    this.syncer = syncer;
    this.replica =
      of?.replica ??
      (syncer &&
        new (localParts().ReplicaHandle)(syncer, (abort) => this.pool.openMain(abort), this.transactions));
    this.feed = of?.feed ?? new ChangeFeed((listener) => this.pool.setListener(listener));
    this.watchers = of?.watchers ?? new Set();
  }

  /** @internal */
  get [databaseOf](): Database {
    return this;
  }

  /**
   * What the database is, for a log; nothing in it is secret.
   *
   * @example
   * ```ts
   * import { open } from 'turso-dialect';
   *
   * await using db = open({ url: 'file:app.db', authToken: 'token' });
   * console.log(db.describe()); // { kind: 'file', location: 'app.db', keysWithoutEffect: [ 'authToken' ] }
   * ```
   */
  describe(): DatabaseDescription {
    const { target, keysWithoutEffect } = this.config;
    return { ...describeTarget(target), keysWithoutEffect };
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
    this.assertWhole('close()');
    this.feed.close();
    for (const { root } of this.transactions.values()) root.presence?.close(closedError);
    // All at once: from now on nothing more runs, and what fails to close keeps nothing else open.
    const parts = [this.pool, this.syncer, ...this.watchers];
    const outcomes = await Promise.allSettled(parts.map(async (part) => part?.close()));
    const failed = outcomes.find(({ status }) => status === 'rejected');
    if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
  }

  /** @internal Opens it again after `close()`. What was made on it, such as a Drizzle database, then works again. */
  reopen(): void {
    // Every handle refers to this object, so it takes over the state of a database that was opened with the same config.
    if (this.closed) Object.assign(this, new Database(this.config));
  }

  /** Same as `close()`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * Stops every statement, stream, script and wait of this handle that is under way; each fails with an
   * {@link InterruptedError}. A transaction in which nothing is running stays open. The handle can be used again at once,
   * and other handles on the same database do not notice. On a file most statements are over before anything else can
   * run; those with a `signal` or `timeout` are the ones that can be stopped. At a server a write that was stopped may have
   * been done.
   *
   * @throws {@link CapabilityError} for a client that was handed in
   *
   * @example
   * ```ts
   * import { InterruptedError, open } from 'turso-dialect';
   *
   * await using db = open(':memory:');
   * const endless = 'with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n';
   * const running = db.execute(endless, [], { timeout: 60_000 });
   * setTimeout(() => db.interrupt(), 10);
   * await running.catch((error) => console.log(error instanceof InterruptedError)); // true
   * ```
   */
  interrupt(): void {
    this.assertWhole('interrupt()');
    if (this.closed) throw closedError();
    need(this.config.features, 'interrupt');
    this.pool.interrupt();
    this.context.interrupts.interrupt();
  }

  /**
   * Tells about rows that are changed through this handle, after the transaction that has changed them was committed, in
   * the order in which they were changed; not about what was rolled back. Cascades, triggers and upserts are included,
   * what other handles and processes write is not: see {@link watch}. Without listeners it costs nothing.
   *
   * Rows that REPLACE removes for another reason than their rowid or key are told as long as the schema has no triggers.
   * Changes of virtual tables and of attached databases are not told, nor a transaction that was open before.
   *
   * @param tables - names of tables, or `'all'`
   * @param listener - called in a microtask; what it throws becomes a process warning
   * @returns the way to end it
   * @throws {@link CapabilityError} on a server or replica, where rows are changed elsewhere
   *
   * @example
   * ```ts
   * import { open } from 'turso-dialect';
   *
   * await using db = open(':memory:');
   * await db.execute('create table users (id integer primary key, name text)');
   * const stop = db.onChange(['users'], ({ table, operation, rowid }) => console.log(table, operation, rowid));
   * await db.execute("insert into users (name) values ('Ada')"); // users insert 1n
   * stop();
   * ```
   */
  onChange(tables: 'all' | readonly string[], listener: (event: ChangeEvent) => void): Unsubscribe {
    this.assertWhole('onChange()');
    need(this.config.features, 'changes');
    return this.feed.onChange(tables, listener);
  }

  /**
   * Calls back after every commit through this handle of a statement or transaction that wrote.
   *
   * @param listener - called in a microtask; what it throws becomes a process warning
   * @returns the way to end it
   *
   * @example
   * ```ts
   * import { open } from 'turso-dialect';
   *
   * await using db = open(':memory:');
   * const stop = db.onCommit(() => console.log('committed'));
   * await db.execute('create table t (a)'); // committed
   * stop();
   * ```
   */
  onCommit(listener: () => void): Unsubscribe {
    this.assertWhole('onCommit()');
    return this.feed.onCommit(listener);
  }

  /**
   * Calls back after every rollback through this handle of a statement or transaction that may have written; otherwise as
   * {@link onCommit}.
   *
   * @returns the way to end it
   */
  onRollback(listener: () => void): Unsubscribe {
    this.assertWhole('onRollback()');
    return this.feed.onRollback(listener);
  }

  /**
   * Says that something was committed to the file, by this process or another, or was brought by a sync. What it was it
   * does not say.
   *
   * @param listener - called once for any number of commits since the last call
   * @param options - `interval` in ms between two looks at the file, 100 unless told
   * @returns the way to end it, once every commit that follows will be noticed
   * @throws {@link CapabilityError} in memory, which no other process sees, and on a server
   *
   * @example
   * ```ts
   * import { open } from 'turso-dialect';
   *
   * await using db = open('file:app.db');
   * const stop = await db.watch(() => console.log('something has changed'), { interval: 250 });
   * await stop();
   * ```
   */
  async watch(
    listener: () => void,
    options: { readonly interval?: number } = {},
  ): Promise<() => Promise<void>> {
    checkOptions(options, 'watch()', ['interval']);
    const { interval = 100 } = options;
    this.assertWhole('watch()');
    need(this.config.features, 'watch');
    if (typeof listener !== 'function') throw new ParameterError('watch() takes a function');
    checkTimeout(interval);
    // The file of a replica must be there.
    await this.ready();
    const { Watcher: FileWatcher } = localParts();
    const watcher = new FileWatcher(() => this.pool.openApart(), listener, interval);
    this.watchers.add(watcher);
    await watcher.start();
    return async () => {
      this.watchers.delete(watcher);
      await watcher.close();
    };
  }

  /**
   * A view of this database that runs only what rules allow; what it runs shares the connections of this one. The first
   * rule that matches decides, and what none matches is refused with an {@link AccessError} before it runs. The
   * bytecode of a statement tells what it does, so views, triggers, quoted names and the like hide nothing.
   *
   * UPDATE and DELETE also read the rows that they change, and a foreign key reads the table that it points to. Who may do
   * `schema` or `attach` may do everything in the end. On a server each statement costs one round trip more.
   *
   * @throws {@link ConfigError} naming the rule that is wrong
   *
   * @example
   * ```ts
   * import { open } from 'turso-dialect';
   *
   * await using db = open(':memory:');
   * await db.execute('create table users (id integer primary key, name text, password text)');
   * const reader = db.restricted([
   *   { effect: 'deny', actions: ['read'], columns: ['password'] },
   *   { effect: 'allow', actions: ['read'], tables: ['users'] },
   * ]);
   * await reader.execute('select id, name from users');
   * await reader.execute('select * from users').catch((error) => console.log(error.message));
   * // the statement may not read "users.password"
   * ```
   */
  restricted(rules: readonly AccessRule[]): Database {
    const authorizer = new Authorizer(new AccessRules(rules), this.context.authorizer);
    return new Database(this.config, { of: this, authorizer });
  }

  /**
   * Encrypts the file with another key, encrypts a file that was not, or decrypts it. It needs the file for itself: waits
   * until transactions and streams of this handle have ended, and fails while another process has the file open.
   *
   * @param key - 32 characters at least; null for none
   * @throws {@link BusyError} when the file is in use; nothing was changed then
   * @throws {@link CapabilityError} where there is no file of its own
   *
   * @example
   * ```ts
   * import { open } from 'turso-dialect';
   *
   * await using db = open({ url: 'file:app.db', encryptionKey: 'the old key, of more than 32 characters' });
   * await db.rekey('the new key, of more than 32 characters');
   * ```
   */
  async rekey(key: string | null): Promise<void> {
    this.assertWhole('rekey()');
    const newKey = checkEncryptionKey(key ?? undefined, 'key');
    need(this.config.features, 'rekey');
    await this.pool.alone(async (engine) => {
      await engine.rekey?.(newKey);
      this.config.encryptionKey = new Secret(newKey);
    });
  }

  /**
   * Makes a copy of the file as one moment has it, while everything goes on. The copy appears when it is complete and its
   * pages were checked; what fails leaves nothing behind.
   *
   * @param path - where the copy is put, a path or a `file:` URL; there must be nothing yet
   * @param options - `encryptionKey` of the copy: 32 characters at least, null for none; that of this file unless told
   * @throws {@link DatabaseError} of kind `io` when it can't be written, `corrupt` when the file is damaged
   * @throws {@link CapabilityError} in memory and on a server
   *
   * @example
   * ```ts
   * import { open } from 'turso-dialect';
   *
   * await using db = open('file:app.db');
   * await db.copyTo('backup.db', { encryptionKey: 'correct horse battery staple, and so on' });
   * ```
   */
  async copyTo(path: string, options: { readonly encryptionKey?: string | null } = {}): Promise<void> {
    checkOptions(options, 'copyTo()', ['encryptionKey']);
    const { encryptionKey } = options;
    this.assertWhole('copyTo()');
    if (!knowsFiles()) need(this.config.features, 'copy');
    const to = newFile(path, 'copyTo()');
    const own = this.config.encryptionKey.reveal();
    const key = encryptionKey === undefined ? own : checkEncryptionKey(encryptionKey ?? undefined);
    if (this.replica !== undefined) return await this.replica.copy(to, key);
    need(this.config.features, 'copy');
    await this.pool.openMain();
    const engine = await this.pool.engine();
    await engine.copy?.(to, key);
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
    return await this.asReplica().sync(options);
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
    return await this.asReplica().syncUntil(frameNo, options);
  }

  /**
   * Deletes the file of a replica and makes it again from its server, also when it is damaged or no longer a replica. What
   * was only in the file is lost. Reads wait until it is done; a transaction that reads the file meanwhile fails.
   *
   * @param options - as for {@link sync}
   * @throws as {@link sync}
   *
   * @example
   * ```ts no-run
   * import { open } from 'turso-dialect';
   *
   * await using db = open({ url: 'file:replica.db', syncUrl: 'libsql://app.turso.io', authToken: 'token' });
   * await db.rebuild({ timeout: 600_000 });
   * ```
   */
  async rebuild(options: SyncCallOptions = {}): Promise<SyncResult> {
    return await this.asReplica().rebuild(options);
  }

  /**
   * How far a replica is, and how its last sync went.
   *
   * @throws {@link CapabilityError} when the database is no replica
   */
  syncStatus(): SyncStatus {
    return this.asReplica().status;
  }

  /**
   * Waits for the syncs that writes and timers have begun.
   *
   * @param options - `timeout` (ms, 30000) and `signal`
   * @returns how far the replica is then; a sync that failed is its `lastError`
   * @throws {@link CapabilityError} when the database is no replica
   */
  async flush(options: SyncCallOptions = {}): Promise<SyncStatus> {
    return await this.asReplica().flush(options);
  }

  /**
   * Makes a copy of a replica as it is now, which is a database file of its own that can be written. The replica goes on.
   *
   * @param path - where the copy is put, a path or a `file:` URL; there must be nothing yet
   * @throws {@link DatabaseError} of kind `io` when it can't be written, `corrupt` when the file is damaged
   * @throws {@link CapabilityError} when the database is no replica
   */
  async freeze(path: string): Promise<void> {
    this.assertWhole('freeze()');
    if (!knowsFiles()) this.asReplica();
    const to = newFile(path, 'freeze()');
    await this.asReplica().copy(to, this.config.encryptionKey.reveal());
  }

  /** A view that is guarded runs statements, and nothing that goes around its guard or concerns the whole database. */
  private assertWhole(method: string): void {
    if (this.context.authorizer === undefined) return;
    throw new CapabilityError('restricted', `${method} is not for a restricted view of a database`);
  }

  private asReplica(): ReplicaHandle {
    this.assertWhole('syncing');
    need(this.config.features, 'sync');
    return this.replica as ReplicaHandle;
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

/** Where a copy is to be put. */
function newFile(path: unknown, method: string): string {
  if (path === ':memory:') throw new ParameterError(`${method} takes the path of a file, and not ":memory:"`);
  return localConfig().toPath(
    path,
    (problem) => new ParameterError(`${method} takes the path of a file: ${problem}`),
  );
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
