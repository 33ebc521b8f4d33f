import { describe, expect, it } from 'vitest';
import type { Database } from '../../../src/database/database.js';
import { BusyError, InterruptedError } from '../../../src/errors.js';
import { canTruncateLog, isWriteLocked, type OpenFile, openFile } from '../../support/database.js';
import { collect, failure, rejection } from '../../support/outcome.js';

/**
 * A prepared statement of the driver that meets a lock stays running: later writes of its connection look successful
 * and are never committed, or all fail with an old snapshot. Nothing of that may reach a user.
 */
const NO_WAIT = { busyTimeout: 0 } as const;

/** Writes in five transactions and outside, and proves that a second connection sees all of it. */
async function expectHealthy({ db, look, other }: OpenFile): Promise<void> {
  const before = Number(look('select count(*) from t')[0]?.[0]);
  for (let i = 0; i < 5; i++) await db.transaction((tx) => tx.execute('insert into t values (?)', [i]));
  await db.execute('insert into t values (5)');
  await db.execute('insert into t values (6)', [], { timeout: 9_000 });
  await db.batch(['insert into t values (7)']);
  await db.transaction((tx) => tx.execute('insert into t values (8)'), { behavior: 'deferred' });
  expect(look('select count(*) from t')).toEqual([[before + 9]]);
  expect(isWriteLocked(other)).toBe(false);
  expect(canTruncateLog(other)).toBe(true);
}

const INSERT = 'insert into t values (100)';

describe('a write that meets the lock of another connection', () => {
  it.each<[string, (db: Database) => Promise<unknown>]>([
    ['a statement', (db) => db.execute(INSERT)],
    ['a statement with RETURNING', (db) => db.execute(`${INSERT} returning a`)],
    ['a statement that can be aborted', (db) => db.execute(INSERT, [], { timeout: 9_000 })],
    ['a prepared statement', (db) => db.prepare(INSERT).run()],
    ['a change of the schema', (db) => db.execute('create table u (a)')],
    ['a pragma that writes', (db) => db.execute('pragma user_version = 7')],
    [
      'a pragma that writes and can be aborted',
      (db) => db.execute('pragma user_version = 7', [], { timeout: 9_000 }),
    ],
    ['VACUUM', (db) => db.execute('vacuum')],
    ['VACUUM that can be aborted', (db) => db.execute('vacuum', [], { timeout: 9_000 })],
    ['a batch', (db) => db.batch([INSERT])],
    ['a deferred batch', (db) => db.batch([INSERT], { behavior: 'deferred' })],
    [
      'an independent batch',
      async (db) =>
        db
          .batch([INSERT], { atomic: false })
          .then(([o]) => Promise.reject((o as { reason: unknown }).reason)),
    ],
    ['a script', (db) => db.script(INSERT)],
    ['a script with a transaction', (db) => db.script(`begin; ${INSERT}; commit`)],
    ['an atomic script', (db) => db.script(INSERT, { atomic: true })],
    ['an immediate transaction', (db) => db.transaction((tx) => tx.execute(INSERT))],
    [
      'an exclusive transaction',
      (db) => db.transaction((tx) => tx.execute(INSERT), { behavior: 'exclusive' }),
    ],
    ['a deferred transaction', (db) => db.transaction((tx) => tx.execute(INSERT), { behavior: 'deferred' })],
    [
      'a deferred transaction with RETURNING',
      (db) => db.transaction((tx) => tx.execute(`${INSERT} returning a`), { behavior: 'deferred' }),
    ],
    [
      'a deferred transaction that can be aborted',
      (db) => db.transaction((tx) => tx.execute(INSERT), { behavior: 'deferred', timeout: 9_000 }),
    ],
    [
      'a deferred transaction that has read',
      (db) =>
        db.transaction(
          async (tx) => {
            await tx.execute('select * from t');
            await tx.execute(INSERT);
          },
          { behavior: 'deferred' },
        ),
    ],
    [
      'a savepoint of a deferred transaction',
      (db) =>
        db.transaction((tx) => tx.transaction((nested) => nested.execute(INSERT)), { behavior: 'deferred' }),
    ],
  ])('fails and leaves nothing behind: %s', async (_name, write) => {
    const opened = await openFile('create table t (a); insert into t values (1)', NO_WAIT);
    const { db, look, other } = opened;
    for (let run = 0; run < 2; run++) {
      other.exec('begin immediate; insert into t values (2)');
      expect((await failure(write(db), BusyError)).code).toBe('SQLITE_BUSY');
      other.exec('rollback');
      expect(look('select a from t where a = 100')).toEqual([]);
      await expectHealthy(opened);
    }
  });

  it('succeeds in the same deferred transaction once the lock is free', async () => {
    const opened = await openFile('create table t (a)', NO_WAIT);
    const { db, look, other } = opened;
    await db.transaction(
      async (tx) => {
        other.exec('begin immediate');
        await failure(tx.execute(INSERT), BusyError);
        await failure(tx.execute('insert into t values (101) returning a'), BusyError);
        other.exec('rollback');
        await tx.execute(INSERT);
      },
      { behavior: 'deferred' },
    );
    expect(look('select a from t')).toEqual([[100]]);
    await expectHealthy(opened);
  });
});

describe('a transaction whose snapshot is too old to write', () => {
  const stale = (
    opened: OpenFile,
    last: (db: Parameters<Parameters<Database['transaction']>[0]>[0]) => Promise<unknown>,
  ) =>
    opened.db.transaction(
      async (tx) => {
        await tx.execute('select * from t');
        opened.other.exec('insert into t values (2)');
        await last(tx);
      },
      { behavior: 'deferred' },
    );

  it.each([
    INSERT,
    `${INSERT} returning a`,
    'update t set a = a',
    'create table u (a)',
    'pragma user_version = 4',
  ])('fails at once and leaves nothing behind: %s', async (sql) => {
    const opened = await openFile('create table t (a); insert into t values (1)');
    const error = await failure(
      stale(opened, (tx) => tx.execute(sql)),
      BusyError,
    );
    expect(error).toMatchObject({ extendedCode: 'SQLITE_BUSY_SNAPSHOT', rawCode: 517, retryable: true });
    expect(opened.look('select a from t')).toEqual([[1], [2]]);
    await expectHealthy(opened);
  });

  it('can be aborted and leaves nothing behind', async () => {
    const opened = await openFile('create table t (a); insert into t values (1)');
    const error = await failure(
      stale(opened, (tx) => tx.execute(INSERT, [], { timeout: 9_000 })),
      BusyError,
    );
    expect(error.extendedCode).toBe('SQLITE_BUSY_SNAPSHOT');
    await expectHealthy(opened);
  });

  it('keeps failing as long as it lives, and may still read', async () => {
    const opened = await openFile('create table t (a); insert into t values (1)');
    const rows: unknown[] = [];
    await stale(opened, async (tx) => {
      for (let i = 0; i < 3; i++) {
        expect((await failure(tx.execute(INSERT), BusyError)).rawCode).toBe(517);
        rows.push((await tx.execute('select a from t')).rows);
      }
    });
    expect(rows).toEqual([[{ a: 1 }], [{ a: 1 }], [{ a: 1 }]]);
    await expectHealthy(opened);
  });

  it('is run again with a fresh snapshot where that was asked for', async () => {
    const opened = await openFile('create table t (a); insert into t values (1)');
    let runs = 0;
    const sum = await opened.db.transaction(
      async (tx) => {
        const { rows } = await tx.execute('select sum(a) as s from t');
        if (++runs < 3) opened.other.exec('insert into t values (1)');
        await tx.execute('insert into t values (?)', [rows[0]?.s]);
        return rows[0]?.s;
      },
      { behavior: 'deferred', retry: { attempts: 5, minDelay: 1 } },
    );
    expect([runs, sum]).toEqual([3, 3]);
    expect(opened.look('select sum(a) from t')).toEqual([[6]]);
    await expectHealthy(opened);
  });
});

describe('a read that meets a lock', () => {
  it('fails outside WAL and leaves nothing behind', async () => {
    const config = { busyTimeout: 0, pragmas: { journal_mode: 'delete' } } as const;
    const { db, other, look } = await openFile('create table t (a); insert into t values (1)', config);
    for (let run = 0; run < 2; run++) {
      other.exec('begin exclusive');
      await failure(db.execute('select a from t'), BusyError);
      await failure(db.execute('select a from t', [], { timeout: 9_000 }), BusyError);
      await failure(
        db.transaction((tx) => tx.execute('select a from t'), { behavior: 'read' }),
        BusyError,
      );
      await failure(db.stream('select a from t').next(), BusyError);
      other.exec('commit');
      await db.execute('vacuum');
      await db.execute('create table u (a)');
      await db.execute('drop table u');
      await db.execute('insert into t values (2)');
      expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: run + 2 }]);
      expect(look('select count(*) from t')).toEqual([[run + 2]]);
      expect(isWriteLocked(other)).toBe(false);
    }
  });
});

describe('a read that gives up outside WAL before it gets its lock', () => {
  it.each<[string, (db: Database) => Promise<unknown>]>([
    ['a statement', (db) => db.execute('select a from t', [], { timeout: 40 })],
    ['a prepared statement', (db) => db.prepare('select a from t').get([], { timeout: 40 })],
    ['a stream', (db) => collect(db.stream('select a from t', [], { timeout: 40 }))],
  ])('leaves its connection in order, which is used again: %s', async (_name, read) => {
    let opened = 0;
    const config = { pragmas: { journal_mode: 'delete' }, onConnect: () => void opened++ } as const;
    const { db, other } = await openFile('create table t (a); insert into t values (1)', config);
    for (let run = 0; run < 3; run++) {
      await read(db);
      const before = opened;
      other.exec('begin exclusive');
      await failure(read(db), InterruptedError);
      other.exec('commit; begin exclusive; commit');
      await read(db);
      await db.execute('insert into t values (2)');
      expect(opened).toBe(before);
    }
  });
});

describe('a statement that fails otherwise', () => {
  it.each([
    'insert into t values (null)',
    'insert into t values (1) returning abs(-9223372036854775808)',
    'select abs(-9223372036854775808)',
  ])('leaves nothing behind: %s', async (sql) => {
    const opened = await openFile('create table t (a not null); insert into t values (1)');
    for (const options of [{}, { timeout: 9_000 }]) {
      await rejection(opened.db.execute(sql, [], options));
      await rejection(opened.db.transaction((tx) => tx.execute(sql, [], options)));
      await expectHealthy(opened);
    }
  });
});

describe('a write that returns rows', () => {
  it.each([
    'insert into t values (1), (2) returning a',
    'update t set a = a + 10 returning a',
    'delete from t returning a',
  ])('is committed when its call returns: %s', async (sql) => {
    const { db, look, other } = await openFile('create table t (a); insert into t values (7)');
    for (const options of [{}, { timeout: 9_000 }]) {
      await db.execute(sql, [], options);
      expect(isWriteLocked(other)).toBe(false);
    }
    expect(look('select count(*) from t')[0]?.[0]).toBe(
      sql.startsWith('insert') ? 5 : sql.startsWith('delete') ? 0 : 1,
    );
  });

  it('is committed by every way to run it', async () => {
    const { db, look, other } = await openFile('create table t (a)');
    const sql = 'insert into t values (1), (2) returning a';
    const statement = db.prepare(sql);
    await statement.get();
    await statement.all();
    await statement.run();
    await statement.values();
    await statement.iterate().next();
    await db.stream(sql).next();
    await db.batch([sql]);
    await db.batch([sql], { atomic: false });
    await db.script(sql);
    expect(look('select count(*) from t')).toEqual([[18]]);
    expect(isWriteLocked(other)).toBe(false);
  });
});
