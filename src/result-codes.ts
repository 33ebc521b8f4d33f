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
  257: 'ERROR_MISSING_COLLSEQ',
  513: 'ERROR_RETRY',
  769: 'ERROR_SNAPSHOT',
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

/** What is left of a constraint's message where the code does not tell which it was. */
const BY_MESSAGE: readonly (readonly [RegExp, ConstraintKind])[] = [
  [/^UNIQUE constraint failed\b/, 'unique'],
  [/^NOT NULL constraint failed\b/, 'notNull'],
  [/^CHECK constraint failed\b/, 'check'],
  [/^FOREIGN KEY constraint failed$/, 'foreignKey'],
  [/^cannot store \w+ value in \w+ column /, 'datatype'],
];

const LOCKED_SHAREDCACHE = 262;
const SQLITE_CONSTRAINT = 19;
const SQLITE_CONSTRAINT_TRIGGER = 1811;

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
  const options = (kind: ErrorKind, retryable = false): DatabaseErrorOptions => ({
    code: `SQLITE_${primary}`,
    extendedCode: extendedNameOf(rawCode) ?? failure.extendedCode ?? whereOnly(kind, rawCode),
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

/** The primary code where there is no other: of the kinds that have extended ones nobody knows which it was. */
function whereOnly(kind: ErrorKind, rawCode: number): string | undefined {
  const primary = kind === 'sql' ? PRIMARY_CODES[rawCode] : undefined;
  return primary === undefined ? undefined : `SQLITE_${primary}`;
}

/** The name of an extended result code that is known here. */
function extendedNameOf(rawCode: number): string | undefined {
  const name = EXTENDED_CODES[rawCode];
  return name === undefined ? undefined : `SQLITE_${name}`;
}

/** The extended code of a message that only one rule has, unless a trigger imitates it; undefined for the others. */
export function constraintCodeOf(message: string): number | undefined {
  const kind = BY_MESSAGE.find(([told]) => told.test(message))?.[1];
  return kind === 'notNull' ? 1299 : kind === 'check' ? 275 : kind === 'datatype' ? 3091 : undefined;
}

/** Notes on a constraint error the extended code that was found out later, and what it says of the message. */
export function setConstraintCode(error: ConstraintError, rawCode: number): void {
  const { constraint, table, columns = [], index } = constraintDetails(rawCode, error.message);
  const extendedCode = extendedNameOf(rawCode) ?? 'SQLITE_CONSTRAINT';
  Object.assign(error, { rawCode, extendedCode, constraint, table, columns, index });
}

/** SQLite's primary result code by its name, `SQLITE_BUSY` for instance; undefined for a name that is none. */
export function primaryCodeOf(name: string): number | undefined {
  const index = name.startsWith('SQLITE_') ? PRIMARY_CODES.indexOf(name.slice('SQLITE_'.length)) : -1;
  return index < 0 ? undefined : index;
}

/** How SQLite refuses a value of the wrong type in a STRICT table. */
const DATATYPE = /^cannot store \w+ value in \w+ column ([\s\S]+)$/;

/**
 * `UNIQUE constraint failed: users.a, users.b`, `… index 'lower_name'` (an expression index),
 * `CHECK constraint failed: positive_age`, `cannot store TEXT value in INTEGER column users.a`.
 */
function constraintDetails(rawCode: number, message: string): ConstraintDetails {
  const constraint = constraintKind(rawCode, message);
  const datatype = constraint === 'datatype' ? DATATYPE.exec(message)?.[1] : undefined;
  const subject = datatype ?? /constraint failed: ([\s\S]+)$/.exec(message)?.[1];
  // The message of a trigger is that of its author.
  if (subject === undefined || constraint === 'trigger') return { constraint };
  if (constraint === 'check') return { constraint, index: subject };
  const index = /^index '([\s\S]+)'$/.exec(subject)?.[1];
  if (index !== undefined) return { constraint, index };
  if (datatype === undefined && !/^(?:UNIQUE|NOT NULL) /.test(message)) return { constraint };
  const dot = subject.indexOf('.');
  const table = subject.slice(0, dot);
  const columns = subject.slice(dot + 1).split(`, ${table}.`);
  // Which of several dots ends the name of the table is not told.
  if (dot < 0 || columns.some((name) => name.includes('.'))) return { constraint };
  return { constraint, table, columns };
}

/** ON DELETE RESTRICT fails with the code of a trigger, since SQLite makes one of it. */
function constraintKind(rawCode: number, message: string): ConstraintKind {
  const kind = CONSTRAINTS[rawCode] ?? 'other';
  if (rawCode === SQLITE_CONSTRAINT) return BY_MESSAGE.find(([told]) => told.test(message))?.[1] ?? kind;
  const restricted = rawCode === SQLITE_CONSTRAINT_TRIGGER && message === 'FOREIGN KEY constraint failed';
  return restricted ? 'foreignKey' : kind;
}
