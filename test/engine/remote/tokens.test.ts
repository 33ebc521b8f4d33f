import { inspect } from 'node:util';
import { createClient } from '@libsql/client';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  AuthError,
  type Config,
  ConfigError,
  type Database,
  DatabaseError,
  open,
} from '../../../src/index.js';
import { makeIssuer, type TokenIssuer } from '../../support/jwt.js';
import { failure } from '../../support/outcome.js';
import { startProxy } from '../../support/proxy.js';
import { type Sqld, startSqld } from '../../support/sqld.js';

interface Scene {
  readonly issuer: TokenIssuer;
  readonly sqld: Sqld;
  open(config: Partial<Config>): Database;
}

async function scene(protocol: 'http' | 'ws'): Promise<Scene> {
  const issuer = makeIssuer();
  const sqld = await startSqld({ publicKey: issuer.publicKey });
  const admin = createClient({ url: sqld.url, authToken: issuer.token() });
  await admin.execute('create table items (name text)');
  admin.close();
  return {
    issuer,
    sqld,
    open: (config) => {
      const database = open({ url: protocol === 'http' ? sqld.url : sqld.wsUrl, ...config });
      onTestFinished(() => database.close());
      return database;
    },
  };
}

/** Until a token that was made to live for 2 s is refused. */
function expired(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 3_100));
}

/** Far beyond the leeway that the server gives, in seconds. */
const LONG_AGO = -7_200;

describe.each(['http', 'ws'] as const)('%s', (protocol) => {
  it('a string is sent', async () => {
    const { issuer, open: connect } = await scene(protocol);
    const database = connect({ authToken: issuer.token() });
    await database.execute("insert into items values ('a')");
    await database.transaction((tx) => tx.execute("insert into items values ('b')"));
    const rows: unknown[] = [];
    for await (const row of database.stream('select name from items')) rows.push(row);
    expect(rows).toEqual([{ name: 'a' }, { name: 'b' }]);
  });

  it.each<[string, (issuer: TokenIssuer) => string | undefined]>([
    ['no token', () => undefined],
    ['nonsense', () => 'n0nsense'],
    ['a token of someone else', () => makeIssuer().token()],
    ['an expired token', (issuer) => issuer.token({ seconds: LONG_AGO })],
  ])('%s is an AuthError that does not show it', async (_, make) => {
    const { issuer, open: connect } = await scene(protocol);
    const authToken = make(issuer);
    const database = connect(authToken === undefined ? {} : { authToken });
    const calls = [
      () => database.execute('select 1'),
      () => database.batch(['select 1']),
      () => database.transaction((tx) => tx.execute('select 1')),
      () => database.ready(),
    ];
    for (const call of calls) {
      const error = await failure(call, AuthError);
      expect(error).toMatchObject({ kind: 'auth', code: 'AUTH_REFUSED', status: 401 });
      if (authToken !== undefined) expect(inspect(error, { depth: 9 })).not.toContain(authToken);
    }
  });

  it('a function is asked once for many queries at a time', async () => {
    const { issuer, open: connect } = await scene(protocol);
    let asked = 0;
    const database = connect({
      authToken: async () => {
        asked++;
        await new Promise((resolve) => setTimeout(resolve, 20));
        return issuer.token();
      },
    });
    await Promise.all(Array.from({ length: 50 }, () => database.execute('select 1')));
    await database.execute('select 1');
    expect(asked).toBe(1);
  });

  it('a token that is refused is replaced once under many parallel queries', async () => {
    const { issuer, open: connect } = await scene(protocol);
    let asked = 0;
    const database = connect({
      // Without `exp`, so that only the server can tell that it is not good.
      authToken: () => (++asked === 1 ? 'n0nsense' : issuer.token()),
    });
    const results = await Promise.all(Array.from({ length: 50 }, () => database.execute('select 1 as one')));
    expect(results.every(({ rows }) => rows[0]?.['one'] === 1)).toBe(true);
    expect(asked).toBe(2);
  });

  it('a token is replaced before it expires', async () => {
    const { issuer, open: connect } = await scene(protocol);
    let asked = 0;
    // It lives shorter than the margin of 30 s, so it is used for half of its life.
    const database = connect({ authToken: () => issuer.token({ seconds: ++asked === 1 ? 2 : 3_600 }) });
    await database.execute('select 1');
    await database.execute('select 1');
    expect(asked).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await database.execute('select 1');
    await database.execute('select 1');
    expect(asked).toBe(2);
  });

  it('a token is replaced without harm to what is under way', async () => {
    const { issuer, open: connect } = await scene(protocol);
    let asked = 0;
    // The first is used for a second, half of its life.
    const database = connect({ authToken: () => issuer.token({ seconds: ++asked === 1 ? 2 : 3_600 }) });
    await database.execute('select 1');
    const slow = database.execute(
      "insert into items with recursive c(x) as (select 1 union all select x + 1 from c limit 6000000) select 'a' from c where x = 6000000",
    );
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await database.execute('select 1');
    expect(asked).toBe(2);
    expect((await slow).rowsAffected).toBe(1);
  });

  it('a token that expires in mid-stream and in mid-transaction harms neither', async () => {
    const { issuer, open: connect } = await scene(protocol);
    let asked = 0;
    // The server takes a token for 60 s after its end, so this one for 2 s more.
    const first = issuer.token({ seconds: -58 });
    const database = connect({ authToken: () => (asked++ === 0 ? first : issuer.token()) });
    await database.execute(
      "insert into items select value || printf('%.*c', 1000, 'x') from generate_series(1, 3000)",
    );
    const rows = database.stream('select name from items', [], { batchSize: 1 });
    const read = [await rows.next()];
    const transaction = database.transaction(async (tx) => {
      await tx.execute("insert into items values ('in')");
      await expired();
      await tx.execute("insert into items values ('after')");
    });
    await expired();
    await expect(connect({ authToken: first }).execute('select 1')).rejects.toThrow(AuthError);
    for await (const row of rows) read.push(row as never);
    expect(read).toHaveLength(3_000);
    await transaction;
    const { rows: written } = await database.execute("select name from items where name in ('in', 'after')");
    expect(written).toEqual([{ name: 'in' }, { name: 'after' }]);
    // A socket shows its token once.
    expect(asked).toBe(protocol === 'http' ? 2 : 1);
  });

  it('a function that gives no good token any more ends in an AuthError', async () => {
    const { issuer, open: connect } = await scene(protocol);
    let asked = 0;
    const database = connect({
      authToken: () => {
        asked++;
        return issuer.token({ seconds: LONG_AGO });
      },
    });
    await failure(database.execute('select 1'), AuthError);
    // Each request asks for one that has not expired: the first, its repetition, and over ws the question why.
    expect(asked).toBeLessThanOrEqual(4);
  });

  it('what the function throws is what the call throws', async () => {
    const { open: connect } = await scene(protocol);
    const database = connect({
      authToken: () => {
        throw new Error('the vault is closed');
      },
    });
    const error = await failure(database.execute('select 1'), AuthError);
    expect((error.cause as Error).message).toBe('the vault is closed');
  });

  it('a function that has failed is asked again by the next call', async () => {
    const { issuer, open: connect } = await scene(protocol);
    let asked = 0;
    const database = connect({
      authToken: async () => {
        if (++asked === 1) throw new Error('the vault is closed');
        return issuer.token();
      },
    });
    await failure(database.execute('select 1'), AuthError);
    expect((await database.execute('select 1 as one')).rows).toEqual([{ one: 1 }]);
    expect(asked).toBe(2);
  });

  it('a token with a line break, which would end the process, never gets to the driver', async () => {
    const { open: connect } = await scene(protocol);
    const error = await failure(connect({ authToken: () => 's3cret\n' }).execute('select 1'), ConfigError);
    expect(error.message).not.toContain('s3cret');
  });
});

it('a token that may only read is an AuthError for a write, over http', async () => {
  const { issuer, open: connect } = await scene('http');
  const database = connect({ authToken: issuer.token({ access: 'ro' }) });
  expect((await database.execute('select count(*) as n from items')).rows).toEqual([{ n: 0 }]);
  const error = await failure(database.execute("insert into items values ('a')"), DatabaseError);
  expect(error).toMatchObject({ kind: 'auth' });
});

it('a token is not sent to where the server did not ask for it', async () => {
  const { issuer, sqld } = await scene('http');
  const proxy = await startProxy(sqld.port);
  const elsewhere = await startProxy(sqld.port);
  const database = open({ url: proxy.url, authToken: issuer.token(), networkRetry: 0 });
  onTestFinished(() => database.close());
  proxy.respond(302, '', { location: elsewhere.url });
  await failure(database.execute('select 1'), DatabaseError);
});
