import {
  AuthError,
  BusyError,
  CapabilityError,
  closedError,
  DatabaseError,
  findDatabaseError,
  InterruptedError,
  NetworkError,
  ProtocolError,
  protocolError,
  TransactionLostError,
  ValueError,
} from '../../errors.js';
import { fromEngineFailure, primaryCodeOf } from '../../result-codes.js';
import { HttpStatusError } from './hrana/http-server.js';
import { neverSent } from './transport/fetch-transport.js';
import { TransportError } from './transport/transport.js';
import { unreadable } from './transport/unreadable.js';
import { UpgradeRefused } from './transport/web-socket.js';

/** What servers and clients throw, as far as it is looked at. */
interface Failure {
  readonly message?: unknown;
  readonly code?: unknown;
  readonly extendedCode?: unknown;
  readonly rawCode?: unknown;
  readonly status?: unknown;
  readonly statementIndex?: unknown;
  readonly cause?: unknown;
}

/** Codes that mean: whatever transaction was open, it is no more. */
const LOST: ReadonlySet<unknown> = new Set([
  ...['TRANSACTION_TIMEOUT', 'TRANSACTION_CLOSED', 'STREAM_EXPIRED', 'STREAM_NOT_FOUND'],
  ...['HRANA_CLOSED_ERROR', 'BATON_INVALID', 'BATON_REUSED'],
]);

/** What a constraint error says. A read replica of a server passes it on without its code (sqld 0.24). */
const CONSTRAINT_MESSAGE =
  /(?:UNIQUE|NOT NULL|CHECK|FOREIGN KEY) constraint failed|^cannot store \w+ value in /;

/** sqld 0.24 parses SQL itself before SQLite sees it, and its parser has words of its own. */
const OTHER_PARSER = 'SQL string could not be parsed: ';

/** How sqld 0.24 refuses to open a cursor on a text that it can't parse, with HTTP status 500. */
const REFUSED_CURSOR = /^Internal Error: `(SQL string could not be parsed: [\s\S]*)`$/;

const SQLITE_CONSTRAINT = 19;
/** SQLITE_CONSTRAINT_FOREIGNKEY. */
const FOREIGN_KEY = 787;
const SQLITE_ERROR = 1;
const SQLITE_BUSY = 5;
const ERROR_MISSING_COLLSEQ = 257;

/** What stands between us and the server, or the server itself, has no time for this request. */
const UNAVAILABLE: ReadonlySet<unknown> = new Set([429, 502, 503, 504]);

/** Turns what a server, a transport or a client has told into an error of our tree. */
export function toRemoteError(thrown: unknown, sql?: string): DatabaseError {
  const error = findDatabaseError(thrown) ?? fromFailure(asFailure(thrown), thrown, sql);
  error.sql ??= sql;
  error.statementIndex ??= statementIndexOf(thrown);
  return error;
}

/** Which statement of a batch has failed, where the server names it. */
export function statementIndexOf(thrown: unknown): number | undefined {
  const { statementIndex } = asFailure(thrown);
  return typeof statementIndex === 'number' ? statementIndex : undefined;
}

/** Whether the error is in the words of the server's own parser, and not in SQLite's. */
export function isOfOtherParser(error: DatabaseError): boolean {
  return error.kind === 'sql' && error.message.startsWith(OTHER_PARSER);
}

/** The error of a statement that was stopped. */
export function statementInterrupted(sql: string | undefined): InterruptedError {
  return new InterruptedError('the statement was interrupted', {
    ...{ code: 'SQLITE_INTERRUPT', kind: 'interrupted', sql },
  });
}

/** Whether the failure ended the transaction, so that the next statement would run outside of one. */
export function endsTransaction(error: unknown): boolean {
  return (
    error instanceof TransactionLostError ||
    error instanceof NetworkError ||
    error instanceof AuthError ||
    error instanceof ProtocolError
  );
}

/**
 * The failure of a statement in a transaction that has begun. A server waits for locks itself. What it can't wait for any
 * more is a transaction that has read and then meets somebody else's write: to repeat the statement would fail again, and
 * jams the server's lock (sqld 0.24). The same error as on a file, where the transaction as a whole may be repeated.
 */
export function final(error: DatabaseError): DatabaseError {
  if (!(error instanceof BusyError)) return error;
  return new BusyError(error.message, {
    code: 'SQLITE_BUSY',
    extendedCode: 'SQLITE_BUSY_SNAPSHOT',
    rawCode: 517,
    kind: 'busy',
    retryable: true,
    sql: error.sql,
    cause: error.cause,
  });
}

/** What a client that was handed in says of a value that it can't give, and of itself. */
function fromClientFailure(thrown: unknown): DatabaseError | undefined {
  for (const { message, code } of causes(thrown)) {
    const text = String(message);
    if (text.includes('integer which cannot be safely represented')) {
      return new CapabilityError(
        'exactIntegers',
        "the result holds an integer that the client can't give exactly; make the client with intMode 'bigint', or open " +
          'the database by its URL',
      );
    }
    // A server writes an infinite number as null (sqld 0.24).
    if (text.endsWith('Expected number, received null')) {
      return new ValueError("the server can't send an infinite number; select it as text");
    }
    if (code === 'CLIENT_CLOSED') return closedError();
    // One for a memory database or a replica has a single connection, and does not wait for it (`@libsql/client` 0.18).
    if (code === 'TRANSACTION_ACTIVE') {
      return new BusyError('an open transaction holds the only connection of the client', {
        ...{ code: 'SQLITE_BUSY', rawCode: SQLITE_BUSY, kind: 'busy', retryable: true, cause: thrown },
      });
    }
  }
  return undefined;
}

function fromFailure(failure: Failure, thrown: unknown, sql: string | undefined): DatabaseError {
  return (
    fromClientFailure(thrown) ??
    fromCode(findCode(thrown), plainMessage(failure), thrown, sql) ??
    fromTransport(thrown, sql)
  );
}

function fromCode(
  code: string,
  message: string,
  cause: unknown,
  sql: string | undefined,
): DatabaseError | undefined {
  const { rawCode, extendedCode } = asFailure(cause);
  if (typeof rawCode === 'number' && rawCode > 0 && code.startsWith('SQLITE_')) {
    // A client of a file tells all that SQLite does.
    const extended = typeof extendedCode === 'string' ? extendedCode : undefined;
    return fromEngineFailure({ rawCode, extendedCode: extended, message, sql, cause });
  }
  if (code === 'HRANA_PROTO_ERROR') return protocolError(message, cause);
  const primary = primaryCodeOf(code);
  // A server leaves out the extended code (sqld 0.24); `completeConstraintError` finds it out.
  if (code === 'PROXY_ERROR' && CONSTRAINT_MESSAGE.test(message)) {
    return fromEngineFailure({ rawCode: SQLITE_CONSTRAINT, message, sql, cause });
  }
  if (primary !== undefined) {
    // Nothing else than the foreign keys that wait for it can fail a COMMIT.
    const deferred = primary === SQLITE_CONSTRAINT && sql === 'COMMIT';
    return fromEngineFailure({ rawCode: deferred ? FOREIGN_KEY : primary, message, sql, cause });
  }
  if (LOST.has(code)) {
    return new TransactionLostError(`the server has ended the transaction: ${message}`, {
      code: 'TRANSACTION_LOST',
      kind: 'transaction',
      sql,
      cause,
    });
  }
  if (code === 'RESPONSE_TOO_LARGE') {
    return new DatabaseError('the result is larger than the server sends at once; use stream()', {
      code,
      kind: 'network',
      sql,
      cause,
    });
  }
  if (code === 'BLOCKED') return new AuthError(message, { sql, cause });
  const isSql = /^(SQL_|SQLITE_|ARGS_|PROXY_ERROR)/.test(code);
  return isSql ? ofSql(message, cause, sql) : undefined;
}

/** What SQLite has only one code for, apart from one message. */
function ofSql(message: string, cause: unknown, sql: string | undefined): DatabaseError {
  const rawCode = message.startsWith('no such collation sequence: ') ? ERROR_MISSING_COLLSEQ : SQLITE_ERROR;
  return fromEngineFailure({ rawCode, message, sql, cause });
}

function fromTransport(thrown: unknown, sql: string | undefined): DatabaseError {
  const chain = causes(thrown);
  const status = chain.map(statusOf).find((value) => typeof value === 'number');
  if (status === 401 || status === 403) return refusedBy(status, thrown, sql);
  const refusal = chain.find(
    (failure) => failure instanceof HttpStatusError || failure instanceof UpgradeRefused,
  );
  const refused = chain.map(({ message }) => REFUSED_CURSOR.exec(String(message))?.[1]).find((told) => told);
  if (status === 500 && refused !== undefined) return ofSql(refused, thrown, sql);
  if (status !== undefined) return fromStatus(status, refusal, sql);
  const garbled = unreadable(thrown);
  if (garbled !== undefined) return garbled;
  const transport = chain.find((failure) => failure instanceof TransportError);
  const reached = transport?.reached ?? !neverSent(thrown);
  const reason =
    chain.map(reasonOf).findLast((code) => code !== undefined) ?? String(asFailure(thrown).message);
  const what = reached ? 'the connection to the server failed' : 'the server could not be reached';
  return new NetworkError(`${what}: ${reason}`, { reached, retryable: !reached, sql, cause: thrown });
}

/** The HTTP status, which `@tursodatabase/serverless` 1.4 has only in its message. */
function statusOf({ status, message }: Failure): number | undefined {
  if (typeof status === 'number') return status;
  const told = /^HTTP error! status: (\d{3})$/.exec(String(message))?.[1];
  return told === undefined ? undefined : Number(told);
}

/** What something else than the server answers may repeat the request, and with it a parameter: only JSON is shown. */
function fromStatus(
  status: number,
  refusal: HttpStatusError | UpgradeRefused | undefined,
  sql: string | undefined,
): NetworkError {
  // Without a socket no statement was sent.
  const reached = status !== 429 && !(refusal instanceof UpgradeRefused);
  const told = refusal instanceof HttpStatusError && refusal.told;
  const reason = told ? `: ${plainMessage(refusal)}` : '';
  return new NetworkError(`the server answered with HTTP status ${status}${reason}`, {
    reached,
    status,
    retryable: !reached,
    retryAfter: UNAVAILABLE.has(status) ? waitOf(refusal?.retryAfter) : undefined,
    sql,
  });
}

/** Seconds or a date, RFC 9110 §10.2.3; in ms from now. */
function waitOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/** The error for a token that the server does not take (401), or that does not allow what was asked (403). */
export function refusedBy(status: 401 | 403, cause: unknown, sql?: string): AuthError {
  const what = status === 401 ? 'the server does not accept the token' : 'the token does not allow this';
  return new AuthError(`${what} (HTTP status ${status})`, { status, sql, cause });
}

/** The code of a socket or of the resolver, which some give in their message: `connect ECONNREFUSED 127.0.0.1:1`. */
function reasonOf({ code, message }: Failure): string | undefined {
  const told = /\b(?:connect|getaddrinfo) (E[A-Z_]+)\b/.exec(String(message))?.[1];
  return told ?? (typeof code === 'string' && !NO_REASON.has(code) ? code : undefined);
}

/** Codes of clients that tell nothing. */
const NO_REASON: ReadonlySet<string> = new Set(['', 'SERVER_ERROR', 'UNKNOWN', 'EXECUTE_ERROR']);

function findCode(thrown: unknown): string {
  for (const { code } of causes(thrown)) {
    if (typeof code === 'string' && !NO_REASON.has(code)) return code;
  }
  return '';
}

/** SQLite's message without what the layers above put before it, `SQLITE_CONSTRAINT: SQLite error: …`. */
function plainMessage({ message }: Failure): string {
  return String(message)
    .replace(/^(?:[A-Z][A-Z_]+: )+/, '')
    .replace(/^error executing a request on the primary: /, '')
    .replace(/^SQLite error: /, '')
    .replace(/^SQL(?:ite)? input error: ([\s\S]*) \(at offset \d+\)$/, '$1');
}

function asFailure(thrown: unknown): Failure {
  return typeof thrown === 'object' && thrown !== null ? thrown : { message: String(thrown) };
}

function causes(thrown: unknown): Failure[] {
  const chain: Failure[] = [];
  for (let failure = thrown; typeof failure === 'object' && failure !== null && chain.length < 8; ) {
    chain.push(failure);
    failure = (failure as Failure).cause;
  }
  return chain;
}
