import { boolean, oneOf, optionalFunction, typeName, wholeNumber } from './config/checks.js';
import { checkEncryptionKey } from './config/encryption.js';
import { type Extension, type ResolvedExtension, resolveExtensions } from './config/extensions.js';
import { checkPragmas, type PragmaValue } from './config/pragmas.js';
import { type RemoteConfig, type RemoteOptions, resolveRemote } from './config/remote.js';
import { resolveRetry, type RetryConfig } from './config/retry.js';
import { resolveSync, type SyncConfig, type SyncOptions } from './config/sync.js';
import { parseUrl, replicaTarget, type Target } from './config/target.js';
import { ConfigError } from './errors.js';
import { Secret } from './secret.js';
import type { IntMode } from './values.js';

export {
  type AuthToken,
  checkToken,
  type NetworkRetryConfig,
  type RemoteConfig,
  type RemoteOptions,
} from './config/remote.js';
export { resolveRetry, type RetryConfig } from './config/retry.js';
export { checkEncryptionKey } from './config/encryption.js';
export type { PragmaValue } from './config/pragmas.js';
export type { Extension, ResolvedExtension } from './config/extensions.js';
export type { AfterWrite, Startup, SyncConfig, SyncEvent, SyncOptions, SyncTrigger } from './config/sync.js';
export type { Target } from './config/target.js';

/**
 * How a transaction takes its locks. `deferred`: with its first statement. `immediate`: the write lock at once.
 * `exclusive`: as immediate, and outside WAL no reader either. `concurrent`: optimistic, several writers at a time.
 * `read`: a snapshot in which every write fails.
 */
export type TransactionBehavior = 'deferred' | 'immediate' | 'exclusive' | 'concurrent' | 'read';

/** What `onConnect` may do with a connection that was just opened. */
export interface ConnectionSetup {
  /** Runs a script of one or more statements without parameters. */
  script(sql: string): Promise<void>;
}

/** What is told every statement; a logger of Drizzle is one. */
export interface StatementLogger {
  /** @param params - a `'?'` for each parameter, or with `logParameters` the values as they are stored */
  logQuery(query: string, params: unknown[]): void;
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
export interface Config extends RemoteOptions, SyncOptions {
  /**
   * `file:` URL as `@libsql/client` takes it, a plain file path, `:memory:`, or a server: `libsql:`, `https:`, `http:`,
   * `wss:`, `ws:`.
   */
  readonly url: string;
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
   * `synchronous: 'normal'`, `foreign_keys: true`, `journal_size_limit: 16777216`. `false` sets none and leaves the
   * database as it is.
   */
  readonly pragmas?: Readonly<Record<string, PragmaValue>> | false;
  /** How a transaction takes its locks when it is not told. @default 'immediate' */
  readonly transactionBehavior?: TransactionBehavior;
  /** How a transaction is repeated after a lock or write conflict when it is not told. @default 0 */
  readonly retry?: number | RetryConfig;
  /**
   * Longest time that a statement, or any other call that waits for a lock or a server, may take, in ms. Migrations of a
   * file are not stopped. @default none
   */
  readonly timeout?: number;
  /** Lets SQL call `readfile`, `writefile`, `fsdir`, `load_extension` and `sha3_query`. @default false */
  readonly allowFileFunctions?: boolean;
  /**
   * Key of a file or replica, 32 characters at least: the file is encrypted with it (AES-256-CBC), its log and whatever is
   * copied from it too.
   */
  readonly encryptionKey?: string;
  /** Extensions of SQLite that are loaded into every connection to a file or memory database. @default none */
  readonly extensions?: readonly Extension[];
  /** Is told every statement before it runs. */
  readonly logger?: StatementLogger;
  /**
   * Whether `logger` and the subscribers of the diagnostics channel are given the values of parameters, and not a `'?'`
   * for each. @default false
   */
  readonly logParameters?: boolean;
  /** How many prepared statements each connection keeps. @default 100 */
  readonly statementCacheSize?: number;
  /** Called with every connection that is opened, before its first use. The handle itself waits for it, and refuses its calls. */
  readonly onConnect?: (connection: ConnectionSetup) => void | Promise<void>;
}

/** A config that was checked and completed. */
export interface ResolvedConfig {
  readonly target: Target;
  readonly intMode: IntMode;
  readonly concurrency: number;
  /** `pragma.setBusyTimeout()` changes it while the database is open. */
  busyTimeout: number;
  /** Those that are set while the database is open are added. */
  readonly pragmas: Record<string, PragmaValue>;
  /** `rekey()` changes it while the database is open. */
  encryptionKey: Secret<string | undefined>;
  readonly extensions: readonly ResolvedExtension[];
  readonly logger: StatementLogger | undefined;
  readonly logParameters: boolean;
  readonly transactionBehavior: TransactionBehavior;
  readonly retry: Required<RetryConfig>;
  readonly timeout: number | undefined;
  readonly allowFileFunctions: boolean;
  readonly statementCacheSize: number;
  readonly onConnect: ((connection: ConnectionSetup) => void | Promise<void>) | undefined;
  readonly remote: RemoteConfig;
  readonly sync: SyncConfig;
}

const BEHAVIORS: readonly TransactionBehavior[] = [
  'deferred',
  'immediate',
  'exclusive',
  'concurrent',
  'read',
];

const GENERAL_KEYS = [
  ...['url', 'engine', 'intMode', 'concurrency', 'busyTimeout', 'transactionBehavior', 'retry', 'timeout'],
  ...['logger', 'logParameters'],
] as const;

/** Keys that concern a connection to a file; some mean nothing on a replica, whose server decides. */
const LOCAL_KEYS = ['pragmas', 'statementCacheSize', 'allowFileFunctions'] as const;
const OWN_FILE_KEYS = ['onConnect', 'extensions'] as const;
const ENCRYPTION_KEYS = ['encryptionKey'] as const;
const REMOTE_KEYS = [
  'authToken',
  'tls',
  'fetch',
  'remoteEncryptionKey',
  'compression',
  'networkRetry',
] as const;
const SYNC_KEYS = [
  ...(['syncUrl', 'syncInterval', 'readYourWrites', 'afterWrite', 'maxStaleness', 'startup'] as const),
  ...(['onSync', 'onSyncError', 'afterWriteTimeout', 'syncTimeout'] as const),
] as const;

const KNOWN_KEYS: ReadonlySet<string> = new Set([
  ...GENERAL_KEYS,
  ...LOCAL_KEYS,
  ...OWN_FILE_KEYS,
  ...ENCRYPTION_KEYS,
  ...REMOTE_KEYS,
  ...SYNC_KEYS,
]);

/** Keys that belong to what this version can't do; a silent no-op would hide that. */
const LATER_KEYS: ReadonlySet<string> = new Set(['offline']);

/** The most connections that a server is asked for: it refuses more than 128, and each takes one or two (sqld 0.24). */
const SERVER_CONNECTIONS = 60;

/** What is set on every connection. A server has settings of its own, foreign keys among them. */
const PRAGMAS: Readonly<Record<Target['kind'], Readonly<Record<string, PragmaValue>>>> = {
  // A log that a reader has made grow is cut when it begins again; otherwise it would keep its size.
  file: { journal_mode: 'wal', synchronous: 'normal', foreign_keys: true, journal_size_limit: 16_777_216 },
  memory: { foreign_keys: true },
  replica: {},
  remote: {},
  client: {},
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
  const location = parseUrl(config.url);
  const target = config.syncUrl === undefined ? location : replicaTarget(location, config.syncUrl);
  checkKeysFor(target, config);
  const connections = target.kind === 'remote' || target.kind === 'replica' ? SERVER_CONNECTIONS : 10_000;
  return {
    target,
    intMode: oneOf('intMode', config.intMode, ['number', 'bigint', 'string'] as const, 'number'),
    concurrency: wholeNumber('concurrency', config.concurrency, 20, 1, connections),
    busyTimeout: wholeNumber('busyTimeout', config.busyTimeout, 5_000, 0, 2 ** 31 - 1),
    pragmas: config.pragmas === false ? {} : { ...PRAGMAS[target.kind], ...checkPragmas(config.pragmas) },
    transactionBehavior: checkBehavior(config.transactionBehavior, 'immediate'),
    retry: resolveRetry(config.retry),
    timeout: checkTimeout(config.timeout),
    allowFileFunctions: boolean('allowFileFunctions', config.allowFileFunctions, false),
    statementCacheSize: wholeNumber('statementCacheSize', config.statementCacheSize, 100, 0, 100_000),
    onConnect: optionalFunction('onConnect', config.onConnect),
    remote: resolveRemote(config),
    sync: resolveSync(config),
    encryptionKey: new Secret(checkEncryptionKey(config.encryptionKey)),
    extensions: resolveExtensions(config.extensions),
    logger: checkLogger(config.logger),
    logParameters: boolean('logParameters', config.logParameters, false),
  };
}

/** The config of a database that is reached through a client which its owner made. */
export function resolveClient(client: object): ResolvedConfig {
  const target: Target = { kind: 'client', client };
  return { ...resolveConfig('libsql://client'), target };
}

/** @throws {@link ConfigError} when it is none of the known behaviours */
export function checkBehavior(
  value: TransactionBehavior | undefined,
  fallback: TransactionBehavior,
  key = 'transactionBehavior',
): TransactionBehavior {
  return oneOf(key, value, BEHAVIORS, fallback);
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
  const { keys, what } = MEANINGLESS[target.kind];
  for (const key of keys) {
    if (config[key] === undefined) continue;
    throw new ConfigError(key, `has no meaning for a ${what}`);
  }
  if (target.kind === 'replica' && config.pragmas !== false && config.pragmas?.journal_mode !== undefined) {
    throw new ConfigError('pragmas.journal_mode', 'has no meaning for a replica');
  }
}

const MEANINGLESS: Readonly<
  Record<Target['kind'], { readonly keys: readonly (keyof Config)[]; readonly what: string }>
> = {
  memory: { keys: [...REMOTE_KEYS, ...SYNC_KEYS, ...ENCRYPTION_KEYS], what: 'memory database' },
  file: { keys: [...REMOTE_KEYS, ...SYNC_KEYS], what: 'file that is no replica; that needs "syncUrl"' },
  replica: { keys: OWN_FILE_KEYS, what: 'replica' },
  remote: { keys: [...LOCAL_KEYS, ...OWN_FILE_KEYS, ...ENCRYPTION_KEYS, ...SYNC_KEYS], what: 'server' },
  client: { keys: [], what: 'client' },
};

function checkLogger(logger: StatementLogger | undefined): StatementLogger | undefined {
  if (logger === undefined || typeof logger?.logQuery === 'function') return logger;
  throw new ConfigError('logger', 'expected an object with logQuery(query, params)');
}

function checkEngine(engine: string): void {
  if (engine === 'libsql') return;
  throw new ConfigError(
    'engine',
    engine === 'turso' ? "the 'turso' engine is not supported yet" : "expected 'libsql' or 'turso'",
  );
}
