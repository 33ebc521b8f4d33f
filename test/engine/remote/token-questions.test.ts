import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { AuthError, type Config, type Database, InterruptedError, open } from '../../../src/index.js';
import { Calls } from '../../../src/engine/remote/calls.js';
import { HttpServer } from '../../../src/engine/remote/hrana/http-server.js';
import { HttpStream } from '../../../src/engine/remote/hrana/http-stream.js';
import { TokenSource } from '../../../src/engine/remote/token.js';
import { nodeTransport } from '../../../src/engine/remote/transport/node-transport.js';
import type { HttpTransport } from '../../../src/engine/remote/transport/transport.js';
import { Secret } from '../../../src/secret.js';
import { makeIssuer, type TokenIssuer } from '../../support/jwt.js';
import { collect, failure } from '../../support/outcome.js';
import { startSqld } from '../../support/sqld.js';
import { pause } from '../../support/time.js';

interface Scene {
  readonly issuer: TokenIssuer;
  open(config: Partial<Config>): Database;
}

async function scene(protocol: 'http' | 'ws'): Promise<Scene> {
  const issuer = makeIssuer();
  const sqld = await startSqld({ publicKey: issuer.publicKey });
  const connect = (config: Partial<Config>): Database => {
    const database = open({ url: protocol === 'http' ? sqld.url : sqld.wsUrl, ...config });
    onTestFinished(() => database.close());
    return database;
  };
  return { issuer, open: connect };
}

const never = async (): Promise<string> => await new Promise(() => {});

describe.each(['http', 'ws'] as const)('%s', (protocol) => {
  it('many refused statements at a time ask the function once more, though it has no other token', async () => {
    const { open: connect } = await scene(protocol);
    let asked = 0;
    const database = connect({
      authToken: async () => {
        asked++;
        await pause(5);
        return 'n0nsense';
      },
    });
    const calls = Array.from({ length: 20 }, () => failure(database.execute('select 1'), AuthError));
    for (const { status } of await Promise.all(calls)) expect(status).toBe(401);
    expect(asked).toBe(2);
  });

  it('many statements at a time whose new token is refused as well do not ask in turn', async () => {
    const { open: connect } = await scene(protocol);
    let asked = 0;
    const database = connect({ authToken: () => `n0nsense-${++asked}` });
    const calls = Array.from({ length: 20 }, () => failure(database.execute('select 1'), AuthError));
    await Promise.all(calls);
    expect(asked).toBeLessThanOrEqual(3);
  });

  it('a function that never settles is bounded by the timeout and by close()', async () => {
    const { open: connect } = await scene(protocol);
    const database = connect({ authToken: never });
    for (const call of [
      () => database.execute('select 1', [], { timeout: 80 }),
      () => database.batch(['select 1'], { timeout: 80 }),
      () => database.transaction((tx) => tx.execute('select 1'), { timeout: 80 }),
      () => collect(database.stream('select 1', [], { timeout: 80 })),
    ]) {
      expect((await failure(call, InterruptedError)).code).toBe('TIMEOUT');
    }
    const endless = [
      failure(database.execute('select 1')),
      failure(database.transaction((tx) => tx.execute('select 1'))),
      failure(collect(database.stream('select 1'))),
    ];
    await pause(20);
    await database.close();
    for (const { code } of await Promise.all(endless)) expect(code).toBe('DATABASE_CLOSED');
  });
});

describe('the end of a stream', () => {
  it('gives its place back although the token that it needs never comes', { timeout: 20_000 }, async () => {
    const issuer = makeIssuer();
    const sqld = await startSqld({ publicKey: issuer.publicKey });
    let asked = 0;
    // The first is used for a second, half of its life.
    const token = new TokenSource(async () => (++asked === 1 ? issuer.token({ seconds: 2 }) : await never()));
    const server = new HttpServer({
      ...{
        url: sqld.url,
        token,
        transport: nodeTransport() as HttpTransport,
        compression: false,
        readYourWrites: true,
      },
      encryptionKey: new Secret<string | undefined>(undefined),
    });
    let released = false;
    const stream = new HttpStream(server, new Calls(), () => {
      released = true;
    });
    await stream.execute({ sql: 'select 1', args: [], rows: true, exact: false });
    await pause(1_100);
    stream.close();
    await expect.poll(() => released, { timeout: 10_000 }).toBe(true);
    server.close();
  });
});

describe('the clock of the device', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([
    ['an hour ahead', 3_600_000],
    ['a year ahead', 365 * 86_400_000],
    ['an hour behind', -3_600_000],
  ])('%s does not have the function asked for every statement', async (_, offset) => {
    const issuer = makeIssuer();
    let asked = 0;
    const source = new TokenSource(() => {
      asked++;
      return token;
    });
    const token = issuer.token({ seconds: 600 });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + offset });
    for (let i = 0; i < 10; i++) expect(await source.get()).toBe(token);
    expect(asked).toBe(1);
  });
});
