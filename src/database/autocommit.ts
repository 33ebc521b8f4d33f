import type { TransactionBehavior } from '../config.js';
import {
  type Connection,
  type Cursor,
  type MaybePromise,
  type RawResult,
  SchemaMovedError,
} from '../engine/engine.js';
import { ConstraintError, closedError, DatabaseError, isLockWait } from '../errors.js';
import type { AnalyzedStatement } from '../sql/statement.js';
import type { SqlValue } from '../values.js';
import type { Abort } from './abort.js';
import { runAbortable } from './abortable.js';
import type { BatchItem } from './batch.js';
import { type BusyWait, waitWhileBusy } from './busy.js';
import type { Context } from './context.js';
import {
  codeByMessage,
  completeConstraintError,
  mayChangeSchema,
  rejectComplete,
} from './constraint-index.js';
import type { Guard, GuardedRequest } from './guard.js';
import { type Lock, type LockHolder, newHolder } from './lock.js';
import { lendForWriting } from './lend.js';
import { METADATA, METADATA_REQUEST } from './metadata.js';
import type { SessionPool } from './pool.js';
import { openOn, runOn } from './run.js';
import type { SourceOptions, StreamSource } from './stream.js';
import { nextTurn, turnIsOver } from './turn.js';

/** Holds a lock while one synchronous statement runs; nobody can come to wait for it meanwhile. */
const SYNCHRONOUS: LockHolder = Object.freeze({ transactionId: undefined, lastActive: 0 });

/** Runs what stands outside a transaction. */
export class Autocommit {
  readonly #context: Context;
  readonly #pool: SessionPool;
  /** What was left by the last write, if that ran on a connection that others have now. */
  #metadata: Pick<RawResult, 'rows'> | undefined;

  constructor(context: Context, pool: SessionPool) {
    this.#context = context;
    this.#pool = pool;
  }

  /** Runs a statement, at once where nothing must be waited for. */
  run(
    statement: AnalyzedStatement,
    values: readonly SqlValue[],
    request: GuardedRequest,
    abort: Abort | undefined,
  ): MaybePromise<RawResult> {
    const connection = this.#pool.main;
    const ready = connection?.usable && connection.runsAtOnce(statement);
    if (abort !== undefined || !ready || request.guard?.knows(connection) === false) {
      return this.#runSlowly(statement, values, request, abort);
    }
    const lock = this.#lockFor(statement);
    if (lock !== undefined && !lock.tryAcquire(SYNCHRONOUS)) {
      return this.#runSlowly(statement, values, request, abort);
    }
    let result: MaybePromise<RawResult>;
    try {
      result = runOn(connection, statement, values, request, true);
    } catch (error) {
      lock?.release(SYNCHRONOUS);
      if (isLockWait(error) || error instanceof SchemaMovedError)
        return this.#runSlowly(statement, values, request, abort);
      if (error instanceof ConstraintError) return rejectComplete(connection, error);
      throw error;
    }
    lock?.release(SYNCHRONOUS);
    if (this.#metadata !== undefined && statement.kind === 'write') this.#metadata = undefined;
    return result;
  }

  /** Runs a batch on a connection that sends it as one request. */
  async batch(
    items: readonly BatchItem[],
    behavior: TransactionBehavior,
    abort: Abort | undefined,
    guard?: Guard,
  ): Promise<RawResult[]> {
    const holder = newHolder();
    const lease = await this.#pool.lend(holder, abort);
    const { connection } = lease;
    const asked =
      abort === undefined
        ? items
        : items.map((item) => ({ ...item, request: { ...item.request, interruptible: true } }));
    try {
      const run = (): MaybePromise<RawResult[]> =>
        guard?.batch(connection, asked, behavior) ?? connection.batch?.(asked, behavior) ?? [];
      return await waitWhileBusy(run, this.#wait(connection, abort));
    } catch (error) {
      // The batch was undone, and with it what it had done to the schema.
      const before = items.slice(0, error instanceof DatabaseError ? error.statementIndex : undefined);
      if (before.some((item) => mayChangeSchema(item.statement))) codeByMessage(error);
      else await completeConstraintError(connection, error, [abort]);
      throw error;
    } finally {
      await lease.release();
    }
  }

  /** What the connection of the last write knows about it. */
  async metadata(): Promise<Pick<RawResult, 'rows'>> {
    return this.#metadata ?? (await this.withMain((connection) => readMetadata(connection)));
  }

  /**
   * Does something short on the connection for autocommit work. With an abort, and where it may have to wait for a
   * server, on one that nobody else uses, since the abort stops all that runs on it.
   */
  async withMain<T>(use: (connection: Connection) => MaybePromise<T>, abort?: Abort): Promise<T> {
    const holder = newHolder();
    const main = await this.#pool.openMain(abort);
    const apart =
      this.#pool.single !== undefined ||
      (abort !== undefined && this.#context.config.features.writes === 'server');
    const lease = apart ? await this.#pool.lend(holder, abort) : undefined;
    const connection = lease?.connection ?? main;
    try {
      return await waitWhileBusy(async () => use(connection), this.#wait(connection, abort));
    } finally {
      await lease?.release();
      if (turnIsOver()) await nextTurn();
    }
  }

  /** Opens a result that is fetched piece by piece. */
  async openSource(
    statement: AnalyzedStatement,
    values: readonly SqlValue[],
    { exactIntegers, abort, guard }: SourceOptions,
  ): Promise<StreamSource> {
    const holder = newHolder();
    const lease = await this.#pool.lend(holder, abort);
    const shared = this.#pool.single !== undefined;
    const options = { exactIntegers, interruptible: abort !== undefined, snapshot: shared };
    try {
      const { connection } = lease;
      const openCursor = (): MaybePromise<Cursor> => openOn(connection, statement, values, options, guard);
      const cursor = await waitWhileBusy(openCursor, this.#wait(connection, abort));
      return {
        columns: cursor.columns,
        fetch: (size) => {
          if (this.#pool.closed) throw closedError();
          return abort === undefined
            ? cursor.fetch(size)
            : runAbortable(connection, abort, () => cursor.fetch(size));
        },
        close: async () => {
          cursor.close();
          if (!shared) await lease.release();
        },
      };
    } catch (error) {
      if (!shared) await lease.release();
      throw error;
    } finally {
      // The only connection is needed by others between the fetches; the cursor has a snapshot of its own.
      if (shared) await lease.release();
    }
  }

  async #runSlowly(
    statement: AnalyzedStatement,
    values: readonly SqlValue[],
    request: GuardedRequest,
    abort: Abort | undefined,
  ): Promise<RawResult> {
    const start = performance.now();
    await this.#pool.openMain(abort);
    if (abort !== undefined) return await this.#runAbortable(statement, values, request, abort);
    const holder: LockHolder = { transactionId: undefined, lastActive: start };
    const lock = this.#lockFor(statement);
    await lock?.acquire(holder, this.#pool.lockWait(abort));
    // It may have been replaced while this call waited.
    try {
      const connection = await this.#pool.openMain(abort);
      const waited = performance.now() - start;
      const run = (): MaybePromise<RawResult> => runOn(connection, statement, values, request);
      const result = await this.#call(connection, abort, run, waited);
      if (statement.kind === 'write') this.#metadata = undefined;
      return result;
    } finally {
      lock?.release(holder);
    }
  }

  /** Runs off-thread, on a connection that nobody else touches meanwhile. */
  async #runAbortable(
    statement: AnalyzedStatement,
    values: readonly SqlValue[],
    request: GuardedRequest,
    abort: Abort,
  ): Promise<RawResult> {
    const holder = newHolder();
    const { lease, release } = await lendForWriting(this.#pool, holder, abort, statement.kind !== 'read');
    const { connection } = lease;
    try {
      const run = (): MaybePromise<RawResult> =>
        runOn(connection, statement, values, { ...request, interruptible: true });
      const result = await this.#call(connection, abort, run);
      const local = this.#pool.writeLock !== undefined && statement.kind === 'write';
      if (local) this.#metadata = await readMetadata(connection);
      return result;
    } finally {
      await release();
    }
  }

  /** Runs something that may violate a constraint. @param waited - how long it was waited for already, in ms */
  async #call<T>(
    connection: Connection,
    abort: Abort | undefined,
    run: () => MaybePromise<T>,
    waited = 0,
  ): Promise<T> {
    try {
      return await waitWhileBusy(run, this.#wait(connection, abort, waited));
    } catch (error) {
      await completeConstraintError(connection, error, [abort]);
      throw error;
    }
  }

  /** @param waited - how long was waited already, in ms */
  #wait(connection: Connection, abort: Abort | undefined, waited = 0): BusyWait {
    const { config, interrupts } = this.#context;
    return { timeout: Math.max(0, config.busyTimeout - waited), abort, interrupts, connection };
  }

  #lockFor(statement: AnalyzedStatement): Lock | undefined {
    return this.#pool.single ?? (statement.kind === 'read' ? undefined : this.#pool.writeLock);
  }
}

async function readMetadata(connection: Connection): Promise<Pick<RawResult, 'rows'>> {
  return await connection.execute(METADATA, [], METADATA_REQUEST);
}
