import { describe, expect, it } from 'vitest';
import { type Config, type Database, InterruptedError } from '../../../src/index.js';
import { openDatabase } from '../../support/database.js';
import { collectGarbage } from '../../support/growth.js';
import { collect, failure } from '../../support/outcome.js';
import { type Proxy, startProxy } from '../../support/proxy.js';
import { sqldForAll } from '../../support/sqld.js';
import { pause } from '../../support/time.js';

const server = sqldForAll();

const ROWS = 'with recursive c(x) as (select 1 union all select x + 1 from c limit 200000) select x from c';

/** Calls of a `fetch` of the application whose answer was neither read to its end nor given up; that opens connections as it likes. */
let underWay = 0;

const countingFetch: typeof fetch = async (request, init) => {
  underWay++;
  let over = false;
  const end = (): void => {
    if (!over) underWay--;
    over = true;
  };
  try {
    const { body, status, headers } = await fetch(request, init);
    const reader = body?.getReader();
    const counted = new ReadableStream({
      pull: async (controller) => {
        const { done, value } = (await reader?.read().finally(() => init?.signal?.aborted && end())) ?? {
          done: true,
        };
        if (!done) return controller.enqueue(value);
        end();
        controller.close();
      },
      cancel: async (reason) => {
        end();
        await reader?.cancel(reason);
      },
    });
    return new Response(counted, { status, headers });
  } catch (error) {
    end();
    throw error;
  }
};

const WAYS: readonly (readonly [string, 'http' | 'ws', Partial<Config>])[] = [
  ['http', 'http', {}],
  ['http with a token function', 'http', { authToken: () => 'token' }],
  ['ws', 'ws', {}],
  ['http by a fetch of the application', 'http', { fetch: countingFetch }],
];

const CALLS: readonly (readonly [string, (db: Database, options: object) => Promise<unknown>])[] = [
  ['execute()', (db, options) => db.execute('select 1', [], options)],
  ['a batch', (db, options) => db.batch(['select 1'], options)],
  ['a transaction', (db, options) => db.transaction((tx) => tx.execute('select 1'), options)],
  ['a script', (db, options) => db.script('select 1', options)],
  ['a stream', (db, options) => collect(db.stream('select 1', [], options))],
];

describe.each(WAYS)('%s', (_way, protocol, config) => {
  async function scene(): Promise<{ db: Database; proxy: Proxy }> {
    const proxy = await startProxy(server().port);
    const url = protocol === 'http' ? proxy.url : proxy.wsUrl;
    return { db: openDatabase({ url, networkRetry: 0, ...config }), proxy };
  }

  const inUse = (proxy: Proxy): number => (config.fetch === undefined ? proxy.connections : underWay);
  const none = async (proxy: Proxy): Promise<void> =>
    await expect.poll(() => inUse(proxy), { timeout: 1_500, interval: 10 }).toBe(0);

  it.each(CALLS)('%s that is given up leaves no connection that waits for its answer', async (_call, run) => {
    const { db, proxy } = await scene();
    proxy.fail({ kind: 'half-open' });
    await failure(run(db, { timeout: 40 }), InterruptedError);
    await none(proxy);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 40);
    await failure(run(db, { signal: controller.signal }), InterruptedError);
    await none(proxy);
    const interrupted = failure(run(db, {}));
    await pause(40);
    db.interrupt();
    await interrupted;
    await none(proxy);
    const closed = failure(run(db, {}));
    await pause(40);
    await db.close();
    await closed;
    await none(proxy);
  });

  it('an answer that is given up in its middle is read no further', async () => {
    const { db, proxy } = await scene();
    proxy.rate(100_000);
    const controller = new AbortController();
    const running = failure(db.execute(ROWS, [], { signal: controller.signal }), InterruptedError);
    for (let i = 0; i < 5; i++) {
      await pause(40);
      collectGarbage();
    }
    expect(inUse(proxy)).toBe(1);
    controller.abort();
    await running;
    await none(proxy);
  });

  it('close() ends a stream that nobody reads any more', async () => {
    const { db, proxy } = await scene();
    const rows = db.stream(ROWS, [], { batchSize: 10 });
    await rows.next();
    expect(inUse(proxy)).toBe(1);
    await db.close();
    await none(proxy);
  });
});
