import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import { createClient as createUpstream } from '@libsql/client';
import { describe, expect, it } from 'vitest';
import { createClient } from '../../src/client/index.js';
import { EncryptionKeyError, open } from '../../src/index.js';
import { temporaryFile } from '../support/database.js';
import { rejection } from '../support/outcome.js';
import { startSqld } from '../support/sqld.js';

// Every key of @libsql/client's config with what applications give: nothing, an empty text, false, and what it is for.

const KEY = '0123456789abcdef0123456789abcdef';
const TYPICAL: Readonly<Record<string, readonly unknown[]>> = {
  authToken: ['a.b.c'],
  encryptionKey: [KEY],
  remoteEncryptionKey: ['a2V5'],
  syncUrl: ['https://127.0.0.1:9'],
  syncInterval: [60],
  readYourWrites: [true],
  offline: [true],
  tls: [true],
  intMode: ['bigint'],
  fetch: [fetch],
  concurrency: [0, 5],
  timeout: [0, 1_000],
};

/** What the real client takes and ours refuses, as docs/coming-from.md says. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  // In memory nothing is encrypted, a server is no replica, and nothing is kept to be sent later.
  'memory, encryptionKey: text': /encryptionKey: a memory database is not encrypted/,
  // A variable that is not set would leave the file in plain text.
  'file, encryptionKey: empty': /encryptionKey/,
  'replica, encryptionKey: empty': /encryptionKey/,
  'server, syncUrl: text': /syncUrl: only a file can be a replica/,
  'web socket, syncUrl: text': /syncUrl: only a file can be a replica/,
  'memory, offline: true': /offline: a replica sends each write to its server/,
  'file, offline: true': /offline: a replica sends each write to its server/,
  'server, offline: true': /offline: a replica sends each write to its server/,
  'web socket, offline: true': /offline: a replica sends each write to its server/,
};

interface Opened {
  close(): void;
  execute(sql: string): Promise<unknown>;
}

type Create = (config: never) => Opened;

async function attempt(create: Create, config: object): Promise<string> {
  let client: Opened | undefined;
  try {
    client = create(config as never);
    await client.execute('select 1');
    return 'taken';
  } catch (error) {
    return (error as Error).message;
  } finally {
    client?.close();
  }
}

function nameOf(value: unknown): string {
  if (value === '') return 'empty';
  return typeof value === 'string' ? 'text' : typeof value === 'function' ? 'function' : String(value);
}

it('a config that @libsql/client takes is taken, the documented refusals aside', async () => {
  const server = await startSqld();
  const kinds = {
    memory: () => ({ url: ':memory:' }),
    file: () => ({ url: `file:${temporaryFile()}` }),
    replica: () => ({ url: `file:${temporaryFile()}`, syncUrl: server.url }),
    server: () => ({ url: server.url }),
    'web socket': () => ({ url: server.wsUrl }),
  };
  const refused: Record<string, string> = {};
  let taken = 0;
  for (const [kind, base] of Object.entries(kinds)) {
    for (const [key, typical] of Object.entries(TYPICAL)) {
      for (const value of [undefined, '', false, ...typical]) {
        // The real client asks the server of a replica while it is made, and there is none at this address.
        if (key === 'syncUrl' && value && (kind === 'file' || kind === 'replica')) continue;
        if ((await attempt(createUpstream as Create, { ...base(), [key]: value })) !== 'taken') continue;
        const outcome = await attempt(createClient as Create, { ...base(), [key]: value });
        if (outcome === 'taken') taken++;
        else refused[`${kind}, ${key}: ${nameOf(value)}`] = outcome;
      }
    }
  }
  expect(refused).toEqual(
    Object.fromEntries(
      Object.entries(REFUSED).map(([name, message]) => [name, expect.stringMatching(message)]),
    ),
  );
  expect(taken).toBeGreaterThan(150);
});

describe('the URL of a config', () => {
  it('may be an object', async () => {
    const file = temporaryFile();
    const url = pathToFileURL(file);
    const client = createClient({ url });
    await client.executeMultiple('create table t (a); insert into t values (5)');
    client.close();
    for (const given of [url, runInNewContext('new URL(href)', { URL, href: url.href }) as URL]) {
      await using db = open({ url: given });
      expect((await db.execute('select a from t')).rows).toEqual([{ a: 5 }]);
    }
    const server = await startSqld();
    const replica = open({ url: pathToFileURL(temporaryFile()), syncUrl: new URL(server.url) });
    expect(replica.describe()).toMatchObject({ kind: 'replica', location: `${server.url}/` });
    await replica.close();
  });

  it('keeps its token out of messages and logs', () => {
    const url = new URL('https://127.0.0.1:9?authToken=s3cret');
    const database = open({ url });
    expect(`${inspect(database, { depth: 9 })} ${JSON.stringify(database.describe())}`).not.toContain(
      's3cret',
    );
  });
});

it('an empty key of encryption makes no file, and no key opens no file that is encrypted', async () => {
  const file = temporaryFile();
  expect(() => createClient({ url: file, encryptionKey: '' })).toThrow(/encryptionKey/);
  expect(existsSync(file)).toBe(false);

  const secret = temporaryFile();
  const encrypted = createClient({ url: secret, encryptionKey: KEY });
  await encrypted.execute('create table t (a)');
  encrypted.close();
  const again = createClient({ url: secret });
  const error = await rejection(again.execute('select * from t'));
  again.close();
  expect(error).toMatchObject({ name: 'LibsqlError', cause: expect.any(EncryptionKeyError) });
});
