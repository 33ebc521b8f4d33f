import type { TransactionBehavior } from '../config.js';
import type { AnalyzedStatement } from '../sql/statement.js';
import type { SqlValue } from '../values.js';

/** A value that is there at once where the engine is synchronous, and a promise of it where it is not. */
export type MaybePromise<T> = T | Promise<T>;

/** A result column. */
export interface Column {
  readonly name: string;
  /** Declared type as written in the schema, `''` for an expression. */
  readonly type: string;
}

/** What is noted about a statement for whoever observes it. */
export interface StatementTrace {
  /** The connection that it was run on last. */
  connection: object | undefined;
  /** How often it was run. */
  tries: number;
}

/** How a statement is to be run. */
export interface ExecuteRequest {
  /** `all` rows, the `first` one at most, or `none` are wanted. */
  readonly fetch: 'all' | 'first' | 'none';
  /** Give every INTEGER as bigint; otherwise only those outside the safe range. */
  readonly exactIntegers?: boolean;
  /** Fill {@link RawResult.columns}. */
  readonly columns?: boolean;
  /** Fill {@link RawResult.lastInsertRowid}, also for a statement with RETURNING. */
  readonly rowid?: boolean;
  /** Run so that {@link Connection.interrupt} stops it and the event loop stays free. */
  readonly interruptible?: boolean;
  /**
   * Run it only in this state of {@link Connection.schemaState}: otherwise a {@link SchemaMovedError}, and nothing was
   * done. Where that is missing, who calls sees to it.
   */
  readonly schemaState?: string | undefined;
  /** Ask the side that runs the writes, also where another copy of the database answers reads. */
  readonly atWriter?: boolean;
  /** Filled by who calls {@link Connection.execute}; an engine has no use for it. */
  readonly trace?: StatementTrace;
}

/** The schema is not, or no longer, the one that the caller knows. */
export class SchemaMovedError extends Error {
  static {
    SchemaMovedError.prototype.name = 'SchemaMovedError';
  }
}

/** How a cursor is opened. */
export interface CursorOptions {
  readonly exactIntegers?: boolean;
  readonly interruptible?: boolean;
  /** Later writes of the connection stay unseen. */
  readonly snapshot?: boolean;
  /** As in {@link ExecuteRequest}. */
  readonly schemaState?: string | undefined;
}

/** What a statement gave. */
export interface RawResult {
  readonly rows: SqlValue[][];
  readonly columns: readonly Column[] | undefined;
  readonly rowsAffected: number;
  /** Only for INSERT and REPLACE that inserted a row. */
  readonly lastInsertRowid: bigint | undefined;
}

/** What a statement gives that gives nothing; a new one each time, since callers get its rows. */
export function noResult(): RawResult {
  return { rows: [], columns: undefined, rowsAffected: 0, lastInsertRowid: undefined };
}

/** A result column, with where it comes from. */
export interface ColumnOrigin {
  readonly name: string;
  /** Declared type as written in the schema; undefined for an expression. */
  readonly type: string | undefined;
  /** The table and its column that it shows; undefined for an expression, and where the engine does not tell. */
  readonly table: string | undefined;
  readonly column: string | undefined;
  /** Name of the table's database: `main`, `temp` or that of an attached one. */
  readonly database: string | undefined;
}

/** A row that a committed transaction has changed. */
export interface RowChange {
  readonly table: string;
  readonly operation: 'insert' | 'update' | 'delete';
  /** Rowid of the row; undefined in a WITHOUT ROWID table. */
  readonly rowid: bigint | undefined;
  /** Primary key of a row of a WITHOUT ROWID table, by column. */
  readonly key: Readonly<Record<string, SqlValue>> | undefined;
}

/** Who wants to know what a connection commits. */
export interface CommitListener {
  /** The tables whose changed rows are wanted: all, or those with these names in lower case. */
  readonly tables: 'all' | ReadonlySet<string>;
  /** Told after a commit of something that wrote, with the wanted rows in the order in which they changed. */
  committed(changes: readonly RowChange[]): void;
  /** Told after something that may have written was rolled back. */
  rolledBack(): void;
}

/** A statement of a batch. */
export interface ConnectionBatchItem {
  readonly statement: AnalyzedStatement;
  readonly values: readonly SqlValue[];
  readonly request: ExecuteRequest;
  /**
   * Of the last one: whether it fails as it would alone, where `OR FAIL` and the like keep what was done before. What is before
   * it only looks whether it may run.
   */
  readonly alone?: boolean;
}

/** An open result that is fetched piece by piece. It keeps a read snapshot until it ends or is closed. */
export interface Cursor {
  readonly columns: readonly Column[];
  /** The next rows, `size` at most; an empty array at the end. */
  fetch(size: number): MaybePromise<SqlValue[][]>;
  /** Frees the statement and its locks; closing twice is fine. */
  close(): void;
}

/**
 * One connection. Everything is run one at a time: the database layer never starts a call while another is pending.
 * All failures are errors of the tree in `errors.ts`. A call that failed with a lock (`isLockWait`) left nothing
 * behind and may be repeated.
 */
export interface Connection {
  readonly inTransaction: boolean;
  /** False once the connection must be closed and replaced (I/O error, a statement that can't be reset). */
  readonly usable: boolean;
  /** Whether the statement, if it is not interruptible, is done when `execute()` returns. */
  runsAtOnce(statement: AnalyzedStatement): boolean;
  /** Runs one statement. Outside a transaction a write commits before this returns. */
  execute(
    statement: AnalyzedStatement,
    args: readonly SqlValue[],
    request: ExecuteRequest,
  ): MaybePromise<RawResult>;
  /** The columns of a statement, which is not run. */
  describe(statement: AnalyzedStatement): MaybePromise<readonly ColumnOrigin[]>;
  /**
   * A text that changes with every schema that the connection sees where it runs a statement, and with whatever else its
   * bytecode depends on; the version of the schema is its first word. Missing or undefined where that takes a request.
   */
  schemaState?(statement: AnalyzedStatement): string | undefined;
  /** Asks questions where `about` would be run, together if possible; missing where they go there anyway. */
  askAll?(questions: readonly ConnectionBatchItem[], about: AnalyzedStatement): Promise<RawResult[]>;
  /** Sets a pragma of the connection; missing where a server has it. */
  applyPragma?(name: string, value: string | number): void;
  /** Who is told of commits from now on; an open transaction may be left out. */
  listener: CommitListener | undefined;
  /** Opens a cursor on a statement that only reads. */
  openCursor(
    statement: AnalyzedStatement,
    args: readonly SqlValue[],
    options: CursorOptions,
  ): MaybePromise<Cursor>;
  /** Runs one statement that gives no rows and must not be wrapped, for instance transaction control in a script. */
  control(sql: string): MaybePromise<void>;
  begin(behavior: TransactionBehavior): MaybePromise<void>;
  commit(): MaybePromise<void>;
  rollback(): MaybePromise<void>;
  savepoint(name: string): MaybePromise<void>;
  releaseSavepoint(name: string): MaybePromise<void>;
  rollbackToSavepoint(name: string): MaybePromise<void>;
  /**
   * Has what follows up to {@link reset} run on one connection of the server, so that a setting holds for the next
   * statement; missing where it does so anyway.
   */
  pin?(): void;
  /** Undoes what the holder has left behind, an open transaction above all. */
  reset(): MaybePromise<void>;
  /** Runs statements as one transaction, in one go; where it is missing they are run one by one. */
  batch?(items: readonly ConnectionBatchItem[], behavior: TransactionBehavior): Promise<RawResult[]>;
  /** Whether {@link interrupt} can stop anything. */
  readonly interruptible: boolean;
  /** Stops the interruptible call that is running, if any. */
  interrupt(): void;
  close(): MaybePromise<void>;
}

/** What a sync has brought. */
export interface SyncOutcome {
  /** Number of the last frame that the replica has; undefined while the database of the server is empty. */
  readonly frameNo: number | undefined;
  readonly framesSynced: number;
  /** Whether the server had another log than the one that the file was made from. */
  readonly replaced: boolean;
}

/** What is known before a sync. */
export interface SyncRequest {
  /** A write was acknowledged, so there should be something new. */
  readonly afterWrite: boolean;
}

/** A file that is kept like the database of a server. Nothing but {@link ReplicaPolicy} decides when it is synced. */
export interface Replica {
  /** Whether the file was synced before, so that it can be read without its server. */
  readonly readable: boolean;
  /** False while the file is another history than the server's, which nobody may read until the next sync. */
  readonly serving: boolean;
  /** Brings the file up to date; fails when the server sends nothing for too long. */
  sync(request: SyncRequest): Promise<SyncOutcome>;
  /** Deletes the file and makes it again from the server. */
  rebuild(): Promise<SyncOutcome>;
  /** Makes a copy of the file as it is, which is a database of its own with a key of its own. No sync may be under way. */
  copy(path: string, key: string | undefined): Promise<void>;
  /** Ends what is open for syncing. */
  close(): void;
}

/** Decides when a replica is synced; what it gives is to be waited for. */
export interface ReplicaPolicy {
  /** Asked before the first connection is opened. */
  opening(replica: Replica): Promise<void>;
  /** Whether a read may go on at once; otherwise {@link reading} is to be waited for. */
  readonly fresh: boolean;
  reading(): Promise<void>;
  /** Told after the server has committed a write. */
  written(): Promise<void> | undefined;
}

/** One database reached through one driver. */
export interface Engine {
  /**
   * Name of the lock that one writer at a time holds, the same for every handle of this process on the same
   * database; undefined where the database itself queues its writers. Known once a connection was opened.
   */
  readonly writeLock: string | undefined;
  /** The file that is synced, where there is one. */
  readonly replica?: Replica;
  /** Waits until the connections that were closed have let go of the file; missing where they do so at once. */
  released?(): Promise<void>;
  /**
   * Encrypts the file with another key, or decrypts it; missing where that can't be done. No connection may be open, of
   * this process or another.
   */
  rekey?(key: string | undefined): Promise<void>;
  /** Makes a copy that is a file of its own, with a key of its own; missing where a {@link Replica} does it, or nothing. */
  copy?(path: string, key: string | undefined): Promise<void>;
  /** Opens a connection and applies the per-connection settings. */
  connect(): MaybePromise<Connection>;
  /** Ends what the engine does by itself; missing where that is nothing. The connections are closed one by one. */
  close?(): Promise<void>;
}
