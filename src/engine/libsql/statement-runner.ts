import { BusyError, type DatabaseError } from '../../errors.js';
import { LruCache } from '../../lru-cache.js';
import type { AnalyzedStatement } from '../../sql/statement.js';
import type { SqlValue } from '../../values.js';
import { quoteName } from '../../sql/quote-name.js';
import type { Column, ColumnOrigin, ExecuteRequest, RawResult } from '../engine.js';
import { collectNow } from './collect.js';
import { toDatabaseError } from './failure.js';
import { LastRowid } from './last-rowid.js';
import { endExplain, type NativeDatabase } from './native.js';
import { PreparedStatement } from './prepared.js';
import { changesRows, changesSchema, inserts, mayWrite, tellsRowid } from '../statement-effect.js';
import { rowidQuestion } from '../told-rowid.js';

/** Finds statements that show the schema without looking whether it has changed. */
const SHOWS_SCHEMA =
  /^explain\b|\b(?:pragma_)?(?:table_x?info|table_list|index_x?info|index_list|foreign_key_(?:list|check)|integrity_check|quick_check|optimize)\b/i;

/** Longer texts are mostly one-off bulk inserts; keeping them would cost more than preparing them again. */
const LONGEST_CACHED_SQL = 16_384;

/** How many handles of off-thread runs a connection keeps from the collector. */
const MOST_KEPT = 512;

/** Prepares the statements of one connection, keeps them, runs them and sees to it that none is left running. */
export class StatementRunner {
  readonly #native: NativeDatabase;
  readonly #statements: LruCache<string, PreparedStatement>;
  /**
   * Those of which only the first row is asked for, by `get()`: on a statement that was iterated before, that runs with
   * the parameters of the iteration (libsql 0.5.29).
   */
  readonly #firsts: LruCache<string, PreparedStatement>;
  /** Prepared reads that met a lock: the binding leaves them running until they are run again. */
  readonly #stuck = new Set<PreparedStatement>();
  /** Handles of off-thread runs; see {@link readyForOffThread}. */
  #kept: object[] = [];
  /** Whether handles were left to the collector that it may not have found yet. */
  #littered = false;
  readonly #lastRowid = new LastRowid((table) => this.#hasRowids(table));
  /** Set when the connection must not be used any more. */
  broken = false;
  /** Set while the connection refuses writes. */
  readOnly = false;
  /** Whether other files may be attached. */
  attached = false;

  constructor(native: NativeDatabase, cacheSize: number) {
    this.#native = native;
    this.#statements = new LruCache(cacheSize, () => this.litter());
    this.#firsts = new LruCache(cacheSize, () => this.litter());
  }

  /** Whether nothing happened that the next statement would feel. */
  get usable(): boolean {
    return !this.broken && this.#stuck.size === 0;
  }

  /**
   * To be awaited before a statement is run on another thread. The binding frees statements and row handles on the main
   * thread when the collector finds them, and that waits for whatever runs on their connection (libsql 0.5.29): the
   * event loop would stand still until the other thread is done, and nothing could interrupt it. So what was left to
   * the collector is collected first, and the handles of off-thread runs themselves are kept from it for a while.
   */
  async readyForOffThread(): Promise<void> {
    if (!this.#littered) return;
    this.#littered = false;
    await collectNow();
  }

  /** Notes that a statement or row handle of this connection is left to the collector. */
  litter(): void {
    this.#littered = true;
  }

  /** Keeps handles from the collector. */
  keep(...handles: object[]): void {
    if (this.#kept.length >= MOST_KEPT) {
      this.#kept = [];
      this.litter();
    }
    this.#kept.push(...handles);
  }

  /** Forgets every statement, so that the collector can free the connection. */
  clear(): void {
    this.#statements.clear();
    this.#firsts.clear();
    this.#stuck.clear();
    this.#kept = [];
  }

  /**
   * Forgets every prepared statement, after this connection has changed a schema or a setting. SQLite prepares it again in
   * its next run, by the schema that the connection remembers, and does not look whether that has changed since.
   */
  forgetStatements(): void {
    // To collect them would take longer than most changes.
    this.keep(...this.#statements.values(), ...this.#firsts.values());
    this.#statements.clear();
    this.#firsts.clear();
  }

  /** One statement, in whatever transaction is open. */
  run(statement: AnalyzedStatement, args: readonly SqlValue[], request: ExecuteRequest): RawResult {
    const firstOnly = request.fetch === 'first' && statement.kind === 'read';
    const prepared = this.cached(statement, statement.text, firstOnly);
    try {
      const result = prepared.reader
        ? this.#read(prepared, statement, args, request)
        : this.#write(prepared, statement, args, request);
      if (statement.verb === 'EXPLAIN') endExplain(prepared.native, args);
      if (this.#stuck.size > 0) this.#stuck.delete(prepared);
      return result;
    } catch (thrown) {
      throw this.failed(thrown, prepared, statement, args);
    }
  }

  #read(
    prepared: PreparedStatement,
    statement: AnalyzedStatement,
    args: readonly SqlValue[],
    request: ExecuteRequest,
  ): RawResult {
    const exact = request.exactIntegers === true;
    if (request.fetch !== 'first' || statement.kind !== 'read') this.litter();
    let rows: SqlValue[][];
    let columns: Column[] | undefined;
    let rowsAffected = 0;
    if (statement.kind !== 'read') {
      rows = prepared.readAllOnce(args, exact ? 'exact' : 'wide');
      // The rows that a trigger of a view took are none that the statement changed.
      if (statement.returning && rows.length > 0) rowsAffected = this.changes(statement);
    } else if (request.fetch === 'first') {
      const row = prepared.readFirst(args, exact);
      rows = row === undefined ? [] : [row];
    } else if (exact) {
      rows = prepared.readAllOnce(args, 'exact');
    } else if (request.columns) {
      ({ rows, columns } = prepared.readAllNamed(args));
    } else {
      rows = prepared.readAll(args);
    }
    if (request.columns) columns ??= prepared.columns(rows[0]);
    return {
      rows: request.fetch === 'none' ? [] : rows,
      columns,
      rowsAffected,
      lastInsertRowid:
        statement.kind !== 'read' && inserts(statement)
          ? this.insertedRowid(statement, rowsAffected, request.rowid)
          : undefined,
    };
  }

  #write(
    prepared: PreparedStatement,
    statement: AnalyzedStatement,
    args: readonly SqlValue[],
    request: ExecuteRequest,
  ): RawResult {
    const { changes: told, lastInsertRowid } = prepared.native.run(args);
    // The binding counts what CREATE VIRTUAL TABLE writes to the schema (libsql 0.5.29).
    const changes = told > 0 && changesRows(statement) ? told : 0;
    const tells = changes > 0 && prepared.tellsRowid(statement);
    const inserted = tells && this.#lastRowid.isOf(statement, lastInsertRowid);
    if (!tells && inserts(statement)) this.#lastRowid.unknown();
    return {
      rows: [],
      columns: request.columns ? [] : undefined,
      rowsAffected: changes,
      // The binding reports it as a double.
      lastInsertRowid: !inserted
        ? undefined
        : Number.isSafeInteger(lastInsertRowid)
          ? BigInt(lastInsertRowid)
          : this.exactLastInsertRowid(),
    };
  }

  /** The rowid of the last row that an INSERT or REPLACE inserted itself, if it did. */
  insertedRowid(statement: AnalyzedStatement, rowsAffected: number, wanted = true): bigint | undefined {
    const told = wanted && rowsAffected > 0 && tellsRowid(statement);
    if (!told) {
      this.#lastRowid.unknown();
      return undefined;
    }
    const rowid = this.exactLastInsertRowid();
    return this.#lastRowid.isOf(statement, rowid) ? rowid : undefined;
  }

  /**
   * Whether a table has rowids; one WITHOUT ROWID and a view have none. The statement is not run. EXPLAIN of the INSERT would say
   * it too, but shows blobs as TEXT, which ends the process in libsql 0.5.29 when they are no UTF-8.
   */
  #hasRowids(table: string): boolean {
    this.litter();
    try {
      this.#native.prepare(rowidQuestion(table));
      return true;
    } catch (thrown) {
      const error = toDatabaseError(thrown, undefined);
      if (error.kind === 'sql') return false;
      throw error;
    }
  }

  /** The rowid of the last insert, which the binding itself reports as a double. */
  exactLastInsertRowid(): bigint {
    return this.#metadata('SELECT last_insert_rowid()');
  }

  /** How many rows the statement that was just run changed. */
  changes(statement: AnalyzedStatement): number {
    return changesRows(statement) ? Number(this.#metadata('SELECT changes()')) : 0;
  }

  #metadata(sql: string): bigint {
    let prepared = this.#firsts.get(sql);
    if (prepared === undefined) {
      prepared = this.#prepare(sql);
      this.#firsts.set(sql, prepared);
    }
    return prepared.readFirst([], true)?.[0] as bigint;
  }

  /** The prepared statement, or one for another text that stands for it, from the cache if it may be kept there. */
  cached(statement: AnalyzedStatement, text: string = statement.text, firstOnly = false): PreparedStatement {
    const cache = firstOnly ? this.#firsts : this.#statements;
    const known = cache.get(text);
    if (known !== undefined) {
      if (known.showsSchema) this.lookAtSchema();
      return known;
    }
    const prepared = this.#prepare(text);
    // Some pragmas act when they are prepared, not when they are run (libsql 0.5.29), so none is kept.
    // One that changes the schema can't be run again as it is, see forgetStatements().
    const kept = statement.pragma === undefined && statement.verb !== 'EXPLAIN';
    if (!kept || text.length > LONGEST_CACHED_SQL) this.litter();
    else if (changesSchema(statement)) this.keep(prepared);
    else cache.set(text, prepared);
    return prepared;
  }

  /** A statement of its own, not one of the cache; the caller keeps it or calls {@link litter}. */
  prepareApart(sql: string): PreparedStatement {
    return this.#prepare(sql);
  }

  /** The columns of a statement and where they come from. */
  describe(sql: string): ColumnOrigin[] {
    this.lookAtSchema();
    const { native, reader } = this.#prepare(sql);
    this.litter();
    if (!reader) return [];
    return native.columns().map(({ name, type, table, column, database }) => ({
      name,
      type: type ?? undefined,
      table: table ?? undefined,
      column: column ?? undefined,
      database: database ?? undefined,
    }));
  }

  #prepare(sql: string): PreparedStatement {
    const showsSchema = SHOWS_SCHEMA.test(sql);
    if (showsSchema) this.lookAtSchema();
    try {
      return new PreparedStatement(this.#native.prepare(sql), sql, showsSchema);
    } catch (thrown) {
      const error = toDatabaseError(thrown, sql);
      if (error.kind !== 'sql') throw error;
      // What it remembers of the schema may be wrong, and a lock may keep it from looking.
      this.lookAtSchema();
      return this.#prepareAsKnown(sql, showsSchema);
    }
  }

  #prepareAsKnown(sql: string, showsSchema = false): PreparedStatement {
    try {
      return new PreparedStatement(this.#native.prepare(sql), sql, showsSchema);
    } catch (thrown) {
      throw toDatabaseError(thrown, sql);
    }
  }

  /**
   * Has the connection read the schema again if another one has changed it. SQLite (3.45.1 in libsql 0.5.29) notices that
   * when a statement that reads is stepped, and for some errors of preparing. Not noticed is it by the pragmas about the
   * schema and by EXPLAIN, which never look, and by errors like "table t has 1 columns but 2 values were supplied".
   *
   * @throws {@link BusyError} when a lock keeps it from looking
   */
  lookAtSchema(): void {
    try {
      this.#native.exec('SELECT 1 FROM sqlite_schema LIMIT 0');
      if (!this.attached) return;
      const names = this.#prepareAsKnown('SELECT name FROM pragma_database_list WHERE seq > 1').drain([]);
      this.litter();
      for (const [name] of names)
        this.#native.exec(`SELECT 1 FROM ${quoteName(String(name))}.sqlite_schema LIMIT 0`);
    } catch (thrown) {
      const failure = toDatabaseError(thrown);
      // Whatever else is wrong the statement itself says.
      if (failure instanceof BusyError) throw failure;
    }
  }

  /** Leaves the connection in order after a statement failed, and gives the error to throw. */
  failed(
    thrown: unknown,
    prepared: PreparedStatement,
    statement: AnalyzedStatement,
    args: readonly SqlValue[] = [],
  ): DatabaseError {
    const error = toDatabaseError(thrown, statement.text);
    // Rows before the failing one have left their rowid, though they were undone.
    if (statement.kind !== 'read') this.#lastRowid.unknown();
    if (error instanceof BusyError) {
      if (mayWrite(statement)) this.#healWrite(prepared, args);
      // Running a read again resets it, which is what its caller does next; until then it counts as stuck.
      else this.#stuck.add(prepared);
    } else if (error.kind === 'io' || error.kind === 'corrupt') {
      this.broken = true;
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
      } catch (thrown) {
        // SQLITE_READONLY, as meant.
        if (toDatabaseError(thrown) instanceof BusyError) this.#stuck.add(prepared);
      }
      // In a `read` transaction the ban on writes stays.
      if (!this.readOnly) this.#native.exec('PRAGMA query_only=0');
    } catch {
      this.broken = true;
    }
  }
}
