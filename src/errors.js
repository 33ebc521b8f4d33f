/**
 * The error tree, the same for every engine. A caller branches on the class, on {@link DatabaseError.kind} or on
 * {@link DatabaseError.code}; parameter values and secrets never appear in a message.
 */
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
  code;
  /** SQLite's extended result code (`SQLITE_BUSY_SNAPSHOT`) where there is one. */
  extendedCode;
  /** SQLite's extended result code as a number. */
  rawCode;
  /** What went wrong, in one word. */
  kind;
  /** Whether running the same transaction or statement again may succeed. */
  retryable;
  /** The SQL text that failed, without its parameters. */
  sql;
  /** Index of the failed statement in its batch or script, from 0. */
  statementIndex;
  /** Where the failed statement begins in its script. */
  position;
  /** Failures that followed the first one, for instance a rollback that failed too. */
  suppressed;
  constructor(message, options) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.kind = options.kind;
    this.extendedCode = options.extendedCode;
    this.rawCode = options.rawCode;
    this.retryable = options.retryable ?? false;
    this.sql = options.sql;
    this.statementIndex = options.statementIndex;
    this.position = options.position;
    this.suppressed = undefined;
  }
  static {
    DatabaseError.prototype.name = 'DatabaseError';
  }
}
/** A config key that is unknown, ill-typed, contradictory or not usable for this database. */
export class ConfigError extends DatabaseError {
  /** The config key at fault. */
  key;
  constructor(key, problem, cause) {
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
  parameter;
  constructor(problem, parameter, sql) {
    super(problem, { code: 'PARAMETER_INVALID', kind: 'parameter', sql });
    this.parameter = parameter;
  }
  static {
    ParameterError.prototype.name = 'ParameterError';
  }
}
/** A stored value that can't be given back in the wanted type without loss. */
export class ValueError extends DatabaseError {
  /** Name of the result column. */
  column;
  constructor(problem, column, sql) {
    super(problem, { code: 'VALUE_OUT_OF_RANGE', kind: 'value', sql });
    this.column = column;
  }
  static {
    ValueError.prototype.name = 'ValueError';
  }
}
/** Something that this engine or database can't do. */
export class CapabilityError extends DatabaseError {
  /** Name of the missing capability. */
  capability;
  constructor(capability, problem) {
    super(problem, { code: 'NOT_SUPPORTED', kind: 'capability' });
    this.capability = capability;
  }
  static {
    CapabilityError.prototype.name = 'CapabilityError';
  }
}
/** A statement broke a UNIQUE, PRIMARY KEY, NOT NULL, CHECK or FOREIGN KEY constraint, or a trigger refused it. */
export class ConstraintError extends DatabaseError {
  /** Which rule was broken. */
  constraint;
  /** The table, where SQLite names it. */
  table;
  /** The columns, where SQLite names them; empty otherwise. */
  columns;
  /** Name of the unique index, or of the CHECK constraint. */
  index;
  constructor(message, options) {
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
/**
 * A migration that can't be read, must not run or failed. Nothing of it was kept; those before it were. `cause` is
 * what the database said, `statementIndex` and `position` tell the statement of the file.
 */
export class MigrationError extends DatabaseError {
  /** Tag of the migration (its file's name without `.sql`), where one is at fault. */
  migration;
  /** The rows that the migration would have left without the row they reference, 20 at most. */
  violations;
  constructor(message, options = {}) {
    super(message, { ...options, code: 'MIGRATION_FAILED', kind: 'migration' });
    this.migration = options.migration;
    this.violations = options.violations ?? [];
  }
  static {
    MigrationError.prototype.name = 'MigrationError';
  }
}
/** SQLite's primary result codes, https://www.sqlite.org/rescode.html. */
const PRIMARY_CODES = [
  'OK ERROR INTERNAL PERM ABORT BUSY LOCKED NOMEM READONLY INTERRUPT IOERR CORRUPT NOTFOUND FULL CANTOPEN',
  'PROTOCOL EMPTY SCHEMA TOOBIG CONSTRAINT MISMATCH MISUSE NOLFS AUTH FORMAT RANGE NOTADB NOTICE WARNING',
]
  .join(' ')
  .split(' ');
const EXTENDED_CODES = {
  261: 'BUSY_RECOVERY',
  517: 'BUSY_SNAPSHOT',
  773: 'BUSY_TIMEOUT',
  262: 'LOCKED_SHAREDCACHE',
  275: 'CONSTRAINT_CHECK',
  787: 'CONSTRAINT_FOREIGNKEY',
  1299: 'CONSTRAINT_NOTNULL',
  1555: 'CONSTRAINT_PRIMARYKEY',
  1811: 'CONSTRAINT_TRIGGER',
  2067: 'CONSTRAINT_UNIQUE',
  2579: 'CONSTRAINT_ROWID',
  3091: 'CONSTRAINT_DATATYPE',
};
const CONSTRAINTS = {
  275: 'check',
  787: 'foreignKey',
  1299: 'notNull',
  1555: 'primaryKey',
  1811: 'trigger',
  2067: 'unique',
  2579: 'primaryKey',
  3091: 'datatype',
};
const BUSY_SNAPSHOT = 517;
const LOCKED_SHAREDCACHE = 262;
/** Turns an engine's result code and message into the class that a caller branches on. */
export function fromEngineFailure(failure) {
  const { rawCode, message, sql, cause } = failure;
  const primary = PRIMARY_CODES[rawCode & 0xff] ?? 'ERROR';
  const extended = EXTENDED_CODES[rawCode];
  const options = (kind, retryable = false) => ({
    code: `SQLITE_${primary}`,
    extendedCode: extended === undefined ? failure.extendedCode : `SQLITE_${extended}`,
    rawCode,
    kind,
    retryable,
    sql,
    cause,
  });
  switch (primary) {
    case 'CONSTRAINT':
      return new ConstraintError(message, {
        ...options('constraint'),
        ...constraintDetails(rawCode, message),
      });
    case 'BUSY':
      return new BusyError(message, options('busy', true));
    case 'LOCKED':
      return new BusyError(message, options('busy', rawCode === LOCKED_SHAREDCACHE));
    case 'READONLY':
      return new ReadOnlyError(message, options('readonly'));
    case 'INTERRUPT':
      return new InterruptedError(message, options('interrupted'));
    case 'CORRUPT':
    case 'NOTADB':
      return new DatabaseError(message, options('corrupt'));
    case 'IOERR':
    case 'CANTOPEN':
      return new DatabaseError(message, options('io'));
    case 'FULL':
      return new DatabaseError(message, options('full'));
    default:
      return new DatabaseError(message, options('sql'));
  }
}
/** Whether waiting and running the same statement again may help: a lock, but not a snapshot that is too old. */
export function isLockWait(error) {
  return error instanceof BusyError && error.retryable && error.rawCode !== BUSY_SNAPSHOT;
}
/** The error for every use of a database after `close()`. */
export function closedError() {
  return new DatabaseError('the database is closed', { code: 'DATABASE_CLOSED', kind: 'closed' });
}
/** Finds the first of our errors in an error and its causes (a builder may have wrapped it). */
export function findDatabaseError(error) {
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
export function suppress(error, later) {
  const target = findDatabaseError(error);
  if (target !== undefined) (target.suppressed ??= []).push(later);
}
/**
 * `UNIQUE constraint failed: users.a, users.b`, `… index 'lower_name'` (an expression index),
 * `CHECK constraint failed: positive_age`.
 */
function constraintDetails(rawCode, message) {
  const constraint = CONSTRAINTS[rawCode] ?? 'other';
  const subject = /constraint failed: ([\s\S]+)$/.exec(message)?.[1];
  if (subject === undefined) return { constraint };
  if (constraint === 'check') return { constraint, index: subject };
  const index = /^index '([\s\S]+)'$/.exec(subject)?.[1];
  if (index !== undefined) return { constraint, index };
  const names = subject.split(', ').map((name) => name.split('.'));
  if (!names.every((name) => name.length === 2)) return { constraint };
  return { constraint, table: names[0]?.[0], columns: names.map((name) => name[1]) };
}
