import { type Client, createClient } from '@libsql/client';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type Config,
  type Database,
  DatabaseError,
  InterruptedError,
  NetworkError,
  open,
  type Transaction,
  TransactionLostError,
} from '../../../src/index.js';
import { runMigrations } from '../../../src/database/migrate.js';
import type { Migration } from '../../../src/database/migration-plan.js';
import { openDatabase } from '../../support/database.js';
import { failure } from '../../support/outcome.js';
import { type Proxy, startProxy } from '../../support/proxy.js';
import { type Sqld, startSqld } from '../../support/sqld.js';
import { pause } from '../../support/time.js';

interface Scene {
  readonly database: Database;
  readonly proxy: Proxy;
  readonly sqld: Sqld;
  /** The names in the table, as seen past the proxy. */
  names(): Promise<unknown[]>;
}

/** Longest time that a call with a timeout may take, in ms: far more than the timeouts below. */
const BOUND = 5_000;

async function scene(protocol: 'http' | 'ws', config: Partial<Config> = {}): Promise<Scene> {
  const sqld = await startSqld();
  const proxy = await startProxy(sqld.port);
  let outside: Client = createClient({ url: sqld.url });
  const database = open({ url: protocol === 'http' ? proxy.url : proxy.wsUrl, ...config });
  onTestFinished(async () => {
    await database.close();
    outside.close();
  });
  await database.execute('create table items (name text not null)');
  return {
    database,
    proxy,
    sqld,
    names: async () => {
      outside.close();
      outside = createClient({ url: sqld.url });
      return (await outside.execute('select name from items order by name')).rows.map(({ name }) => name);
    },
  };
}

const insert = (on: Pick<Database, 'execute'>, name: string): Promise<unknown> =>
  on.execute('insert into items values (?)', [name]);

/** Bytes of an answer that reach the client before it is cut: some of the head. */
const SOME = 40;

it('http: a migration whose BEGIN is cut off deletes no row that references a table it rebuilds', async () => {
  const { database, proxy } = await scene('http', { networkRetry: 3 });
  await database.script(`create table parents (id integer primary key); insert into parents values (1);
    create table children (id integer primary key, parent references parents (id) on delete cascade);
    insert into children values (1, 1)`);
  const sql = `create table n (id integer primary key); insert into n select id from parents;
    drop table parents; alter table n rename to parents`;
  const rebuild: Migration = { tag: 'rebuild', when: 1, sql, hash: 'rebuild' };
  proxy.fail({ kind: 'cut-answer' }, 1, 'BEGIN');
  // Another connection would have foreign keys on.
  await failure(runMigrations(database, [rebuild]), NetworkError);
  proxy.heal();
  expect((await database.execute('select * from children')).rows).toEqual([{ id: 1, parent: 1 }]);
  await runMigrations(database, [rebuild]);
  expect((await database.execute('select * from children')).rows).toEqual([{ id: 1, parent: 1 }]);
});

it('http: a statement of a transaction that the server has ended without a word is not done on its own', async () => {
  const { names, sqld } = await scene('http');
  let end = false;
  const database = openDatabase({
    url: sqld.url,
    fetch: async (request) => {
      const { url, headers } = request as Request;
      const body = JSON.parse(await (request as Request).text()) as { baton: string | null };
      if (end && body.baton !== null) {
        end = false;
        const requests = [{ type: 'execute', stmt: { sql: 'rollback' } }];
        const answer = await fetch(url, {
          method: 'POST',
          body: JSON.stringify({ baton: body.baton, requests }),
        });
        body.baton = ((await answer.json()) as { baton: string }).baton;
      }
      return await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    },
  });
  for (const run of [
    (tx: Transaction) => insert(tx, 'b'),
    (tx: Transaction) => tx.batch([{ sql: 'insert into items values (?)', args: ['c'] }]),
    (tx: Transaction) => tx.script("insert into items values ('d')"),
    (tx: Transaction) => tx.transaction((nested) => insert(nested, 'e')),
    async (tx: Transaction) => {
      for await (const row of tx.stream("insert into items values ('f') returning name"))
        expect(row).toBeDefined();
    },
  ]) {
    const running = database.transaction(async (tx) => {
      await insert(tx, 'a');
      end = true;
      await run(tx);
    });
    await failure(running, DatabaseError);
    expect(end).toBe(false);
  }
  expect(await names()).toEqual([]);
});

describe.each(['http', 'ws'] as const)('%s', (protocol) => {
  it('a server that refuses connections is asked again, and a write is done once', async () => {
    const { database, proxy, names } = await scene(protocol, { networkRetry: 5 });
    await proxy.refuse();
    await pause(20);
    const writing = insert(database, 'a');
    setTimeout(() => void proxy.listen(), 60);
    await writing;
    expect(await names()).toEqual(['a']);
  });

  it('a server that stays away is a NetworkError that tells that nothing was sent', async () => {
    const { database, proxy, names } = await scene(protocol);
    await proxy.refuse();
    await pause(20);
    const error = await failure(insert(database, 'a'), NetworkError);
    expect(error).toMatchObject({ kind: 'network', reached: false, retryable: true });
    expect(await names()).toEqual([]);
  });

  it('is asked again as often and as late as networkRetry says', async () => {
    const { proxy } = await scene(protocol);
    await proxy.refuse();
    await pause(20);
    const url = protocol === 'http' ? proxy.url : proxy.wsUrl;
    const lasts = async (networkRetry: NonNullable<Config['networkRetry']>): Promise<number> => {
      const database = openDatabase({ url, networkRetry });
      const since = performance.now();
      await failure(database.execute('select 1'), NetworkError);
      return performance.now() - since;
    };
    // A pause is at least half as long as it may be, and doubles.
    expect(await lasts({ attempts: 2, minDelay: 200 })).toBeGreaterThanOrEqual(100 + 200);
    expect(await lasts({ attempts: 1, minDelay: 2_000, maxDelay: 5 })).toBeLessThan(1_000);
    expect(await lasts({ attempts: 0, minDelay: 5_000 })).toBeLessThan(1_000);
    expect(await lasts({ attempts: 4, minDelay: 5, maxDelay: 20 })).toBeLessThan(1_000);
  });

  it('a read whose answer is cut off is repeated', async () => {
    const { database, proxy } = await scene(protocol);
    await insert(database, 'a');
    proxy.fail({ kind: 'cut-answer' }, 1);
    const { rows } = await database.execute('select name from items');
    expect(rows).toEqual([{ name: 'a' }]);
  });

  it('a read whose answer is always cut off fails after the repetitions', async () => {
    const { database, proxy } = await scene(protocol, { networkRetry: 1 });
    proxy.fail({ kind: 'cut-answer' });
    const error = await failure(database.execute('select 1'), NetworkError);
    expect(error.reached).toBe(true);
  });

  it('a write whose answer is cut off is not repeated', async () => {
    const { database, proxy, names } = await scene(protocol);
    proxy.fail({ kind: 'cut-answer' }, 1);
    const error = await failure(insert(database, 'a'), NetworkError);
    expect(error).toMatchObject({ reached: true, retryable: false });
    expect(await names()).toEqual(['a']);
  });

  it('a write whose answer is cut off is repeated on request, and may be done twice', async () => {
    const { database, proxy, names } = await scene(protocol, {
      networkRetry: { attempts: 2, writes: true },
    });
    proxy.fail({ kind: 'cut-answer' }, 1);
    await insert(database, 'a');
    expect(await names()).toEqual(['a', 'a']);
  });

  it('a batch whose answer is cut off is not repeated, and is kept as a whole', async () => {
    const { database, proxy, names } = await scene(protocol);
    await database.batch(['select 1']);
    proxy.fail({ kind: 'cut-answer' }, 1);
    const statements = ['a', 'b', 'c'].map((name) => ({ sql: 'insert into items values (?)', args: [name] }));
    const error = await failure(database.batch(statements), NetworkError);
    expect(error.reached).toBe(true);
    expect(await names()).toEqual(['a', 'b', 'c']);
  });

  it('a batch that only reads is repeated', async () => {
    const { database, proxy } = await scene(protocol);
    await database.batch(['select 1']);
    proxy.fail({ kind: 'cut-answer' }, 1);
    const [first] = await database.batch(['select 1 as one']);
    expect(first?.rows).toEqual([{ one: 1 }]);
  });

  it('a transaction whose first answer is cut off begins again, and is done once', async () => {
    const { database, proxy, names } = await scene(protocol);
    await database.transaction((tx) => tx.execute('select 1'));
    let runs = 0;
    await database.transaction(async (tx) => {
      runs++;
      proxy.fail({ kind: 'cut-answer' }, 1);
      await insert(tx, 'a');
      await insert(tx, 'b');
    });
    expect(runs).toBe(1);
    expect(await names()).toEqual(['a', 'b']);
  });

  it('a transaction that begins only after several failures is one, and nothing of it is committed on its own', async () => {
    const { database, proxy, names } = await scene(protocol, { networkRetry: 5 });
    await database.transaction((tx) => tx.execute('select 1'));
    const running = database.transaction(async (tx) => {
      if (protocol === 'http') proxy.respond(429, '', {}, 4);
      else proxy.fail({ kind: 'cut-answer' }, 3);
      await insert(tx, 'a');
      throw new Error('no');
    });
    await expect(running).rejects.toThrow('no');
    expect(await names()).toEqual([]);
    await database.transaction((tx) => insert(tx, 'b'));
    expect(await names()).toEqual(['b']);
  });

  it('a transaction waits for a server that refuses connections', async () => {
    const { database, proxy, names } = await scene(protocol, { networkRetry: 5 });
    await proxy.refuse();
    await pause(20);
    const writing = database.transaction((tx) => insert(tx, 'a'));
    setTimeout(() => void proxy.listen(), 60);
    await writing;
    expect(await names()).toEqual(['a']);
    await proxy.refuse();
    await pause(20);
    await failure(
      database.transaction((tx) => insert(tx, 'b')),
      NetworkError,
    );
  });

  it('a transaction that is cut off in its midst is lost, and nothing more is run in it', async () => {
    const { database, proxy, names } = await scene(protocol);
    const later: unknown[] = [];
    const running = database.transaction(async (tx) => {
      await insert(tx, 'a');
      proxy.cut();
      later.push(await failure(insert(tx, 'b'), NetworkError));
      later.push(await failure(insert(tx, 'c'), TransactionLostError));
    });
    const error = await failure(running, TransactionLostError);
    expect(error.cause).toBe(later[0]);
    expect((later[1] as Error).cause).toBe(later[0]);
    expect(await names()).toEqual([]);
    await insert(database, 'd');
    expect(await names()).toEqual(['d']);
  });

  it('a commit whose answer is cut off is not repeated, and is told as unknown', async () => {
    const { database, proxy, names } = await scene(protocol);
    let runs = 0;
    const running = database.transaction(
      async (tx) => {
        runs++;
        await insert(tx, 'a');
        proxy.fail({ kind: 'cut-answer' }, 1);
      },
      { retry: 3 },
    );
    const error = await failure(running, NetworkError);
    expect(error.reached).toBe(true);
    expect(runs).toBe(1);
    expect(await names()).toEqual(['a']);
  });

  it('a connection that swallows everything ends with the timeout, for a read', async () => {
    const { database, proxy } = await scene(protocol);
    proxy.fail({ kind: 'half-open' });
    const start = performance.now();
    const error = await failure(database.execute('select 1', [], { timeout: 200 }), InterruptedError);
    expect(error.code).toBe('TIMEOUT');
    expect(performance.now() - start).toBeLessThan(BOUND);
    proxy.heal();
    expect((await database.execute('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  it('a connection that swallows everything ends with the timeout of the config, for a write', async () => {
    const { database, proxy, names } = await scene(protocol, { timeout: 1_000 });
    proxy.fail({ kind: 'half-open' });
    const start = performance.now();
    const error = await failure(insert(database, 'a'), InterruptedError);
    expect(error.code).toBe('TIMEOUT');
    expect(performance.now() - start).toBeLessThan(BOUND);
    proxy.heal();
    await insert(database, 'b');
    expect(await names()).toEqual(['b']);
  });

  it('a connection that swallows everything ends with the timeout, for a batch', async () => {
    const { database, proxy } = await scene(protocol);
    proxy.fail({ kind: 'half-open' });
    const error = await failure(database.batch(['select 1'], { timeout: 200 }), InterruptedError);
    expect(error.code).toBe('TIMEOUT');
  });

  it('a transaction on such a connection ends with the timeout, and is lost', async () => {
    const { database, proxy, names } = await scene(protocol);
    const start = performance.now();
    const running = database.transaction(
      async (tx) => {
        await insert(tx, 'a');
        proxy.fail({ kind: 'half-open' });
        await insert(tx, 'b');
      },
      { timeout: 500 },
    );
    expect((await failure(running, InterruptedError)).code).toBe('TIMEOUT');
    expect(performance.now() - start).toBeLessThan(BOUND);
    proxy.heal();
    proxy.cut();
    await pause(20);
    // The server holds the lock of the lost transaction until somebody else has waited for 5 seconds.
    await insert(database, 'c');
    expect(await names()).toEqual(['c']);
  });

  it('close() does not wait for an answer that never comes', async () => {
    const { database, proxy } = await scene(protocol);
    proxy.fail({ kind: 'half-open' });
    const waiting = failure(database.execute('select 1'), DatabaseError);
    await pause(50);
    const start = performance.now();
    await database.close();
    await waiting;
    expect(performance.now() - start).toBeLessThan(BOUND);
  });

  it('a server that is slow is waited for', async () => {
    const { database, proxy, names } = await scene(protocol);
    proxy.delay(30);
    await database.transaction(async (tx) => {
      await insert(tx, 'a');
      await insert(tx, 'b');
    });
    proxy.heal();
    expect(await names()).toEqual(['a', 'b']);
  });

  it('a server that is slower than the timeout is not waited for, and the event loop stays free', async () => {
    const { database, proxy } = await scene(protocol);
    proxy.delay(400);
    let ticks = 0;
    const timer = setInterval(() => ticks++, 10);
    const error = await failure(database.execute('select 1', [], { timeout: 150 }), InterruptedError);
    clearInterval(timer);
    expect(error.code).toBe('TIMEOUT');
    expect(ticks).toBeGreaterThan(5);
  });

  it('an answer that breaks off is no result', async () => {
    const { database, proxy } = await scene(protocol, { networkRetry: 0 });
    await database.execute('select 1');
    proxy.fail({ kind: 'cut-after', bytes: SOME }, 1);
    await failure(
      database.execute(
        'with recursive c(x) as (select 1 union all select x + 1 from c limit 9999) select * from c',
      ),
      NetworkError,
    );
  });

  it('a server that was started again is used again', async () => {
    const { database, sqld, names } = await scene(protocol);
    await insert(database, 'a');
    await sqld.stop();
    await sqld.start();
    await database.execute('select 1');
    await insert(database, 'b');
    expect(await names()).toEqual(['a', 'b']);
  });

  it('a transaction does not outlive its server', async () => {
    const { database, sqld, names } = await scene(protocol);
    const running = database.transaction(async (tx) => {
      await insert(tx, 'a');
      await sqld.stop();
      await sqld.start();
      await insert(tx, 'b').catch(() => {});
      await insert(tx, 'c');
    });
    await failure(running, TransactionLostError);
    expect(await names()).toEqual([]);
    await insert(database, 'd');
    expect(await names()).toEqual(['d']);
  });

  it('a server that lost its data tells so', async () => {
    const { database, sqld } = await scene(protocol);
    await sqld.stop();
    sqld.wipe();
    await sqld.start();
    await database.execute('select 1');
    const error = await failure(database.execute('select * from items'), DatabaseError);
    expect(error.message).toContain('no such table: items');
  });

  it('rows that were streamed stay right when the rest is cut off', async () => {
    const { database, proxy } = await scene(protocol);
    const sql =
      'with recursive c(x) as (select 1 union all select x + 1 from c limit 200000) select x from c';
    const seen: unknown[] = [];
    const error = await failure(
      (async () => {
        for await (const { x } of database.stream(sql)) {
          seen.push(x);
          if (seen.length === 1_000) proxy.cut();
        }
      })(),
      NetworkError,
    );
    expect(error.reached).toBe(true);
    expect(seen.length).toBeGreaterThanOrEqual(1_000);
    expect(seen.every((x, i) => x === i + 1)).toBe(true);
  });

  it('a stream that gets no more rows ends with the timeout', async () => {
    const { database, proxy } = await scene(protocol);
    proxy.fail({ kind: 'half-open' });
    const reading = (async () => {
      for await (const row of database.stream('select 1 as one', [], { timeout: 200 })) void row;
    })();
    expect((await failure(reading, InterruptedError)).code).toBe('TIMEOUT');
  });

  it('no acknowledged write is lost and none is done twice, whatever is cut', async () => {
    const { database, proxy, names } = await scene(protocol, { networkRetry: 8 });
    const cutting = setInterval(() => proxy.cut(), 23);
    const outcomes = new Map<string, 'done' | 'not done' | 'unknown'>();
    const write = async (name: string): Promise<void> => {
      try {
        await insert(database, name);
        outcomes.set(name, 'done');
      } catch (error) {
        if (!(error instanceof NetworkError)) throw error;
        outcomes.set(name, error.reached ? 'unknown' : 'not done');
      }
    };
    for (let round = 0; round < 40; round++) {
      await Promise.all(Array.from({ length: 5 }, (_, i) => write(`${round}-${i}`)));
    }
    clearInterval(cutting);
    const stored = await names();
    expect(new Set(stored).size).toBe(stored.length);
    for (const [name, outcome] of outcomes) {
      if (outcome !== 'unknown') expect([name, stored.includes(name)]).toEqual([name, outcome === 'done']);
    }
    expect([...outcomes.values()].filter((outcome) => outcome === 'done').length).toBeGreaterThan(20);
  });
});

describe('http', () => {
  it('429 is waited out as the server asks, and a write is done once', async () => {
    const { database, proxy, names } = await scene('http');
    proxy.respond(429, '', { 'retry-after': '1' }, 1);
    const start = performance.now();
    await insert(database, 'a');
    expect(performance.now() - start).toBeGreaterThan(900);
    expect(await names()).toEqual(['a']);
  });

  it('429 for ever is a NetworkError with the status', async () => {
    const { database, proxy } = await scene('http', { networkRetry: { attempts: 1, minDelay: 1 } });
    proxy.respond(429);
    const error = await failure(insert(database, 'a'), NetworkError);
    expect(error).toMatchObject({ status: 429, reached: false, retryable: true });
  });

  it.each([502, 503, 504])('%i is repeated for a read and not for a write', async (status) => {
    const { database, proxy, names } = await scene('http');
    proxy.respond(status, '<html>', {}, 1);
    expect((await database.execute('select 1 as one')).rows).toEqual([{ one: 1 }]);
    proxy.respond(status, '<html>', {}, 1);
    const error = await failure(insert(database, 'a'), NetworkError);
    expect(error).toMatchObject({ status, reached: true });
    expect(await names()).toEqual([]);
  });

  it('an answer of something else than the server is not repeated to the caller', async () => {
    const { database, proxy } = await scene('http', { networkRetry: 0 });
    for (const status of [200, 400, 404, 418, 500]) {
      proxy.respond(status, 'you sent s3cret', {}, 1);
      const error = await failure(insert(database, 's3cret'), DatabaseError);
      expect(`${error.message} ${String((error.cause as Error | undefined)?.message)}`).not.toContain(
        's3cret',
      );
    }
  });

  it('a redirect or an empty answer is no result', async () => {
    const { database, proxy } = await scene('http', { networkRetry: 0 });
    proxy.respond(204, '', {}, 1);
    await failure(database.execute('select 1'), DatabaseError);
    proxy.respond(200, '{}', { 'content-type': 'application/json' }, 1);
    await failure(database.execute('select 1'), DatabaseError);
  });
});
