import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.js';
import { BusyError } from '../../src/errors.js';
import { isWriteLocked, openDatabase, openFile } from '../support/database.js';
import { holdLock } from '../support/lock.js';
import { failure } from '../support/outcome.js';
import { gate, LONGEST_STALL, pause, turn, withStall } from '../support/time.js';

const SETUP = 'create table t (a); insert into t values (1)';
const INSERT = 'insert into t values (2)';

const WRITES: readonly [string, (db: Database) => Promise<unknown>][] = [
  ['a statement', (db) => db.execute(INSERT)],
  ['a statement that can be aborted', (db) => db.execute(INSERT, [], { timeout: 25_000 })],
  ['a prepared statement', (db) => db.prepare(INSERT).run()],
  ['a batch', (db) => db.batch([INSERT])],
  ['an independent batch', (db) => db.batch([INSERT], { atomic: false })],
  ['a script', (db) => db.script(INSERT)],
  ['an atomic script', (db) => db.script(INSERT, { atomic: true })],
  ['an immediate transaction', (db) => db.transaction((tx) => tx.execute(INSERT))],
  ['an exclusive transaction', (db) => db.transaction((tx) => tx.execute(INSERT), { behavior: 'exclusive' })],
  ['a deferred transaction', (db) => db.transaction((tx) => tx.execute(INSERT), { behavior: 'deferred' })],
  ['a stream', (db) => db.stream(`${INSERT} returning a`).next()],
];

describe('a write while another process holds the lock', () => {
  it.each(WRITES)('waits for it with the event loop free: %s', async (_name, write) => {
    const { db, file, look, other } = await openFile(SETUP, { busyTimeout: 20_000 });
    const lock = await holdLock(file, 'begin immediate; insert into t values (100)');
    let settled = false;
    const { outcome, stall, ticks } = await withStall(async () => {
      const writing = write(db).finally(() => {
        settled = true;
      });
      await pause(60);
      expect(settled).toBe(false);
      lock.releaseSoon();
      await writing;
    });
    expect(outcome).toMatchObject({ status: 'fulfilled' });
    expect(ticks).toBeGreaterThan(10);
    expect(stall).toBeLessThan(LONGEST_STALL);
    expect(look('select a from t order by a')).toEqual([[1], [2], [100]]);
    await lock.release();
    expect(isWriteLocked(other)).toBe(false);
  });

  it.each(WRITES)('fails after busyTimeout and tells how long it waited: %s', async (name, write) => {
    const { db, file, look } = await openFile(SETUP, { busyTimeout: 40 });
    await holdLock(file);
    if (name === 'an independent batch') {
      const [outcome] = (await write(db)) as { reason: unknown }[];
      expect(outcome?.reason).toMatchObject({ code: 'SQLITE_BUSY' });
      return;
    }
    const error = await failure(write(db), BusyError);
    expect(error).toMatchObject({ code: 'SQLITE_BUSY', rawCode: 5, kind: 'busy', retryable: true });
    const waited = Number(/database is locked: waited (\d+) ms$/.exec(error.message)?.[1]);
    expect(waited).toBeGreaterThanOrEqual(39);
    expect(look('select a from t')).toEqual([[1]]);
  });

  it.each(WRITES)('fails at once with busyTimeout 0: %s', async (name, write) => {
    const { db, file } = await openFile(SETUP, { busyTimeout: 0 });
    const lock = await holdLock(file);
    if (name === 'an independent batch') {
      expect(await write(db)).toMatchObject([{ reason: { code: 'SQLITE_BUSY' } }]);
    } else {
      expect((await failure(write(db), BusyError)).message).toMatch(/waited 0 ms|waited [1-9] ms/);
    }
    await lock.release();
    await write(db);
  });

  it('can still read', async () => {
    const { db, file } = await openFile(SETUP, { busyTimeout: 0 });
    await holdLock(file, 'begin exclusive; insert into t values (100)');
    expect((await db.execute('select a from t')).rows).toEqual([{ a: 1 }]);
    expect((await db.transaction((tx) => tx.execute('select a from t'), { behavior: 'read' })).rows).toEqual([
      { a: 1 },
    ]);
  });

  it('gets the lock of a process that is killed', async () => {
    const { db, file, look } = await openFile(SETUP, { busyTimeout: 20_000 });
    const lock = await holdLock(file, 'begin immediate; insert into t values (100)');
    const writing = db.execute(INSERT);
    await turn();
    lock.kill();
    await writing;
    expect(look('select a from t')).toEqual([[1], [2]]);
  });
});

describe('writers of one process', () => {
  it('go in the order in which they came, transactions and statements alike', async () => {
    const { db, file, look } = await openFile('create table t (n)');
    const neighbour = openDatabase({ url: file });
    await Promise.all([db.execute('select 1'), neighbour.execute('select 1')]);
    const inside = gate();
    const first = db.transaction(() => inside.opened);
    await turn();
    const writes: Promise<unknown>[] = [];
    for (let n = 0; n < 12; n++) {
      const handle = n % 2 === 0 ? db : neighbour;
      const sql = `insert into t values (${n})`;
      writes.push(n % 3 === 0 ? handle.transaction((tx) => tx.execute(sql)) : handle.execute(sql));
      await turn();
    }
    inside.open();
    await Promise.all([first, ...writes]);
    expect(look('select n from t order by rowid').flat()).toEqual(Array.from({ length: 12 }, (_, n) => n));
  });

  it('lose nothing in a crowd', async () => {
    const { db, file, look } = await openFile('create table t (writer, n)');
    const handles = [db, openDatabase({ url: file }), openDatabase({ url: file })];
    const write = async (writer: number): Promise<void> => {
      const handle = handles[writer % handles.length] as Database;
      for (let n = 0; n < 100; n++) {
        const args = [writer, n];
        if (n % 3 === 0) await handle.execute('insert into t values (?, ?)', args);
        else if (n % 3 === 1)
          await handle.transaction((tx) => tx.execute('insert into t values (?, ?)', args));
        else await handle.batch([{ sql: 'insert into t values (?, ?)', args }]);
      }
    };
    await Promise.all([0, 1, 2, 3, 4].map(write));
    expect(look('select count(*), count(distinct writer * 1000 + n) from t')).toEqual([[500, 500]]);
  });

  it('share the lock through links and other spellings of the path', async () => {
    const { db, file } = await openFile(SETUP, { busyTimeout: 20_000 });
    const neighbour = openDatabase({
      url: `file://${file.replace('/test.db', '/./test.db')}`,
      busyTimeout: 40,
    });
    const inside = gate();
    const holding = db.transaction(() => inside.opened);
    await neighbour.ready();
    const error = await failure(neighbour.execute(INSERT), BusyError);
    expect(error.message).toMatch(
      /waited \d+ ms for the write lock, held for \d+ ms by a transaction of this process/,
    );
    inside.open();
    await holding;
    await neighbour.execute(INSERT);
  });
});

describe('outside WAL', () => {
  const config = { pragmas: { journal_mode: 'delete' }, busyTimeout: 20_000 } as const;

  it.each<[string, (db: Database) => Promise<unknown>]>([
    ['a statement', (db) => db.execute('select a from t')],
    ['a statement that can be aborted', (db) => db.execute('select a from t', [], { timeout: 25_000 })],
    ['a stream', (db) => db.stream('select a from t').next()],
    [
      'a read transaction',
      (db) => db.transaction((tx) => tx.execute('select a from t'), { behavior: 'read' }),
    ],
  ])('a reader waits for an exclusive lock: %s', async (_name, read) => {
    const { db, file } = await openFile(SETUP, config);
    const lock = await holdLock(file, 'begin exclusive');
    let settled = false;
    const { outcome, stall } = await withStall(async () => {
      const reading = read(db).finally(() => {
        settled = true;
      });
      await pause(50);
      expect(settled).toBe(false);
      lock.releaseSoon();
      await reading;
    });
    expect(outcome).toMatchObject({ status: 'fulfilled' });
    expect(stall).toBeLessThan(LONGEST_STALL);
  });

  it.each(WRITES)('a commit waits for a reader: %s', async (_name, write) => {
    const { db, file, look } = await openFile(SETUP, config);
    const lock = await holdLock(file, 'begin; select * from t');
    let settled = false;
    const { outcome, stall } = await withStall(async () => {
      const writing = write(db).finally(() => {
        settled = true;
      });
      await pause(50);
      expect(settled).toBe(false);
      lock.releaseSoon();
      await writing;
    });
    expect(outcome).toMatchObject({ status: 'fulfilled' });
    expect(stall).toBeLessThan(LONGEST_STALL);
    expect(look('select a from t')).toEqual([[1], [2]]);
  });

  it.each(WRITES)('a commit that a reader blocks for too long leaves nothing: %s', async (name, write) => {
    const { db, file, look, other } = await openFile(SETUP, { ...config, busyTimeout: 30 });
    const lock = await holdLock(file, 'begin; select * from t');
    if (name === 'an independent batch') {
      expect(await write(db)).toMatchObject([{ reason: { code: 'SQLITE_BUSY' } }]);
    } else {
      expect((await failure(write(db), BusyError)).code).toBe('SQLITE_BUSY');
    }
    expect(isWriteLocked(other)).toBe(false);
    await lock.release();
    expect(look('select a from t')).toEqual([[1]]);
    await write(db);
    expect(look('select a from t')).toEqual([[1], [2]]);
  });
});

describe('a shared memory database', () => {
  it('lets a writer wait for the transaction of another handle', async () => {
    const url = 'file::memory:?cache=shared';
    const [one, two] = [openDatabase({ url }), openDatabase({ url })];
    await one.script('create table crowd (a)');
    await two.ready();
    const inside = gate();
    const holding = one.transaction(async (tx) => {
      await tx.execute('insert into crowd values (1)');
      await inside.opened;
    });
    await turn();
    const waiting = two.execute('insert into crowd values (2)');
    await pause(20);
    inside.open();
    await Promise.all([holding, waiting]);
    expect((await two.execute('select a from crowd')).rows).toEqual([{ a: 1 }, { a: 2 }]);
  });
});
