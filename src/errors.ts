/**
 * The error tree, the same for every engine. A caller branches on the class, on {@link DatabaseError.kind} or on
 * {@link DatabaseError.code}; parameter values and secrets never appear in a message.
 */

/** What went wrong, in one word. */
export type ErrorKind =
  | 'config'
  | 'parameter'
  | 'value'
  | 'capability'
  | 'constraint'
  | 'busy'
  | 'readonly'
  | 'interrupted'
  | 'transaction'
  | 'closed'
  | 'migration'
  | 'corrupt'
  | 'io'
  | 'full'
  | 'network'
  | 'protocol'
  | 'auth'
  | 'access'
  | 'encryption'
  | 'sync'
  | 'sql';

/** SQLite's own result code names, or one of ours where the database was not asked. */
export type ErrorCode =
  | `SQLITE_${string}`
  | 'CONFIG_INVALID'
  | 'PARAMETER_INVALID'
  | 'VALUE_OUT_OF_RANGE'
  | 'NOT_SUPPORTED'
  | 'MULTIPLE_STATEMENTS'
  | 'NO_STATEMENT'
  | 'STATEMENT_CLOSED'
  | 'TRANSACTION_CONTROL'
  | 'TRANSACTION_CLOSED'
  | 'TRANSACTION_LOST'
  | 'TRANSACTION_MISUSE'
  | 'FUNCTION_REFUSED'
  | 'MIGRATION_FAILED'
  | 'DATABASE_CLOSED'
  | 'NETWORK_FAILED'
  | 'PROTOCOL_VIOLATED'
  | 'AUTH_REFUSED'
  | 'RESPONSE_TOO_LARGE'
  | 'SYNC_FAILED'
  | 'NOT_A_REPLICA'
  | 'REPLICA_CORRUPT'
  | 'REPLICA_IN_USE'
  | 'WRITE_UNSEEN'
  | 'ABORTED'
  | 'TIMEOUT';

/** Where a statement stands in a script: `offset` in UTF-16 code units, `line` and `column` counted from 1. */
export interface SqlPosition {
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

/** The fields of a {@link DatabaseError}. */
export interface DatabaseErrorOptions {
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly extendedCode?: string | undefined;
  readonly rawCode?: number | undefined;
  readonly retryable?: boolean | undefined;
  readonly sql?: string | undefined;
  readonly statementIndex?: number | undefined;
  readonly position?: SqlPosition | undefined;
  readonly cause?: unknown;
}

/** A longer SQL text, in UTF-16 code units, is shown by its beginning only. */
const LONG = 10_000;
const SHOWN = 500;

/** Whether a SQL text is too long to be printed: a bulk insert can have megabytes. */
export function isLong(sql: string | undefined): sql is string {
  return sql !== undefined && sql.length > LONG;
}

/** Keeps a long text out of what is printed or serialised; it can still be read. */
export function hide(error: object, key: string): void {
  Object.defineProperty(error, key, { enumerable: false });
}

/** Notes which SQL text an error is about. */
export function setSql(error: DatabaseError, sql: string): void {
  error.message += endOfMessage(sql);
  error.sql = sql;
  if (isLong(sql)) hide(error, 'sql');
}

/** Beginning and length of a long text; a short one is in `error.sql` only. */
function endOfMessage(sql: string | undefined): string {
  if (!isLong(sql)) return '';
  const hint = /^\s*(?:insert|replace)\b/i.test(sql) ? '; insertMany() inserts many rows in pieces' : '';
  return ` (SQL of ${sql.length} characters: ${sql.slice(0, SHOWN)} …${hint})`;
}

/**
 * Base of every error that this package throws.
 *
 * @example
 * ```ts
 * import { DatabaseError, open } from 'turso-dialect';
 *
 * await using db = open(':memory:');
 * try {
 *   await db.execute('select * from missing');
 * } catch (error) {
 *   if (error instanceof DatabaseError) console.log(error.kind, error.code); // sql SQLITE_ERROR
 * }
 * ```
 */
export class DatabaseError extends Error {
  /** SQLite's primary result code (`SQLITE_BUSY`) or one of our own codes. */
  readonly code: ErrorCode;
  /** SQLite's extended result code (`SQLITE_BUSY_SNAPSHOT`) where there is one. */
  readonly extendedCode: string | undefined;
  /** SQLite's extended result code as a number; the primary one where only that is known. */
  readonly rawCode: number | undefined;
  /** What went wrong, in one word. */
  readonly kind: ErrorKind;
  /** Whether running the same transaction or statement again may succeed. */
  readonly retryable: boolean;
  /** The SQL text that failed, without its parameters. One of more than 10,000 characters is not printed with the error. */
  sql: string | undefined;
  /** Index of the failed statement in its batch or script, from 0. */
  statementIndex: number | undefined;
  /** Where the failed statement begins in its script. */
  position: SqlPosition | undefined;
  /** Failures that followed the first one, for instance a rollback that failed too. */
  suppressed: unknown[] | undefined;

  constructor(message: string, options: DatabaseErrorOptions) {
    super(
      message + endOfMessage(options.sql),
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = options.code;
    this.kind = options.kind;
    this.extendedCode = options.extendedCode;
    this.rawCode = options.rawCode;
    this.retryable = options.retryable ?? false;
    this.sql = options.sql;
    this.statementIndex = options.statementIndex;
    this.position = options.position;
    this.suppressed = undefined;
    if (isLong(this.sql)) hide(this, 'sql');
  }

  static {
    DatabaseError.prototype.name = 'DatabaseError';
  }
}

/** A config key that is unknown, ill-typed, contradictory or not usable for this database. */
export class ConfigError extends DatabaseError {
  /** The config key at fault. */
  readonly key: string;

  constructor(key: string, problem: string, cause?: unknown) {
    super(`config.${key}: ${problem}`, { code: 'CONFIG_INVALID', kind: 'config', cause });
    this.key = key;
  }

  static {
    ConfigError.prototype.name = 'ConfigError';
  }
}

/** A parameter that is missing, surplus or of a type that no SQLite value can hold. */
export class ParameterError extends DatabaseError {
  /** Index (from 0) or name of the parameter, where one is at fault. */
  readonly parameter: number | string | undefined;

  constructor(problem: string, parameter?: number | string, sql?: string) {
    super(problem, { code: 'PARAMETER_INVALID', kind: 'parameter', sql });
    this.parameter = parameter;
  }

  static {
    ParameterError.prototype.name = 'ParameterError';
  }
}

/** A stored value that can't be given back in the wanted type without loss. */
export class ValueError extends DatabaseError {
  /** Name of the result column; undefined only where a client that was handed in does not tell. */
  readonly column: string | undefined;

  constructor(problem: string, column?: string, sql?: string) {
    super(problem, { code: 'VALUE_OUT_OF_RANGE', kind: 'value', sql });
    this.column = column;
  }

  static {
    ValueError.prototype.name = 'ValueError';
  }
}

/**
 * What a decoder has thrown, with the name of the column.
 *
 * @returns a {@link ValueError} for one without a column and for JSON that can't be read, else what was thrown
 */
export function inColumn(column: string, thrown: unknown): unknown {
  if (thrown instanceof ValueError && thrown.column === undefined) {
    return new ValueError(`column "${column}": ${thrown.message}`, column, thrown.sql);
  }
  // What the parser says may show the value.
  if (thrown instanceof SyntaxError) return new ValueError(`column "${column}" holds no valid JSON`, column);
  return thrown;
}

/** What to do where a client that was handed in can't do something. */
export const OPEN_BY_URL = 'open the database by its URL, as in drizzle({ connection: { url } })';

/** Something that this engine or database can't do. */
export class CapabilityError extends DatabaseError {
  /** Name of the missing capability. */
  readonly capability: string;

  constructor(capability: string, problem: string) {
    super(problem, { code: 'NOT_SUPPORTED', kind: 'capability' });
    this.capability = capability;
  }

  static {
    CapabilityError.prototype.name = 'CapabilityError';
  }
}

/** Which rule a statement broke. */
export type ConstraintKind =
  | 'unique'
  | 'primaryKey'
  | 'notNull'
  | 'check'
  | 'foreignKey'
  | 'trigger'
  | 'datatype'
  | 'other';

/** What SQLite tells about a broken constraint. */
export interface ConstraintDetails {
  readonly constraint: ConstraintKind;
  readonly table?: string | undefined;
  readonly columns?: readonly string[] | undefined;
  readonly index?: string | undefined;
}

/** A statement broke a UNIQUE, PRIMARY KEY, NOT NULL, CHECK or FOREIGN KEY constraint, or a trigger refused it. */
export class ConstraintError extends DatabaseError {
  /** Which rule was broken. */
  constraint: ConstraintKind;
  /** The table, where SQLite names it. */
  readonly table: string | undefined;
  /** The columns, where SQLite names them; empty otherwise. */
  readonly columns: readonly string[];
  /** Name of the unique index, or of the CHECK constraint. */
  index: string | undefined;

  constructor(message: string, options: DatabaseErrorOptions & ConstraintDetails) {
    super(message, options);
    this.constraint = options.constraint;
    this.table = options.table;
    this.columns = options.columns ?? [];
    this.index = options.index;
  }

  static {
    ConstraintError.prototype.name = 'ConstraintError';
  }
}

/** The database stayed locked for longer than `busyTimeout`, or a transaction's snapshot is too old to write. */
export class BusyError extends DatabaseError {
  static {
    BusyError.prototype.name = 'BusyError';
  }
}

/** A write to a read-only database or in a `read` transaction. */
export class ReadOnlyError extends DatabaseError {
  static {
    ReadOnlyError.prototype.name = 'ReadOnlyError';
  }
}

/** A statement or transaction was stopped: its signal was aborted (`ABORTED`) or its time ran out (`TIMEOUT`). */
export class InterruptedError extends DatabaseError {
  static {
    InterruptedError.prototype.name = 'InterruptedError';
  }
}

/** A transaction was used wrongly: after its end, around its own control, or through the outer handle. */
export class TransactionError extends DatabaseError {
  static {
    TransactionError.prototype.name = 'TransactionError';
  }
}

/** The database ended a transaction by itself; nothing more is run in it. `cause` is the first failure. */
export class TransactionLostError extends TransactionError {
  static {
    TransactionLostError.prototype.name = 'TransactionLostError';
  }
}

/** The fields of a {@link NetworkError}. */
export interface NetworkErrorOptions extends Omit<DatabaseErrorOptions, 'code' | 'kind'> {
  readonly status?: number | undefined;
  readonly reached: boolean;
  readonly retryAfter?: number | undefined;
}

/** The server could not be reached, or the connection to it broke. */
export class NetworkError extends DatabaseError {
  /** HTTP status of the answer, where there was one. */
  readonly status: number | undefined;
  /**
   * Whether the request may have reached the database. If so, nobody knows whether a write was done; if not, it was not.
   */
  readonly reached: boolean;
  /** @internal How long the server asks to be left alone, in ms. */
  readonly retryAfter: number | undefined;

  constructor(message: string, options: NetworkErrorOptions) {
    super(message, { ...options, code: 'NETWORK_FAILED', kind: 'network' });
    this.status = options.status;
    this.reached = options.reached;
    this.retryAfter = options.retryAfter;
  }

  static {
    NetworkError.prototype.name = 'NetworkError';
  }
}

/**
 * The server gave an answer that is none of its protocol, as something else at its address would. Nobody knows whether
 * a write was done.
 */
export class ProtocolError extends DatabaseError {
  static {
    ProtocolError.prototype.name = 'ProtocolError';
  }
}

/** The error for an answer of a server that can't be decoded. It shows nothing of the answer, which may hold data. */
export function protocolError(problem: string, cause?: unknown): ProtocolError {
  return new ProtocolError(`the answer is not that of a libSQL server: ${problem}`, {
    code: 'PROTOCOL_VIOLATED',
    kind: 'protocol',
    cause,
  });
}

/** The server refused the token (`status` 401), or what the token may not do (403). */
export class AuthError extends DatabaseError {
  /** HTTP status of the answer. */
  readonly status: number | undefined;

  constructor(
    message: string,
    options: Omit<DatabaseErrorOptions, 'code' | 'kind'> & { readonly status?: number },
  ) {
    super(message, { ...options, code: 'AUTH_REFUSED', kind: 'auth' });
    this.status = options.status;
  }

  static {
    AuthError.prototype.name = 'AuthError';
  }
}

/** A file is encrypted with another key than the one given, or is encrypted and no key was given, or is not encrypted. */
export class EncryptionKeyError extends DatabaseError {
  constructor(problem: string, cause?: unknown) {
    super(problem, { code: 'SQLITE_NOTADB', rawCode: 26, kind: 'encryption', cause });
  }

  static {
    EncryptionKeyError.prototype.name = 'EncryptionKeyError';
  }
}

/** What a statement would do, as a rule of `restricted()` names it. */
export interface Access {
  readonly action: string;
  readonly table?: string | undefined;
  readonly column?: string | undefined;
}

const ACTIONS_IN_WORDS: Readonly<Record<string, string>> = {
  schema: 'change the schema',
  pragma: 'use PRAGMA',
  attach: 'attach a database',
  function: 'call the function',
};

/** A statement that the rules of `restricted()` do not allow. It was not run. */
export class AccessError extends DatabaseError {
  /** What it would have done. */
  readonly action: string;
  /** The table, virtual table, pragma or function that it would have done it to. */
  readonly table: string | undefined;
  /** The column that it would have read. */
  readonly column: string | undefined;

  constructor({ action, table, column }: Access, sql: string) {
    const subject = table === undefined ? '' : ` "${table}${column === undefined ? '' : `.${column}`}"`;
    super(`the statement may not ${ACTIONS_IN_WORDS[action] ?? action}${subject}`, {
      ...{ code: 'SQLITE_AUTH', rawCode: 23, kind: 'access', sql },
    });
    this.action = action;
    this.table = table;
    this.column = column;
  }

  static {
    AccessError.prototype.name = 'AccessError';
  }
}

/** A replica could not be synced, or is none. `cause` tells why, for instance a {@link NetworkError}. */
export class SyncError extends DatabaseError {
  constructor(message: string, options: Partial<DatabaseErrorOptions> = {}) {
    super(message, { ...options, code: options.code ?? 'SYNC_FAILED', kind: 'sync' });
  }

  static {
    SyncError.prototype.name = 'SyncError';
  }
}

/** A row that references a missing one, as `PRAGMA foreign_key_check` finds it. */
export interface ForeignKeyViolation {
  /** The table with the reference. */
  readonly table: string;
  /** The row's rowid; undefined in a WITHOUT ROWID table. */
  readonly rowid: number | bigint | undefined;
  /** The table in which the referenced row is missing. */
  readonly parent: string;
}

/** The fields of a {@link MigrationError}. */
export interface MigrationErrorOptions extends Omit<DatabaseErrorOptions, 'code' | 'kind'> {
  readonly migration?: string | undefined;
  readonly violations?: readonly ForeignKeyViolation[] | undefined;
}

/**
 * A migration that can't be read, must not run or failed. Nothing of it was kept; those before it were. `cause` is
 * what the database said, `statementIndex` and `position` tell the statement of the file.
 */
export class MigrationError extends DatabaseError {
  /** Tag of the migration (its file's name without `.sql`), where one is at fault. */
  readonly migration: string | undefined;
  /** The rows that the migration would have left without the row they reference, 20 at most. */
  readonly violations: readonly ForeignKeyViolation[];

  constructor(message: string, options: MigrationErrorOptions = {}) {
    super(message, { ...options, code: 'MIGRATION_FAILED', kind: 'migration' });
    this.migration = options.migration;
    this.violations = options.violations ?? [];
  }

  static {
    MigrationError.prototype.name = 'MigrationError';
  }
}

/** SQLITE_BUSY_SNAPSHOT: the transaction has read, and someone else has written since. */
const BUSY_SNAPSHOT = 517;

/** Whether waiting and running the same statement again may help: a lock, but not a snapshot that is too old. */
export function isLockWait(error: unknown): error is BusyError {
  return error instanceof BusyError && error.retryable && error.rawCode !== BUSY_SNAPSHOT;
}

/** The error for every use of a database after `close()`. */
export function closedError(): DatabaseError {
  return new DatabaseError('the database is closed', { code: 'DATABASE_CLOSED', kind: 'closed' });
}

/** Finds the first of our errors in an error and its causes (a builder may have wrapped it). */
export function findDatabaseError(error: unknown): DatabaseError | undefined {
  for (
    let current = error, depth = 0;
    current instanceof Error && depth < 16;
    current = current.cause, depth++
  ) {
    if (current instanceof DatabaseError) return current;
  }
  return undefined;
}

/** Notes a later failure on the error that came first, which stays the one that is thrown. */
export function suppress(error: unknown, later: unknown): void {
  const target = findDatabaseError(error);
  if (target !== undefined) (target.suppressed ??= []).push(later);
}
