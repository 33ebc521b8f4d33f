import type { TransactionBehavior } from './config/behavior.js';
import { boolean, oneOf, optionalFunction, typeName, wholeNumber } from './config/checks.js';
import { checkEncryptionKey } from './config/encryption.js';
import type { Extension, ResolvedExtension } from './config/extensions.js';
import { givenKeys, keysWithoutEffect, withoutKeys } from './config/keys.js';
import { localConfig } from './config/local-config.js';
import { type PragmaValue, resolvePragmas } from './config/pragmas.js';
import { type RemoteConfig, type RemoteOptions, resolveRemote } from './config/remote.js';
import { resolveRetry, type RetryConfig } from './config/retry.js';
import { resolveSync, type SyncConfig, type SyncOptions } from './config/sync.js';
import { resolveWalTruncate, type ResolvedWalTruncate, type WalTruncateConfig } from './config/wal.js';
import { type Location, parseUrl, type Target } from './config/target.js';
import { ConfigError } from './errors.js';
import { type Features, featuresOf } from './features.js';
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
export type { TransactionBehavior } from './config/behavior.js';
export type { PragmaValue } from './config/pragmas.js';
export type { Extension, ResolvedExtension } from './config/extensions.js';
export type { AfterWrite, Startup, SyncConfig, SyncEvent, SyncOptions, SyncTrigger } from './config/sync.js';
export type { WalEvent, WalTruncateConfig } from './config/wal.js';
export { describeTarget, type FileMode, protocolOf, type Target } from './config/target.js';

/** What `onConnect` may do with a connection that was just opened. */
export interface ConnectionSetup {
  /** Runs a script of one or more statements without parameters. */
  script(sql: string): Promise<void>;
}

/** Gets every statement before it runs; a logger of Drizzle is one. */
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
   * `wss:`, `ws:`. Parameters: `authToken` and `tls` (`0` or `1`) of a server, `mode` (`ro`, `rw`, `rwc`, `memory`) and
   * `cache` of a `file:` URL, as SQLite takes them.
   */
  readonly url: string | URL;
  /** Which engine opens the database. @default 'libsql' */
  readonly engine?: 'libsql';
  /**
   * How INTEGER values come back: `number` (one that a number can't hold exactly is an error), `bigint` or `string`.
   * @default 'number'
   */
  readonly intMode?: IntMode;
  /**
   * How many connections may be open at a time; transactions and streams beyond it wait, and 0 sets no limit but that of the
   * engine. A server is asked for 60 at most.
   * @default 20
   */
  readonly concurrency?: number | undefined;
  /** How long a statement or transaction waits for a lock, in ms; 0 fails at once. @default 5000 */
  readonly busyTimeout?: number;
  /**
   * Pragmas set on every connection, on top of the defaults for files: `journal_mode: 'wal'`,
   * `synchronous: 'normal'`, `foreign_keys: true`, `journal_size_limit: 16777216`. `false` sets none and leaves the
   * database as it is.
   */
  readonly pragmas?: Readonly<Record<string, PragmaValue>> | false;
  /**
   * When the write-ahead log (`-wal`) of a file is cut to nothing: after 10 s without a write, if it is larger than 16 MiB.
   * That waits for nobody, runs on another thread, and is tried again while somebody reads from the log. `false`: never.
   * @default on; off with `busyTimeout: 0`, `pragmas: false` or `pragmas: { wal_autocheckpoint: 0 }`
   */
  readonly walTruncate?: WalTruncateConfig | false;
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
   * copied from it too. An empty text is refused: it would leave the file in plain text.
   */
  readonly encryptionKey?: string;
  /** Extensions of SQLite that are loaded into every connection to a file or memory database. @default none */
  readonly extensions?: readonly Extension[];
  /** Gets every statement before it runs. */
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
  /**
   * Whether a use of the database that the callback of its own transaction waits for is also found where no stack shows it:
   * behind an event, or in a transaction of Kysely's own. @default true in memory, at servers and where it costs nothing
   * (Node.js 24, Bun, Deno), otherwise false
   */
  readonly detectMisuse?: boolean;
  /** A key of `@libsql/client`. `true` is refused: a replica sends its writes to the server, and keeps none for later. */
  readonly offline?: boolean;
}

/** A config that was checked and completed. */
export interface ResolvedConfig {
  readonly target: Target;
  /** What the database can do. */
  readonly features: Features;
  /** What was given and only a database of another kind needs. */
  readonly keysWithoutEffect: readonly string[];
  readonly intMode: IntMode;
  readonly concurrency: number;
  /** `pragma.setBusyTimeout()` changes it while the database is open. */
  busyTimeout: number;
  /** Those that are set while the database is open are added. */
  readonly pragmas: Record<string, PragmaValue>;
  readonly walTruncate: ResolvedWalTruncate;
  /** `rekey()` changes it while the database is open. */
  encryptionKey: Secret<string | undefined>;
  readonly extensions: readonly ResolvedExtension[];
  readonly logger: StatementLogger | undefined;
  readonly logParameters: boolean;
  readonly detectMisuse: boolean | undefined;
  readonly transactionBehavior: TransactionBehavior;
  readonly retry: Required<RetryConfig>;
  readonly timeout: number | undefined;
  readonly allowFileFunctions: boolean;
  readonly statementCacheSize: number;
  readonly onConnect: ((connection: ConnectionSetup) => void | Promise<void>) | undefined;
  readonly remote: RemoteConfig;
  readonly sync: SyncConfig;
}

/** The most connections that a limit allows; also what no limit means. */
const UNLIMITED = 10_000;

const BEHAVIORS: readonly TransactionBehavior[] = [
  'deferred',
  'immediate',
  'exclusive',
  'concurrent',
  'read',
];

/** The most connections that a server is asked for: it refuses more than 128, and each takes one or two (sqld 0.24). */
const SERVER_CONNECTIONS = 60;

/**
 * Checks a config and fills in the defaults. Keys that only a database of another kind needs are checked too, and then have
 * no effect: the URL decides what the database is, so one config serves a file and a server.
 *
 * @throws {@link ConfigError} naming the key that is unknown, ill-typed or contradictory
 */
export function resolveConfig(input: string | Config): ResolvedConfig {
  const given: Config = typeof input === 'string' ? { url: input } : input;
  if (typeof given !== 'object' || given === null) {
    throw new ConfigError('url', `expected a URL, a path or a config object, got ${typeName(input)}`);
  }
  const { target, config } = locate(givenKeys(given));
  const unused = keysWithoutEffect(target, config);
  const resolved = complete(target, config);
  return unused.length === 0 ? resolved : complete(target, withoutKeys(config, unused), unused);
}

/** The config of a database that is reached through a client which its owner made. */
export function resolveClient(client: object): ResolvedConfig {
  const target: Target = { kind: 'client', client };
  return { ...resolveConfig('libsql://client'), target, features: featuresOf(target) };
}

/** What the URLs name, and the config with what their parameters say and without keys that are left empty. */
function locate(given: Config): { readonly target: Target; readonly config: Config } {
  const { syncUrl, ...config } = given;
  const location = parseUrl(given.url);
  const replica = syncUrl === undefined ? undefined : localConfig().replicaTarget(location.target, syncUrl);
  const { target } = replica ?? location;
  const { encryption } = featuresOf(target);
  const keys =
    encryption !== true && config.encryptionKey === '' ? withoutKeys(config, ['encryptionKey']) : config;
  // A key makes its owner believe that the data is encrypted.
  if (encryption !== true && keys.encryptionKey !== undefined)
    throw new ConfigError('encryptionKey', encryption);
  return { target, config: { ...keys, ...urlSettings(keys, location), ...urlSettings(keys, replica) } };
}

function urlSettings(config: Config, location: Location | undefined): Pick<Config, 'authToken' | 'tls'> {
  const { authToken, tls } = location ?? {};
  if (authToken !== undefined && config.authToken && config.authToken !== authToken) {
    throw new ConfigError('authToken', 'contradicts the token in the URL; give one of the two');
  }
  if (tls !== undefined && config.tls !== undefined && config.tls !== tls) {
    throw new ConfigError('tls', 'contradicts "tls" in the URL; give one of the two');
  }
  return { ...(authToken !== undefined && { authToken }), ...(tls !== undefined && { tls }) };
}

function complete(target: Target, config: Config, unused: readonly (keyof Config)[] = []): ResolvedConfig {
  if (config.engine !== undefined) checkEngine(config.engine);
  checkOffline(config.offline);
  const concurrency = wholeNumber('concurrency', config.concurrency, 20, 0, UNLIMITED) || UNLIMITED;
  const features = featuresOf(target);
  const most = features.writes === 'server' ? SERVER_CONNECTIONS : concurrency;
  const { busyTimeout, pragmas, ignored } = resolvePragmas(target, config);
  const lowered = concurrency > most ? ['concurrency'] : [];
  return {
    target,
    features,
    keysWithoutEffect: [...unused, ...ignored, ...lowered],
    intMode: oneOf('intMode', config.intMode, ['number', 'bigint', 'string'] as const, 'number'),
    concurrency: Math.min(concurrency, most),
    busyTimeout,
    pragmas,
    walTruncate: resolveWalTruncate(config.walTruncate),
    transactionBehavior: checkBehavior(config.transactionBehavior, 'immediate'),
    retry: resolveRetry(config.retry),
    timeout: checkTimeout(config.timeout),
    allowFileFunctions: boolean('allowFileFunctions', config.allowFileFunctions, false),
    statementCacheSize: wholeNumber('statementCacheSize', config.statementCacheSize, 100, 0, 100_000),
    onConnect: optionalFunction('onConnect', config.onConnect),
    remote: resolveRemote(config),
    sync: resolveSync(config),
    encryptionKey: new Secret(checkEncryptionKey(config.encryptionKey)),
    extensions: config.extensions === undefined ? [] : localConfig().resolveExtensions(config.extensions),
    logger: checkLogger(config.logger),
    logParameters: boolean('logParameters', config.logParameters, false),
    detectMisuse:
      config.detectMisuse === undefined ? undefined : boolean('detectMisuse', config.detectMisuse, false),
  };
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

function checkLogger(logger: StatementLogger | undefined): StatementLogger | undefined {
  if (logger === undefined || typeof logger?.logQuery === 'function') return logger;
  throw new ConfigError('logger', 'expected an object with logQuery(query, params)');
}

/** Writes of a client that is offline would stay on this machine, so this is no key that may have no effect. */
function checkOffline(offline: boolean | undefined): void {
  if (!boolean('offline', offline, false)) return;
  throw new ConfigError(
    'offline',
    'a replica sends each write to its server and keeps none for later; leave the key out, or give false',
  );
}

function checkEngine(engine: string): void {
  if (engine === 'libsql') return;
  throw new ConfigError(
    'engine',
    engine === 'turso' ? "the 'turso' engine is not supported yet" : "expected 'libsql'",
  );
}
