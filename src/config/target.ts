import { ConfigError } from '../errors.js';
import { typeName } from './checks.js';
import { checkedPath, readFileUrl, type Refusal, schemeOf } from './path.js';

/** What a URL points at. */
export type Target =
  | { readonly kind: 'memory'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string }
  /** A file that is kept like the database of a server. */
  | { readonly kind: 'replica'; readonly path: string; readonly url: string }
  | { readonly kind: 'remote'; readonly url: string }
  /** A client of a driver that its owner made. */
  | { readonly kind: 'client'; readonly client: object };

const refuse: Refusal = (problem, cause) => new ConfigError('url', problem, cause);

/** @throws {@link ConfigError} when it is no URL or path of a database */
export function parseUrl(url: unknown): Target {
  if (typeof url !== 'string') {
    throw new ConfigError('url', `expected a URL or a path, got ${typeName(url)}`);
  }
  if (url === ':memory:') return { kind: 'memory', path: ':memory:' };
  const scheme = schemeOf(url);
  if (scheme === undefined) return fileTarget(url);
  if (scheme === 'file') return parseFileUrl(url);
  if (['libsql', 'http', 'https', 'ws', 'wss'].includes(scheme))
    return { kind: 'remote', url: checkServer('url', url) };
  throw new ConfigError('url', `unknown scheme "${scheme}:"; expected a file, ":memory:" or a server`);
}

/**
 * Checks the address of a server.
 *
 * @throws {@link ConfigError} that does not show it, since it may hold a token
 */
function checkServer(key: string, url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined) throw new ConfigError(key, 'not a URL of a server');
  if (parsed.hostname === '') throw new ConfigError(key, 'the URL has no host');
  // A token in the URL would be printed with it.
  if (parsed.username !== '' || parsed.password !== '' || parsed.searchParams.has('authToken')) {
    throw new ConfigError(key, 'give the token as "authToken", not in the URL');
  }
  if (parsed.search !== '' || parsed.hash !== '') {
    throw new ConfigError(
      key,
      'the URL of a server takes no query and no fragment; use the keys of the config',
    );
  }
  return url;
}

/**
 * Makes a file the replica of a server.
 *
 * @throws {@link ConfigError} when there is no file or no server
 */
export function replicaTarget(target: Target, syncUrl: unknown): Target {
  if (target.kind !== 'file') throw new ConfigError('syncUrl', 'only a file can be a replica');
  if (typeof syncUrl !== 'string')
    throw new ConfigError('syncUrl', `expected a URL, got ${typeName(syncUrl)}`);
  if (!/^(libsql|https?):/i.test(syncUrl)) {
    throw new ConfigError('syncUrl', 'expected the URL of a server, "libsql:", "https:" or "http:"');
  }
  return { kind: 'replica', path: target.path, url: checkServer('syncUrl', syncUrl) };
}

function parseFileUrl(url: string): Target {
  const { path, authority, query } = readFileUrl(url, refuse);
  const memory = path === ':memory:' && !authority;
  const cache = parseQuery(query, memory);
  if (!memory) return fileTarget(path);
  return { kind: 'memory', path: cache === undefined ? ':memory:' : `file::memory:?cache=${cache}` };
}

/** The parameters of SQLite's URIs, and those of other URLs of this package. */
const URI_PARAMETERS: ReadonlySet<string> = new Set(
  'cache mode vfs psow nolock immutable modeof cipher key hexkey kdf authToken tls syncUrl'.split(' '),
);

function parseQuery(query: string | undefined, memory: boolean): string | undefined {
  if (query === undefined || query === '') return undefined;
  const [key = '', value] = [...new URLSearchParams(query)].at(-1) ?? [];
  const known = memory && query.split('&').length === 1 && key === 'cache';
  if (!known || (value !== 'shared' && value !== 'private')) {
    throw new ConfigError(
      'url',
      // Anything else may be a secret that stands in the wrong place.
      `unknown query${URI_PARAMETERS.has(key) ? ` "${key}"` : ''}; only file::memory: takes one, "cache=shared" or "cache=private"`,
    );
  }
  return value;
}

function fileTarget(path: string): Target {
  return { kind: 'file', path: checkedPath(path, refuse) };
}
