import { describe, expect, it } from 'vitest';
import { type Database, open } from '../../src/database/database.js';
import { drizzle, migrate } from '../../src/dialect/drizzle/index.js';
import { BusyError, ParameterError, ReadOnlyError, TransactionError } from '../../src/errors.js';
import { openFile, openMemory } from '../support/database.js';
import { collect, failure } from '../support/outcome.js';
import { startSqld } from '../support/sqld.js';

/** The ways in which a text can be run. */
const WAYS: [string, (db: Database, sql: string) => Promise<unknown>][] = [
  ['execute', (db, sql) => db.execute(sql)],
  ['execute with a timeout', (db, sql) => db.execute(sql, [], { timeout: 60_000 })],
  ['batch', (db, sql) => db.batch([sql, 'select 1'])],
  ['batch, one by one', (db, sql) => db.batch([sql, 'select 1'], { atomic: false })],
  ['script', (db, sql) => db.script(`${sql}; select 1`)],
  ['prepare', (db, sql) => db.prepare(sql).all()],
  ['pragma.query', (db, sql) => db.pragma.query(sql)],
  ['stream', (db, sql) => collect(db.stream(sql))],
  ['drizzle', (db, sql) => Promise.resolve(drizzle(db).run(sql))],
];
const BUSY_WAYS: typeof WAYS = [
  ...WAYS,
  ['transaction', (db, sql) => db.transaction((tx) => tx.execute(sql))],
  ['atomic script', (db, sql) => db.script(sql, { atomic: true })],
];

describe('PRAGMA busy_timeout', () => {
  it.each(BUSY_WAYS)('sets and reads the busyTimeout of the database, by %s', async (_name, run) => {
    for (const db of [await openMemory(), (await openFile()).db]) {
      await run(db, 'PRAGMA busy_timeout = 70');
      expect(db.config.busyTimeout).toBe(70);
      expect((await db.execute('pragma busy_timeout')).rows).toEqual([{ timeout: 70 }]);
      await run(db, 'pragma main.busy_timeout(0)');
      expect(await db.pragma.busyTimeout()).toBe(0);
    }
  });

  it('gives the row that SQLite gives, and takes what SQLite takes', async () => {
    const db = await openMemory('', { busyTimeout: 1_234 });
    expect((await db.execute('PRAGMA busy_timeout')).rows).toEqual([{ timeout: 1_234 }]);
    expect((await db.execute('PRAGMA busy_timeout = 99')).rows).toEqual([{ timeout: 99 }]);
    expect((await db.execute('PRAGMA busy_timeout = -5')).rows).toEqual([{ timeout: 0 }]);
    await failure(db.execute('PRAGMA busy_timeout = soon'), ParameterError);
    await expect(db.execute('explain PRAGMA busy_timeout = 5')).rejects.toMatchObject({
      code: 'NOT_SUPPORTED',
    });
    expect(await collect(db.stream('PRAGMA busy_timeout'))).toEqual([{ timeout: 0 }]);
  });

  it('leaves the timeout of the engine alone, which would block the process', async () => {
    const { db, other } = await openFile('create table t (a)', {
      onConnect: (connection) => connection.script('PRAGMA busy_timeout = 60'),
    });
    await db.script('PRAGMA busy_timeout = 60; PRAGMA foreign_keys = ON');
    expect(db.config.busyTimeout).toBe(60);
    other.exec('begin immediate');
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    await expect(db.execute('insert into t values (1)')).rejects.toMatchObject({ kind: 'busy' });
    clearInterval(timer);
    other.exec('rollback');
    expect(ticks).toBeGreaterThan(2);
  });

  it('may stand in a migration', async () => {
    const { db } = await openFile();
    const sql = 'PRAGMA busy_timeout = 80;\ncreate table t (a);';
    await migrate(drizzle(db), { migrations: [{ tag: '0000', when: 1, sql }] });
    expect(db.config.busyTimeout).toBe(80);
    expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: 0 }]);
  });

  it('is refused in a restricted view that may not use it', async () => {
    const db = await openMemory();
    const view = db.restricted([{ effect: 'allow', actions: ['read'] }]);
    await expect(view.execute('PRAGMA busy_timeout = 5')).rejects.toMatchObject({ name: 'AccessError' });
    expect(db.config.busyTimeout).toBe(5_000);
  });

  it('is ours at a server too', async () => {
    const { url } = await startSqld();
    await using db = open(url);
    await db.batch(['PRAGMA busy_timeout = 70', 'create table t (a)']);
    expect((await db.execute('PRAGMA busy_timeout')).rows).toEqual([{ timeout: 70 }]);
    await expect(db.execute('PRAGMA query_only = on')).rejects.toMatchObject({ code: 'NOT_SUPPORTED' });
  });
});

describe('PRAGMA query_only', () => {
  const KEPT = WAYS.filter(([name]) => !['script', 'batch', 'batch, one by one'].includes(name));

  it.each(KEPT)('makes every connection read only, and undoes it, by %s', async (_name, run) => {
    for (const db of [await openMemory('create table t (a)'), (await openFile('create table t (a)')).db]) {
      await run(db, 'PRAGMA query_only = ON');
      expect((await db.execute('pragma query_only')).rows).toEqual([{ query_only: 1 }]);
      await failure(db.execute('insert into t values (1)'), ReadOnlyError);
      await failure(
        db.transaction((tx) => tx.execute('insert into t values (1)')),
        ReadOnlyError,
      );
      await db.transaction((tx) => tx.execute('select * from t'), { behavior: 'read' });
      await failure(db.script('insert into t values (1)'), ReadOnlyError);
      await run(db, 'PRAGMA main.query_only(0)');
      await db.transaction((tx) => tx.execute('select * from t'), { behavior: 'read' });
      await db.execute('insert into t values (2)');
      await db.transaction((tx) => tx.execute('insert into t values (3)'));
      expect((await db.execute('select a from t')).rows).toEqual([{ a: 2 }, { a: 3 }]);
    }
  });

  it('makes the rest of a script on a file read only', async () => {
    const { db } = await openFile('create table t (a)');
    await failure(db.script('pragma query_only = true; insert into t values (1)'), ReadOnlyError);
    await db.execute('insert into t values (2)');
    expect((await db.execute('select a from t')).rows).toEqual([{ a: 2 }]);
  });

  it('is refused inside a transaction, which could otherwise write in one that only reads', async () => {
    const db = await openMemory('create table t (a)');
    for (const behavior of ['read', 'immediate'] as const) {
      const call = db.transaction((tx) => tx.execute('PRAGMA query_only = 0'), { behavior });
      await failure(call, TransactionError);
    }
    await failure(db.batch(['PRAGMA query_only = 1']), TransactionError);
    await expect(db.execute('explain PRAGMA query_only = 1')).rejects.toMatchObject({
      code: 'NOT_SUPPORTED',
    });
    await db.execute('insert into t values (1)');
  });

  it('holds for connections that onConnect has set', async () => {
    const { file } = await openFile('create table t (a)');
    await using db = open({
      url: file,
      onConnect: (connection) => connection.script('PRAGMA query_only = 1'),
    });
    await db.transaction((tx) => tx.execute('select * from t'), { behavior: 'read' });
    await failure(db.execute('insert into t values (1)'), ReadOnlyError);
    await failure(
      db.transaction((tx) => tx.execute('insert into t values (1)')),
      ReadOnlyError,
    );
  });
});

describe('a setting of connections', () => {
  const foreignKeys = (db: Database): Promise<unknown[]> =>
    Promise.all(
      Array.from({ length: 3 }, () =>
        db.transaction(async (tx) => (await tx.execute('pragma foreign_keys')).rows[0]?.['foreign_keys'], {
          behavior: 'deferred',
        }),
      ),
    );

  it('that was refused reaches no later connection', async () => {
    const { db, other } = await openFile('create table t (a)', { busyTimeout: 50 });
    other.exec('begin');
    other.rows('select * from t');
    await failure(db.pragma.setJournalMode('delete'), BusyError);
    // One that was opened to change the mode would meet the lock as well.
    expect(await foreignKeys(db)).toEqual([1, 1, 1]);
    expect(db.config.pragmas).toMatchObject({ journal_mode: 'wal' });
    other.exec('commit');
    expect(await db.pragma.journalMode()).toBe('wal');
  });

  it('that no connection could be opened for reaches no later one', async () => {
    let refused = 1;
    const { db } = await openFile('', {
      onConnect: () => {
        if (refused-- > 0) throw new Error('not yet');
      },
    });
    await expect(db.pragma.setForeignKeys(false)).rejects.toThrow('not yet');
    expect(await foreignKeys(db)).toEqual([1, 1, 1]);
    expect(await db.pragma.foreignKeys()).toBe(true);
  });

  it('holds on a connection that was lent while it was set', async () => {
    const { db } = await openFile('create table t (a)');
    await foreignKeys(db);
    await db.transaction(
      async (tx) => {
        await tx.execute('select * from t');
        await db.pragma.setForeignKeys(false);
      },
      { behavior: 'deferred' },
    );
    expect(await foreignKeys(db)).toEqual([0, 0, 0]);
  });
});
