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

  /** @internal */
  constructor(config: ResolvedConfig) {
    super(config, new Statements(config));
    this.#pool = new Pool(config);
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
    await this.#pool.close();
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
   * Brings the local copy of a database up to date.
   *
   * @throws {@link CapabilityError} when the database is no copy of another, which none is yet
   */
  async sync(): Promise<void> {
    throw new CapabilityError('sync', `a ${this.config.target.kind} database has nothing to sync with`);
  }

  /**
   * @internal Runs `use` with a connection that nobody else touches, under the write lock. What it leaves behind on
   * the connection it must undo; an open transaction is rolled back.
   */
  async withConnection<T>(use: (connection: Connection) => Promise<T>, abort?: Abort): Promise<T> {
    const holder: LockHolder = { transactionId: undefined, lastActive: performance.now() };
    const { lease, release } = await lendForWriting(this.#pool, holder, abort, true);
    try {
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
    const takeLater = (stop: Abort | undefined): Promise<void> =>
      lock?.acquire(transaction.holder, this.#pool.lockWait(stop)) ?? Promise.resolve();
    transaction.started(lease.connection, release, writes || lock === undefined ? undefined : takeLater);
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
