import {
  type Config,
  checkBehavior,
  checkTimeout,
  type ResolvedConfig,
  type RetryConfig,
  resolveConfig,
  resolveRetry,
  type TransactionBehavior,
} from '../config.js';
import type { Connection, ExecuteRequest, MaybePromise, RawResult } from '../engine/engine.js';
import { CapabilityError, findDatabaseError } from '../errors.js';
import type { AnalyzedStatement } from '../sql/statement.js';
import type { SqlValue } from '../values.js';
import { Abort, type AbortOptions, orAborted, sleep } from './abort.js';
import { Autocommit } from './autocommit.js';
import { type BatchItem, runInOrder } from './batch.js';
import { waitWhileBusy } from './busy.js';
import { Executor } from './executor.js';
import { lendForWriting } from './lend.js';
import type { LockHolder } from './lock.js';
import { Pool } from './pool.js';
import { runScript, type ScriptOptions, type ScriptResult } from './script.js';
import { Statements } from './statements.js';
import type { StreamSource } from './stream.js';
import { ReplicaHandle } from '../sync/replica-handle.js';
import type { SyncCallOptions, SyncResult, SyncStatus } from '../sync/status.js';
import { Syncer } from '../sync/syncer.js';
import { Transaction } from './transaction.js';
import { runInFrame } from './transaction-frame.js';

/** How a transaction is run. */
export interface TransactionOptions extends AbortOptions {
  /** How it takes its locks. @default config.transactionBehavior */
  readonly behavior?: TransactionBehavior | undefined;
  /**
   * How often the callback is run again after a lock or write conflict; a number of times or more precisely.
   * @default config.retry
   */
  readonly retry?: number | RetryConfig | undefined;
}

/** A database: connections are opened as they are needed and kept until `close()`. Made by {@link open}. */
export class Database extends Executor {
  readonly #pool: Pool;
  readonly #autocommit: Autocommit;
  readonly #syncer: Syncer | undefined;
  readonly #replica: ReplicaHandle | undefined;
  /** Ids of the transactions that are open. */
  readonly #transactions = new Set<number>();

  /** @internal */
  constructor(config: ResolvedConfig) {
    super(config, new Statements(config));
    const syncer = config.target.kind === 'replica' ? new Syncer(config.sync) : undefined;
    this.#syncer = syncer;
    this.#pool = new Pool(config, syncer);
    this.#replica =
      syncer && new ReplicaHandle(syncer, (abort) => this.#pool.openMain(abort), this.#transactions);
    this.#autocommit = new Autocommit(config, this.#pool);
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#pool.closed;
  }

  /**
   * Connects now instead of with the first statement.
   *
   * @throws {@link DatabaseError} when the database can't be opened
   */
  async ready(): Promise<void> {
    const connection = await this.#pool.openMain();
    await connection.execute(this.statements.one('select 1'), [], { fetch: 'none' });
  }

  /**
   * Closes every connection. Open transactions are rolled back, open streams end with an error, calls that wait for a
   * lock are refused. Closing twice is fine.
   */
  async close(): Promise<void> {
    await Promise.all([this.#pool.close(), this.#syncer?.close()]);
  }

  /** Same as `close()`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * Runs a callback in a transaction: commits when it resolves, rolls back when it throws, and throws what it threw.
   *
   * @param callback - is given the transaction; everything in it must go through that, not through the database
   * @param options - `behavior`, `retry`, and `signal` and `timeout` (ms) for the transaction as a whole
   * @throws {@link BusyError} when the locks were not to be had in `busyTimeout`
   * @throws {@link CapabilityError} when the engine does not know the behaviour
   * @throws {@link TransactionLostError} when the database itself ended the transaction
   *
   * @example
   * ```ts
   * import { open } from 'turso-dialect';
   *
   * await using db = open(':memory:');
   * await db.execute('create table counter (value integer)');
   * await db.transaction(
   *   async (tx) => {
   *     await tx.execute('insert into counter values (1)');
   *     await tx.execute('update counter set value = value + 1');
   *   },
   *   { behavior: 'immediate', retry: 3 },
   * );
   * ```
   */
  async transaction<T>(
    callback: (tx: Transaction) => T | Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    const abort = Abort.from({ signal: options.signal, timeout: checkTimeout(options.timeout) });
    try {
      return await this.runTransaction(callback, options, abort);
    } finally {
      abort?.dispose();
    }
  }

  /** @internal What `transaction()` does, with the signal and the timeout as one. */
  async runTransaction<T>(
    callback: (tx: Transaction) => T | Promise<T>,
    options: Pick<TransactionOptions, 'behavior' | 'retry'>,
    abort: Abort | undefined,
  ): Promise<T> {
    const retry = options.retry === undefined ? this.config.retry : resolveRetry(options.retry);
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#runOnce(callback, options.behavior, abort);
      } catch (error) {
        const again = attempt < retry.attempts && findDatabaseError(error)?.retryable === true;
        if (!again || abort?.error !== undefined) throw error;
        const pause = Math.min(retry.minDelay * 2 ** attempt, retry.maxDelay);
        await sleep(pause * (0.5 + Math.random() / 2), abort);
      }
    }
  }

  /**
   * Runs a script of many statements without parameters. Triggers, strings and comments may contain `;`. Statements
   * before a failed one are kept, unless `atomic` is set or the script has transactions of its own.
   *
   * @param options - `atomic`, `behavior` of the transaction if so; `signal` and `timeout` (ms)
   * @throws {@link DatabaseError} with `statementIndex` and `position` of the failed statement
   *
   * @example
   * ```ts
   * import { open } from 'turso-dialect';
   *
   * await using db = open(':memory:');
   * const { statementCount } = await db.script('create table t (a); insert into t values (1), (2);', { atomic: true });
   * console.log(statementCount); // 2
   * ```
   */
  async script(sql: string, options: ScriptOptions = {}): Promise<ScriptResult> {
    const abort = this.abortFrom(options);
    try {
      return await runScript(this, sql, { ...options, abort });
    } finally {
      abort?.dispose();
    }
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
    await this.#asReplica().freeze(path);
  }

  /**
   * @internal Runs `use` with a connection that nobody else touches, under the write lock. What it leaves behind on
   * the connection it must undo; an open transaction is rolled back.
   */
  async withConnection<T>(use: (connection: Connection) => Promise<T>, abort?: Abort): Promise<T> {
    const holder: LockHolder = { transactionId: undefined, lastActive: performance.now() };
    const { lease, release } = await lendForWriting(this.#pool, holder, abort, true);
    try {
      lease.connection.pin?.();
      return await use(lease.connection);
    } finally {
      await release();
    }
  }

  /** @internal Begins a transaction that its owner commits or rolls back. */
  async begin(wanted?: TransactionBehavior, abort?: Abort): Promise<Transaction> {
    const behavior = this.#checkBehavior(wanted);
    const transaction = new Transaction(this.config, this.statements, behavior, abort);
    const writes = behavior === 'immediate' || behavior === 'exclusive';
    const { lease, release, lock } = await lendForWriting(this.#pool, transaction.holder, abort, writes);
    try {
      await waitWhileBusy(() => lease.connection.begin(behavior), this.config.busyTimeout, abort);
    } catch (error) {
      await release();
      throw error;
    }
    this.#transactions.add(transaction.id);
    const end = (): Promise<void> => {
      this.#transactions.delete(transaction.id);
      return release();
    };
    const takeLater = (stop: Abort | undefined): Promise<void> =>
      lock?.acquire(transaction.holder, this.#pool.lockWait(stop)) ?? Promise.resolve();
    transaction.started(lease.connection, end, writes || lock === undefined ? undefined : takeLater);
    return transaction;
  }

  /** @internal */
  override runStatement(
    statement: AnalyzedStatement,
    values: readonly SqlValue[],
    request: ExecuteRequest,
    abort?: Abort,
  ): MaybePromise<RawResult> {
    return this.#autocommit.run(statement, values, request, abort);
  }

  /** @internal */
  override openSource(
    statement: AnalyzedStatement,
    values: readonly SqlValue[],
    options: { readonly exactIntegers: boolean; readonly abort: Abort | undefined },
  ): Promise<StreamSource> {
    return this.#autocommit.openSource(statement, values, options);
  }

  /** @internal */
  override async runAtomically(
    items: readonly BatchItem[],
    options: { readonly behavior?: TransactionBehavior | undefined; readonly abort?: Abort | undefined },
  ): Promise<RawResult[]> {
    const { abort } = options;
    const behavior = this.#checkBehavior(options.behavior);
    const connection = await this.#pool.openMain(abort);
    if (connection.batch === undefined) {
      return await this.#runOnce((tx) => runInOrder(tx, items, undefined), behavior, abort);
    }
    return await this.#autocommit.batch(items, behavior, abort);
  }

  async #runOnce<T>(
    callback: (tx: Transaction) => T | Promise<T>,
    behavior: TransactionBehavior | undefined,
    abort: Abort | undefined,
  ): Promise<T> {
    const transaction = await this.begin(behavior, abort);
    let result: T;
    try {
      const run = runInFrame(transaction.id, () => callback(transaction));
      result = await (abort === undefined ? run : orAborted(run, abort));
    } catch (error) {
      await transaction.rollbackAfter(error);
      throw error;
    }
    await transaction.commit();
    return result;
  }

  #asReplica(): ReplicaHandle {
    if (this.#replica !== undefined) return this.#replica;
    throw new CapabilityError('sync', `a ${this.config.target.kind} database has nothing to sync with`);
  }

  #checkBehavior(wanted: TransactionBehavior | undefined): TransactionBehavior {
    const behavior = checkBehavior(wanted, this.config.transactionBehavior, 'behavior');
    if (behavior !== 'concurrent') return behavior;
    throw new CapabilityError(
      'concurrent',
      "the libsql engine has no transactions with behavior 'concurrent'",
    );
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
