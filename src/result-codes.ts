import {
  BusyError,
  type ConstraintDetails,
  ConstraintError,
  type ConstraintKind,
  DatabaseError,
  type DatabaseErrorOptions,
  type ErrorKind,
  InterruptedError,
  ReadOnlyError,
} from './errors.js';

/** SQLite's primary result codes, https://www.sqlite.org/rescode.html. */
const PRIMARY_CODES = [
  'OK ERROR INTERNAL PERM ABORT BUSY LOCKED NOMEM READONLY INTERRUPT IOERR CORRUPT NOTFOUND FULL CANTOPEN',
  'PROTOCOL EMPTY SCHEMA TOOBIG CONSTRAINT MISMATCH MISUSE NOLFS AUTH FORMAT RANGE NOTADB NOTICE WARNING',
]
  .join(' ')
  .split(' ');

const EXTENDED_CODES: Readonly<Record<number, string>> = {
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

const CONSTRAINTS: Readonly<Record<number, ConstraintKind>> = {
  275: 'check',
  787: 'foreignKey',
  1299: 'notNull',
  1555: 'primaryKey',
  1811: 'trigger',
  2067: 'unique',
  2579: 'primaryKey',
  3091: 'datatype',
};

const LOCKED_SHAREDCACHE = 262;

/** A failure as an engine reports it: SQLite's extended result code and message. */
export interface EngineFailure {
  readonly rawCode: number;
  readonly message: string;
  readonly extendedCode?: string | undefined;
  readonly sql?: string | undefined;
  readonly cause?: unknown;
}

/** Turns an engine's result code and message into the class that a caller branches on. */
export function fromEngineFailure(failure: EngineFailure): DatabaseError {
  const { rawCode, message, sql, cause } = failure;
  const primary = PRIMARY_CODES[rawCode & 0xff] ?? 'ERROR';
  const extended = EXTENDED_CODES[rawCode];
  const options = (kind: ErrorKind, retryable = false): DatabaseErrorOptions => ({
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

/** SQLite's primary result code by its name, `SQLITE_BUSY` for instance; undefined for a name that is none. */
export function primaryCodeOf(name: string): number | undefined {
  const index = name.startsWith('SQLITE_') ? PRIMARY_CODES.indexOf(name.slice('SQLITE_'.length)) : -1;
  return index < 0 ? undefined : index;
}

/**
 * `UNIQUE constraint failed: users.a, users.b`, `… index 'lower_name'` (an expression index),
 * `CHECK constraint failed: positive_age`.
 */
function constraintDetails(rawCode: number, message: string): ConstraintDetails {
  const constraint = CONSTRAINTS[rawCode] ?? 'other';
  const subject = /constraint failed: ([\s\S]+)$/.exec(message)?.[1];
  if (subject === undefined) return { constraint };
  if (constraint === 'check') return { constraint, index: subject };
  const index = /^index '([\s\S]+)'$/.exec(subject)?.[1];
  if (index !== undefined) return { constraint, index };
  const names = subject.split(', ').map((name) => name.split('.'));
  if (!names.every((name) => name.length === 2)) return { constraint };
  return { constraint, table: names[0]?.[0], columns: names.map((name) => name[1] as string) };
}
