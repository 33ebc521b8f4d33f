import { ConfigError, DatabaseError } from '../errors.js';
import { inWordsOf } from '../hints.js';

/**
 * The error that a client throws: the class of `@libsql/client`, with the same fields. `instanceof LibsqlError` is true
 * as well for what Drizzle and Kysely throw, or have as `cause`, when they run on this package.
 *
 * @example
 * ```ts
 * import { createClient, LibsqlError } from 'turso-dialect/client';
 *
 * const client = createClient({ url: ':memory:' });
 * try {
 *   await client.execute('select * from nowhere');
 * } catch (error) {
 *   if (error instanceof LibsqlError) console.log(error.code); // SQLITE_ERROR
 * }
 * client.close();
 * ```
 */
export class LibsqlError extends Error {
  /** SQLite's primary result code, such as `SQLITE_CONSTRAINT`, or `CLIENT_CLOSED`, `TRANSACTION_CLOSED`, `URL_INVALID` … */
  readonly code: string;
  /** SQLite's extended result code, such as `SQLITE_CONSTRAINT_UNIQUE`. */
  readonly extendedCode?: string;
  /** SQLite's extended result code as a number. */
  readonly rawCode?: number;

  constructor(message: string, code: string, extendedCode?: string, rawCode?: number, cause?: Error) {
    super(`${code}: ${message}`, cause === undefined ? undefined : { cause });
    this.code = code;
    if (extendedCode !== undefined) this.extendedCode = extendedCode;
    if (rawCode !== undefined) this.rawCode = rawCode;
  }

  /** An error of this class, or a `DatabaseError`, which has its fields. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this.prototype.isPrototypeOf(value as object)) return true;
    if (!(value instanceof DatabaseError)) return false;
    if (this === LibsqlError) return true;
    return this === (LibsqlBatchError as unknown) && value.statementIndex !== undefined;
  }

  static {
    LibsqlError.prototype.name = 'LibsqlError';
  }
}

/**
 * The error of a batch.
 *
 * @example
 * ```ts
 * import { createClient, LibsqlBatchError } from 'turso-dialect/client';
 *
 * const client = createClient({ url: ':memory:' });
 * const failing = client.batch(['select 1', 'select * from nowhere']);
 * await failing.catch((error) => console.log(error instanceof LibsqlBatchError && error.statementIndex)); // 1
 * client.close();
 * ```
 */
export class LibsqlBatchError extends LibsqlError {
  /** Index of the statement that failed, from 0. */
  readonly statementIndex: number;

  // oxlint-disable-next-line max-params -- the signature is that of `@libsql/client`
  constructor(
    message: string,
    statementIndex: number,
    code: string,
    extendedCode?: string,
    rawCode?: number,
    cause?: Error,
  ) {
    super(message, code, extendedCode, rawCode, cause);
    this.statementIndex = statementIndex;
  }

  static {
    LibsqlBatchError.prototype.name = 'LibsqlBatchError';
  }
}

/** Runs a call of a client; what fails has the form of `@libsql/client`. */
export async function withLibsqlErrors<T>(run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw toLibsqlError(error);
  }
}

/** An error of this package as one of `@libsql/client`; others as they are. */
export function toLibsqlError(error: unknown): unknown {
  if (!(error instanceof DatabaseError)) return error;
  const { statementIndex, extendedCode, rawCode } = error;
  const code = codeOf(error);
  const message = inWordsOf('client', error.message);
  // A script is no batch: the message says which of its statements failed, and where it stands.
  return statementIndex === undefined || error.position !== undefined
    ? new LibsqlError(message, code, extendedCode, rawCode, error)
    : new LibsqlBatchError(message, statementIndex, code, extendedCode, rawCode, error);
}

/** Codes of this package for which `@libsql/client` has its own, at a server if nowhere else. */
const CODES: Readonly<Record<string, string>> = {
  PARAMETER_INVALID: 'ARGS_INVALID',
  NO_STATEMENT: 'SQL_NO_STATEMENT',
  MULTIPLE_STATEMENTS: 'SQL_MANY_STATEMENTS',
  DATABASE_CLOSED: 'CLIENT_CLOSED',
  TRANSACTION_LOST: 'TRANSACTION_CLOSED',
};

function codeOf(error: DatabaseError): string {
  if (error instanceof ConfigError && (error.key === 'url' || error.key === 'syncUrl')) return urlCode(error);
  return CODES[error.code] ?? error.code;
}

function urlCode({ message }: ConfigError): string {
  return message.includes('unknown scheme') ? 'URL_SCHEME_NOT_SUPPORTED' : 'URL_INVALID';
}
