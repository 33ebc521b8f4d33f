import type { TransactionBehavior } from '../../config.js';
import { BusyError, DatabaseError } from '../../errors.js';
import { LruCache } from '../../lru-cache.js';
import type { AnalyzedStatement } from '../../sql/statement.js';
import type { SqlValue } from '../../values.js';
import type { Connection, Cursor, ExecuteRequest, MaybePromise, RawResult } from '../engine.js';
import { noteClosed } from './collect.js';
import { type CursorOwner, LibsqlCursor } from './cursor.js';
import { toDatabaseError } from './failure.js';
import { endExplain, type NativeDatabase, stepOffThread } from './native.js';
import { PreparedStatement } from './prepared.js';

/** Longer texts are mostly one-off bulk inserts; keeping them would cost more than preparing them again. */
const LONGEST_CACHED_SQL = 16_384;

/** Rows that are taken between two looks at the clock, and how long they may keep the event loop, in ms. */
const ROWS_PER_SLICE = 256;
const SLICE = 8;

/** A connection to a memory or file database through the `libsql` 0.5 binding. All but `interruptible` is synchronous. */
export class LibsqlConnection implements Connection, CursorOwner {
  readonly #native: NativeDatabase;
  readonly #statements: LruCache<string, PreparedStatement>;
  readonly #cursors = new Set<LibsqlCursor>();
  /** Cursors that were left early while others were open, which an interrupt would have stopped too. */
  readonly #abandoned = new Set<LibsqlCursor>();
  /** Prepared reads that met a lock: the binding leaves them running until they are run again. */
  readonly #stuck = new Set<PreparedStatement>();
  #broken = false;
  #closed = false;
  #readOnly = false;

  constructor(native: NativeDatabase, statementCacheSize: number) {
    this.#native = native;
    this.#statements = new LruCache(statementCacheSize);
  }

  get inTransaction(): boolean {
    // Asking a closed handle aborts the process (libsql 0.5.29).
    return !this.#closed && this.#native.inTransaction;
  }

  get usable(): boolean {
    return !this.#broken && !this.#closed && this.#stuck.size === 0;
  }

  execute(
    statement: AnalyzedStatement,
    args: readonly SqlValue[],
    request: ExecuteRequest,
  ): MaybePromise<RawResult> {
    // An open statement would make the change fail with SQLITE_LOCKED.
    if (changesSchema(statement)) this.#settleCursors();
    // An EXPLAIN takes no time, and only here it is ended.
    if (request.interruptible && statement.verb !== 'EXPLAIN') return this.#executeOffThread(statement, args, request);
    if (statement.kind !== 'write' || this.inTransaction) return this.#run(statement, args, request);
    // A prepared statement that is the first to meet a lock stays running in libsql 0.5.29, and later writes of its
    // connection are then never committed; a `BEGIN IMMEDIATE` through exec() meets the lock harmlessly.
    this.#exec('BEGIN IMMEDIATE', statement.text);
    try {
      const result = this.#run(statement, args, request);
      this.#exec('COMMIT', statement.text);
      return result;
    } catch (error) {
      this.rollback();
      throw error;
    }
  }

  openCursor(
    statement: AnalyzedStatement,
    args: readonly SqlValue[],
    options: { readonly exactIntegers?: boolean; readonly interruptible?: boolean; readonly snapshot?: boolean },
  ): MaybePromise<Cursor> {
    if (statement.verb === 'EXPLAIN') return this.#explain(statement, args, options);
    const reading = options.exactIntegers ? 'exact' : 'wide';
    // A cursor's statement is never one of the cache: two runs of one statement at a time would disturb each other.
    const source = this.#prepare(statement.text);
    const columns = source.columns();
    const materialized = options.interruptible || options.snapshot ? materialize(statement) : undefined;
    const prepared = materialized === undefined ? source : this.#prepare(materialized);
    prepared.readIntegers(true);
    const open = (rows: ConstructorParameters<typeof LibsqlCursor>[1]): Cursor => {
      const cursor = new LibsqlCursor(this, rows, { columns, reading, sql: statement.text });
      this.#cursors.add(cursor);
      return cursor;
    };
    if (options.interruptible) {
      this.#settleCursors();
      return stepOffThread(this.#native, prepared.native, args).then(open, (thrown: unknown) => {
        throw this.#failed(thrown, prepared, statement);
      });
    }
    try {
      return open(prepared.native.iterate(args));
    } catch (thrown) {
      throw this.#failed(thrown, prepared, statement);
    }
  }

  control(sql: string): void {
    this.#settleCursors();
    this.#exec(sql);
  }

  begin(behavior: TransactionBehavior): void {
    switch (behavior) {
      case 'deferred':
        return this.#exec('BEGIN');
      case 'immediate':
        return this.#exec('BEGIN IMMEDIATE');
      case 'exclusive':
        return this.#exec('BEGIN EXCLUSIVE');
      case 'read':
        // libsql's own BEGIN READONLY does not stop writes on a local database (0.5.29).
        this.#setReadOnly(true);
        return this.#exec('BEGIN');
      default:
        throw new TypeError(`no such behavior here: ${behavior}`);
    }
  }

  commit(): void {
    this.#exec('COMMIT');
    this.#setReadOnly(false);
  }

  rollback(): void {
    try {
      if (this.inTransaction) this.#exec('ROLLBACK');
      this.#setReadOnly(false);
    } catch (error) {
      this.#broken = true;
      throw error;
    }
  }

  savepoint(name: string): void {
    this.#exec(`SAVEPOINT ${name}`);
  }

  releaseSavepoint(name: string): void {
    this.#exec(`RELEASE ${name}`);
  }

  rollbackToSavepoint(name: string): void {
    // Undoing a schema change under an open statement would fail that statement.
    this.#settleCursors();
    this.#exec(`ROLLBACK TO ${name}`);
  }

  interrupt(): void {
    if (!this.#closed) this.#native.interrupt();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    for (const cursor of this.#cursors) cursor.close();
    this.#healAbandoned();
    try {
      this.rollback();
    } catch {
      // Closing ends the transaction as well.
    }
    this.#closed = true;
    this.#statements.clear();
    this.#stuck.clear();
    this.#native.close();
    await noteClosed();
  }

  released(cursor: LibsqlCursor): void {
    this.#cursors.delete(cursor);
    if (cursor.active) this.#abandoned.add(cursor);
    if (this.#cursors.size === 0) this.#healAbandoned();
  }

  #explain(statement: AnalyzedStatement, args: readonly SqlValue[], { exactIntegers = false }): Cursor {
    const { rows, columns = [] } = this.#run(statement, args, { fetch: 'all', columns: true, exactIntegers });
    return { columns, fetch: (size) => rows.splice(0, size), close: () => {} };
  }

  /** One statement, in whatever transaction is open. */
  #run(statement: AnalyzedStatement, args: readonly SqlValue[], request: ExecuteRequest): RawResult {
    const prepared = this.#cached(statement);
    try {
      const result = prepared.reader
        ? this.#read(prepared, statement, args, request)
        : this.#write(prepared, statement, args, request);
      if (statement.verb === 'EXPLAIN') endExplain(prepared.native, args);
      if (this.#stuck.size > 0) this.#stuck.delete(prepared);
      return result;
    } catch (thrown) {
      throw this.#failed(thrown, prepared, statement, args);
    }
  }

  #read(
    prepared: PreparedStatement,
    statement: AnalyzedStatement,
    args: readonly SqlValue[],
    request: ExecuteRequest,
  ): RawResult {
    const exact = request.exactIntegers === true;
    let rows: SqlValue[][];
    let rowsAffected = 0;
    if (statement.kind !== 'read') {
      rows = prepared.readAllOnce(args, exact ? 'exact' : 'wide');
      if (statement.returning) rowsAffected = rows.length;
    } else if (request.fetch === 'first') {
      const row = prepared.readFirst(args, exact);
      rows = row === undefined ? [] : [row];
    } else if (exact) {
      rows = prepared.readAllOnce(args, 'exact');
    } else {
      rows = prepared.readAll(args);
    }
    return {
      rows: request.fetch === 'none' ? [] : rows,
      columns: request.columns ? prepared.columns() : undefined,
      rowsAffected,
      lastInsertRowid:
        request.rowid && rowsAffected > 0 && inserts(statement) ? this.#exactLastInsertRowid() : undefined,
    };
  }

  #write(
    prepared: PreparedStatement,
    statement: AnalyzedStatement,
    args: readonly SqlValue[],
    request: ExecuteRequest,
  ): RawResult {
    const { changes, lastInsertRowid } = prepared.native.run(args);
    const inserted = changes > 0 && inserts(statement);
    return {
      rows: [],
      columns: request.columns ? [] : undefined,
      rowsAffected: changes,
      // The binding reports it as a double.
      lastInsertRowid: !inserted
        ? undefined
        : Number.isSafeInteger(lastInsertRowid)
          ? BigInt(lastInsertRowid)
          : this.#exactLastInsertRowid(),
    };
  }

  async #executeOffThread(
    statement: AnalyzedStatement,
    args: readonly SqlValue[],
    request: ExecuteRequest,
  ): Promise<RawResult> {
    // An interrupt stops every statement of the connection, so none but this one may be under way.
    this.#settleCursors();
    const wrap = statement.kind === 'write' && !this.inTransaction;
    if (wrap) this.#exec('BEGIN IMMEDIATE', statement.text);
    try {
      const result = await this.#runOffThread(statement, args, request);
      if (wrap) this.#exec('COMMIT', statement.text);
      return result;
    } catch (error) {
      if (wrap) this.rollback();
      throw error;
    }
  }

  async #runOffThread(
    statement: AnalyzedStatement,
    args: readonly SqlValue[],
    request: ExecuteRequest,
  ): Promise<RawResult> {
    const source = this.#prepare(statement.text);
    const materialized = materialize(statement);
    const prepared = materialized === undefined ? source : this.#prepare(materialized);
    const columns = request.columns ? source.columns() : undefined;
    const rows: SqlValue[][] = [];
    try {
      prepared.readIntegers(true);
      const native = await stepOffThread(this.#native, prepared.native, args);
      const reading = request.exactIntegers ? 'exact' : 'wide';
      const cursor = new LibsqlCursor(this, native, { columns: [], reading, sql: statement.text });
      this.#cursors.add(cursor);
      await drainInSlices(cursor, rows, request.fetch === 'first' && statement.kind === 'read' ? 1 : Infinity);
    } catch (thrown) {
      throw this.#failed(thrown, prepared, statement, args);
    }
    const rowsAffected = statement.returning ? rows.length : statement.kind === 'write' ? this.#changes(statement) : 0;
    return {
      rows: request.fetch === 'none' ? [] : rows,
      columns,
      rowsAffected,
      lastInsertRowid: rowsAffected > 0 && inserts(statement) ? this.#exactLastInsertRowid() : undefined,
    };
  }

  #cached(statement: AnalyzedStatement): PreparedStatement {
    const { text } = statement;
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    const prepared = this.#prepare(text);
    // Some pragmas act when they are prepared, not when they are run (libsql 0.5.29), so none is kept.
    if (text.length <= LONGEST_CACHED_SQL && statement.pragma === undefined && statement.verb !== 'EXPLAIN') {
      this.#statements.set(text, prepared);
    }
    return prepared;
  }

  #prepare(sql: string): PreparedStatement {
    try {
      return new PreparedStatement(this.#native.prepare(sql));
    } catch (thrown) {
      throw toDatabaseError(thrown, sql);
    }
  }

  /** Leaves the connection in order after a statement failed, and gives the error to throw. */
  #failed(
    thrown: unknown,
    prepared: PreparedStatement,
    statement: AnalyzedStatement,
    args: readonly SqlValue[] = [],
  ): DatabaseError {
    const error = toDatabaseError(thrown, statement.text);
    if (error instanceof BusyError) {
      if (statement.kind === 'write') this.#healWrite(prepared, args);
      // Running a read again resets it, which is what its caller does next; until then it counts as stuck.
      else this.#stuck.add(prepared);
    } else if (error.kind === 'io' || error.kind === 'corrupt') {
      this.#broken = true;
    }
    return error;
  }

  /**
   * A prepared write that met a lock stays running (libsql 0.5.29): its connection would keep an old snapshot and
   * commit nothing more. Running it again under `query_only` fails before it takes a lock, and resets it.
   */
  #healWrite(prepared: PreparedStatement, args: readonly SqlValue[]): void {
    try {
      this.#native.exec('PRAGMA query_only=1');
      try {
        if (prepared.reader) prepared.drain(args);
        else prepared.native.run(args);
      } catch {
        // SQLITE_READONLY, as meant.
      }
      this.#native.exec('PRAGMA query_only=0');
    } catch {
      this.#broken = true;
    }
  }

  #exec(sql: string, onBehalfOf = sql): void {
    try {
      this.#native.exec(sql);
    } catch (thrown) {
      const error = toDatabaseError(thrown, onBehalfOf);
      if (error.kind === 'io' || error.kind === 'corrupt') this.#broken = true;
      throw error;
    }
  }

  #setReadOnly(on: boolean): void {
    if (this.#readOnly === on) return;
    this.#exec(`PRAGMA query_only=${on ? 1 : 0}`);
    this.#readOnly = on;
  }

  /** Ends every open statement of this connection; cursors that are still read go on from memory. */
  #settleCursors(): void {
    if (this.#cursors.size > 0) for (const cursor of [...this.#cursors]) cursor.buffer();
    this.#healAbandoned();
  }

  #healAbandoned(): void {
    if (this.#abandoned.size === 0) return;
    this.#native.interrupt();
    for (const cursor of this.#abandoned) cursor.abandon();
    this.#abandoned.clear();
  }

  #exactLastInsertRowid(): bigint {
    return this.#metadata('SELECT last_insert_rowid()');
  }

  #changes(statement: AnalyzedStatement): number {
    return changesRows(statement) ? Number(this.#metadata('SELECT changes()')) : 0;
  }

  #metadata(sql: string): bigint {
    let prepared = this.#statements.get(sql);
    if (prepared === undefined) {
      prepared = this.#prepare(sql);
      this.#statements.set(sql, prepared);
    }
    return prepared.readFirst([], true)?.[0] as bigint;
  }
}

/** Takes rows until the end or `limit`, giving way to the event loop between slices. */
async function drainInSlices(cursor: LibsqlCursor, rows: SqlValue[][], limit: number): Promise<void> {
  let sliceEnd = performance.now() + SLICE;
  try {
    while (rows.length < limit) {
      const batch = cursor.fetch(Math.min(ROWS_PER_SLICE, limit - rows.length));
      if (batch.length === 0) return;
      for (const row of batch) rows.push(row);
      if (performance.now() > sliceEnd) {
        await new Promise((resolve) => setImmediate(resolve));
        sliceEnd = performance.now() + SLICE;
      }
    }
  } finally {
    cursor.close();
  }
}

/**
 * The same result, computed as a whole in the first step, which is the one that runs on another thread; the other
 * steps only copy rows. Undefined for statements that can't stand in a WITH clause.
 */
function materialize(statement: AnalyzedStatement): string | undefined {
  if (statement.verb !== 'SELECT' && statement.verb !== 'VALUES') return undefined;
  // The line break ends a comment at the end of the text.
  return `WITH "__turso_dialect_result" AS MATERIALIZED (${statement.text}\n) SELECT * FROM "__turso_dialect_result"`;
}

function inserts(statement: AnalyzedStatement): boolean {
  return statement.verb === 'INSERT' || statement.verb === 'REPLACE';
}

function changesRows(statement: AnalyzedStatement): boolean {
  return inserts(statement) || statement.verb === 'UPDATE' || statement.verb === 'DELETE';
}

function changesSchema(statement: AnalyzedStatement): boolean {
  if (statement.kind === 'outside') return true;
  return statement.kind === 'write' && !changesRows(statement);
}

