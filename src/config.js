import { ConfigError } from './errors.js';
const BEHAVIORS = ['deferred', 'immediate', 'exclusive', 'concurrent', 'read'];
const KNOWN_KEYS = new Set([
  ...['url', 'engine', 'intMode', 'concurrency', 'busyTimeout', 'pragmas', 'transactionBehavior', 'retry'],
  ...['timeout', 'allowFileFunctions', 'statementCacheSize', 'onConnect'],
]);
const RETRY_KEYS = new Set(['attempts', 'minDelay', 'maxDelay']);
/** Keys that belong to databases which this version can't open; a silent no-op would hide that. */
const LATER_KEYS = new Set([
  ...['authToken', 'syncUrl', 'syncInterval', 'readYourWrites', 'offline', 'encryptionKey'],
  ...['remoteEncryptionKey', 'tls', 'fetch', 'extensions', 'logger'],
]);
const FILE_PRAGMAS = {
  journal_mode: 'wal',
  synchronous: 'normal',
  foreign_keys: true,
};
const MEMORY_PRAGMAS = { foreign_keys: true };
/**
 * Checks a config and fills in the defaults.
 *
 * @throws {@link ConfigError} naming the key that is unknown, ill-typed or contradictory
 */
export function resolveConfig(input) {
  const config = typeof input === 'string' ? { url: input } : input;
  if (typeof config !== 'object' || config === null) {
    throw new ConfigError('url', `expected a URL, a path or a config object, got ${typeName(input)}`);
  }
  checkKeys(config);
  if (config.engine !== undefined) checkEngine(config.engine);
  const target = parseUrl(config.url);
  const defaults = target.kind === 'memory' ? MEMORY_PRAGMAS : FILE_PRAGMAS;
  return Object.freeze({
    target,
    intMode: oneOf('intMode', config.intMode, ['number', 'bigint', 'string'], 'number'),
    concurrency: wholeNumber('concurrency', config.concurrency, 20, 1, 10_000),
    busyTimeout: wholeNumber('busyTimeout', config.busyTimeout, 5_000, 0, 2 ** 31 - 1),
    pragmas: config.pragmas === false ? {} : { ...defaults, ...checkPragmas(config.pragmas) },
    transactionBehavior: checkBehavior(config.transactionBehavior, 'immediate'),
    retry: resolveRetry(config.retry),
    timeout: checkTimeout(config.timeout),
    allowFileFunctions: boolean('allowFileFunctions', config.allowFileFunctions, false),
    statementCacheSize: wholeNumber('statementCacheSize', config.statementCacheSize, 100, 0, 100_000),
    onConnect: optionalFunction('onConnect', config.onConnect),
  });
}
/** @throws {@link ConfigError} when it is none of the known behaviours */
export function checkBehavior(value, fallback, key = 'transactionBehavior') {
  return oneOf(key, value, BEHAVIORS, fallback);
}
/**
 * Completes a `retry` option.
 *
 * @throws {@link ConfigError} when a number in it is out of range or a key unknown
 */
export function resolveRetry(value) {
  const retry = typeof value === 'object' && value !== null ? value : numberOfTimes(value);
  const unknown = Object.keys(retry).find((key) => !RETRY_KEYS.has(key));
  if (unknown !== undefined) throw new ConfigError(`retry.${unknown}`, 'unknown key');
  return {
    attempts: wholeNumber('retry', retry.attempts, 0, 0, 10_000),
    minDelay: wholeNumber('retry.minDelay', retry.minDelay, 10, 0, 2 ** 31 - 1),
    maxDelay: wholeNumber('retry.maxDelay', retry.maxDelay, 500, 0, 2 ** 31 - 1),
  };
}
function numberOfTimes(attempts) {
  return attempts === undefined ? {} : { attempts };
}
/** @throws {@link ConfigError} when it is not a positive whole number of ms */
export function checkTimeout(value) {
  return value === undefined ? undefined : wholeNumber('timeout', value, 0, 1, 2 ** 31 - 1);
}
function checkKeys(config) {
  for (const key of Object.keys(config)) {
    if (KNOWN_KEYS.has(key)) continue;
    // Callers often spread optional settings, so a key without a value asks for nothing.
    if (config[key] === undefined) continue;
    if (LATER_KEYS.has(key)) {
      throw new ConfigError(key, 'not supported by this version, which opens memory and file databases');
    }
    const meant = [...KNOWN_KEYS, ...LATER_KEYS].find((known) => known.toLowerCase() === key.toLowerCase());
    throw new ConfigError(key, meant ? `unknown key; did you mean "${meant}"?` : 'unknown key');
  }
}
function checkEngine(engine) {
  if (engine === 'libsql') return;
  throw new ConfigError(
    'engine',
    engine === 'turso' ? "the 'turso' engine is not supported yet" : "expected 'libsql' or 'turso'",
  );
}
/** Two letters at least, so that `C:\data.db` is a path. */
const SCHEME = /^([a-z][a-z0-9+.-]+):/i;
const FILE_URL = /^file:(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(#.*)?$/is;
function parseUrl(url) {
  if (typeof url !== 'string') {
    throw new ConfigError('url', `expected a URL or a path, got ${typeName(url)}`);
  }
  if (url === ':memory:') return { kind: 'memory', path: ':memory:' };
  const scheme = SCHEME.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) return fileTarget(url);
  if (scheme === 'file') return parseFileUrl(url);
  if (['libsql', 'http', 'https', 'ws', 'wss'].includes(scheme)) {
    throw new ConfigError('url', `"${scheme}:" databases are not supported by this version`);
  }
  throw new ConfigError('url', `unknown scheme "${scheme}:"; expected "file:", a path or ":memory:"`);
}
/** Reads a `file:` URL as `@libsql/client` does: relative paths are allowed, the host is empty or `localhost`. */
function parseFileUrl(url) {
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
function parseQuery(query, memory) {
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
function fileTarget(path) {
  if (path === '') throw new ConfigError('url', 'the path is empty');
  if (path.includes('\0')) throw new ConfigError('url', 'the path contains the character U+0000');
  // The engine reads a path that begins with "file:" as a URI of its own.
  return { kind: 'file', path: /^file:/i.test(path) ? `./${path}` : path };
}
function decodePath(path) {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw new ConfigError('url', 'the path has an invalid percent encoding', cause);
  }
}
/** Set by us on every connection; a value from outside would break what rests on it. */
const OWN_PRAGMAS = {
  busy_timeout: 'use the key "busyTimeout"; waiting is done without blocking the event loop',
  query_only: "use transactions with behavior 'read'",
};
function checkPragmas(pragmas) {
  if (pragmas === undefined) return {};
  if (typeof pragmas !== 'object' || pragmas === null || Array.isArray(pragmas)) {
    throw new ConfigError('pragmas', `expected an object or false, got ${typeName(pragmas)}`);
  }
  const checked = {};
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
function oneOf(key, value, allowed, fallback) {
  if (value === undefined) return fallback;
  if (allowed.includes(value)) return value;
  const shown = typeof value === 'string' ? JSON.stringify(value) : typeName(value);
  throw new ConfigError(key, `expected ${allowed.map((name) => `'${name}'`).join(', ')}; got ${shown}`);
}
function wholeNumber(key, value, fallback, min, max) {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  const got = typeof value === 'number' ? String(value) : typeName(value);
  throw new ConfigError(key, `expected a whole number from ${min} to ${max}, got ${got}`);
}
function boolean(key, value, fallback) {
  if (value === undefined) return fallback;
  if (typeof value === 'boolean') return value;
  throw new ConfigError(key, `expected a boolean, got ${typeName(value)}`);
}
function optionalFunction(key, value) {
  if (value === undefined || typeof value === 'function') return value;
  throw new ConfigError(key, `expected a function, got ${typeName(value)}`);
}
function typeName(value) {
  return value === null ? 'null' : typeof value;
}
