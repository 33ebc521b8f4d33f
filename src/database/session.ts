import {
  checkBehavior,
  checkTimeout,
  type RetryConfig,
  resolveRetry,
  type TransactionBehavior,
} from '../config.js';
import type { ColumnOrigin, Connection, MaybePromise, RawResult, ReplicaPolicy } from '../engine/engine.js';
import { CapabilityError, findDatabaseError } from '../errors.js';
import { need } from '../features.js';
import { ABORT_OPTIONS, checkChoice, checkOptions } from '../options.js';
import type { EndStatement, StatementOrigin } from '../hooks/observer.js';
import type { AnalyzedStatement } from '../sql/statement.js';
import type { SqlValue } from '../values.js';
import { Abort, type AbortOptions, orAborted, sleep } from './abort.js';
import { after } from './after.js';
import { Autocommit } from './autocommit.js';
import { type BatchItem, runInOrder } from './batch.js';
import type { Context } from './context.js';
import { Executor } from './executor.js';
import type { Guard, GuardedRequest } from './guard.js';
import { type AroundTransaction, lendBegun, lendForWriting } from './lend.js';
import { scripts } from './lazy.js';
import { type Lock, newHolder } from './lock.js';
import { assertUnrestricted, type Metadata, toMetadata } from './metadata.js';
import { Pool, type SessionPool } from './pool.js';
import { withOwnTimeout } from './pragma/own.js';
import { connectionSetting } from './pragma/text.js';
import { markUnlike } from './run.js';
import type { ScriptOptions, ScriptResult } from './script.js';
import type { SourceOptions, StreamSource } from './stream.js';
import { Transaction } from './transaction.js';
import { presenceOf } from './transaction-root.js';
import { enclosingTransactions, isFollowed, runInFrame } from './transaction-frame.js';
import { nextTurn, turnIsOver } from './turn.js';

/** Where statements outside a transaction run. */
const OUTSIDE: StatementOrigin = { transactionId: undefined, attempt: 1 };

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

/** The part of a database that runs statements, transactions and scripts. */
export abstract class Session extends Executor {
  /** @internal */
  readonly pool: SessionPool;
  private readonly autocommit: Autocommit;
  /** @internal The transactions that are open, by their ids. */
  readonly transactions: Map<number, Transaction>;

  /**
   * @internal
   * @param shared - the session whose connections this one shares
   * @param pool - what it takes its connections from instead
   */
  constructor(
    context: Context,
    policy: ReplicaPolicy | undefined,
    shared: Session | undefined,
    pool?: SessionPool,
  ) {
    super(context);
    this.pool = pool ?? shared?.pool ?? new Pool(context.config, context.interrupts, policy);
    this.autocommit =
      shared === undefined || pool !== undefined ? new Autocommit(context, this.pool) : shared.autocommit;
    this.transactions = shared?.transactions ?? new Map();
  }

  /** @internal */
  override get origin(): StatementOrigin {
    return OUTSIDE;
  }

  /**
   * Connects now instead of with the first statement.
   *
   * @param options - `signal` and `timeout` (ms)
   * @throws {@link DatabaseError} when the database can't be opened
   */
  async ready(options?: AbortOptions): Promise<void> {
    checkOptions(options, 'ready()', ABORT_OPTIONS);
    const abort = this.abortFrom(options);
    try {
      await this.pool.openMain(abort);
      // A memory database is there with its connection, which a transaction may have.
      if (this.pool.single !== undefined) return;
      const statement = this.statements.one('select 1');
      await this.autocommit.withMain(
        (connection) => connection.execute(statement, [], { fetch: 'none' }),
        abort,
      );
    } finally {
      abort?.dispose();
    }
  }

  /**
   * Runs a callback in a transaction: commits when it resolves, rolls back when it throws, and throws what it threw.
   *
   * @param callback - is given the transaction; everything in it must go through that, not through the database
   * @param options - `behavior`, `retry`, and `signal` and `timeout` (ms) for the transaction as a whole
   * @throws {@link BusyError} when the locks could not be acquired within `busyTimeout`
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
    checkOptions(options, 'transaction()', ['behavior', 'retry', ...ABORT_OPTIONS]);
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
        return await this.runOnce(callback, options.behavior, abort, attempt + 1);
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
    checkOptions(options, 'script()', ['atomic', 'behavior', ...ABORT_OPTIONS]);
    checkChoice(options.atomic, 'atomic', [true, false]);
    const abort = this.abortFrom(options);
    try {
      const { runScript } = scripts.loaded ?? (await scripts.load());
      return await runScript(this, sql, { ...options, abort });
    } finally {
      abort?.dispose();
    }
  }

  /**
   * @internal Runs `use` with a connection that nobody else touches, under the write lock. What it leaves behind on
   * the connection it must undo; an open transaction is rolled back.
   *
   * @param guarded - whether it asks the authorizer itself
   */
  async withConnection<T>(
    use: (connection: Connection) => Promise<T>,
    abort?: Abort,
    guarded = false,
  ): Promise<T> {
    if (this.context.authorizer !== undefined && !guarded) {
      throw new CapabilityError(
        'restricted',
        'a restricted view of a database can not do this; use the whole one',
      );
    }
    await this.waitOutside(abort);
    const holder = newHolder();
    const { lease, release } = await lendForWriting(this.pool, holder, abort, true);
    try {
      lease.connection.pin?.();
      return await use(lease.connection);
    } finally {
      await release();
    }
  }

  /** @internal Begins a transaction that its owner commits or rolls back; on a connection of `pool`. */
  async begin(
    wanted?: TransactionBehavior,
    abort?: Abort,
    attempt = 1,
    around?: AroundTransaction,
    pool = this.pool,
  ): Promise<Transaction> {
    const behavior = this.behaviorOf(wanted);
    const transaction = new Transaction(this.context, { behavior, attempt, abort });
    const writes = this.config.features.behaviors[behavior] === 'begin';
    if (writes) await this.waitOutside(abort);
    const { lease, release, lock } = await this.bounded(abort, (either) =>
      lendBegun(pool, this.context, transaction, either, around),
    );
    this.transactions.set(transaction.id, transaction);
    const end = async (): Promise<void> => {
      this.transactions.delete(transaction.id);
      await release();
      transaction.root.presence?.release(transaction.root.holder);
      if (turnIsOver()) await nextTurn();
    };
    const takeLater = (stop: Abort | undefined): Promise<void> =>
      lock?.acquire(transaction.holder, pool.lockWait(stop)) ?? Promise.resolve();
    transaction.started(lease.connection, end, writes || lock === undefined ? undefined : takeLater);
    return transaction;
  }

  /** @internal */
  protected override runDirectly(
    statement: AnalyzedStatement,
    values: readonly SqlValue[],
    request: GuardedRequest,
    abort?: Abort,
  ): MaybePromise<RawResult> {
    const outside = statement.kind === 'read' ? undefined : this.waitOutside(abort);
    if (outside !== undefined) return outside.then(() => this.runDirectly(statement, values, request, abort));
    const setting = statement.pragma === undefined ? undefined : connectionSetting(statement);
    // With an abort it would be set on another connection than the one that statements run on.
    const result = this.autocommit.run(statement, values, request, setting === undefined ? abort : undefined);
    if (setting === undefined) return result;
    return after(result, (raw) => {
      if (setting.value !== undefined) this.config.pragmas[setting.name] = setting.value;
      this.pool.retire();
      return raw;
    });
  }

  /** @internal */
  override async setConnectionPragma(name: string, value: string | number): Promise<void> {
    this.context.authorizer?.checkPragma(name);
    const { pragmas, features } = this.config;
    const before = pragmas[name];
    pragmas[name] = value;
    try {
      // Every connection applies it when it is opened.
      if (name === 'journal_mode' && features.connections === 'many') {
        await this.pool.alone(async (engine) => (await engine.connect()).close());
      } else {
        await this.autocommit.withMain(async (connection) => {
          markUnlike(connection);
          connection.applyPragma?.(name, value);
        });
        this.pool.retire();
      }
    } catch (error) {
      if (before === undefined) delete pragmas[name];
      else pragmas[name] = before;
      throw error;
    }
  }

  /** @internal */
  protected override openDirectly(
    statement: AnalyzedStatement,
    values: readonly SqlValue[],
    options: SourceOptions,
  ): Promise<StreamSource> {
    return this.autocommit.openSource(statement, values, options);
  }

  /** @internal */
  override async runAtomically(
    given: readonly BatchItem[],
    options: { readonly behavior?: TransactionBehavior | undefined; readonly abort?: Abort | undefined },
  ): Promise<RawResult[]> {
    const { abort } = options;
    const behavior = this.behaviorOf(options.behavior);
    if (behavior !== 'read') await this.waitOutside(abort);
    const connection = await this.pool.prepare(abort);
    if (connection.batch === undefined) {
      return await this.runOnce((tx) => runInOrder(tx, given, undefined), behavior, abort);
    }
    const items = given.map((item) => ({ ...item, statement: withOwnTimeout(this.context, item.statement) }));
    const guard =
      this.context.authorizer &&
      (await this.guardOf(items.map(({ statement, values }, index) => ({ statement, values, index }))));
    return await this.observed(items, (traced) => this.autocommit.batch(traced, behavior, abort, guard));
  }

  override async metadata(): Promise<Metadata> {
    assertUnrestricted(this.context.authorizer);
    need(this.config.features, 'metadata');
    return toMetadata(await this.autocommit.metadata(), true);
  }

  /** @internal */
  protected override async describeDirectly(
    statement: AnalyzedStatement,
    guard: Guard | undefined,
    abort: Abort | undefined,
  ): Promise<readonly ColumnOrigin[]> {
    return await this.autocommit.withMain(async (connection) => {
      await guard?.check(connection);
      return await connection.describe(statement);
    }, abort);
  }

  /** Tells about the statements of a batch that is sent as one. */
  private async observed(
    items: readonly BatchItem[],
    run: (items: readonly BatchItem[]) => Promise<RawResult[]>,
  ): Promise<RawResult[]> {
    const { observer } = this.context;
    if (!observer.active) return await run(items);
    const ends = items.map(({ statement, values }) => observer.begin(statement, values, OUTSIDE));
    const traced = items.map((item, i) => ({
      ...item,
      request: { ...item.request, trace: (ends[i] as EndStatement).trace },
    }));
    try {
      const results = await run(traced);
      for (const [i, { rows, rowsAffected }] of results.entries()) {
        ends[i]?.({ rows: rows.length, rowsAffected });
      }
      return results;
    } catch (error) {
      for (const end of ends) end({ error });
      throw error;
    }
  }

  private async runOnce<T>(
    callback: (tx: Transaction) => T | Promise<T>,
    behavior: TransactionBehavior | undefined,
    abort: Abort | undefined,
    attempt = 1,
  ): Promise<T> {
    const transaction = await this.begin(behavior, abort, attempt);
    let result: T;
    try {
      const run = runInFrame(transaction.id, isFollowed(this.config), () => callback(transaction));
      result = await (abort === undefined ? run : orAborted(run, abort));
    } catch (error) {
      await transaction.rollbackAfter(error);
      throw error;
    }
    await transaction.commit();
    return result;
  }

  /**
   * The transaction in whose callback the caller stands, if it has the lock of the server that the caller needs. To be asked
   * before anything is awaited.
   */
  private findEnclosing(): Transaction | undefined {
    if (this.transactions.size === 0 || this.config.features.writes === 'here') return undefined;
    const writing = [...this.transactions.values()].filter(({ holder }) => holder.writes === true);
    if (writing.length === 0) return undefined;
    const enclosing = enclosingTransactions();
    return writing.find(({ id }) => enclosing.has(id));
  }

  /**
   * Waits until the transaction in whose callback the caller stands has ended: the server would make the caller wait
   * as well, and could not see a deadlock. Undefined where there is none.
   *
   * @throws {@link TransactionError} when the callback waits for the caller
   */
  private waitOutside(abort: Abort | undefined): Promise<void> | undefined {
    const transaction = this.findEnclosing();
    return transaction && this.waitForEnd(presenceOf(transaction.root), abort);
  }

  private async waitForEnd(lock: Lock, abort: Abort | undefined): Promise<void> {
    const holder = newHolder();
    const { interrupts } = this.context;
    const stop = interrupts.begin();
    const { abort: either, forget } = Abort.either(abort, stop);
    try {
      await lock.acquire(holder, this.pool.lockWait(either));
      lock.release(holder);
    } finally {
      interrupts.end(stop);
      forget();
    }
  }

  private behaviorOf(wanted: TransactionBehavior | undefined): TransactionBehavior {
    const behavior = checkBehavior(wanted, this.config.transactionBehavior, 'behavior');
    const lock = this.config.features.behaviors[behavior];
    if (typeof lock === 'object') throw new CapabilityError(behavior, lock.missing);
    return behavior;
  }
}
