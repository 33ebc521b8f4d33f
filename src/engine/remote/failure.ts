import {
  AuthError,
  DatabaseError,
  findDatabaseError,
  NetworkError,
  TransactionLostError,
} from '../../errors.js';
import { fromEngineFailure, primaryCodeOf } from '../../result-codes.js';

/** What `@libsql/client` and `@libsql/hrana-client` throw, as far as it is looked at. */
interface ClientFailure {
  readonly message?: unknown;
  readonly code?: unknown;
  readonly status?: unknown;
  readonly statementIndex?: unknown;
  readonly cause?: unknown;
}

/** Codes of Node's sockets and resolver for a connection that was never made. */
const NOT_CONNECTED: ReadonlySet<unknown> = new Set([
  ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN'],
  ...['UND_ERR_CONNECT_TIMEOUT', 'CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
]);

/** Codes that mean: whatever transaction was open, it is no more. */
const LOST: ReadonlySet<unknown> = new Set([
  ...[
    'TRANSACTION_TIMEOUT',
    'TRANSACTION_CLOSED',
    'STREAM_EXPIRED',
    'HRANA_CLOSED_ERROR',
    'STREAM_NOT_FOUND',
  ],
]);

const CONSTRAINTS: readonly (readonly [RegExp, number])[] = [
  [/UNIQUE constraint failed/, 2067],
  [/NOT NULL constraint failed/, 1299],
  [/CHECK constraint failed/, 275],
  [/FOREIGN KEY constraint failed/, 787],
  [/cannot store \w+ value in/, 3091],
];

/** SQLITE_CONSTRAINT_TRIGGER: what is left when no rule is named, a RAISE in a trigger. */
const TRIGGER = 1811;

/** Turns what a client threw into an error of our tree. */
export function toRemoteError(thrown: unknown, sql?: string): DatabaseError {
  const ours = findDatabaseError(thrown);
  if (ours !== undefined) return ours;
  const code = findCode(thrown);
  const message = plainMessage(thrown);
  const error = fromCode(code, message, thrown, sql) ?? fromTransport(thrown, message, sql);
  const { statementIndex } = thrown as ClientFailure;
  if (typeof statementIndex === 'number') error.statementIndex = statementIndex;
  return error;
}

/** Whether the failure ended the transaction, so that the next statement would run outside of one. */
export function endsTransaction(error: unknown): boolean {
  return error instanceof TransactionLostError || error instanceof NetworkError || error instanceof AuthError;
}

function fromCode(
  code: string,
  message: string,
  cause: unknown,
  sql: string | undefined,
): DatabaseError | undefined {
  const broken = CONSTRAINTS.find(([pattern]) => pattern.test(message))?.[1];
  if (code === 'SQLITE_CONSTRAINT' || (code === 'PROXY_ERROR' && broken !== undefined)) {
    const rawCode = broken ?? TRIGGER;
    return fromEngineFailure({ rawCode, message, sql, cause });
  }
  const primary = primaryCodeOf(code);
  if (primary !== undefined) return fromEngineFailure({ rawCode: primary, message, sql, cause });
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
  // A read replica of a server passes on what its primary said, without the code (sqld 0.24).
  const isSql = /^(SQL_|SQLITE_|ARGS_|PROXY_ERROR)/.test(code);
  return isSql ? new DatabaseError(message, { code: 'SQLITE_ERROR', kind: 'sql', sql, cause }) : undefined;
}

function fromTransport(thrown: unknown, message: string, sql: string | undefined): DatabaseError {
  const chain = causes(thrown);
  const status = chain.map((failure) => failure.status).find((value) => typeof value === 'number');
  if (status === 401 || status === 403) return refusedBy(status, thrown, sql);
  const reason = chain.map(reasonOf).findLast((code) => code !== undefined);
  const reached = !NOT_CONNECTED.has(reason) && status !== 429;
  const garbled = chain.some((failure) => failure instanceof SyntaxError);
  let what = `the connection to the server failed: ${reason ?? message}`;
  if (!reached) what = `the server could not be reached: ${reason ?? message}`;
  if (garbled) what = 'the answer is not that of a libSQL server';
  if (status !== undefined) what = `the server answered with HTTP status ${status}`;
  return new NetworkError(what, {
    reached,
    status,
    retryable: !reached,
    sql,
    // What something else than the server answers may repeat the request, and with it a parameter or token.
    cause: garbled || status !== undefined ? undefined : thrown,
  });
}

/** The error for a token that the server does not take (401), or that does not allow what was asked (403). */
export function refusedBy(status: 401 | 403, cause: unknown, sql?: string): AuthError {
  const what = status === 401 ? 'the server does not accept the token' : 'the token does not allow this';
  return new AuthError(`${what} (HTTP status ${status})`, { status, sql, cause });
}

/** The code of a socket or of the resolver, which a WebSocket gives in its message: `connect ECONNREFUSED 127.0.0.1:1`. */
function reasonOf({ code, message }: ClientFailure): string | undefined {
  const told = /\b(?:connect|getaddrinfo) (E[A-Z_]+)\b/.exec(String(message))?.[1];
  return told ?? (typeof code === 'string' ? code : undefined);
}

function findCode(thrown: unknown): string {
  for (const { code } of causes(thrown)) {
    if (typeof code === 'string' && code !== 'SERVER_ERROR' && code !== 'UNKNOWN') return code;
  }
  return '';
}

/** The message without what the layers below put before it, `SQLITE_CONSTRAINT: SQLite error: …`. */
function plainMessage(thrown: unknown): string {
  const { message } = thrown as ClientFailure;
  return String(message ?? thrown)
    .replace(/^(?:[A-Z][A-Z_]+: )+/, '')
    .replace(/^error executing a request on the primary: /, '')
    .replace(/^SQLite error: /, '');
}

function causes(thrown: unknown): ClientFailure[] {
  const chain: ClientFailure[] = [];
  for (let failure = thrown; typeof failure === 'object' && failure !== null && chain.length < 8; ) {
    chain.push(failure);
    failure = (failure as ClientFailure).cause;
  }
  return chain;
}
