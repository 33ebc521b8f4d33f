import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Database, open } from '../../src/database/database.js';
import type { LibsqlConnection } from '../../src/engine/libsql/connection.js';
import { LibsqlEngine } from '../../src/engine/libsql/engine.js';
import {
  canTruncateLog,
  connectSecond,
  isWriteLocked,
  openDatabase,
  openFile,
  openMemory,
  temporaryFile,
} from '../support/database.js';
import { holdLock } from '../support/lock.js';
import { collect, failure } from '../support/outcome.js';
import { gate, LONGEST_STALL, pause, turn, withStall } from '../support/time.js';

const LONG =
  'with recursive c(x) as (select 1 union all select x + 1 from c limit 100000000) select count(*) from c';
const CLOSED = { code: 'DATABASE_CLOSED', kind: 'closed' };

describe('open', () => {
  it('does not touch the file', async () => {
    const file = temporaryFile();
    const db = openDatabase({ url: file });
    await turn();
    expect(existsSync(file)).toBe(false);
    await db.ready();
    expect(existsSync(file)).toBe(true);
  });

  it('opens the file that a URL names, whatever is in its name', async () => {
    const file = temporaryFile('my app #1?.db');
    const db = openDatabase({ url: `file://${file.split('/').map(encodeURIComponent).join('/')}` });
    await db.execute('create table t (a)');
    expect(existsSync(file)).toBe(true);
  });

  it('takes a relative path of a name that looks like a URI', async () => {
    const file = temporaryFile('plain.db');
    const relative = path.relative(process.cwd(), file);
    const db = openDatabase({ url: `file:${relative}` });
    await db.execute('create table t (a)');
    expect(connectSecond(file).value('select name from sqlite_master')).toBe('t');
  });

  it('keeps two memory databases apart, and joins shared ones', async () => {
    const [one, two] = [await openMemory('create table t (a)'), await openMemory()];
    expect((await failure(two.execute('select * from t'))).message).toContain('no such table');
    const shared = 'file::memory:?cache=shared';
    const [three, four] = [openDatabase({ url: shared }), openDatabase({ url: shared })];
    await three.script('create table t (a); insert into t values (7)');
    expect((await four.execute('select a from t')).rows).toEqual([{ a: 7 }]);
    expect((await one.execute('select a from t')).rows).toEqual([]);
  });
});

describe('ready', () => {
  it('connects once, however often it is called', async () => {
    let connections = 0;
    const db = openDatabase({ url: temporaryFile(), onConnect: () => void connections++ });
    await Promise.all([db.ready(), db.ready(), db.execute('select 1')]);
    await db.ready();
    expect(connections).toBe(1);
  });

  it('fails where the file can not be opened, and can be called again', async () => {
    const file = temporaryFile(path.join('missing', 'app.db'));
    const db = openDatabase({ url: file });
    const error = await failure(db.ready());
    expect(error).toMatchObject({ code: 'SQLITE_CANTOPEN', kind: 'io' });
    expect((await failure(db.execute('select 1'))).code).toBe('SQLITE_CANTOPEN');
    mkdirSync(path.dirname(file));
    await db.ready();
    expect(existsSync(file)).toBe(true);
  });

  it('fails on a file that is no database and leaves it as it is', async () => {
    const file = temporaryFile();
    writeFileSync(file, 'this is no database, but a text '.repeat(64));
    const before = readFileSync(file);
    expect(await failure(openDatabase({ url: file }).ready())).toMatchObject({
      code: 'SQLITE_NOTADB',
      kind: 'corrupt',
    });
    expect(readFileSync(file)).toEqual(before);
  });

  it('is not given up for all when the first one who asked for it aborts', async () => {
    const db = openDatabase({ url: temporaryFile() });
    const controller = new AbortController();
    const aborted = failure(db.execute('select 1', [], { signal: controller.signal }));
    const wanted = db.execute('select 2 as two');
    controller.abort();
    expect((await aborted).code).toBe('ABORTED');
    expect((await wanted).rows).toEqual([{ two: 2 }]);
  });
});

describe('close', () => {
  it.each<[string, (db: Database) => unknown]>([
    ['ready', (db) => db.ready()],
    ['execute', (db) => db.execute('select 1')],
    ['execute with a timeout', (db) => db.execute('select 1', [], { timeout: 1000 })],
    ['execute of a write', (db) => db.execute('create table t (a)')],
    ['batch', (db) => db.batch(['select 1'])],
    ['script', (db) => db.script('select 1')],
    ['atomic script', (db) => db.script('select 1', { atomic: true })],
    ['transaction', (db) => db.transaction(() => 1)],
    ['stream', (db) => collect(db.stream('select 1'))],
    ['statement', (db) => db.prepare('select 1').all()],
  ])('refuses what comes after it: %s', async (_name, use) => {
    for (const db of [open(':memory:'), open(temporaryFile())]) {
      await db.ready();
      await db.close();
      expect(db.closed).toBe(true);
      expect(await failure(async () => use(db))).toMatchObject(CLOSED);
    }
  });

  it.each<[string, (db: Database) => Promise<unknown>]>([
    ['ready', (db) => db.ready()],
    ['execute', (db) => db.execute('select 1')],
    ['execute with a timeout', (db) => db.execute('select 1', [], { timeout: 9_000 })],
    ['batch', (db) => db.batch(['select 1'])],
    ['script', (db) => db.script('select 1')],
    ['a transaction', (db) => db.transaction(() => 1)],
    ['a transaction that reads', (db) => db.transaction(() => 1, { behavior: 'read' })],
    ['stream', (db) => collect(db.stream('select 1'))],
    ['metadata', (db) => db.metadata()],
  ])('closes the connection that was being opened for %s', async (_name, use) => {
    const { connect } = LibsqlEngine.prototype;
    const made: LibsqlConnection[] = [];
    const spy = vi.spyOn(LibsqlEngine.prototype, 'connect').mockImplementation(function (this: LibsqlEngine) {
      const connection = connect.call(this);
      made.push(connection);
      return connection;
    });
    onTestFinished(() => spy.mockRestore());
    for (const steps of [0, 1, 2, 3, 5, 8]) {
      const db = open({ url: temporaryFile(), onConnect: () => pause(5) });
      const first = use(db).catch(() => {});
      for (let i = 0; i < steps; i++) await pause(1);
      await db.close();
      await first;
      await expect
        .poll(() => made.filter(({ usable }) => usable), { timeout: 2_000, interval: 5 })
        .toEqual([]);
    }
    expect(made.length).toBeGreaterThan(0);
  });

  it('gives every outcome of an independent batch that comes after it', async () => {
    const db = open(':memory:');
    await db.close();
    const outcomes = await db.batch(['select 1'], { atomic: false });
    expect(outcomes).toMatchObject([{ status: 'rejected', reason: CLOSED }]);
  });

  it('can be called twice, at once and before anything was opened', async () => {
    const file = temporaryFile();
    const db = open(file);
    await Promise.all([db.close(), db.close()]);
    await db.close();
    expect(existsSync(file)).toBe(false);
  });

  it('is what `await using` calls', async () => {
    let outside: Database;
    {
      await using db = open(':memory:');
      await db.execute('select 1');
      outside = db;
    }
    expect(outside.closed).toBe(true);
  });

  it('frees the file', async () => {
    const { db, look, other } = await openFile('create table t (a); insert into t values (1)');
    await db.transaction((tx) => tx.execute('insert into t values (2)'));
    const rows = db.stream('select a from t', [], { batchSize: 1 });
    await rows.next();
    await db.close();
    expect(look('select a from t')).toEqual([[1], [2]]);
    expect(isWriteLocked(other)).toBe(false);
    expect(canTruncateLog(other)).toBe(true);
  });

  it('rolls an open transaction back, whose next statement is told', async () => {
    const { db, look, other } = await openFile('create table t (a)');
    const error = await failure(
      db.transaction(async (tx) => {
        await tx.execute('insert into t values (1)');
        await db.close();
        expect(isWriteLocked(other)).toBe(false);
        await tx.execute('insert into t values (2)');
      }),
    );
    expect(error).toMatchObject(CLOSED);
    expect(look('select * from t')).toEqual([]);
  });

  it('rolls an open transaction back whose callback returns', async () => {
    const { db, look } = await openFile('create table t (a)');
    const transaction = db.transaction(async (tx) => {
      await tx.execute('insert into t values (1)');
      await db.close();
    });
    expect(await failure(transaction)).toMatchObject(CLOSED);
    expect(look('select * from t')).toEqual([]);
  });

  it('ends open streams with an error', async () => {
    for (const db of [await openMemory(), (await openFile()).db]) {
      const rows = db.stream('select value from generate_series(1, 1000)', [], { batchSize: 1 });
      await rows.next();
      await db.close();
      expect(await failure(rows.next())).toMatchObject(CLOSED);
    }
  });

  it('refuses those who wait for the only connection', async () => {
    const db = await openMemory('create table t (a)');
    const inside = gate();
    const transaction = failure(db.transaction(() => inside.opened));
    await turn();
    const waiting = failure(db.execute('insert into t values (1)'));
    await turn();
    await db.close();
    expect(await waiting).toMatchObject(CLOSED);
    inside.open();
    expect(await transaction).toMatchObject(CLOSED);
  });

  it('refuses those who wait for the write lock of this process', async () => {
    const { db, file } = await openFile('create table t (a)', { busyTimeout: 20_000 });
    const neighbour = openDatabase({ url: file });
    const inside = gate();
    const transaction = neighbour.transaction(() => inside.opened);
    await turn();
    const waiting = failure(db.execute('insert into t values (1)'));
    await turn();
    await db.close();
    const first = await Promise.race([waiting, transaction.then(() => 'the end of the transaction')]);
    expect(first).toMatchObject(CLOSED);
    inside.open();
    await transaction;
  });

  it('refuses those who wait for a lock of another process', async () => {
    const { db, file, look } = await openFile('create table t (a)', { busyTimeout: 20_000 });
    const lock = await holdLock(file);
    const waiting = failure(db.execute('insert into t values (1)'));
    await turn();
    await db.close();
    expect(await waiting).toMatchObject(CLOSED);
    await lock.release();
    expect(look('select * from t')).toEqual([]);
  });

  it.each([
    ['a transaction', (db: Database) => db.transaction((tx) => tx.execute('insert into t values (1)'))],
    [
      'a stream',
      (db: Database) => collect(db.stream('insert into t values (1) returning a', [], { timeout: 9_000 })),
    ],
    ['a statement', (db: Database) => db.execute('insert into t values (1)', [], { timeout: 9_000 })],
  ])('refuses %s whose connection is still being set up', async (_what, call) => {
    const settingUp = gate();
    const ready = gate();
    let connections = 0;
    const { db, look } = await openFile('', {
      onConnect: async () => {
        if (++connections === 1) return;
        settingUp.open();
        await ready.opened;
      },
    });
    await db.execute('create table t (a)');
    const running = failure(call(db));
    await settingUp.opened;
    await db.close();
    ready.open();
    expect(await running).toMatchObject(CLOSED);
    expect(look('select * from t')).toEqual([]);
  });

  it('stops a long statement that can be stopped, with the event loop free', async () => {
    for (const db of [await openMemory(), (await openFile()).db]) {
      await db.ready();
      ('with recursive c(x) as (select 1 union all select x + 1 from c) select count(*) from c');
      const running = failure(db.execute(LONG, [], { timeout: 25_000 }));
      await turn();
      const { stall } = await withStall(() => db.close());
      expect(stall).toBeLessThan(LONGEST_STALL);
      expect(await running).toMatchObject(CLOSED);
    }
  });

  it('stops a statement that was started at the same moment', async () => {
    for (const db of [await openMemory(), (await openFile()).db]) {
      // So that a connection to lend is there.
      await db.execute('select 1', [], { timeout: 25_000 });
      const running = failure(db.execute(LONG, [], { timeout: 25_000 }));
      for (let i = 0; i < 20; i++) await Promise.resolve();
      const { stall } = await withStall(() => db.close());
      expect(stall).toBeLessThan(LONGEST_STALL);
      expect(await running).toMatchObject(CLOSED);
    }
  });
});
