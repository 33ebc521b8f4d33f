import { ConfigError } from './errors.js';
import { Secret } from './secret.js';
import type { IntMode } from './values.js';

/**
 * How a transaction takes its locks. `deferred`: with its first statement. `immediate`: the write lock at once.
 * `exclusive`: as immediate, and outside WAL no reader either. `concurrent`: optimistic, several writers at a time.
 * `read`: a snapshot in which every write fails.
 */
export type TransactionBehavior = 'deferred' | 'immediate' | 'exclusive' | 'concurrent' | 'read';

/** A value that a pragma can be set to: a number, a boolean or one of SQLite's words such as `'wal'`. */
export type PragmaValue = string | number | boolean;

/** What `onConnect` may do with a connection that was just opened. */
export interface ConnectionSetup {
  /** Runs a script of one or more statements without parameters. */
  script(sql: string): Promise<void>;
}

/** How often and how fast a transaction is run again after a lock or write conflict. */
export interface RetryConfig {
  /** How many times the callback is run again after its first run. */
  readonly attempts: number;
  /** Longest pause before the first repetition in ms; it doubles with each. @default 10 */
  readonly minDelay?: number;
  /** Upper bound of a pause in ms. @default 500 */
  readonly maxDelay?: number;
}

/** A token, or what gives one; a function is asked again shortly before its token expires and when it is refused. */
export type AuthToken = string | (() => string | Promise<string>);

/** How a request to a server is repeated after a failure of the network. */
export interface NetworkRetryConfig extends RetryConfig {
  /**
   * Also repeat a write outside a transaction of which nobody knows whether it was done, so that it may be done twice.
   * @default false
   */
  readonly writes?: boolean;
}

/**
 * Configuration of a database. Keys that `@libsql/client` has keep its names and units.
 *
 * @example
 * ```ts
 * import { open, type Config } from 'turso-dialect';
 *
 * const config: Config = { url: ':memory:', busyTimeout: 2_000, pragmas: { cache_size: -8_000 } };
 * await using db = open(config);
 * ```
 */
export interface Config {
  /**
   * `file:` URL as `@libsql/client` takes it, a plain file path, `:memory:`, or a server: `libsql:`, `https:`, `http:`,
   * `wss:`, `ws:`.
   */
  readonly url: string;
  /** Token for the server. It never appears in a message, nor where a database or config is printed. */
  readonly authToken?: AuthToken;
  /** Whether a `libsql:` URL is reached over TLS. @default true */
  readonly tls?: boolean;
  /** Used instead of the global `fetch` for a server over HTTP. */
  readonly fetch?: typeof globalThis.fetch;
  /** Key of a database that the server keeps encrypted, in base64. */
  readonly remoteEncryptionKey?: string;
  /**
   * How requests to a server are repeated: reads, what has not reached the server, and the begin of a transaction.
   * A number of times or more precisely. @default 2
   */
  readonly networkRetry?: number | NetworkRetryConfig;
  /** Which engine opens the database; `turso` is not supported yet. @default 'libsql' */
  readonly engine?: 'libsql' | 'turso';
  /**
   * How INTEGER values come back: `number` (one that a number can't hold exactly is an error), `bigint` or `string`.
   * @default 'number'
   */
  readonly intMode?: IntMode;
  /** How many connections may be open at a time; transactions and streams beyond it wait. @default 20 */
  readonly concurrency?: number;
  /** How long a statement or transaction waits for a lock, in ms; 0 fails at once. @default 5000 */
  readonly busyTimeout?: number;
  /**
   * Pragmas set on every connection, on top of the defaults for files: `journal_mode: 'wal'`,
   * `synchronous: 'normal'`, `foreign_keys: true`. `false` sets none and leaves the database as it is.
   */
  readonly pragmas?: Readonly<Record<string, PragmaValue>> | false;
  /** How a transaction takes its locks when it is not told. @default 'immediate' */
  readonly transactionBehavior?: TransactionBehavior;
  /** How a transaction is repeated after a lock or write conflict when it is not told. @default 0 */
  readonly retry?: number | RetryConfig;
  /** Longest time that a statement may run, lock waits included, in ms. @default none */
  readonly timeout?: number;
  /** Lets SQL call `readfile`, `writefile`, `fsdir`, `load_extension` and `sha3_query`. @default false */
  readonly allowFileFunctions?: boolean;
  /** How many prepared statements each connection keeps. @default 100 */
  readonly statementCacheSize?: number;
  /** Called with every connection that is opened, before its first use. */
  readonly onConnect?: (connection: ConnectionSetup) => void | Promise<void>;
}

/** What a URL points at. */
export type Target =
  | { readonly kind: 'memory'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'remote'; readonly url: string };

/** A config that was checked and completed. */
export interface ResolvedConfig {
  readonly target: Target;
  readonly intMode: IntMode;
  readonly concurrency: number;
  readonly busyTimeout: number;
  readonly pragmas: Readonly<Record<string, PragmaValue>>;
  readonly transactionBehavior: TransactionBehavior;
  readonly retry: Required<RetryConfig>;
  readonly timeout: number | undefined;
  readonly allowFileFunctions: boolean;
  readonly statementCacheSize: number;
  readonly onConnect: ((connection: ConnectionSetup) => void | Promise<void>) | undefined;
  readonly remote: RemoteConfig;
}

/** The part of a config that concerns a server. */
export interface RemoteConfig {
  readonly authToken: Secret<AuthToken | undefined>;
  readonly tls: boolean | undefined;
  readonly fetch: typeof globalThis.fetch | undefined;
  readonly remoteEncryptionKey: Secret<string | undefined>;
  readonly networkRetry: Required<NetworkRetryConfig>;
}

const BEHAVIORS: readonly TransactionBehavior[] = [
  'deferred',
  'immediate',
  'exclusive',
  'concurrent',
  'read',
];

const KNOWN_KEYS: ReadonlySet<string> = new Set([
  ...['url', 'engine', 'intMode', 'concurrency', 'busyTimeout', 'pragmas', 'transactionBehavior', 'retry'],
  ...['timeout', 'allowFileFunctions', 'statementCacheSize', 'onConnect'],
  ...['authToken', 'tls', 'fetch', 'remoteEncryptionKey', 'networkRetry'],
]);

/** Keys that mean something for a server only, and those that mean nothing there. */
const REMOTE_KEYS = ['authToken', 'tls', 'fetch', 'remoteEncryptionKey', 'networkRetry'] as const;
const LOCAL_KEYS = ['pragmas', 'onConnect', 'statementCacheSize', 'allowFileFunctions'] as const;

const RETRY_KEYS: ReadonlySet<string> = new Set(['attempts', 'minDelay', 'maxDelay']);

/** Keys that belong to databases which this version can't open; a silent no-op would hide that. */
const LATER_KEYS: ReadonlySet<string> = new Set([
  ...['syncUrl', 'syncInterval', 'readYourWrites', 'offline', 'encryptionKey', 'extensions', 'logger'],
]);

/** What is set on every connection. A server has settings of its own, foreign keys among them. */
const PRAGMAS: Readonly<Record<Target['kind'], Readonly<Record<string, PragmaValue>>>> = {
  file: { journal_mode: 'wal', synchronous: 'normal', foreign_keys: true },
  memory: { foreign_keys: true },
  remote: {},
};

/**
 * Checks a config and fills in the defaults.
 *
 * @throws {@link ConfigError} naming the key that is unknown, ill-typed or contradictory
 */
export function resolveConfig(input: string | Config): ResolvedConfig {
  const config: Config = typeof input === 'string' ? { url: input } : input;
  if (typeof config !== 'object' || config === null) {
    throw new ConfigError('url', `expected a URL, a path or a config object, got ${typeName(input)}`);
  }
  checkKeys(config);
  if (config.engine !== undefined) checkEngine(config.engine);
  const target = parseUrl(config.url);
  checkKeysFor(target, config);
  return Object.freeze({
    target,
    intMode: oneOf('intMode', config.intMode, ['number', 'bigint', 'string'] as const, 'number'),
    concurrency: wholeNumber('concurrency', config.concurrency, 20, 1, 10_000),
    busyTimeout: wholeNumber('busyTimeout', config.busyTimeout, 5_000, 0, 2 ** 31 - 1),
    pragmas: config.pragmas === false ? {} : { ...PRAGMAS[target.kind], ...checkPragmas(config.pragmas) },
    transactionBehavior: checkBehavior(config.transactionBehavior, 'immediate'),
    retry: resolveRetry(config.retry),
    timeout: checkTimeout(config.timeout),
    allowFileFunctions: boolean('allowFileFunctions', config.allowFileFunctions, false),
    statementCacheSize: wholeNumber('statementCacheSize', config.statementCacheSize, 100, 0, 100_000),
    onConnect: optionalFunction('onConnect', config.onConnect),
    remote: resolveRemote(config),
  });
}

/** @throws {@link ConfigError} when it is none of the known behaviours */
export function checkBehavior(
  value: TransactionBehavior | undefined,
  fallback: TransactionBehavior,
  key = 'transactionBehavior',
): TransactionBehavior {
  return oneOf(key, value, BEHAVIORS, fallback);
}

/**
 * Completes a `retry` option.
 *
 * @throws {@link ConfigError} when a number in it is out of range or a key unknown
 */
export function resolveRetry(value: number | RetryConfig | undefined): Required<RetryConfig> {
  const retry: Partial<RetryConfig> =
    typeof value === 'object' && value !== null ? value : numberOfTimes(value);
  const unknown = Object.keys(retry).find((key) => !RETRY_KEYS.has(key));
  if (unknown !== undefined) throw new ConfigError(`retry.${unknown}`, 'unknown key');
  return {
    attempts: wholeNumber('retry', retry.attempts, 0, 0, 10_000),
    minDelay: wholeNumber('retry.minDelay', retry.minDelay, 10, 0, 2 ** 31 - 1),
    maxDelay: wholeNumber('retry.maxDelay', retry.maxDelay, 500, 0, 2 ** 31 - 1),
  };
}

function resolveRemote(config: Config): RemoteConfig {
  const { authToken, networkRetry = 2, remoteEncryptionKey } = config;
  const { writes = false, ...retry } =
    typeof networkRetry === 'object' ? networkRetry : { attempts: networkRetry };
  return {
    authToken: new Secret(typeof authToken === 'function' ? authToken : checkToken(authToken)),
    tls: config.tls === undefined ? undefined : boolean('tls', config.tls, true),
    fetch: optionalFunction('fetch', config.fetch),
    remoteEncryptionKey: new Secret(checkKey('remoteEncryptionKey', remoteEncryptionKey)),
    networkRetry: {
      ...resolveRetry({ minDelay: 50, ...retry }),
      writes: boolean('networkRetry.writes', writes, false),
    },
  };
}

/**
 * Refuses what is no token before a driver sees it: a line break in one aborts the process in libsql 0.5.29.
 *
 * @throws {@link ConfigError} that does not show it
 */
export function checkToken(token: unknown): string | undefined {
  if (token === undefined || token === '') return undefined;
  if (typeof token !== 'string')
    throw new ConfigError('authToken', `expected a string, got ${typeName(token)}`);
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\u0000-\u0020\u007f-\uffff]/.test(token)) {
    throw new ConfigError(
      'authToken',
      'the token contains a space, a line break or another character that none has',
    );
  }
  return token;
}

/** @throws {@link ConfigError} that does not show the key */
function checkKey(name: string, value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '')) return value;
  throw new ConfigError(name, `expected a string that is not empty`);
}

function numberOfTimes(attempts: number | undefined): Partial<RetryConfig> {
  return attempts === undefined ? {} : { attempts };
}

/** @throws {@link ConfigError} when it is not a positive whole number of ms */
export function checkTimeout(value: number | undefined): number | undefined {
  return value === undefined ? undefined : wholeNumber('timeout', value, 0, 1, 2 ** 31 - 1);
}

function checkKeys(config: object): void {
  for (const key of Object.keys(config)) {
    if (KNOWN_KEYS.has(key)) continue;
    // Callers often spread optional settings, so a key without a value asks for nothing.
    if ((config as Record<string, unknown>)[key] === undefined) continue;
    if (LATER_KEYS.has(key)) {
      throw new ConfigError(key, 'not supported by this version');
    }
    const meant = [...KNOWN_KEYS, ...LATER_KEYS].find((known) => known.toLowerCase() === key.toLowerCase());
    throw new ConfigError(key, meant ? `unknown key; did you mean "${meant}"?` : 'unknown key');
  }
}

/** Refuses keys that the database would ignore. */
function checkKeysFor(target: Target, config: Config): void {
  const remote = target.kind === 'remote';
  for (const key of remote ? LOCAL_KEYS : REMOTE_KEYS) {
    if (config[key] === undefined) continue;
    throw new ConfigError(key, `has no meaning for a ${remote ? 'server' : 'local database'}`);
  }
}

function checkEngine(engine: string): void {
  if (engine === 'libsql') return;
  throw new ConfigError(
    'engine',
    engine === 'turso' ? "the 'turso' engine is not supported yet" : "expected 'libsql' or 'turso'",
  );
}

/** Two letters at least, so that `C:\data.db` is a path. */
const SCHEME = /^([a-z][a-z0-9+.-]+):/i;
const FILE_URL = /^file:(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(#.*)?$/is;

function parseUrl(url: unknown): Target {
  if (typeof url !== 'string') {
    throw new ConfigError('url', `expected a URL or a path, got ${typeName(url)}`);
  }
  if (url === ':memory:') return { kind: 'memory', path: ':memory:' };
  const scheme = SCHEME.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) return fileTarget(url);
  if (scheme === 'file') return parseFileUrl(url);
  if (['libsql', 'http', 'https', 'ws', 'wss'].includes(scheme)) return remoteTarget(url);
  throw new ConfigError('url', `unknown scheme "${scheme}:"; expected a file, ":memory:" or a server`);
}

/** A token in the URL would be printed with it. */
function remoteTarget(url: string): Target {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw new ConfigError('url', 'not a URL of a server');
  }
  if (parsed.hostname === '') throw new ConfigError('url', 'the URL has no host');
  if (parsed.username !== '' || parsed.password !== '' || parsed.searchParams.has('authToken')) {
    throw new ConfigError('url', 'give the token as "authToken", not in the URL');
  }
  return { kind: 'remote', url };
}

/** Reads a `file:` URL as `@libsql/client` does: relative paths are allowed, the host is empty or `localhost`. */
function parseFileUrl(url: string): Target {
  const [, authority, rawPath = '', query, fragment] = FILE_URL.exec(url) ?? [];
  if (fragment !== undefined) throw new ConfigError('url', 'a fragment ("#…") has no meaning in a file URL');
  if (authority !== undefined && authority !== '' && authority.toLowerCase() !== 'localhost') {
    throw new ConfigError(
      'url',
      'a file URL takes no host; write "file:/absolute/path.db", "file:///absolute/path.db" or "file:relative.db"',
    );
  }
  const path = decodePath(rawPath);
  const memory = path === ':memory:' && authority === undefined;
  const cache = parseQuery(query, memory);
  if (!memory) return fileTarget(path);
  return { kind: 'memory', path: cache === undefined ? ':memory:' : `file::memory:?cache=${cache}` };
}

function parseQuery(query: string | undefined, memory: boolean): string | undefined {
  if (query === undefined || query === '') return undefined;
  const [key, value] = [...new URLSearchParams(query)].at(-1) ?? [];
  const known = memory && query.split('&').length === 1 && key === 'cache';
  if (!known || (value !== 'shared' && value !== 'private')) {
    throw new ConfigError(
      'url',
      `unknown query "${key ?? ''}"; only file::memory: takes one, "cache=shared" or "cache=private"`,
    );
  }
  return value;
}

function fileTarget(path: string): Target {
  if (path === '') throw new ConfigError('url', 'the path is empty');
  if (path.includes('\0')) throw new ConfigError('url', 'the path contains the character U+0000');
  // The engine reads a path that begins with "file:" as a URI of its own.
  return { kind: 'file', path: /^file:/i.test(path) ? `./${path}` : path };
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw new ConfigError('url', 'the path has an invalid percent encoding', cause);
  }
}

/** Set by us on every connection; a value from outside would break what rests on it. */
const OWN_PRAGMAS: Readonly<Record<string, string>> = {
  busy_timeout: 'use the key "busyTimeout"; waiting is done without blocking the event loop',
  query_only: "use transactions with behavior 'read'",
};

function checkPragmas(
  pragmas: Readonly<Record<string, PragmaValue>> | undefined,
): Record<string, PragmaValue> {
  if (pragmas === undefined) return {};
  if (typeof pragmas !== 'object' || pragmas === null || Array.isArray(pragmas)) {
    throw new ConfigError('pragmas', `expected an object or false, got ${typeName(pragmas)}`);
  }
  const checked: Record<string, PragmaValue> = {};
  for (const [name, value] of Object.entries(pragmas)) {
    const key = `pragmas.${name}`;
    const lower = name.toLowerCase();
    if (!/^[a-z_]+$/.test(lower)) throw new ConfigError(key, 'not the name of a pragma');
    if (OWN_PRAGMAS[lower] !== undefined) throw new ConfigError(key, OWN_PRAGMAS[lower]);
    const valid =
      typeof value === 'boolean' ||
      (typeof value === 'number' && Number.isSafeInteger(value)) ||
      (typeof value === 'string' && /^[a-z_][a-z0-9_-]*$/i.test(value));
    if (!valid) throw new ConfigError(key, 'expected a whole number, a boolean or one word');
    checked[lower] = value;
  }
  return checked;
}

function oneOf<T extends string>(key: string, value: T | undefined, allowed: readonly T[], fallback: T): T {
  if (value === undefined) return fallback;
  if (allowed.includes(value)) return value;
  const shown = typeof value === 'string' ? JSON.stringify(value) : typeName(value);
  throw new ConfigError(key, `expected ${allowed.map((name) => `'${name}'`).join(', ')}; got ${shown}`);
}

function wholeNumber(key: string, value: unknown, fallback: number, min: number, max: number): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  const got = typeof value === 'number' ? String(value) : typeName(value);
  throw new ConfigError(key, `expected a whole number from ${min} to ${max}, got ${got}`);
}

function boolean(key: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value === 'boolean') return value;
  throw new ConfigError(key, `expected a boolean, got ${typeName(value)}`);
}

function optionalFunction<T>(key: string, value: T | undefined): T | undefined {
  if (value === undefined || typeof value === 'function') return value;
  throw new ConfigError(key, `expected a function, got ${typeName(value)}`);
}

function typeName(value: unknown): string {
  return value === null ? 'null' : typeof value;
}
