import { ConfigError } from '../errors.js';
import { Secret } from '../secret.js';
import { boolean, optionalFunction, typeName } from './checks.js';
import { resolveRetry, type RetryConfig } from './retry.js';

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
  /** Used instead of the global `fetch` for a server over HTTP. */
  readonly fetch?: typeof globalThis.fetch;
  /** Key of a database that the server keeps encrypted, in base64. */
  readonly remoteEncryptionKey?: string;
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
  readonly networkRetry: Required<NetworkRetryConfig>;
}

/** Checks and completes the keys that concern a server. */
export function resolveRemote(config: RemoteOptions): RemoteConfig {
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
export function checkKey(name: string, value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '')) return value;
  throw new ConfigError(name, 'expected a string that is not empty');
}
