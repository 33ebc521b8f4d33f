import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { type Config, resolveConfig, type SyncConfig } from '../src/config.js';
import { open } from '../src/database/database.js';
import { ConfigError } from '../src/errors.js';
import { featuresOf } from '../src/features.js';
import { Secret } from '../src/secret.js';
import { thrownBy } from './support/outcome.js';

/** What the config is refused for. */
function refusal(config: unknown): ConfigError {
  return thrownBy(() => open(config as Config), ConfigError);
}

function refused(key: string, value: unknown): ConfigError {
  return refusal({ url: ':memory:', [key]: value });
}

describe('the defaults', () => {
  it('are those that the documentation tells', () => {
    expect(resolveConfig('app.db')).toEqual({
      target: { kind: 'file', path: 'app.db' },
      features: featuresOf({ kind: 'file', path: 'app.db' }),
      keysWithoutEffect: [],
      intMode: 'number',
      concurrency: 20,
      busyTimeout: 5000,
      pragmas: {
        journal_mode: 'wal',
        synchronous: 'normal',
        foreign_keys: true,
        journal_size_limit: 16_777_216,
      },
      walTruncate: { enabled: undefined, after: 10_000, above: 16_777_216 },
      transactionBehavior: 'immediate',
      retry: { attempts: 0, minDelay: 10, maxDelay: 500 },
      timeout: undefined,
      allowFileFunctions: false,
      statementCacheSize: 100,
      onConnect: undefined,
      encryptionKey: new Secret(undefined),
      extensions: [],
      logger: undefined,
      logParameters: false,
      detectMisuse: undefined,
      remote: {
        authToken: new Secret(undefined),
        tls: undefined,
        fetch: undefined,
        remoteEncryptionKey: new Secret(undefined),
        compression: false,
        readYourWrites: true,
        networkRetry: { attempts: 2, minDelay: 50, maxDelay: 500, writes: false },
      },
      sync: {
        interval: undefined,
        afterWrite: 'await',
        afterWriteTimeout: 5_000,
        timeout: 30_000,
        maxStaleness: undefined,
        startup: 'require-sync',
        onSync: undefined,
        onSyncError: undefined,
      },
    });
  });

  it('set foreign keys only in memory', () => {
    expect(resolveConfig(':memory:').pragmas).toEqual({ foreign_keys: true });
  });

  it('hold for keys that are undefined, as spread options have them', () => {
    const config = { url: ':memory:', intMode: undefined, syncUrl: undefined, nonsense: undefined };
    expect(resolveConfig(config as unknown as Config).intMode).toBe('number');
  });
});

describe('a value of every key', () => {
  it.each<[keyof Config, unknown, string, unknown]>([
    ['engine', 'libsql', 'target', { kind: 'memory', path: ':memory:' }],
    ['intMode', 'number', 'intMode', 'number'],
    ['intMode', 'bigint', 'intMode', 'bigint'],
    ['intMode', 'string', 'intMode', 'string'],
    ['concurrency', 1, 'concurrency', 1],
    ['concurrency', 10_000, 'concurrency', 10_000],
    ['concurrency', 0, 'concurrency', 10_000],
    ['busyTimeout', 0, 'busyTimeout', 0],
    ['busyTimeout', 2_147_483_647, 'busyTimeout', 2_147_483_647],
    ['pragmas', false, 'pragmas', {}],
    [
      'pragmas',
      { Cache_Size: -8000, foreign_keys: false },
      'pragmas',
      { cache_size: -8000, foreign_keys: false },
    ],
    ['transactionBehavior', 'deferred', 'transactionBehavior', 'deferred'],
    ['transactionBehavior', 'exclusive', 'transactionBehavior', 'exclusive'],
    ['transactionBehavior', 'read', 'transactionBehavior', 'read'],
    ['transactionBehavior', 'concurrent', 'transactionBehavior', 'concurrent'],
    ['retry', 3, 'retry', { attempts: 3, minDelay: 10, maxDelay: 500 }],
    ['retry', { attempts: 2, minDelay: 0, maxDelay: 1 }, 'retry', { attempts: 2, minDelay: 0, maxDelay: 1 }],
    ['timeout', 1, 'timeout', 1],
    ['allowFileFunctions', true, 'allowFileFunctions', true],
    ['statementCacheSize', 0, 'statementCacheSize', 0],
    ['statementCacheSize', 100_000, 'statementCacheSize', 100_000],
  ])('is taken: %s %j', (key, value, resolvedKey, expected) => {
    const resolved = resolveConfig({ url: ':memory:', [key]: value });
    expect(resolved).toHaveProperty(resolvedKey, expected);
  });

  it.each<[string, unknown, RegExp]>([
    ['engine', 'turso', /'turso' engine is not supported yet/],
    ['engine', 'mysql', /expected 'libsql'/],
    ['intMode', 'float', /'number', 'bigint', 'string'; got "float"/],
    ['intMode', 1, /got number/],
    ['intMode', null, /got null/],
    ['concurrency', -1, /from 0 to 10000, got -1/],
    ['concurrency', 10_001, /got 10001/],
    ['concurrency', 1.5, /got 1.5/],
    ['concurrency', '5', /got string/],
    ['concurrency', null, /got null/],
    ['busyTimeout', -1, /got -1/],
    ['busyTimeout', Number.NaN, /got NaN/],
    ['busyTimeout', Number.POSITIVE_INFINITY, /got Infinity/],
    ['busyTimeout', 2 ** 31, /got 2147483648/],
    ['busyTimeout', 5n, /got bigint/],
    ['pragmas', true, /expected an object or false, got boolean/],
    ['pragmas', null, /got null/],
    ['pragmas', ['wal'], /expected an object or false/],
    ['transactionBehavior', 'write', /got "write"/],
    ['retry', -1, /got -1/],
    ['retry', '3', /got string/],
    ['retry', null, /got null/],
    ['timeout', 0, /from 1 to/],
    ['timeout', 0.5, /got 0.5/],
    ['timeout', null, /got null/],
    ['allowFileFunctions', 'yes', /expected a boolean, got string/],
    ['allowFileFunctions', 1, /got number/],
    ['statementCacheSize', -1, /got -1/],
    ['statementCacheSize', 100_001, /got 100001/],
    ['onConnect', 'PRAGMA x', /expected a function, got string/],
  ])('is refused, naming the key: %s %s', (key, value, message) => {
    const error = refused(key, value);
    expect(error).toMatchObject({ key, code: 'CONFIG_INVALID', kind: 'config', name: 'ConfigError' });
    expect(error.message).toMatch(message);
    expect(error.message).toContain(`config.${key}`);
  });

  it.each([
    ['minDelay', { attempts: 1, minDelay: -1 }],
    ['attempt', { attempt: 3 }],
    ['0', [3]],
    ['maxDelay', { attempts: 1, maxDelay: 1.5 }],
    ['attempts', { attempts: '3' }],
  ])('is refused inside retry and networkRetry: %s', (key, retry) => {
    expect(refused('retry', retry).key).toBe(`retry.${key}`);
    expect(refusal({ url: SERVER, networkRetry: retry }).key).toBe(`networkRetry.${key}`);
  });

  it.each([-1, '3', null, 1.5])('is refused as networkRetry: %j', (networkRetry) => {
    expect(refusal({ url: SERVER, networkRetry })).toMatchObject({ key: 'networkRetry' });
  });

  it('of busyTimeout may be given as a pragma', () => {
    const pragmas = { Busy_Timeout: 70, query_only: 'on' };
    expect(resolveConfig({ url: ':memory:', pragmas })).toMatchObject({
      busyTimeout: 70,
      pragmas: { foreign_keys: true, query_only: 1 },
    });
    expect(resolveConfig({ url: ':memory:', pragmas }).pragmas).not.toHaveProperty('busy_timeout');
    expect(refusal({ url: ':memory:', busyTimeout: 80, pragmas }).message).toContain('contradicts');
  });

  it.each<[Record<string, unknown>, string, RegExp]>([
    [{ 'journal mode': 'wal' }, 'pragmas.journal mode', /not the name of a pragma/],
    [{ 'x;drop table t': 1 }, 'pragmas.x;drop table t', /not the name of a pragma/],
    [{ cache_size: '1; drop table t' }, 'pragmas.cache_size', /whole number, a boolean or one word/],
    [{ cache_size: 1.5 }, 'pragmas.cache_size', /whole number/],
    [{ cache_size: null }, 'pragmas.cache_size', /whole number/],
    [{ cache_size: undefined }, 'pragmas.cache_size', /whole number/],
    [{ hexkey: 's3cret' }, 'pragmas.hexkey', /encryptionKey/],
    [{ Key: 's3cret' }, 'pragmas.Key', /encryptionKey/],
    [{ busy_timeout: 'long' }, 'pragmas.busy_timeout', /whole number from 0/],
    [{ BUSY_TIMEOUT: -1 }, 'pragmas.busy_timeout', /got -1/],
    [{ query_only: 2 }, 'pragmas.query_only', /true or false/],
  ])('is refused inside pragmas: %j', (pragmas, key, message) => {
    const error = refused('pragmas', pragmas);
    expect(error.key).toBe(key);
    expect(error.message).toMatch(message);
  });
});

const SERVER = 'libsql://db.example.com';

const KEY = 's3cret'.repeat(6);

/** Everything that some kind of database has a use for, as one config of an application may name it. */
const EVERYTHING: Partial<Config> = {
  ...{ authToken: 's3cret', tls: false, fetch, remoteEncryptionKey: 's3cret', compression: true },
  ...{ networkRetry: 1, syncInterval: 5, readYourWrites: true, afterWrite: 'await', maxStaleness: 9 },
  ...{
    startup: 'serve-stale',
    onSync: () => {},
    onSyncError: () => {},
    afterWriteTimeout: 1,
    syncTimeout: 1,
  },
  ...{ pragmas: { cache_size: -8_000 }, statementCacheSize: 5, allowFileFunctions: true, concurrency: 200 },
  ...{ onConnect: () => {}, extensions: ['/s3cret.so'], walTruncate: { after: 500 } },
};
const REMOTE = ['authToken', 'tls', 'fetch', 'remoteEncryptionKey', 'compression', 'networkRetry'];
const SYNC = [
  ...['syncInterval', 'readYourWrites', 'afterWrite', 'maxStaleness', 'startup', 'onSync', 'onSyncError'],
  ...['afterWriteTimeout', 'syncTimeout'],
];
const LOCAL = [
  ...['pragmas', 'statementCacheSize', 'allowFileFunctions', 'onConnect', 'extensions', 'walTruncate'],
];

describe('a key that only a database of another kind needs', () => {
  it.each<[string, Partial<Config>, string[]]>([
    [':memory:', {}, ['walTruncate', ...REMOTE, ...SYNC]],
    ['app.db', {}, [...REMOTE, ...SYNC]],
    ['app.db', { syncUrl: '' }, [...REMOTE, ...SYNC]],
    ['app.db', { syncUrl: SERVER }, ['onConnect', 'extensions', 'walTruncate', 'concurrency']],
    [SERVER, {}, [...LOCAL, ...SYNC.filter((key) => key !== 'readYourWrites'), 'concurrency']],
  ])('has no effect on %s %o, which says so', (url, keys, expected) => {
    const { keysWithoutEffect, kind } = open({ url, ...EVERYTHING, ...keys }).describe();
    expect([...keysWithoutEffect].toSorted()).toEqual(expected.toSorted());
    expect(JSON.stringify([kind, keysWithoutEffect])).not.toContain('s3cret');
  });

  it('changes nothing of the config', () => {
    const without = (url: string): unknown => ({ ...resolveConfig(url), keysWithoutEffect: [] });
    for (const url of [':memory:', SERVER]) {
      const given = Object.entries(EVERYTHING).filter(([key]) =>
        url === SERVER ? [...LOCAL, ...SYNC].includes(key) : [...REMOTE, ...SYNC].includes(key),
      );
      const config = { url, ...(Object.fromEntries(given) as Partial<Config>) };
      expect({ ...resolveConfig(config), keysWithoutEffect: [] }).toEqual(without(url));
    }
    expect(resolveConfig({ url: SERVER, concurrency: 200 }).concurrency).toBe(60);
  });

  it.each(['authToken', 'remoteEncryptionKey', 'syncUrl', 'syncInterval', 'startup', 'tls', 'encryptionKey'])(
    'may be empty: %s',
    (key) => {
      expect(open({ url: ':memory:', [key]: '' }).describe().keysWithoutEffect).toEqual([]);
    },
  );

  it('may be an extension with a path alone, and with the name of its entry point', async () => {
    const extensions = ['x.so', { path: 'x.so' }, { path: 'x.so', entryPoint: 'sqlite3_x_init' }];
    await expect(open({ url: ':memory:', extensions }).close()).resolves.toBeUndefined();
  });

  it.each<[string, object, string]>([
    [':memory:', { encryptionKey: KEY }, 'encryptionKey'],
    ['file:x?mode=memory&cache=shared', { encryptionKey: KEY }, 'encryptionKey'],
    [SERVER, { encryptionKey: KEY }, 'encryptionKey'],
    ['app.db', { encryptionKey: 'short' }, 'encryptionKey'],
    [':memory:', { syncUrl: SERVER }, 'syncUrl'],
    [SERVER, { syncUrl: SERVER }, 'syncUrl'],
    ['app.db', { authTokn: 's3cret' }, 'authTokn'],
    ['app.db', { networkRetry: 's3cret' }, 'networkRetry'],
    ['app.db', { tls: 's3cret' }, 'tls'],
    ['app.db', { afterWrite: 'none', readYourWrites: true }, 'afterWrite'],
    [SERVER, { pragmas: { 'journal mode': 's3cret' } }, 'pragmas.journal mode'],
    [SERVER, { extensions: [5] }, 'extensions[0]'],
    ['app.db', { extensions: [{ path: 'x.so', entryPoint: 's3cret()' }] }, 'extensions[0].entryPoint'],
  ])('is refused where something would be lost, or is wrong: %s with %o', (url, keys, key) => {
    const error = refusal({ url, ...keys });
    expect(error.key).toBe(key);
    expect(error.message).not.toContain('s3cret');
  });

  it.each([
    [true, 'walTruncate', /expected an object or false, got boolean/],
    [null, 'walTruncate', /expected an object or false, got null/],
    [{ afterr: 1 }, 'walTruncate.afterr', /unknown key/],
    [{ after: 99 }, 'walTruncate.after', /whole number from 100 to 2147483647, got 99/],
    [{ above: '1' }, 'walTruncate.above', /got string/],
  ])('is checked everywhere: walTruncate %j', (walTruncate, key, message) => {
    for (const url of [':memory:', 'app.db', SERVER]) {
      const error = refusal({ url, walTruncate });
      expect(error.key).toBe(key);
      expect(error.message).toMatch(message);
    }
  });

  it('is the journal mode of a replica, whose server decides', () => {
    const config = resolveConfig({ url: 'app.db', syncUrl: SERVER, pragmas: { journal_mode: 'wal' } });
    expect(config).toMatchObject({ keysWithoutEffect: ['pragmas.journal_mode'], pragmas: {} });
  });
});

describe('a config that is no plain object of this realm', () => {
  it('is taken from another realm', () => {
    const config = runInNewContext("({ url: ':memory:', intMode: 'bigint' })") as Config;
    expect(resolveConfig(config).intMode).toBe('bigint');
  });

  it('is taken with keys that its class computes', () => {
    class Settings {
      readonly url = ':memory:';
      get intMode(): 'string' {
        return 'string';
      }
    }
    expect(resolveConfig(new Settings()).intMode).toBe('string');
  });
});

describe('a server', () => {
  it('is asked for fewer connections than it refuses', () => {
    expect(resolveConfig({ url: SERVER, concurrency: 60 }).concurrency).toBe(60);
    expect(resolveConfig({ url: SERVER, concurrency: 61 }).concurrency).toBe(60);
    expect(refusal({ url: SERVER, concurrency: 10_001 }).message).toContain('from 0 to 10000');
  });

  it.each(['a\nb', 'a b', 'a\u0000', 'ä', '\ud800'])(
    'takes no token like %j, which would end the process',
    (token) => {
      const error = refusal({ url: SERVER, authToken: token });
      expect(error.key).toBe('authToken');
      expect(error.message).not.toContain(JSON.stringify(token).slice(1, -1));
    },
  );

  it('has its secrets in no form of its config', () => {
    const secrets = { authToken: 'tok3n', remoteEncryptionKey: 'k3y', encryptionKey: 'l0cal'.repeat(7) };
    const database = open({ url: 'app.db', syncUrl: SERVER, ...secrets });
    const shown = [inspect(database, { depth: 9, showHidden: true }), JSON.stringify(database)];
    for (const text of shown) expect(text).not.toMatch(/tok3n|k3y|l0cal/);
  });
});

describe('a replica', () => {
  const replica = (keys: object): SyncConfig =>
    resolveConfig({ url: 'app.db', syncUrl: SERVER, ...keys } as Config).sync;

  it('is a file with the URL of a server', () => {
    const { target } = resolveConfig({ url: 'file:app.db', syncUrl: SERVER });
    expect(target).toEqual({ kind: 'replica', path: 'app.db', url: SERVER });
  });

  it.each([
    [':memory:', SERVER, /only a file can be a replica/],
    [SERVER, SERVER, /only a file can be a replica/],
    ['app.db', 'ws://db.example.com', /expected the URL of a server/],
    ['app.db', 'other.db', /expected the URL of a server/],
    ['app.db', 'libsql://user:s3cret@db.example.com', /give the token as "authToken"/],
  ])('%s can not be one of %s', (url, syncUrl, message) => {
    const error = refusal({ url, syncUrl });
    expect(error.key).toBe('syncUrl');
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain('s3cret');
  });

  it('counts its interval in seconds, as @libsql/client does', () => {
    expect(replica({ syncInterval: 1.5 }).interval).toBe(1_500);
  });

  it.each<[object, string]>([
    [{}, 'await'],
    [{ readYourWrites: true }, 'await'],
    [{ readYourWrites: false }, 'none'],
    [{ afterWrite: 'lazy' }, 'lazy'],
    [{ readYourWrites: false, afterWrite: 'lazy' }, 'lazy'],
  ])('with %o has the policy %s after a write', (keys, policy) => {
    expect(replica(keys).afterWrite).toBe(policy);
  });

  it.each([
    [{ readYourWrites: true, afterWrite: 'lazy' }, 'afterWrite'],
    [{ readYourWrites: false, afterWrite: 'await' }, 'afterWrite'],
    [{ syncInterval: 0 }, 'syncInterval'],
    [{ syncInterval: '60' }, 'syncInterval'],
    [{ maxStaleness: -1 }, 'maxStaleness'],
    [{ startup: 'maybe' }, 'startup'],
    [{ onSync: true }, 'onSync'],
    [{ encryptionKey: 'short' }, 'encryptionKey'],
  ])('with %o is refused, naming %s', (keys, key) => {
    expect(refusal({ url: 'app.db', syncUrl: SERVER, ...keys }).key).toBe(key);
  });
});

describe('an unknown key', () => {
  it.each([
    ['busytimeout', 'busyTimeout'],
    ['URL', 'url'],
    ['IntMode', 'intMode'],
    ['AuthToken', 'authToken'],
  ])('%s is answered with the one that was meant', (key, meant) => {
    const error = refused(key, 1);
    expect(error.key).toBe(key);
    expect(error.message).toContain(`did you mean "${meant}"?`);
  });

  it('is refused when nothing is like it', () => {
    expect(refused('poolSize', 5).message).toBe('config.poolSize: unknown key');
  });

  it.each([true, 's3cret value'])('is not offline, which is refused and not ignored: %j', (value) => {
    const error = refused('offline', value);
    expect(error.key).toBe('offline');
    expect(error.message).toMatch(/sends each write to its server|expected a boolean, got string/);
  });

  it.each([
    'authToken',
    'encryptionKey',
    'remoteEncryptionKey',
    'syncUrl',
    'token',
    'concurrency',
    'timeout',
  ])('never shows its value: %s', (key) => {
    const error = refused(key, 's3cret value');
    expect(error.message).not.toContain('s3cret');
    expect(JSON.stringify(error)).not.toContain('s3cret');
  });
});

describe('what is no config', () => {
  it.each([[undefined], [null], [42], [true], [() => {}]])('is refused: %s', (config) => {
    expect(refusal(config).key).toBe('url');
  });

  it.each([[{}], [{ url: 5 }], [{ url: null }], [{ url: {} }], [[]]])(
    'is refused for its url: %j',
    (config) => {
      expect(refusal(config).key).toBe('url');
    },
  );
});
