import { ConfigError } from '../errors.js';
import { typeName } from './checks.js';
import { checkedPath, readFileUrl, type Refusal } from './path.js';
import { schemeOf } from './scheme.js';
import {
  type Location,
  type FileMode,
  parseQuery,
  parseServer,
  type QueryShape,
  serverSettings,
  textOf,
  type Target,
} from './target.js';

const refuse: Refusal = (problem, cause) => new ConfigError('url', problem, cause);

/**
 * Makes a file the replica of a server.
 *
 * @throws {@link ConfigError} when there is no file or no server
 */
export function replicaTarget(target: Target, given: unknown): Location {
  const syncUrl = textOf(given);
  if (target.kind !== 'file') throw new ConfigError('syncUrl', 'only a file can be a replica');
  if (target.mode === 'ro') throw new ConfigError('syncUrl', 'a file of mode "ro" can not be a replica');
  if (typeof syncUrl !== 'string')
    throw new ConfigError('syncUrl', `expected a URL, got ${typeName(syncUrl)}`);
  if (!/^(libsql|https?):/i.test(syncUrl)) {
    throw new ConfigError('syncUrl', 'expected the URL of a server, "libsql:", "https:" or "http:"');
  }
  const { address, ...settings } = parseServer('syncUrl', syncUrl);
  return { target: { kind: 'replica', path: target.path, url: address }, ...settings };
}

const FILE_PARAMETERS: QueryShape<'mode' | 'cache' | 'authToken' | 'tls'> = {
  mode: ['ro', 'rw', 'rwc', 'memory'],
  cache: ['shared', 'private'],
  authToken: undefined,
  tls: ['0', '1'],
};

/**
 * What a path or a `file:` URL names; `:memory:` too.
 *
 * @throws {@link ConfigError} when it is neither
 */
export function parseFile(url: string): Location {
  if (url === ':memory:') return { target: { kind: 'memory', path: ':memory:' } };
  return schemeOf(url) === undefined ? { target: fileTarget(url) } : parseFileUrl(url);
}

function parseFileUrl(url: string): Location {
  const { path, authority, query } = readFileUrl(url, refuse);
  const { mode, cache, authToken, tls } = parseQuery(query, FILE_PARAMETERS, refuse);
  const settings = serverSettings(authToken, tls);
  const unnamed = path === ':memory:' && !authority;
  if (unnamed && (mode === 'ro' || mode === 'rw')) throw refuse(`a memory database has no mode "${mode}"`);
  if (unnamed || mode === 'memory') return { target: memoryTarget(unnamed ? '' : path, cache), ...settings };
  if (cache === 'shared') throw refuse('only a memory database can have "cache=shared"');
  return { target: fileTarget(path, mode === 'ro' || mode === 'rw' ? mode : undefined), ...settings };
}

/** @param name - by which connections of this process share it; `''` for the one that has none */
function memoryTarget(name: string, cache: string | undefined): Target {
  if (name.includes('\0')) throw refuse('the name contains the character U+0000');
  if (name === '') {
    return { kind: 'memory', path: cache === undefined ? ':memory:' : `file::memory:?cache=${cache}` };
  }
  const shared = `file:${encodeURIComponent(name)}?mode=memory&cache=shared`;
  return { kind: 'memory', path: cache === 'shared' ? shared : ':memory:' };
}

function fileTarget(path: string, mode?: FileMode): Target {
  return { kind: 'file', path: checkedPath(path, refuse), ...(mode !== undefined && { mode }) };
}
