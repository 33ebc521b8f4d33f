import type { Config } from '../config.js';
import { ConfigError } from '../errors.js';
import type { Target } from './target.js';

const GENERAL_KEYS = [
  ...(['url', 'engine', 'intMode', 'concurrency', 'busyTimeout', 'transactionBehavior', 'retry'] as const),
  ...(['timeout', 'logger', 'logParameters', 'detectMisuse', 'offline'] as const),
] as const;

/** Keys that concern a connection to a file; some mean nothing on a replica, whose server decides. */
const LOCAL_KEYS = ['pragmas', 'statementCacheSize', 'allowFileFunctions'] as const;
const OWN_FILE_KEYS = ['onConnect', 'extensions'] as const;
/** Keys that concern the log of a file that this handle writes to. */
const LOG_KEYS = ['walTruncate'] as const;
const REMOTE_KEYS = [
  'authToken',
  'tls',
  'fetch',
  'remoteEncryptionKey',
  'compression',
  'networkRetry',
] as const;
const SYNC_KEYS = [
  ...(['syncInterval', 'readYourWrites', 'afterWrite', 'maxStaleness', 'startup'] as const),
  ...(['onSync', 'onSyncError', 'afterWriteTimeout', 'syncTimeout'] as const),
] as const;

const KNOWN_KEYS: readonly (keyof Config)[] = [
  ...GENERAL_KEYS,
  ...LOCAL_KEYS,
  ...OWN_FILE_KEYS,
  ...LOG_KEYS,
  ...(['encryptionKey', 'syncUrl'] as const),
  ...REMOTE_KEYS,
  ...SYNC_KEYS,
];

/** Keys for which `false` asks for nothing, as in `token !== '' && token`: `@libsql/client` reads it so. */
const MAY_BE_FALSE: readonly (keyof Config)[] = [
  ...(['authToken', 'encryptionKey', 'remoteEncryptionKey', 'syncUrl', 'syncInterval', 'fetch'] as const),
  ...(['concurrency', 'timeout', 'busyTimeout'] as const),
];

/** Which keys only databases of another kind need. */
const WITHOUT_EFFECT: Readonly<Record<Target['kind'], readonly (keyof Config)[]>> = {
  memory: [...LOG_KEYS, ...REMOTE_KEYS, ...SYNC_KEYS],
  file: [...REMOTE_KEYS, ...SYNC_KEYS],
  replica: [...OWN_FILE_KEYS, ...LOG_KEYS],
  remote: [
    ...LOCAL_KEYS,
    ...OWN_FILE_KEYS,
    ...LOG_KEYS,
    ...SYNC_KEYS.filter((key) => key !== 'readYourWrites'),
  ],
  client: [],
};

/**
 * The keys that have a value, of a plain config or of one that a class computes. What is empty gives no key, as an
 * empty line of an environment file.
 *
 * @throws {@link ConfigError} naming a key that is unknown
 */
export function givenKeys(config: Config): Config {
  for (const key of Object.keys(config)) checkKey(key, (config as unknown as Record<string, unknown>)[key]);
  const given = KNOWN_KEYS.map((key) => [key, config[key] as unknown] as const);
  return Object.fromEntries(given.filter(([key, value]) => !isEmpty(key, value))) as unknown as Config;
}

function isEmpty(key: keyof Config, value: unknown): boolean {
  // The URL says what the database is; without one there is none.
  if (key === 'url') return false;
  if (value === false) return MAY_BE_FALSE.includes(key);
  // A variable that is not set must not leave a file in plain text.
  if (value === '') return key !== 'encryptionKey';
  return value === undefined;
}

/** The keys of a config that have no effect on what its URL names. */
export function keysWithoutEffect({ kind }: Target, config: Config): (keyof Config)[] {
  return WITHOUT_EFFECT[kind].filter((key) => config[key] !== undefined);
}

/** A config without some of its keys. */
export function withoutKeys(config: Config, keys: readonly (keyof Config)[]): Config {
  const rest = Object.entries(config).filter(([key]) => !keys.includes(key as keyof Config));
  return Object.fromEntries(rest) as unknown as Config;
}

function checkKey(key: string, value: unknown): void {
  if (value === undefined || (KNOWN_KEYS as readonly string[]).includes(key)) return;
  const meant = KNOWN_KEYS.find((known) => known.toLowerCase() === key.toLowerCase());
  throw new ConfigError(key, meant ? `unknown key; did you mean "${meant}"?` : 'unknown key');
}
