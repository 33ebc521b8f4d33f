import type { TransactionBehavior } from '../../config.js';
import { closedError } from '../../errors.js';
import type { AnalyzedStatement } from '../../sql/statement.js';
import { pragmaBoolean, pragmaValue } from '../../sql/pragma-value.js';
import type { SqlValue } from '../../values.js';
import {
  type ColumnOrigin,
  type CommitListener,
  type Connection,
  type Cursor,
  type CursorOptions,
  type ExecuteRequest,
  type MaybePromise,
  type RawResult,
  noResult,
} from '../engine.js';
import { noteClosed } from './collect.js';
import { CommitLog } from './commit-log.js';
import { BEGIN } from './begin.js';
import { CursorOpener, discard } from './cursor-opener.js';
import { CursorSet } from './cursor-set.js';
import { toDatabaseError } from './failure.js';
import type { FileIdentity } from './file-identity.js';
import type { NativeDatabase } from './native.js';
import { OffThread } from './off-thread.js';
import { commitKept, undo } from './partial-write.js';
import { noteSchemaChange } from './schema-changes.js';
import { SchemaState } from './schema-state.js';
import { changesSchema } from '../statement-effect.js';
import { StatementRunner } from './statement-runner.js';
import { keepVectorIndexes } from './vector-indexes.js';

const EXISTS = { fetch: 'first' } as const;

/** A connection to a memory or file database through the `libsql` 0.5 binding. All but `interruptible` is synchronous. */
export class LibsqlConnection implements Connection {
  readonly interruptible = true;
  readonly #native: NativeDatabase;
  readonly #identity: FileIdentity | undefined;
  readonly #commits: CommitLog;
  readonly #runner: StatementRunner;
  readonly #cursors: CursorSet;
  readonly #apart: OffThread;
  readonly #opener: CursorOpener;
  #closing: Promise<void> | undefined;
  /** Whether the open transaction may have changed the schema, which others see when it commits. */
  #changesSchema = false;
  readonly #schema = new SchemaState((question, fetch) => {
    this.#assertOpen();
    return this.#runner.run(question, [], { fetch }).rows;
  });
  #alwaysReadOnly = false;

  /** @param identity - of the file, where it must stay the same */
  constructor(native: NativeDatabase, statementCacheSize: number, kept: object, identity?: FileIdentity) {
    this.#identity = identity;
    this.#native = native;
    this.#commits = new CommitLog(native);
    this.#cursors = new CursorSet(native);
    this.#runner = new StatementRunner(native, statementCacheSize);
    this.#runner.keep(kept);
    this.#apart = new OffThread(native, this.#runner, this.#cursors);
    this.#opener = new CursorOpener(this.#runner, this.#cursors, this.#apart);
  }

  get listener(): CommitListener | undefined {
    return this.#commits.listener;
  }

  set listener(listener: CommitListener | undefined) {
    this.#commits.listener = listener;
  }

  get inTransaction(): boolean {
    // Asking a closed handle aborts the process (libsql 0.5.29).
    return this.#closing === undefined && this.#native.inTransaction;
  }

  get usable(): boolean {
    return this.#closing === undefined && this.#runner.usable;
  }

  runsAtOnce(): boolean {
    return true;
  }

  execute(
    statement: AnalyzedStatement,
    args: readonly SqlValue[],
    request: ExecuteRequest,
  ): MaybePromise<RawResult> {
    this.#assertOpen();
    if (this.#setsReadOnly(statement)) return noResult();
    const { schemaState } = request;
    // A write looks at it in its own transaction.
    if (schemaState === undefined || statement.kind === 'write')
      return this.#execute(statement, args, request);
    return this.#schema.runIn(schemaState, this.inTransaction, () => this.#execute(statement, args, request));
  }

  describe(statement: AnalyzedStatement): ColumnOrigin[] {
    this.#assertOpen();
    return this.#runner.describe(statement.text);
  }

  openCursor(
    statement: AnalyzedStatement,
    args: readonly SqlValue[],
    options: CursorOptions,
  ): MaybePromise<Cursor> {
    this.#assertOpen();
    const open = (): MaybePromise<Cursor> => {
      if (statement.verb !== 'EXPLAIN') this.#meetReadLock(statement);
      return this.#opener.open(statement, args, options, (run, discardStopped) =>
        this.#offThread(run, discardStopped),
      );
    };
    const { schemaState } = options;
    if (schemaState === undefined) return open();
    return this.#schema.runIn(schemaState, this.inTransaction, open, discard);
  }

  control(sql: string): void {
    this.#cursors.settle();
    if (/^alter/i.test(sql)) this.#runner.lookAtSchema();
    this.#changesSchema = true;
    const before = this.inTransaction;
    if (before && /^(?:commit|end|release)/i.test(sql)) this.#commits.beforeCommit();
    if (!before) this.#identity?.check(this.#runner);
    if (!before) this.#commits.beforeTransaction();
    this.#exec(sql);
    const ended = before && !this.inTransaction;
    if (ended && /^rollback/i.test(sql)) this.#commits.rolledBack();
    else if (ended) this.#commits.committed();
    else if (/^rollback/i.test(sql)) this.#commits.undone();
  }

  schemaState(): string {
    return this.#schema.text();
  }

  applyPragma(name: string, value: string | number): void {
    if (name === 'query_only') {
      // Transactions that only read set it too, and must leave it set.
      this.#alwaysReadOnly = value === 1;
      this.#setReadOnly(false);
    } else {
      this.#cursors.settle();
      this.#commits.doubt();
      this.#exec(`PRAGMA ${name}=${value}`);
      this.#schema.changedBy(name);
    }
  }

  begin(behavior: TransactionBehavior): void {
    const sql = BEGIN[behavior];
    if (sql === undefined) throw new TypeError(`no such behavior here: ${behavior}`);
    // libsql's own BEGIN READONLY does not stop writes on a local database (0.5.29).
    if (behavior === 'read') this.#setReadOnly(true);
    else this.#commits.beforeTransaction();
    if (behavior !== 'read') this.#identity?.check(this.#runner);
    this.#exec(sql);
  }

  commit(): void {
    this.#identity?.check(this.#runner);
    this.#commit('COMMIT');
    this.#setReadOnly(false);
  }

  rollback(): void {
    try {
      if (this.inTransaction) {
        this.#exec('ROLLBACK');
        this.#commits.rolledBack();
      }
      this.#setReadOnly(false);
    } catch (error) {
      this.#runner.broken = true;
      throw error;
    }
  }

  reset(): void {
    if (this.inTransaction) this.rollback();
  }

  savepoint(name: string): void {
    this.#exec(`SAVEPOINT ${name}`);
  }

  releaseSavepoint(name: string): void {
    this.#exec(`RELEASE ${name}`);
  }

  rollbackToSavepoint(name: string): void {
    // Undoing a schema change under an open statement would fail that statement.
    this.#cursors.settle();
    this.#exec(`ROLLBACK TO ${name}`);
    this.#commits.undone();
  }

  interrupt(): void {
    // With nothing under way it would stop the next statement instead.
    if (this.#closing === undefined) void this.#apart.stop();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #execute(
    given: AnalyzedStatement,
    args: readonly SqlValue[],
    request: ExecuteRequest,
  ): MaybePromise<RawResult> {
    const { schemaState } = request;
    const statement = keepVectorIndexes(
      given,
      (query) => this.#runner.run(query, [], EXISTS).rows.length > 0,
    );
    // An open statement would make the change fail with SQLITE_LOCKED.
    if (changesSchema(statement)) {
      this.#schema.assert(schemaState);
      // ALTER TABLE looks for columns in the schema as this connection last saw it.
      if (statement.verb === 'ALTER') this.#runner.lookAtSchema();
      this.#cursors.settle();
      this.#changesSchema = true;
      this.#noteChange(statement.text);
      this.#commits.doubt();
    } else if (statement.pragma !== undefined) this.#commits.doubt();
    // An EXPLAIN takes no time, and only here it is ended.
    if (request.interruptible && statement.verb !== 'EXPLAIN')
      return this.#offThread(() => this.#executeOffThread(statement, args, request));
    if (statement.kind !== 'write') return this.#runner.run(statement, args, request);
    this.#commits.beforeTransaction();
    if (this.inTransaction) {
      this.#schema.assert(schemaState, changesSchema(statement));
      return this.#runInside(statement, args, request);
    }
    this.#identity?.check(this.#runner);
    // A prepared statement that is the first to meet a lock stays running in libsql 0.5.29, and later writes of its
    // connection are then never committed; a `BEGIN IMMEDIATE` through exec() meets the lock harmlessly.
    this.#exec('BEGIN IMMEDIATE', statement.text);
    try {
      this.#schema.assert(schemaState, changesSchema(statement));
      const result = this.#runInside(statement, args, request);
      this.#commit(statement.text);
      return result;
    } catch (error) {
      throw this.#endFailed(statement, error);
    }
  }

  #noteChange(sql: string): void {
    this.#schema.changedBy(sql);
    this.#runner.attached ||= /^attach/i.test(sql);
    this.#runner.forgetStatements();
    noteSchemaChange();
  }

  async #close(): Promise<void> {
    // Anything that is asked of the handle meanwhile would stop the event loop until the other thread is done.
    await this.#apart.stop();
    this.#cursors.close();
    try {
      if (this.#native.inTransaction) this.#native.exec('ROLLBACK');
    } catch {
      // Closing ends the transaction as well.
    }
    this.#runner.clear();
    this.#commits.clear();
    this.#native.close();
    await noteClosed();
  }

  /** Runs on another thread; when `close()` stops it, its caller is told why. */
  async #offThread<T>(run: () => Promise<T>, discardStopped?: (made: T) => void): Promise<T> {
    try {
      return await this.#apart.during(run, discardStopped);
    } catch (error) {
      throw this.#closing === undefined ? error : closedError();
    }
  }

  /** Runs a write in the transaction that is open, which the database may end. */
  #runInside(statement: AnalyzedStatement, args: readonly SqlValue[], request: ExecuteRequest): RawResult {
    this.#commits.beforeWrite();
    try {
      return this.#runner.run(statement, args, request);
    } catch (error) {
      if (!this.inTransaction) this.#commits.rolledBack();
      throw error;
    }
  }

  /** @param wrote - whether it is certain that the transaction has changed anything */
  #commit(onBehalfOf: string, wrote = true): void {
    this.#commits.beforeCommit();
    this.#exec('COMMIT', onBehalfOf);
    if (wrote || this.#commits.recorded) this.#commits.committed();
  }

  /**
   * Ends the transaction that was begun around a write which has failed, and keeps what the write alone would have kept.
   *
   * @returns the error to throw
   */
  #endFailed(statement: AnalyzedStatement, error: unknown): unknown {
    const commit = (wrote: boolean): void => this.#commit(statement.text, wrote);
    const busy = this.inTransaction && commitKept(this.#runner, statement, error, commit);
    undo(() => this.rollback(), error);
    this.#commits.rolledBack();
    return busy || error;
  }

  async #executeOffThread(
    statement: AnalyzedStatement,
    args: readonly SqlValue[],
    request: ExecuteRequest,
  ): Promise<RawResult> {
    const writes = statement.kind === 'write';
    const wrap = writes && !this.inTransaction;
    if (writes) this.#commits.beforeTransaction();
    if (wrap) this.#identity?.check(this.#runner);
    if (wrap) this.#exec('BEGIN IMMEDIATE', statement.text);
    try {
      if (writes) this.#schema.assert(request.schemaState, changesSchema(statement));
      if (writes) this.#commits.beforeWrite();
      if (statement.kind === 'read') this.#meetReadLock(statement);
      const result = await this.#apart.run(statement, args, request);
      if (wrap) this.#commit(statement.text);
      return result;
    } catch (error) {
      if (wrap) throw this.#endFailed(statement, error);
      if (writes && !this.inTransaction) this.#commits.rolledBack();
      throw error;
    }
  }

  /**
   * Outside WAL a writer that commits locks readers out. A prepared statement that meets this stays running (libsql
   * 0.5.29), so the lock is met by an `exec()` first.
   */
  #meetReadLock(statement: AnalyzedStatement): void {
    this.#exec('PRAGMA schema_version', statement.text);
  }

  #exec(sql: string, onBehalfOf = sql): void {
    this.#assertOpen();
    try {
      this.#native.exec(sql);
      if (this.#changesSchema) {
        this.#noteChange(sql);
        this.#changesSchema = this.#native.inTransaction;
      }
    } catch (thrown) {
      const error = toDatabaseError(thrown, onBehalfOf);
      if (error.kind === 'io' || error.kind === 'corrupt') this.#runner.broken = true;
      throw error;
    }
  }

  /** `PRAGMA query_only = …`, which the connection must know of, since transactions that only read set it too. */
  #setsReadOnly({ pragma, pragmaArgument, verb, text }: AnalyzedStatement): boolean {
    if (pragma !== 'query_only' || !pragmaArgument || verb === 'EXPLAIN') return false;
    const on = pragmaBoolean(pragmaValue(text));
    if (on !== undefined) this.applyPragma('query_only', on ? 1 : 0);
    return on !== undefined;
  }

  /** Its holder may go on after the database was closed. */
  #assertOpen(): void {
    if (this.#closing !== undefined) throw closedError();
  }

  #setReadOnly(wanted: boolean): void {
    const on = wanted || this.#alwaysReadOnly;
    if (this.#runner.readOnly === on) return;
    this.#exec(`PRAGMA query_only=${on ? 1 : 0}`);
    this.#runner.readOnly = on;
  }
}
