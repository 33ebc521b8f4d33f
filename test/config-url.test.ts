import { describe, expect, it } from 'vitest';
import { type Config, resolveConfig } from '../src/config.js';
import { open } from '../src/database/database.js';
import { ConfigError } from '../src/errors.js';
import { thrownBy } from './support/outcome.js';

function target(url: string): unknown {
  return resolveConfig(url).target;
}

function refusal(url: string): ConfigError {
  return thrownBy(() => resolveConfig(url), ConfigError);
}

describe('a URL or path of a file', () => {
  it.each([
    ['file:app.db', 'app.db'],
    ['file:./data/app.db', './data/app.db'],
    ['file:../app.db', '../app.db'],
    ['file:/data/app.db', '/data/app.db'],
    ['file:///data/app.db', '/data/app.db'],
    ['file://localhost/data/app.db', '/data/app.db'],
    ['file://LOCALHOST/data/app.db', '/data/app.db'],
    ['FILE:/data/app.db', '/data/app.db'],
    ['file:my%20app.db', 'my app.db'],
    ['file:a%23b%3Fc.db', 'a#b?c.db'],
    ['file:%F0%9F%98%80.db', '😀.db'],
    ['file:100%25.db', '100%.db'],
    ['file:/data/app.db?', '/data/app.db'],
    ['app.db', 'app.db'],
    ['/data/app.db', '/data/app.db'],
    ['./app.db', './app.db'],
    ['my app#1?.db', 'my app#1?.db'],
    ['100%.db', '100%.db'],
    ['C:\\data\\x.db', 'C:\\data\\x.db'],
    ['c:/data/x.db', 'c:/data/x.db'],
    ['memory', 'memory'],
    [':memory', ':memory'],
    ['file:///:memory:', '/:memory:'],
    ['file:file:x.db', './file:x.db'],
  ])('%s is the file %s', (url, path) => {
    expect(target(url)).toEqual({ kind: 'file', path });
  });
});

describe('a URL of a memory database', () => {
  it.each([
    [':memory:', ':memory:'],
    ['file::memory:', ':memory:'],
    ['file:%3Amemory%3A', ':memory:'],
    ['file::memory:?', ':memory:'],
    ['file::memory:?cache=shared', 'file::memory:?cache=shared'],
    ['file::memory:?cache=private', 'file::memory:?cache=private'],
    ['file::memory:?mode=memory&cache=shared', 'file::memory:?cache=shared'],
    ['file:name?mode=memory', ':memory:'],
    ['file:name?mode=memory&cache=private', ':memory:'],
    ['file:a%20n?cache=shared&mode=memory', 'file:a%20n?mode=memory&cache=shared'],
  ])('%s', (url, path) => {
    expect(target(url)).toEqual({ kind: 'memory', path });
  });
});

describe('a URL that can not be opened', () => {
  it.each([
    ['', /the path is empty/],
    ['file:', /the path is empty/],
    ['file://', /the path is empty/],
    ['file://localhost', /the path is empty/],
    ['file:app.db?mode=s3cret', /"mode" of the URL is one of ro, rw, rwc, memory/],
    ['file:app.db?cache=shared', /only a memory database can have "cache=shared"/],
    ['file::memory:?cache=none', /"cache" of the URL is one of shared, private/],
    ['file:app.db?s3cret', /unknown parameter; it takes mode, cache, authToken, tls/],
    ['file:app.db?mode=ro&s3cret=2', /unknown parameter; it takes/],
    ['file:app.db?vfs=unix-none', /unknown parameter "vfs"/],
    ['file::memory:?mode=ro', /has no mode "ro"/],
    ['file::memory:?cache=shared&cache=private', /"cache" twice/],
    ['file:a%00b?mode=memory&cache=shared', /U\+0000/],
    ['file:app.db#part', /fragment/],
    ['file:app.db#', /fragment/],
    ['file://example.com/app.db', /takes no host/],
    ['file://data/app.db', /takes no host/],
    ['file:a%ZZ.db', /invalid percent encoding/],
    ['file:a%ff.db', /invalid percent encoding/],
    ['a\0b.db', /U\+0000/],
    ['file:a%00b.db', /U\+0000/],
    ['mysql://localhost/x', /unknown scheme "mysql:"/],
    ['memory:', /unknown scheme "memory:"/],
    ['sqlite:app.db', /unknown scheme "sqlite:"/],
  ])('%j is refused, naming url', (url, message) => {
    const error = refusal(url);
    expect(error.key).toBe('url');
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain('s3cret');
  });

  it.each(['libsql', 'http', 'https', 'ws', 'wss', 'LIBSQL'])(
    'of the scheme %s must not carry a token before its host',
    (scheme) => {
      const error = refusal(`${scheme}://user:s3cret@db.example.com`);
      expect(error.key).toBe('url');
      expect(error.message).toContain('give the token as "authToken"');
      expect(error.message).not.toContain('s3cret');
    },
  );

  it.each(['libsql:', 'https://', 'ws:// bad'])('%j names no server', (url) => {
    expect(refusal(url).message).toMatch(/^config.url: (not a URL of a server|the URL has no host)/);
  });
});

describe('a parameter of a URL', () => {
  const HOST = 'libsql://db.example.com:8080';

  it.each<[Config, object]>([
    [{ url: `${HOST}?authToken=t0k&tls=0` }, { authToken: 't0k', tls: false }],
    [
      { url: `${HOST}/?tls=1`, authToken: 't0k' },
      { authToken: 't0k', tls: true },
    ],
    [
      { url: `${HOST}?authToken=t0k`, authToken: '' },
      { authToken: 't0k', tls: undefined },
    ],
    [
      { url: 'app.db', syncUrl: `${HOST}?authToken=t0k&tls=0` },
      { authToken: 't0k', tls: false },
    ],
    [
      { url: 'file:app.db?authToken=t0k', syncUrl: HOST },
      { authToken: 't0k', tls: undefined },
    ],
    [{ url: 'wss://db.example.com?authToken=t0k' }, { authToken: 't0k', tls: undefined }],
  ])('is taken as the key of the config: %o', (config, expected) => {
    const { remote, target: found } = resolveConfig(config);
    expect({ authToken: remote.authToken.reveal(), tls: remote.tls }).toEqual(expected);
    expect(JSON.stringify(found)).not.toMatch(/t0k|tls|\?/);
    expect(JSON.stringify(open(config).describe())).not.toContain('t0k');
  });

  it.each<[Config, string]>([
    [{ url: `${HOST}?authToken=s3cret`, authToken: 's3cret2' }, 'authToken'],
    [{ url: `${HOST}?tls=0`, tls: true }, 'tls'],
    [{ url: `${HOST}?tls=no` }, 'url'],
    [{ url: `${HOST}?s3cret=1` }, 'url'],
    [{ url: `${HOST}?authToken=s3cret&authToken=s3cret` }, 'url'],
    [{ url: `${HOST}?authToken=s3cret%0a` }, 'authToken'],
    [{ url: `${HOST}#s3cret` }, 'url'],
    [{ url: 'app.db', syncUrl: `${HOST}?s3cret` }, 'syncUrl'],
    [{ url: 'file:app.db?mode=ro', syncUrl: HOST }, 'syncUrl'],
  ])('is refused: %o', (config, key) => {
    const error = thrownBy(() => resolveConfig(config), ConfigError);
    expect(error.key).toBe(key);
    expect(error.message).not.toContain('s3cret');
  });
});
