import { closedError, suppress } from '../../errors.js';
import { noteClosed } from './collect.js';
import { CursorSet } from './cursor-set.js';
import { toDatabaseError } from './failure.js';
import { openRows, openRowsOffThread } from './native.js';
import { drainInSlices, materialize } from './off-thread.js';
import { changesSchema, inserts } from './statement-effect.js';
import { StatementRunner } from './statement-runner.js';
/** A connection to a memory or file database through the `libsql` 0.5 binding. All but `interruptible` is synchronous. */
export class LibsqlConnection {
  #native;
  #runner;
  #cursors;
  #closed = false;
  #readOnly = false;
  constructor(native, statementCacheSize, kept) {
    this.#native = native;
    this.#cursors = new CursorSet(native);
    this.#runner = new StatementRunner(native, statementCacheSize);
    this.#runner.keep(kept);
  }
  get inTransaction() {
    // Asking a closed handle aborts the process (libsql 0.5.29).
    return !this.#closed && this.#native.inTransaction;
  }
  get usable() {
    return !this.#closed && this.#runner.usable;
  }
  execute(statement, args, request) {
    this.#assertOpen();
    // An open statement would make the change fail with SQLITE_LOCKED.
    if (changesSchema(statement)) this.#cursors.settle();
    // An EXPLAIN takes no time, and only here it is ended.
    if (request.interruptible && statement.verb !== 'EXPLAIN')
      return this.#executeOffThread(statement, args, request);
    if (statement.kind !== 'write' || this.inTransaction) return this.#runner.run(statement, args, request);
    // A prepared statement that is the first to meet a lock stays running in libsql 0.5.29, and later writes of its
    // connection are then never committed; a `BEGIN IMMEDIATE` through exec() meets the lock harmlessly.
    this.#exec('BEGIN IMMEDIATE', statement.text);
    try {
      const result = this.#runner.run(statement, args, request);
      this.#exec('COMMIT', statement.text);
      return result;
    } catch (error) {
      this.#undo(error);
      throw error;
    }
  }
  openCursor(statement, args, options) {
    this.#assertOpen();
    if (statement.verb === 'EXPLAIN') return this.#explain(statement, args, options);
    const reading = options.exactIntegers ? 'exact' : 'wide';
    // A cursor's statement is never one of the cache: two runs of one statement at a time would disturb each other.
    const source = this.#runner.prepareApart(statement.text);
    const columns = source.columns();
    const materialized = options.interruptible || options.snapshot ? materialize(statement) : undefined;
    const prepared = materialized === undefined ? source : this.#runner.prepareApart(materialized);
    prepared.readIntegers(true);
    if (options.interruptible) this.#runner.keep(source);
    else this.#runner.litter();
    const open = (rows) => this.#cursors.add(rows, { columns, reading, sql: statement.text });
    if (options.interruptible) {
      return this.#openOffThread(prepared, args).then(open, (thrown) => {
        throw this.#runner.failed(thrown, prepared, statement);
      });
    }
    try {
      return open(openRows(prepared.native, args));
    } catch (thrown) {
      throw this.#runner.failed(thrown, prepared, statement);
    }
  }
  control(sql) {
    this.#cursors.settle();
    this.#exec(sql);
  }
  begin(behavior) {
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
  commit() {
    this.#exec('COMMIT');
    this.#setReadOnly(false);
  }
  rollback() {
    try {
      if (this.inTransaction) this.#exec('ROLLBACK');
      this.#setReadOnly(false);
    } catch (error) {
      this.#runner.broken = true;
      throw error;
    }
  }
  savepoint(name) {
    this.#exec(`SAVEPOINT ${name}`);
  }
  releaseSavepoint(name) {
    this.#exec(`RELEASE ${name}`);
  }
  rollbackToSavepoint(name) {
    // Undoing a schema change under an open statement would fail that statement.
    this.#cursors.settle();
    this.#exec(`ROLLBACK TO ${name}`);
  }
  interrupt() {
    if (!this.#closed) this.#native.interrupt();
  }
  async close() {
    if (this.#closed) return;
    this.#cursors.close();
    try {
      this.rollback();
    } catch {
      // Closing ends the transaction as well.
    }
    this.#closed = true;
    this.#runner.clear();
    this.#native.close();
    await noteClosed();
  }
  /** Rolls back after `error`, which stays the one that is thrown. */
  #undo(error) {
    try {
      this.rollback();
    } catch (later) {
      suppress(error, later);
    }
  }
  #explain(statement, args, { exactIntegers = false }) {
    const { rows, columns = [] } = this.#runner.run(statement, args, {
      fetch: 'all',
      columns: true,
      exactIntegers,
    });
    return { columns, fetch: (size) => rows.splice(0, size), close: () => {} };
  }
  async #executeOffThread(statement, args, request) {
    const wrap = statement.kind === 'write' && !this.inTransaction;
    if (wrap) this.#exec('BEGIN IMMEDIATE', statement.text);
    try {
      const result = await this.#runOffThread(statement, args, request);
      if (wrap) this.#exec('COMMIT', statement.text);
      return result;
    } catch (error) {
      if (wrap) this.#undo(error);
      throw error;
    }
  }
  async #runOffThread(statement, args, request) {
    const source = request.columns ? this.#runner.prepareApart(statement.text) : undefined;
    if (source !== undefined) this.#runner.keep(source);
    const columns = source?.columns();
    const prepared = this.#runner.cached(statement, materialize(statement));
    const rows = [];
    try {
      prepared.readIntegers(true);
      const native = await this.#openOffThread(prepared, args);
      const reading = request.exactIntegers ? 'exact' : 'wide';
      const cursor = this.#cursors.add(native, { columns: [], reading, sql: statement.text });
      await drainInSlices(
        cursor,
        rows,
        request.fetch === 'first' && statement.kind === 'read' ? 1 : Infinity,
      );
    } catch (thrown) {
      throw this.#runner.failed(thrown, prepared, statement, args);
    }
    const rowsAffected = statement.returning
      ? rows.length
      : statement.kind === 'write'
        ? this.#runner.changes(statement)
        : 0;
    return {
      rows: request.fetch === 'none' ? [] : rows,
      columns,
      rowsAffected,
      lastInsertRowid:
        rowsAffected > 0 && inserts(statement) ? this.#runner.exactLastInsertRowid() : undefined,
    };
  }
  async #openOffThread(prepared, args) {
    // An interrupt stops every statement of the connection, so none but this one may be under way.
    this.#cursors.settle();
    await this.#runner.readyForOffThread();
    const running = openRowsOffThread(prepared.native, args);
    this.#runner.keep(prepared, running);
    const rows = await running;
    this.#runner.keep(rows);
    return rows;
  }
  #exec(sql, onBehalfOf = sql) {
    this.#assertOpen();
    try {
      this.#native.exec(sql);
    } catch (thrown) {
      const error = toDatabaseError(thrown, onBehalfOf);
      if (error.kind === 'io' || error.kind === 'corrupt') this.#runner.broken = true;
      throw error;
    }
  }
  /** Its holder may go on after the database was closed. */
  #assertOpen() {
    if (this.#closed) throw closedError();
  }
  #setReadOnly(on) {
    if (this.#readOnly === on) return;
    this.#exec(`PRAGMA query_only=${on ? 1 : 0}`);
    this.#readOnly = on;
  }
}
