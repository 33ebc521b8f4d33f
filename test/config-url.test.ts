import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../src/config.js';
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
    ['file:app.db?mode=ro', /unknown query "mode"/],
    ['file:app.db?cache=shared', /unknown query "cache"/],
    ['file::memory:?cache=none', /unknown query "cache"/],
    ['file:app.db?s3cret', /unknown query; only/],
    ['file:app.db?a=1&s3cret=2', /unknown query; only/],
    ['file::memory:?mode=memory', /unknown query "mode"/],
    ['file::memory:?cache=shared&cache=private', /unknown query/],
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
  });

  it.each(['libsql', 'http', 'https', 'ws', 'wss', 'LIBSQL'])(
    'of the scheme %s must not carry a token',
    (scheme) => {
      for (const url of ['user:s3cret@db.example.com', 'db.example.com?authToken=s3cret']) {
        const error = refusal(`${scheme}://${url}`);
        expect(error.key).toBe('url');
        expect(error.message).toContain('give the token as "authToken"');
        expect(error.message).not.toContain('s3cret');
      }
    },
  );

  it.each(['libsql:', 'https://', 'ws:// bad'])('%j names no server', (url) => {
    expect(refusal(url).message).toMatch(/^config.url: (not a URL of a server|the URL has no host)/);
  });
});
