import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Config, ConstraintError, type DatabaseError, open, SyncError } from '../../src/index.js';
import { startProgram } from '../support/child.js';
import { makeIssuer } from '../support/jwt.js';
import { failure } from '../support/outcome.js';
import { namesIn, type ReplicaScene, replicaScene } from '../support/replica.js';
import { gate, pause } from '../support/time.js';

const OK = [{ integrity_check: 'ok' }];

afterEach(() => {
  vi.restoreAllMocks();
});

describe('syncInterval goes on', () => {
  it('after the token function has failed', { timeout: 60_000 }, async () => {
    const issuer = makeIssuer();
    const scene = await replicaScene({ publicKey: issuer.publicKey, token: issuer.token() });
    const state = { broken: false, failures: 0 };
    const database = scene.open({
      syncInterval: 0.05,
      onSyncError: () => state.failures++,
      authToken: () => {
        if (state.broken) throw new Error('the vault is down');
        return issuer.token({ seconds: 1 });
      },
    });
    await database.ready();
    state.broken = true;
    await expect.poll(() => state.failures, { timeout: 10_000 }).toBeGreaterThan(0);
    state.broken = false;
    await scene.add('a');
    await expect.poll(() => namesIn(database), { timeout: 15_000 }).toEqual(['a']);
  });

  it('after the server was empty', { timeout: 60_000 }, async () => {
    const scene = await replicaScene();
    await scene.add('a');
    const errors: DatabaseError[] = [];
    const database = scene.open({ syncInterval: 0.05, onSyncError: (error) => errors.push(error) });
    await database.ready();
    await scene.sqld.stop();
    scene.sqld.wipe();
    await scene.sqld.start();
    await expect
      .poll(() => errors.some(({ message }) => message.includes('empty')), { timeout: 20_000 })
      .toBe(true);
    await scene.outside.execute('create table items (id integer primary key, name text)');
    await scene.add('b');
    await expect.poll(() => namesIn(database), { timeout: 20_000 }).toEqual(['b']);
  });
});

describe('files that are lost', () => {
  const file = ({ folder }: ReplicaScene): string => `${folder}/replica.db`;
  const rest = ['-client_wal_index', '-wal', '-shm'];

  it.each<[string, (path: string) => void]>([
    ['all of them', (path) => ['', ...rest].forEach((end) => rmSync(`${path}${end}`, { force: true }))],
    ['the database', (path) => rmSync(path)],
    ['the index', (path) => rmSync(`${path}-client_wal_index`)],
    ['the log', (path) => rmSync(`${path}-wal`)],
    ['the content of the database', (path) => truncateSync(path, 0)],
    ['the end of the log', (path) => truncateSync(`${path}-wal`, 5_000)],
  ])('under an open replica come back from the server: %s', async (_, lose) => {
    const scene = await replicaScene();
    await scene.add('a', 'b', 'c');
    const database = scene.open();
    expect(await namesIn(database)).toEqual(['a', 'b', 'c']);
    lose(file(scene));
    await scene.add('d');
    await database.sync();
    expect(await namesIn(database)).toEqual(['a', 'b', 'c', 'd']);
    await database.execute("insert into items (name) values ('e')");
    expect((await namesIn(database)).length).toBe(5);
    await database.close();
    const again = scene.open();
    expect((await namesIn(again)).length).toBe(5);
    expect((await again.execute('pragma integrity_check')).rows).toEqual(OK);
  });

  it('and replaced by others are told, and rebuild() deletes those', async () => {
    const scene = await replicaScene();
    await scene.add('a');
    const database = scene.open();
    await database.ready();
    await using mine = open(`${scene.folder}/mine.db`);
    await mine.execute('create table mine (a)');
    await mine.close();
    renameSync(`${scene.folder}/mine.db`, file(scene));
    const error = await failure(database.sync(), SyncError);
    expect(error.code).toBe('NOT_A_REPLICA');
    expect(error.message).toContain('-client_wal_index');
    expect(existsSync(file(scene))).toBe(true);
    await scene.add('b');
    await database.rebuild();
    expect(await namesIn(database)).toEqual(['a', 'b']);
    await database.sync();
  });

  it.each<[string, (path: string) => void]>([
    ['without its log', (path) => rmSync(`${path}-wal`)],
    [
      'without all but its database and index',
      (path) => ['-wal', '-tail'].forEach((end) => rmSync(`${path}${end}`)),
    ],
    ['with half of its log', (path) => truncateSync(`${path}-wal`, 5_000)],
    ['without its database', (path) => rmSync(path)],
  ])('of a replica that is opened: %s', async (_, lose) => {
    const scene = await replicaScene();
    await scene.add('a', 'b', 'c');
    const first = scene.open();
    await first.ready();
    await first.close();
    const kept = `${scene.folder}/kept`;
    mkdirSync(kept);
    for (const end of ['', '-tail', '-client_wal_index', '-wal']) {
      copyFileSync(`${file(scene)}${end}`, `${kept}/replica.db${end}`);
    }
    const path = `${kept}/replica.db`;
    lose(path);
    const config: Config = { url: path, syncUrl: scene.sqld.url };
    await using broken = open(config);
    const error = await failure(broken.ready(), SyncError);
    expect(['REPLICA_CORRUPT', 'NOT_A_REPLICA']).toContain(error.code);
    expect(error.message).toContain('-wal');
    await broken.rebuild();
    expect(await namesIn(broken)).toEqual(['a', 'b', 'c']);
    await broken.close();
    lose(path);
    await using healed = open({ ...config, startup: 'rebuild' });
    expect(await namesIn(healed)).toEqual(['a', 'b', 'c']);
    expect((await healed.execute('pragma integrity_check')).rows).toEqual(OK);
  });

  it('never are those of a database of its own', async () => {
    const scene = await replicaScene();
    await using own = open(file(scene));
    await own.execute('create table mine (a)');
    await own.close();
    const error = await failure(scene.open({ startup: 'rebuild' }).ready(), SyncError);
    expect(error.code).toBe('NOT_A_REPLICA');
    expect(existsSync(file(scene))).toBe(true);
  });
});

describe('a slow server', () => {
  it('is waited for as long as it sends something', { timeout: 60_000 }, async () => {
    const scene = await replicaScene();
    const count =
      "with recursive c(x) as (select 1 union all select x + 1 from c limit 300) select printf('%.*c', 4000, 'x') from c";
    await scene.outside.execute(`insert into items (name) ${count}`);
    await scene.proxy.rate(300_000);
    const database = scene.open({ syncTimeout: 1_000 });
    const start = performance.now();
    await database.ready();
    expect(performance.now() - start).toBeGreaterThan(3_000);
    expect((await namesIn(database)).length).toBe(300);
  });

  it('that sends nothing is given up after syncTimeout', { timeout: 60_000 }, async () => {
    const scene = await replicaScene();
    const database = scene.open({ syncTimeout: 300, afterWrite: 'none' });
    await database.ready();
    await scene.add('a');
    await scene.proxy.fail({ kind: 'half-open' });
    const start = performance.now();
    const error = await failure(database.sync(), SyncError);
    expect(error.message).toContain('0.3 seconds');
    expect(performance.now() - start).toBeLessThan(3_000);
    await scene.proxy.heal();
    await database.sync();
    expect(await namesIn(database)).toEqual(['a']);
  });
});

describe('a write that the replica does not show in time', () => {
  it('can be known, or be a failure', { timeout: 60_000 }, async () => {
    const scene = await replicaScene();
    const url = `${scene.folder}/shared.db`;
    const owner = await startProgram('replica-sync-loop.ts', scene.sqld.url, url);
    await owner.message();
    const config: Config = { url, syncUrl: scene.sqld.url, afterWriteTimeout: 300 };
    await using waits = open(config);
    await using requires = open({ ...config, afterWrite: 'require' });
    await Promise.all([waits.ready(), requires.ready()]);
    await waits.execute("insert into items (name) values ('a')");
    expect(waits.syncStatus().unseenWrites).toBe(0);
    owner.kill('SIGSTOP');
    const start = performance.now();
    await waits.execute("insert into items (name) values ('b')");
    expect(performance.now() - start).toBeLessThan(2_000);
    expect(waits.syncStatus().unseenWrites).toBe(1);
    const error = await failure(requires.execute("insert into items (name) values ('c')"), SyncError);
    expect(error).toMatchObject({ code: 'WRITE_UNSEEN', retryable: false });
    let runs = 0;
    const committed = requires.transaction(
      async (tx) => {
        runs++;
        await tx.execute("insert into items (name) values ('d')");
      },
      { retry: 3 },
    );
    expect((await failure(committed, SyncError)).code).toBe('WRITE_UNSEEN');
    expect(runs).toBe(1);
    await failure(requires.execute("insert into items (id, name) values (1, 'twice')"), ConstraintError);
    owner.kill('SIGCONT');
    await Promise.all([waits.sync(), requires.sync()]);
    expect(await namesIn(waits)).toEqual(['a', 'b', 'c', 'd']);
    expect(waits.syncStatus().unseenWrites).toBe(0);
    owner.kill('SIGKILL');
    await owner.ended;
  });

  it('is asked for again when a sync fails', { timeout: 60_000 }, async () => {
    const scene = await replicaScene();
    const errors: DatabaseError[] = [];
    const database = scene.open({
      ...{ syncTimeout: 200, afterWriteTimeout: 20_000 },
      onSyncError: (error) => errors.push(error),
    });
    await database.ready();
    await scene.proxy.delay(300);
    const writing = database.execute("insert into items (name) values ('a')");
    const count = async (): Promise<unknown> =>
      (await scene.outside.execute('select count(*) as n from items')).rows[0]?.['n'];
    // The write has been done and its answer is on the way; what comes after it is swallowed.
    await expect.poll(count, { interval: 5, timeout: 10_000 }).toBe(1);
    await scene.proxy.fail({ kind: 'half-open' });
    await expect.poll(() => errors.length, { timeout: 20_000 }).toBeGreaterThan(0);
    await scene.proxy.heal();
    await writing;
    expect(await namesIn(database)).toEqual(['a']);
    expect(database.syncStatus().unseenWrites).toBe(0);
  });
});

it('a log that a long read made grow is cut when that has ended', { timeout: 120_000 }, async () => {
  const scene = await replicaScene();
  const log = `${scene.folder}/replica.db-wal`;
  const rows = 'with recursive c(x) as (select 1 union all select x + 1 from c limit 1000) select x';
  await scene.outside.execute(`insert into items ${rows}, printf('%.*c', 3900, 'x') from c`);
  const database = scene.open();
  await database.ready();
  const reading = gate();
  const read = database.transaction(
    async (tx) => {
      await tx.execute('select count(*) from items');
      await reading.opened;
    },
    { behavior: 'read' },
  );
  for (let i = 0; i < 9; i++) {
    await scene.outside.execute("update items set name = name || 'y'");
    await database.sync();
  }
  expect(statSync(log).size).toBeGreaterThan(32 * 2 ** 20);
  reading.open();
  await read;
  await expect
    .poll(
      async () => {
        await database.sync();
        return statSync(log).size;
      },
      { timeout: 20_000 },
    )
    .toBeLessThan(2 ** 20);
  await scene.add('after');
  await database.sync();
  expect((await database.execute('select count(*) as n from items')).rows).toEqual([{ n: 1_001 }]);
  expect((await database.execute('pragma integrity_check')).rows).toEqual(OK);
});

describe('the clock of the day', () => {
  it('may be set back without a read that is too old', async () => {
    const scene = await replicaScene();
    const database = scene.open({ maxStaleness: 100 });
    await database.ready();
    const now = Date.now();
    vi.spyOn(Date, 'now').mockImplementation(() => now - 3_600_000);
    await scene.add('a');
    await pause(120);
    expect(await namesIn(database)).toEqual(['a']);
    expect(database.syncStatus().lag).toBeLessThan(5_000);
  });
});
