import { describe, expect, it, onTestFinished } from 'vitest';
import { type Config, type Database, NetworkError, open } from '../../../src/index.js';
import { neverSent } from '../../../src/engine/remote/transport/fetch-transport.js';
import { openDatabase } from '../../support/database.js';
import { failure } from '../../support/outcome.js';
import { startSqld } from '../../support/sqld.js';

/** Codes that end a call to connect as well as a connection that is open. */
const CODES = ['EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'ECONNREFUSED', 'ETIMEDOUT', 'ECONNRESET'];

const socketError = (code: string, syscall: string): Error =>
  Object.assign(new Error(`${syscall} ${code}`), { code, syscall });

describe('that nothing was sent', () => {
  it.each(CODES)('is told by %s of the call to connect only', (code) => {
    for (const wrap of [
      (error: Error) => error,
      (cause: Error) => new TypeError('fetch failed', { cause }),
      (error: Error) => new TypeError('fetch failed', { cause: new AggregateError([error, error]) }),
    ]) {
      expect(neverSent(wrap(socketError(code, 'connect')))).toBe(true);
      for (const syscall of ['read', 'write'])
        expect(neverSent(wrap(socketError(code, syscall)))).toBe(false);
    }
    expect(neverSent(new AggregateError([socketError(code, 'connect'), socketError(code, 'read')]))).toBe(
      false,
    );
    expect(neverSent(Object.assign(new Error('lost'), { code }))).toBe(false);
  });
});

describe('a host that has no address', () => {
  it.each(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL'])(
    'is told by its code, by the call, or by the message: %s',
    (code) => {
      const wrapped = (reason: object): unknown => new TypeError('fetch failed', { cause: reason });
      expect(neverSent(wrapped({ code }))).toBe(true);
      expect(neverSent(wrapped({ syscall: 'getaddrinfo' }))).toBe(true);
      expect(neverSent(wrapped({ message: `getaddrinfo ${code} nowhere.invalid` }))).toBe(true);
      expect(neverSent(wrapped({ message: `lost ${code}` }))).toBe(false);
    },
  );

  it.each<[string, Partial<Config>]>([
    ['http', {}],
    ['http by a fetch of the application', { fetch: (request, init) => fetch(request, init) }],
    ['ws', {}],
  ])('has a write sent again, over %s', async (way, config) => {
    const url = `${way.startsWith('http') ? 'http' : 'ws'}://nowhere.invalid:80`;
    const lasts = async (attempts: number): Promise<number> => {
      const database = openDatabase({ url, networkRetry: { attempts, minDelay: 200 }, ...config });
      const since = performance.now();
      const error = await failure(database.execute("insert into items values ('a')"), NetworkError);
      expect(error.reached).toBe(false);
      return performance.now() - since;
    };
    await lasts(0);
    // The shortest pauses are 100 and 200 ms.
    expect(await lasts(2)).toBeGreaterThanOrEqual(300);
  });
});

describe.each(CODES)('a write that was done, and whose answer was lost by %s', (code) => {
  async function scene(): Promise<{ database: Database; rows(): Promise<unknown> }> {
    const sqld = await startSqld();
    const plain = open(sqld.url);
    await plain.execute('create table items (name text)');
    let lost = 0;
    const database = open({
      url: sqld.url,
      networkRetry: { attempts: 4, minDelay: 1 },
      fetch: async (request, init) => {
        const answer = await fetch(request, init);
        await answer.text();
        // The first is lost after it was done; a second would be done as well.
        if (lost++ > 0) return answer;
        throw new TypeError('fetch failed', { cause: socketError(code, 'read') });
      },
    });
    onTestFinished(async () => {
      await database.close();
      await plain.close();
    });
    return { database, rows: async () => (await plain.execute('select name from items')).rows };
  }

  it('is not sent again', async () => {
    const { database, rows } = await scene();
    const error = await failure(database.execute("insert into items values ('a')"), NetworkError);
    expect(error).toMatchObject({ reached: true, retryable: false });
    expect(await rows()).toEqual([{ name: 'a' }]);
  });

  it('is not sent again in a batch', async () => {
    const { database, rows } = await scene();
    const error = await failure(database.batch(["insert into items values ('a')"]), NetworkError);
    expect(error).toMatchObject({ reached: true, retryable: false });
    expect(await rows()).toEqual([{ name: 'a' }]);
  });
});
