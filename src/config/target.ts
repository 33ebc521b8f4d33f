import { ConfigError } from '../errors.js';
import { typeName } from './checks.js';
import { isOf } from '../realm.js';
import { localConfig } from './local-config.js';
import type { Refusal } from './path.js';
import { schemeOf } from './scheme.js';

/** How a file is opened: to be read only, only if it is there, or made if it is not (the default). */
export type FileMode = 'ro' | 'rw';

/** What a URL names, and what its parameters say beside. */
export interface Location {
  readonly target: Target;
  readonly authToken?: string | undefined;
  readonly tls?: boolean | undefined;
}

/** What a URL points at. */
export type Target =
  | { readonly kind: 'memory'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string; readonly mode?: FileMode }
  /** A file that is kept like the database of a server. */
  | { readonly kind: 'replica'; readonly path: string; readonly url: string }
  | { readonly kind: 'remote'; readonly url: string }
  /** A client of a driver that its owner made. */
  | { readonly kind: 'client'; readonly client: object };

/** What a database is and where, for a log. */
export function describeTarget(target: Target): {
  readonly kind: Target['kind'];
  readonly location: string | undefined;
} {
  const { path, url } = target as { readonly path?: string; readonly url?: string };
  return { kind: target.kind, location: url ?? path };
}

/** How the database is reached, in the words of `@libsql/client`: `file`, which memory is too, `http` or `ws`. */
export function protocolOf(target: Target): 'file' | 'http' | 'ws' {
  if (target.kind !== 'remote') return 'file';
  return /^wss?:/i.test(target.url) ? 'ws' : 'http';
}

/**
 * @throws {@link ConfigError} when it is no URL or path of a database
 * @throws {@link CapabilityError} for a file where only servers are known
 */
export function parseUrl(given: unknown): Location {
  const url = textOf(given);
  if (typeof url !== 'string') {
    throw new ConfigError('url', `expected a URL or a path, got ${typeName(url)}`);
  }
  const scheme = schemeOf(url);
  if (scheme === undefined || scheme === 'file' || url === ':memory:') return localConfig().parseFile(url);
  if (['libsql', 'http', 'https', 'ws', 'wss'].includes(scheme)) {
    const { address, ...settings } = parseServer('url', url);
    return { target: { kind: 'remote', url: address }, ...settings };
  }
  throw new ConfigError('url', `unknown scheme "${scheme}:"; expected a file, ":memory:" or a server`);
}

/**
 * Checks the address of a server.
 *
 * @returns the address without its parameters, since a token would be printed with it
 * @throws {@link ConfigError} that does not show it
 */
export function parseServer(key: string, url: string): ServerSettings & { readonly address: string } {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined) throw new ConfigError(key, 'not a URL of a server');
  if (parsed.hostname === '') throw new ConfigError(key, 'the URL has no host');
  if (parsed.username !== '' || parsed.password !== '') {
    throw new ConfigError(key, 'give the token as "authToken", not before the host');
  }
  if (parsed.hash !== '') throw new ConfigError(key, 'the URL of a server takes no fragment');
  const [address = '', query] = url.split('?', 2);
  const { authToken, tls } = parseQuery(
    query,
    { authToken: undefined, tls: ['0', '1'] },
    (problem) => new ConfigError(key, problem),
  );
  return { address, ...serverSettings(authToken, tls) };
}

/** The text of a `URL` of any realm; everything else as it is. */
export function textOf(url: unknown): unknown {
  return isOf(url, 'URL') ? url.href : url;
}

type ServerSettings = Pick<Location, 'authToken' | 'tls'>;

export function serverSettings(authToken: string | undefined, tls: string | undefined): ServerSettings {
  return {
    ...(authToken !== undefined && { authToken }),
    ...(tls !== undefined && { tls: tls === '1' }),
  };
}

/** The parameters that a URL may have, each with its values; undefined for one with any value. */
export type QueryShape<T extends string> = Readonly<Record<T, readonly string[] | undefined>>;

/** Parameters of other URLs of this package and of SQLite's. */
const NAMES: ReadonlySet<string> = new Set(
  'cache mode vfs psow nolock immutable modeof cipher key hexkey kdf authToken tls syncUrl'.split(' '),
);

export function parseQuery<T extends string>(
  query: string | undefined,
  shape: QueryShape<T>,
  refused: Refusal,
): Partial<Record<T, string>> {
  const found: Partial<Record<T, string>> = {};
  for (const [key, value] of new URLSearchParams(query)) {
    const name = key as T;
    if (!Object.hasOwn(shape, key)) {
      // Anything else may be a secret that stands in the wrong place.
      const shown = NAMES.has(key) ? ` "${key}"` : '';
      throw refused(`the URL has an unknown parameter${shown}; it takes ${Object.keys(shape).join(', ')}`);
    }
    if (found[name] !== undefined) throw refused(`the URL has the parameter "${key}" twice`);
    const allowed = shape[name];
    if (allowed !== undefined && !allowed.includes(value)) {
      throw refused(`the parameter "${key}" of the URL is one of ${allowed.join(', ')}`);
    }
    found[name] = value;
  }
  return found;
}
