import { describe, expect, it } from 'vitest';
import {
  CapabilityError,
  type Config,
  type Database,
  DatabaseError,
  InterruptedError,
  NetworkError,
  open,
  type SyncEvent,
  SyncError,
  TransactionError,
} from '../../src/index.js';
import { startProgram } from '../support/child.js';
import { collect, failure } from '../support/outcome.js';
import { namesIn, type ReplicaScene, replicaScene } from '../support/replica.js';
import { LONGEST_STALL, pause, withStall } from '../support/time.js';

const NAMES = 'select name from items';

interface Watched extends ReplicaScene {
  readonly database: Database;
  readonly events: SyncEvent[];
  readonly errors: DatabaseError[];
}

/** A replica that was opened, and what its hooks were told since. */
async function watched(config: Partial<Config> = {}): Promise<Watched> {
  const scene = await replicaScene();
  const events: SyncEvent[] = [];
  const errors: DatabaseError[] = [];
  const database = scene.open({
    onSync: (event) => events.push(event),
    onSyncError: (error) => errors.push(error),
    ...config,
  });
  await database.ready();
  events.length = 0;
  return { ...scene, database, events, errors };
}

describe('sync()', () => {
  it('brings what the server has, and tells how much', async () => {
    const { database, add } = await watched();
    const before = database.syncStatus();
    await add('a');
    expect(await namesIn(database)).toEqual([]);
    const result = await database.sync();
    expect(result.framesSynced).toBeGreaterThan(0);
    expect(result.frameNo).toBeGreaterThan(before.frameNo ?? 0);
    expect(await namesIn(database)).toEqual(['a']);
    expect(await database.sync()).toEqual({ frameNo: result.frameNo, framesSynced: 0, replaced: false });
  });

  it('is one for all who ask during another', async () => {
    const { database, add, events } = await watched();
    await add('a');
    await Promise.all(Array.from({ length: 100 }, () => database.sync()));
    expect(events.length).toBeLessThanOrEqual(2);
    expect(await namesIn(database)).toEqual(['a']);
  });

  it('that began before a write is not enough for who asks after it', async () => {
    const { database, add, proxy } = await watched();
    await proxy.delay(50);
    const first = database.sync();
    await add('a');
    await Promise.all([first, database.sync()]);
    expect(await namesIn(database)).toEqual(['a']);
  });

  it('leaves the event loop free while the server is slow', async () => {
    const { database, proxy } = await watched();
    await proxy.delay(150);
    const { stall, outcome } = await withStall(() => database.sync());
    expect(outcome.status).toBe('fulfilled');
    expect(stall).toBeLessThan(LONGEST_STALL);
  });

  it('never stands in the way of heavy reads, nor of the event loop', async () => {
    const { database, outside } = await watched();
    await outside.execute(
      "insert into items (name) with recursive c(x) as (select 1 union all select x + 1 from c limit 3000) select printf('%.*c', 200, 'x') from c",
    );
    const state = { reading: true };
    let reads = 0;
    const reader = async (): Promise<void> => {
      while (state.reading) {
        await database.execute('select name from items where id = ?', [++reads % 3_000]);
        if (reads % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const { stall } = await withStall(async () => {
      const readers = Promise.all([reader(), reader()]);
      for (let i = 0; i < 20; i++) {
        await outside.execute("update items set name = name || 'y' where id % 10 = 0");
        await database.sync();
      }
      state.reading = false;
      await readers;
    });
    expect(stall).toBeLessThan(LONGEST_STALL);
    expect(reads).toBeGreaterThan(100);
  });

  it('is refused inside a transaction, where nothing of it would be seen', async () => {
    const { database } = await watched();
    for (const behavior of ['immediate', 'read'] as const) {
      const inside = database.transaction(async () => await database.sync(), { behavior });
      expect((await failure(inside, TransactionError)).code).toBe('TRANSACTION_MISUSE');
    }
    await database.sync();
  });

  it('is left alone by transactions of other databases', async () => {
    const { database } = await watched();
    await using memory = open(':memory:');
    await memory.transaction(async () => {
      await database.sync();
    });
  });

  it('ends with its timeout on a server that swallows everything, and works again after it', async () => {
    const { database, proxy, add } = await watched();
    await proxy.fail({ kind: 'half-open' });
    const { outcome, stall } = await withStall(() => database.sync({ timeout: 300 }));
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'TIMEOUT' } });
    expect(stall).toBeLessThan(LONGEST_STALL);
    await proxy.heal();
    await proxy.cut();
    await add('a');
    await database.sync();
    expect(await namesIn(database)).toEqual(['a']);
  });

  it('ends with its signal', async () => {
    const { database, proxy } = await watched();
    await proxy.fail({ kind: 'half-open' });
    const abort = new AbortController();
    const syncing = database.sync({ signal: abort.signal });
    setTimeout(() => abort.abort(), 50);
    expect((await failure(syncing, InterruptedError)).code).toBe('ABORTED');
    await proxy.cut();
  });

  it('that never ends is given up, and another handle takes its place', { timeout: 60_000 }, async () => {
    const { database, proxy, add, errors, outside } = await watched({ afterWrite: 'none' });
    await proxy.fail({ kind: 'half-open' });
    await failure(database.sync({ timeout: 40_000 }), SyncError);
    expect(errors.map(({ code }) => code)).toEqual(['SYNC_FAILED']);
    await add('a');
    // The old connections come to life as well, and with them the old sync.
    await proxy.heal();
    await database.sync();
    await add('b');
    await database.sync();
    expect(await namesIn(database)).toEqual(['a', 'b']);
    expect((await database.execute('pragma integrity_check')).rows).toEqual([{ integrity_check: 'ok' }]);
    expect((await outside.execute('select count(*) as n from items')).rows[0]?.['n']).toBe(2);
  });

  it('fails while the server is away, and is well again after it', async () => {
    const { database, sqld, add, errors } = await watched();
    await sqld.stop();
    const error = await failure(database.sync(), SyncError);
    expect(error.cause).toBeInstanceOf(NetworkError);
    expect(database.syncStatus()).toMatchObject({ state: 'stale', lastError: error });
    expect(errors[0]).toBe(error);
    expect(await namesIn(database)).toEqual([]);
    await sqld.start();
    await add('a');
    await database.sync();
    expect(database.syncStatus()).toMatchObject({ state: 'synced', lastError: undefined });
    expect(await namesIn(database)).toEqual(['a']);
  });

  it('tells when the server has lost its data, and when others have come in their place', async () => {
    const { database, sqld, add, outside, events } = await watched();
    await add('a', 'b', 'c');
    await database.sync();
    await sqld.stop();
    sqld.wipe();
    await sqld.start();
    const error = await failure(database.sync(), SyncError);
    expect(error.message).toContain('empty');
    expect(await namesIn(database)).toEqual(['a', 'b', 'c']);
    await outside.execute('create table items (id integer primary key, name text)');
    events.length = 0;
    await database.sync();
    expect(events[0]?.replaced).toBe(true);
    expect(await namesIn(database)).toEqual([]);
  });

  it('can be waited for until a frame is there', async () => {
    const { database, add, open: connect } = await watched();
    const other = connect({ name: 'other' });
    await other.execute("insert into items (name) values ('a')");
    const { frameNo } = other.syncStatus();
    await database.syncUntil(frameNo ?? 0);
    expect(await namesIn(database)).toEqual(['a']);
    const waiting = database.syncUntil((frameNo ?? 0) + 1, { timeout: 10_000 });
    await pause(150);
    await add('b');
    await waiting;
    expect(await namesIn(database)).toEqual(['a', 'b']);
    const { outcome, stall } = await withStall(() => database.syncUntil(1_000_000, { timeout: 300 }));
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'TIMEOUT' } });
    expect(stall).toBeLessThan(LONGEST_STALL);
  });

  it('ends when the database is closed', async () => {
    const { database, proxy } = await watched();
    await proxy.fail({ kind: 'half-open' });
    const syncing = failure(database.sync(), DatabaseError);
    await pause(20);
    await database.close();
    expect(database.syncStatus().state).toBe('closed');
    await proxy.cut();
    await syncing;
    expect((await failure(database.sync(), DatabaseError)).code).toBe('DATABASE_CLOSED');
  });
});

describe('after a write', () => {
  it("'await' has it in the replica", async () => {
    const { database, events } = await watched({ afterWrite: 'await' });
    await database.execute("insert into items (name) values ('a')");
    expect(events.map(({ trigger }) => trigger)).toEqual(['write']);
    expect(await namesIn(database)).toEqual(['a']);
  });

  it("'lazy' has it in the replica soon, and flush() waits for that", async () => {
    const { database, events } = await watched({ afterWrite: 'lazy' });
    await database.execute("insert into items (name) values ('a')");
    const status = await database.flush();
    expect(status.state).toBe('synced');
    expect(events.map(({ trigger }) => trigger)).toEqual(['write']);
    expect(await namesIn(database)).toEqual(['a']);
  });

  it("'none', as readYourWrites: false, leaves it to others", async () => {
    const { database, events } = await watched({ readYourWrites: false });
    await database.execute("insert into items (name) values ('a')");
    await database.flush();
    expect(events).toEqual([]);
    expect(await namesIn(database)).toEqual([]);
    await database.sync();
    expect(await namesIn(database)).toEqual(['a']);
  });

  it('100 writes at a time share their syncs', async () => {
    const { database, events } = await watched();
    await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        database.execute('insert into items (name) values (?)', [`${i}`]),
      ),
    );
    expect((await namesIn(database)).length).toBe(100);
    expect(events.length).toBeLessThan(60);
  });

  it('a sync that fails does not fail the write, which is done', async () => {
    const { database, sqld, outside, errors } = await watched({ networkRetry: 0 });
    await database.transaction(async (tx) => {
      await tx.execute("insert into items (name) values ('a')");
    });
    await sqld.stop();
    await failure(database.execute("insert into items (name) values ('b')"), NetworkError);
    expect(errors).toEqual([]);
    await sqld.start();
    expect((await outside.execute('select count(*) as n from items')).rows[0]?.['n']).toBe(1);
  });
});

describe('by itself', () => {
  it('syncs every so many seconds', async () => {
    const { database, add, events } = await watched({ syncInterval: 0.05 });
    await add('a');
    await expect.poll(() => namesIn(database)).toEqual(['a']);
    await add('b');
    await expect.poll(() => namesIn(database)).toEqual(['a', 'b']);
    expect(new Set(events.map(({ trigger }) => trigger))).toEqual(new Set(['interval']));
    await database.close();
    const { length } = events;
    await pause(200);
    expect(events.length).toBe(length);
  });

  it('goes on after the server was away', async () => {
    const { database, add, sqld, errors } = await watched({ syncInterval: 0.05 });
    await sqld.stop();
    await expect.poll(() => errors.length, { timeout: 10_000 }).toBeGreaterThan(0);
    await sqld.start();
    await add('a');
    await expect.poll(() => namesIn(database), { timeout: 15_000 }).toEqual(['a']);
  });

  it('syncs before a read that must not be older than it may be', async () => {
    const { database, add, events } = await watched({ maxStaleness: 200 });
    await database.sync();
    await add('a');
    expect(await namesIn(database)).toEqual([]);
    await pause(250);
    const reads = await Promise.all(Array.from({ length: 20 }, () => namesIn(database)));
    expect(reads.every((names) => names.length === 1)).toBe(true);
    expect(events.filter(({ trigger }) => trigger === 'read').length).toBeLessThanOrEqual(2);
    await pause(250);
    await add('b');
    await database.transaction(async (tx) => expect(await namesIn(tx)).toEqual(['a', 'b']), {
      behavior: 'read',
    });
  });

  it.each<[string, (database: Database) => Promise<unknown>]>([
    ['execute()', async (database) => (await database.execute(NAMES)).rows],
    ['a batch', async (database) => (await database.batch([NAMES, NAMES]))[1]?.rows],
    [
      'a batch of its own',
      async (database) => (await database.batch([NAMES], { behavior: 'read' }))[0]?.rows,
    ],
    ['all()', (database) => database.prepare(NAMES).all()],
    ['get()', async (database) => [await database.prepare(NAMES).get()]],
    ['a stream', (database) => collect(database.stream(NAMES))],
    [
      'a transaction',
      async (database) =>
        database.transaction(async (tx) => (await tx.execute(NAMES)).rows, { behavior: 'read' }),
    ],
    [
      'a statement with a timeout',
      async (database) => (await database.execute(NAMES, [], { timeout: 20_000 })).rows,
    ],
  ])('syncs before %s', async (_name, read) => {
    const { database, add } = await watched({ maxStaleness: 20 });
    await database.sync();
    await add('a');
    await pause(25);
    expect(await read(database)).toEqual([{ name: 'a' }]);
  });

  it('fails a read that would be older than it may be', async () => {
    const { database, sqld } = await watched({ maxStaleness: 0 });
    await sqld.stop();
    await pause(5);
    await failure(namesIn(database), SyncError);
    await sqld.start();
    expect(await namesIn(database)).toEqual([]);
  });

  it('tells the hooks, whose own failures are nobody else’s', async () => {
    const warnings: unknown[] = [];
    const note = (warning: Error): void => void warnings.push(warning.message);
    process.on('warning', note);
    const { database, add } = await watched({
      onSync: () => {
        throw new Error('a hook of the test failed');
      },
    });
    await add('a');
    await database.sync();
    await pause(10);
    process.off('warning', note);
    expect(warnings).toContain('a hook of the test failed');
    expect(await namesIn(database)).toEqual(['a']);
  });
});

describe('status', () => {
  it('tells how far the replica is', async () => {
    const { database, add, open: connect } = await watched();
    const fresh = connect({ name: 'fresh' });
    expect(fresh.syncStatus()).toEqual({
      state: 'unopened',
      lastSyncAt: undefined,
      lag: undefined,
      frameNo: undefined,
      unseenWrites: 0,
      framesSynced: 0,
      lastError: undefined,
    });
    const before = database.syncStatus();
    await add('a');
    const syncing = database.sync();
    await pause(0);
    expect(database.syncStatus().state).toBe('syncing');
    const { framesSynced } = await syncing;
    const after = database.syncStatus();
    expect(after.state).toBe('synced');
    expect(after.framesSynced).toBe(before.framesSynced + framesSynced);
    expect(after.lag).toBeLessThan(5_000);
    expect(after.lastSyncAt?.getTime()).toBeGreaterThanOrEqual(before.lastSyncAt?.getTime() ?? 0);
  });
});

it('nothing of it can be asked of a database that is no replica', async () => {
  await using database = open(':memory:');
  const calls = [
    () => database.sync(),
    () => database.syncUntil(1),
    () => database.flush(),
    () => database.freeze('copy.db'),
    async () => database.syncStatus(),
  ];
  for (const call of calls) expect((await failure(call, CapabilityError)).capability).toBe('sync');
});

it('standard output stays the application’s own while syncs fail, and the process can end', async () => {
  const { sqld, folder } = await replicaScene();
  const child = await startProgram('replica-without-server.ts', sqld.url, `${folder}/child.db`);
  expect(await child.message()).toBe('synced');
  await sqld.stop();
  child.send('stopped');
  expect(await child.ended).toMatchObject({ code: 0, stdout: 'SYNC_FAILED\n' });
});
