import type { TransactionBehavior } from '../config.js';
import {
  type ColumnOrigin,
  type Connection,
  type MaybePromise,
  type RawResult,
  SchemaMovedError,
  noResult,
} from '../engine/engine.js';
import { ConstraintError, isLockWait, suppress, TransactionError } from '../errors.js';
import type { StatementOrigin } from '../hooks/observer.js';
import { quoteName } from '../sql/quote-name.js';
import type { AnalyzedStatement } from '../sql/statement.js';
import type { SqlValue } from '../values.js';
import { Abort } from './abort.js';
import { type BatchItem, runInOrder } from './batch.js';
import { waitWhileBusy } from './busy.js';
import type { Context } from './context.js';
import { cleanUpAfter } from './after.js';
import { completeConstraintError, rejectComplete } from './constraint-index.js';
import { Executor } from './executor.js';
import type { Guard, GuardedRequest } from './guard.js';
import { Lock, type LockHolder, newHolder } from './lock.js';
import { assertUnrestricted, METADATA, METADATA_REQUEST, type Metadata, toMetadata } from './metadata.js';
import { openOn, runOn } from './run.js';
import { scripts } from './lazy.js';
import type { ScriptResult } from './script.js';
import type { TransactionOptions } from './session.js';
import type { SourceOptions, StreamSource } from './stream.js';
import { isCalledFrom, nextTransactionId, runInFrame } from './transaction-frame.js';
import {
  assertNested,
  checkInside,
  closeCursors,
  noteLoss,
  type RootOptions,
  sourceIn,
  takeWriteLock,
  transactionClosed,
  TransactionHolder,
  transactionLost,
  TransactionRoot,
} from './transaction-root.js';
import { nextTurn, turnIsOver } from './turn.js';

/**
 * An open transaction, or one nested in it (a savepoint). Statements run in the order in which they are called;
 * nested transactions of one parent run one after another, and the parent's own statements wait for them.
 */
export class Transaction extends Executor {
  /** @internal */
  readonly id: number = nextTransactionId();
  /** @internal How this transaction holds a lock. */
  readonly holder: LockHolder;
  /** @internal */
  readonly root: TransactionRoot;
  private readonly turn = new Lock('its turn in the transaction');
  /** In an object of its own, which copies of this one share. */
  private readonly state: { ended: boolean; nested: Transaction | undefined } = {
    ended: false,
    /** The nested transaction whose callback runs. */
    nested: undefined,
  };

  /** @internal */
  constructor(context: Context, parent: Transaction | RootOptions) {
    super(context);
    this.holder = new TransactionHolder(this.id, () => this.root.lastActive);
    // Behind a Proxy, `instanceof` may not know a transaction.
    this.root = 'attempt' in parent ? new TransactionRoot(parent, this.holder) : parent.root;
  }

  /** @internal */
  override get origin(): StatementOrigin {
    return { transactionId: this.root.holder.transactionId, attempt: this.root.attempt };
  }

  /** @internal Whether it has ended without its owner: the database has undone it, or was closed. */
  get lost(): boolean {
    const { lost, connection } = this.root;
    return lost !== undefined || connection === undefined || !connection.usable || !connection.inTransaction;
  }

  /** The behaviour that the transaction was begun with. */
  get behavior(): TransactionBehavior {
    return this.root.behavior;
  }

  /**
   * Runs a callback in a nested transaction, a savepoint: what it did is undone when it throws, and the outer
   * transaction goes on.
   *
   * @param callback - is given the nested transaction, through which everything in it must go
   * @throws what the callback throws
   *
   * @example
   * ```ts
   * import { open } from 'turso-dialect';
   *
   * await using db = open(':memory:');
   * await db.execute('create table log (line text)');
   * await db.transaction(async (tx) => {
   *   await tx.execute("insert into log values ('kept')");
   *   await tx.transaction(async (nested) => {
   *     await nested.execute("insert into log values ('undone')");
   *     throw new Error('not this one');
   *   }).catch(() => {});
   * });
   * ```
   */
  async transaction<T>(callback: (tx: Transaction) => T | Promise<T>): Promise<T> {
    // Always followed: a statement of this transaction in the callback must be known, or it would wait for its end.
    return await this.innermost().runNested(callback, true);
  }

  /** @param follow - see {@link runInFrame} */
  private async runNested<T>(callback: (tx: Transaction) => T | Promise<T>, follow: boolean): Promise<T> {
    const nested = new Transaction(this.context, this);
    await this.waitForTurn(nested.holder, undefined);
    try {
      const connection = this.openConnection();
      const name = `turso_dialect_${++this.root.savepoints}`;
      await this.callOn(connection, () => connection.savepoint(name));
      try {
        this.state.nested = nested;
        const result = await runInFrame(nested.id, follow, () => callback(nested));
        await nested.waitForTurn(nested.holder, undefined);
        this.openConnection();
        await this.callOn(connection, () => connection.releaseSavepoint(name));
        return result;
      } catch (error) {
        // What still waits in it must not run after it was undone.
        nested.end();
        await this.undo(connection, name, error);
        throw error;
      } finally {
        nested.end();
      }
    } finally {
      this.state.nested = undefined;
      this.turn.release(nested.holder);
      if (turnIsOver()) await nextTurn();
    }
  }

  /**
   * Runs a script of several statements as one unit in this transaction.
   *
   * @throws {@link DatabaseError} with `statementIndex` and `position` of the failed statement
   */
  async script(sql: string): Promise<ScriptResult> {
    const { runScriptIn } = scripts.loaded ?? (await scripts.load());
    return await this.innermost().runNested((nested) => runScriptIn(nested, sql), false);
  }

  /** @internal Gives the transaction its connection. */
  started(
    connection: Connection,
    release: () => Promise<void>,
    lockLater: TransactionRoot['takeWriteLock'],
  ): void {
    this.root.connection = connection;
    this.root.release = release;
    this.root.takeWriteLock = lockLater;
    this.root.lastActive = performance.now();
  }

  override async metadata(): Promise<Metadata> {
    assertUnrestricted(this.context.authorizer);
    return toMetadata(await this.runDirectly(METADATA, [], METADATA_REQUEST), false);
  }

  /** @internal */
  protected override async describeDirectly(
    statement: AnalyzedStatement,
    guard: Guard | undefined,
    abort: Abort | undefined,
  ): Promise<readonly ColumnOrigin[]> {
    const { abort: either, forget } = Abort.either(abort, this.root.abort);
    return await this.innermost()
      .inTurn(either, (connection) =>
        this.boundedOn(connection, either, async () => {
          await guard?.check(connection);
          return await connection.describe(statement);
        }),
      )
      .finally(forget);
  }

  /** @internal */
  override async setConnectionPragma(name: string): Promise<void> {
    const problem = `PRAGMA ${name} can not be set inside a transaction; set it on the database`;
    throw new TransactionError(problem, { code: 'TRANSACTION_CONTROL', kind: 'transaction' });
  }

  /** @internal */
  protected override runDirectly(
    statement: AnalyzedStatement,
    values: readonly SqlValue[],
    request: GuardedRequest,
    abort?: Abort,
  ): MaybePromise<RawResult> {
    const root = this.root;
    const connection = this.openConnection();
    if (checkInside(root, statement)) return noResult();
    const simple =
      connection.runsAtOnce(statement) &&
      abort === undefined &&
      root.abort === undefined &&
      this.turn.free &&
      request.guard?.knows(connection) !== false &&
      (root.takeWriteLock === undefined || statement.kind === 'read');
    if (!simple) return this.runInTurn(statement, values, request, abort);
    root.lastActive = performance.now();
    try {
      return runOn(connection, statement, values, request, true);
    } catch (error) {
      if (isLockWait(error) || error instanceof SchemaMovedError)
        return this.runInTurn(statement, values, request, abort);
      noteLoss(this.root, connection, error);
      if (error instanceof ConstraintError) return rejectComplete(connection, error);
      throw error;
    }
  }

  /** @internal */
  override async runAtomically(
    items: readonly BatchItem[],
    { behavior, abort }: Parameters<Executor['runAtomically']>[1],
  ): Promise<RawResult[]> {
    this.checkNested({ behavior });
    return await this.innermost().runNested((nested) => runInOrder(nested, items, abort), false);
  }

  /** @internal */
  protected override async openDirectly(
    statement: AnalyzedStatement,
    values: readonly SqlValue[],
    { exactIntegers, abort, guard }: SourceOptions,
  ): Promise<StreamSource> {
    const root = this.root;
    const innermost = this.innermost();
    const { abort: either, forget } = Abort.either(abort, root.abort);
    const options = { exactIntegers, interruptible: either !== undefined };
    const cursor = await innermost
      .inTurn(either, async (connection) => {
        const opened = await this.boundedOn(connection, either, () =>
          openOn(connection, statement, values, options, guard),
        );
        // Within the turn: a rollback that waits for it closes every cursor, or an interrupt would stop the ROLLBACK too.
        root.cursors.add(opened);
        return opened;
      })
      .finally(forget);
    return sourceIn(root, cursor, () => innermost.openConnection());
  }

  /** @internal Refuses what a savepoint can't have: a behaviour or limits of its own. */
  checkNested(options: TransactionOptions): void {
    assertNested(this.behavior, options);
  }

  /** @internal A savepoint whose end its owner decides, unlike that of a nested transaction. */
  async savepoint(name: string): Promise<void> {
    await this.callInTurn((connection) => connection.savepoint(quoteName(name)));
  }

  /** @internal Undoes what was done since the savepoint, which stays. */
  async rollbackToSavepoint(name: string): Promise<void> {
    await this.callInTurn((connection) => connection.rollbackToSavepoint(quoteName(name)));
  }

  /** @internal Forgets the savepoint and keeps what was done since. */
  async releaseSavepoint(name: string): Promise<void> {
    await this.callInTurn((connection) => connection.releaseSavepoint(quoteName(name)));
  }

  /** @internal Waits for what was called and not awaited, then commits; rolls back if that fails. */
  async commit(): Promise<void> {
    const root = this.root;
    try {
      await this.waitForTurn(this.holder, root.abort);
      const connection = this.openConnection();
      this.end();
      closeCursors(this.root);
      await this.callOn(connection, () => connection.commit());
    } catch (error) {
      await this.rollbackAfter(error);
      throw error;
    }
    await root.release();
  }

  /** @internal Rolls back, also while statements wait; what fails then is noted on `error`. */
  async rollbackAfter(error: unknown): Promise<void> {
    await cleanUpAfter(error, () => this.rollback());
  }

  /** @internal */
  async rollback(): Promise<void> {
    const root = this.root;
    this.end();
    root.lost ??= transactionClosed();
    try {
      await root.running?.catch(() => {});
      closeCursors(this.root);
      await root.connection?.rollback();
    } finally {
      await root.release();
    }
  }

  /** Runs one statement when it is its turn, off-thread if it can be aborted. */
  private runInTurn(
    statement: AnalyzedStatement,
    values: readonly SqlValue[],
    request: GuardedRequest,
    abort: Abort | undefined,
  ): Promise<RawResult> {
    const { abort: either, forget } = Abort.either(abort, this.root.abort);
    const options = either === undefined ? request : { ...request, interruptible: true };
    return this.innermost()
      .inTurn(either, async (connection) => {
        if (statement.kind !== 'read') await takeWriteLock(this.root, either);
        try {
          return await this.boundedOn(connection, either, () =>
            runOn(connection, statement, values, options),
          );
        } catch (error) {
          await completeConstraintError(connection, error, [either]);
          noteLoss(this.root, connection, error);
          throw error;
        }
      })
      .finally(forget);
  }

  /**
   * The innermost nested transaction in whose callback the caller stands, otherwise this one. It is where statements of this one
   * run: there is one connection, so SQLite itself would run them there, and to wait for the end of the nested one could never
   * end.
   */
  private innermost(): Transaction {
    const { nested } = this.state;
    return nested !== undefined && isCalledFrom(nested.id) ? nested.innermost() : this;
  }

  /** Something of the transaction's own, which has no limits but those of the transaction. */
  private async callOn<T>(connection: Connection, run: () => MaybePromise<T>): Promise<T> {
    return await this.bounded(this.root.abort, (abort) => this.boundedOn(connection, abort, run));
  }

  /** @internal Does something on its connection, in turn with its statements. */
  async callInTurn(run: (connection: Connection) => MaybePromise<void>): Promise<void> {
    await this.inTurn(this.root.abort, (connection) => this.callOn(connection, () => run(connection)));
  }

  /** Runs a call on the connection until its abort. */
  private async boundedOn<T>(
    connection: Connection,
    abort: Abort | undefined,
    run: () => MaybePromise<T>,
  ): Promise<T> {
    const { interrupts, config } = this.context;
    try {
      return await waitWhileBusy(run, { timeout: config.busyTimeout, abort, interrupts, connection });
    } catch (error) {
      noteLoss(this.root, connection, error);
      throw error;
    }
  }

  private async inTurn<T>(abort: Abort | undefined, run: (connection: Connection) => Promise<T>): Promise<T> {
    const root = this.root;
    const holder = newHolder();
    await this.waitForTurn(holder, abort);
    try {
      const running = run(this.openConnection());
      root.running = running;
      return await running;
    } finally {
      root.running = undefined;
      root.lastActive = performance.now();
      this.turn.release(holder);
    }
  }

  /** Lets nothing more be run, neither what waits nor what comes. */
  private end(): void {
    this.state.ended = true;
    this.turn.close(transactionClosed);
  }

  private async waitForTurn(holder: LockHolder, abort: Abort | undefined): Promise<void> {
    this.openConnection();
    if (this.turn.tryAcquire(holder)) return;
    await this.turn.acquire(holder, { timeout: this.config.busyTimeout, abort, patient: true });
  }

  /** The connection, if statements may still be run. */
  private openConnection(): Connection {
    const { lost, connection } = this.root;
    if (this.state.ended || connection === undefined) throw transactionClosed();
    if (lost !== undefined) throw transactionLost(lost);
    return connection;
  }

  private async undo(connection: Connection, name: string, error: unknown): Promise<void> {
    const root = this.root;
    if (root.lost !== undefined) return;
    try {
      await root.running?.catch(() => {});
      await this.callOn(connection, () => connection.rollbackToSavepoint(name));
      await this.callOn(connection, () => connection.releaseSavepoint(name));
    } catch (later) {
      suppress(error, later);
      root.lost ??= later;
    }
  }
}
