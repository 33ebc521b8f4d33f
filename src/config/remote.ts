import { ConfigError } from '../errors.js';
import { Secret } from '../secret.js';
import { boolean, optionalFunction, typeName, wholeNumber } from './checks.js';
import { resolveRetry, type RetryConfig } from './retry.js';
import type { SyncOptions } from './sync.js';

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

/** The keys of a config that concern a server. */
export interface RemoteOptions {
  /** Token for the server. It never appears in a message, nor where a database or config is printed. */
  readonly authToken?: AuthToken;
  /** Whether a `libsql:` URL is reached over TLS. @default true */
  readonly tls?: boolean;
  /** Used instead of the global `fetch` for a server over HTTP; `@libsql/client` declares it as a `Function`. */
  readonly fetch?: typeof globalThis.fetch | Function;
  /** Key of a database that the server keeps encrypted, in base64. */
  readonly remoteEncryptionKey?: string;
  /**
   * Whether a server over HTTP may compress its answers, as the runtime's `fetch` asks for. It pays where a proxy before
   * the server compresses; `sqld` itself compresses in pieces that take a hundred times as long. @default false
   */
  readonly compression?: boolean;
  /**
   * How requests to a server are repeated: reads, what has not reached the server, and the begin of a transaction.
   * A number of times or more precisely. @default 2
   */
  readonly networkRetry?: number | NetworkRetryConfig;
}

/** The keys that concern a server, checked and completed. */
export interface RemoteConfig {
  readonly authToken: Secret<AuthToken | undefined>;
  readonly tls: boolean | undefined;
  readonly fetch: typeof globalThis.fetch | undefined;
  readonly remoteEncryptionKey: Secret<string | undefined>;
  readonly compression: boolean;
  readonly readYourWrites: boolean;
  readonly networkRetry: Required<NetworkRetryConfig>;
}

/** Checks and completes the keys that concern a server. */
export function resolveRemote(config: RemoteOptions & Pick<SyncOptions, 'readYourWrites'>): RemoteConfig {
  const { authToken, networkRetry = 2, remoteEncryptionKey } = config;
  const { writes = false, ...retry } =
    typeof networkRetry === 'object' && networkRetry !== null
      ? networkRetry
      : { attempts: wholeNumber('networkRetry', networkRetry, 2, 0, 10_000) };
  return {
    authToken: new Secret(typeof authToken === 'function' ? authToken : checkToken(authToken)),
    tls: config.tls === undefined ? undefined : boolean('tls', config.tls, true),
    // The type of `@libsql/client` says no more of it.
    fetch: optionalFunction('fetch', config.fetch) as typeof globalThis.fetch | undefined,
    remoteEncryptionKey: new Secret(checkHeader('remoteEncryptionKey', remoteEncryptionKey, 'key')),
    compression: boolean('compression', config.compression, false),
    readYourWrites: boolean('readYourWrites', config.readYourWrites, true),
    networkRetry: {
      ...resolveRetry({ minDelay: 50, ...retry }, 'networkRetry'),
      writes: boolean('networkRetry.writes', writes, false),
    },
  };
}

/** @throws {@link ConfigError} that does not show the token */
export function checkToken(token: unknown): string | undefined {
  return checkHeader('authToken', token, 'token');
}

/**
 * Checks a secret that is sent in a header before a driver sees it: a line break in one aborts the process in libsql
 * 0.5.29, and the messages of others repeat it. Nothing but visible ASCII characters is in a token (RFC 6750 §2.1) or in
 * base64.
 *
 * @returns undefined for an empty one, as an empty line of an environment file gives
 * @throws {@link ConfigError} that does not show it
 */
function checkHeader(key: string, value: unknown, what: string): string | undefined {
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string') throw new ConfigError(key, `expected a string, got ${typeName(value)}`);
  if (/^[\x21-\x7e]+$/.test(value)) return value;
  throw new ConfigError(key, `the ${what} contains a space, a line break or another character that none has`);
}
