import { type Kysely, sql } from 'kysely';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { MigrationError, TransactionError } from '../../../src/index.js';
import { isWriteLocked, openFile, openMemory } from '../../support/database.js';
import { Migrator } from '../../support/kysely-migrator.js';
import { runProgram } from '../../support/child.js';
import { openKysely } from './scene.js';

const LOG = 'create table log (id integer primary key, name text)';

type Up = (db: Kysely<never>) => Promise<unknown>;

function migratorOf(db: Kysely<never>, ups: Readonly<Record<string, Up>>, options = {}) {
  const migrations = Object.fromEntries(
    Object.entries(ups).map(([name, up]) => [name, { up, down: async () => {} }]),
  );
  return new Migrator({ db, provider: { getMigrations: async () => migrations }, ...options } as never);
}

describe("Kysely's Migrator", () => {
  it('applies migrations, and all of them or none', async () => {
    const { db: database, look } = await openFile();
    const db = openKysely<never>({ database });
    const create: Up = (trx) => trx.schema.createTable('t').addColumn('a', 'integer').execute();
    const first = await migratorOf(db, { one: create }).migrateToLatest();
    expect(first).toMatchObject({ results: [{ migrationName: 'one', status: 'Success' }] });
    const failing = migratorOf(db, {
      one: create,
      two: (trx) => sql`alter table t add column b`.execute(trx),
      zzz: (trx) => sql`create table broken (`.execute(trx),
    });
    const failed = await failing.migrateToLatest();
    expect(failed.error).toBeDefined();
    expect(failed.results?.map(({ status }) => status)).toEqual(['Success', 'Error']);
    expect(look('select sql from sqlite_schema where name = ?', 't')).toEqual([
      ['CREATE TABLE "t" ("a" integer)'],
    ]);
    expect(look('select name from kysely_migration')).toEqual([['one']]);
    expect(await migratorOf(db, { one: create }).migrateDown()).toMatchObject({
      results: [{ direction: 'Down', status: 'Success' }],
    });
  });

  const FAMILY = `create table p (id integer primary key, name text); insert into p values (1, 'a');
    create table c (id integer primary key, pid integer references p (id) on delete cascade); insert into c values (5, 1);`;
  const rebuild: Up = async (db) => {
    await sql`create table p2 (id integer primary key, name text not null)`.execute(db);
    await sql`insert into p2 select id, name from p`.execute(db);
    await sql`drop table p`.execute(db);
    await sql`alter table p2 rename to p`.execute(db);
  };

  it.each([
    ['without the pragma', rebuild],
    [
      'with the pragma, as the SqliteDialect needs it',
      async (db: Kysely<never>) => {
        await sql`PRAGMA foreign_keys = OFF`.execute(db);
        await rebuild(db);
        await sql`PRAGMA foreign_keys = ON`.execute(db);
      },
    ],
    [
      'with the pragma and a transaction of its own',
      async (db: Kysely<never>) => {
        await sql`PRAGMA foreign_keys = OFF`.execute(db);
        await sql`BEGIN IMMEDIATE`.execute(db);
        await rebuild(db);
        await sql`END TRANSACTION`.execute(db);
        await sql`PRAGMA foreign_keys = ON`.execute(db);
      },
    ],
  ])('keeps the children of a table that is rebuilt, %s', async (_name, up) => {
    const { db: database, look } = await openFile(FAMILY);
    const db = openKysely<never>({ database });
    const first = await migratorOf(db, { one: up }).migrateToLatest();
    expect(first).toMatchObject({ results: [{ migrationName: 'one', status: 'Success' }] });
    expect(look('select * from c')).toEqual([[5, 1]]);
    expect(look("select sql from sqlite_schema where name = 'p'")[0]?.[0]).toContain('not null');
    // Foreign keys are on again, on every connection.
    expect((await database.execute('pragma foreign_keys')).rows).toEqual([{ foreign_keys: 1 }]);
    const settings = Array.from({ length: 3 }, () =>
      database.transaction(async (tx) => (await tx.execute('pragma foreign_keys')).rows, {
        behavior: 'deferred',
      }),
    );
    expect(await Promise.all(settings)).toEqual(Array.from({ length: 3 }, () => [{ foreign_keys: 1 }]));
    const outside = db.transaction().execute((trx) => sql`pragma foreign_keys = off`.execute(trx));
    await expect(outside).rejects.toThrow(TransactionError);
  });

  it('undoes migrations that leave rows without the row they reference, and not for those that were so before', async () => {
    const { db: database, look } = await openFile(`${FAMILY}
      pragma foreign_keys = off; insert into c values (6, 99); pragma foreign_keys = on;`);
    const db = openKysely<never>({ database });
    const { error } = await migratorOf(db, {
      one: rebuild,
      two: (trx) => sql`delete from p`.execute(trx),
    }).migrateToLatest();
    expect(error).toBeInstanceOf(MigrationError);
    expect((error as MigrationError).message).toContain('the migrations were undone: they would leave rows');
    expect((error as MigrationError).violations).toEqual([{ table: 'c', rowid: 5, parent: 'p' }]);
    expect(look('select * from p')).toEqual([[1, 'a']]);
    expect(look('select name from kysely_migration')).toEqual([]);
    expect((await database.execute('pragma foreign_keys')).rows).toEqual([{ foreign_keys: 1 }]);
    expect(await migratorOf(db, { one: rebuild }).migrateToLatest()).toMatchObject({
      results: [{ status: 'Success' }],
    });
  });

  const run =
    (...texts: string[]): Up =>
    async (db) => {
      for (const text of texts) await sql.raw(text).execute(db);
    };

  it('may have transactions and savepoints of their own, which really undo what they are to undo', async () => {
    for (const database of [(await openFile()).db, await openMemory()]) {
      const db = openKysely<never>({ database });
      const outcome = await migratorOf(db, {
        a: run('BEGIN', 'CREATE TABLE kept (x)', 'COMMIT', 'BEGIN', 'CREATE TABLE undone (x)', 'ROLLBACK'),
        b: run(
          'SAVEPOINT s',
          'CREATE TABLE kept2 (x)',
          'SAVEPOINT t',
          'CREATE TABLE undone2 (x)',
          'ROLLBACK TO t',
        ),
        c: run('RELEASE SAVEPOINT "S"'),
        d: run('PRAGMA defer_foreign_keys = ON', 'PRAGMA legacy_alter_table = ON'),
      }).migrateToLatest();
      expect(outcome.error).toBeUndefined();
      const { rows } = await database.execute(
        "select name from sqlite_schema where name not like '%migration%'",
      );
      expect(rows).toEqual([{ name: 'kept' }, { name: 'kept2' }]);
      // The setting ends with the migrations.
      const legacy = database.transaction(async (tx) => (await tx.execute('pragma legacy_alter_table')).rows);
      expect(await legacy).toEqual([{ legacy_alter_table: 0 }]);
    }
  });

  it.each([
    ['COMMIT', run('CREATE TABLE t (x)', 'COMMIT')],
    ['END', run('BEGIN', 'CREATE TABLE t (x)', 'END', 'END')],
    ['ROLLBACK', run('CREATE TABLE t (x)', 'ROLLBACK')],
    ['BEGIN', run('BEGIN', 'CREATE TABLE t (x)')],
    ['BEGIN', run('BEGIN', 'CREATE TABLE t (x)', 'BEGIN', 'COMMIT')],
    ['SAVEPOINT', run('SAVEPOINT s', 'CREATE TABLE t (x)')],
    ['RELEASE', run('CREATE TABLE t (x)', 'RELEASE s')],
  ])('may not end half way in the transaction that they are in: %s', async (verb, up) => {
    const { db: database, look } = await openFile();
    const db = openKysely<never>({ database });
    const { error } = await migratorOf(db, { first: run('CREATE TABLE before (x)'), up }).migrateToLatest();
    expect(error).toMatchObject({ code: 'TRANSACTION_CONTROL', kind: 'transaction' });
    expect((error as Error).message).toContain(`${verb} controls a transaction`);
    expect(look("select name from sqlite_schema where name in ('t', 'before')")).toEqual([]);
    // Outside of migrations nothing has changed.
    const outside = db.transaction().execute((trx) => sql`begin`.execute(trx));
    await expect(outside).rejects.toMatchObject({ code: 'TRANSACTION_CONTROL' });
  });

  it('works in memory too, whose only connection has its settings again', async () => {
    const database = await openMemory(FAMILY);
    const db = openKysely<never>({ database });
    const { error } = await migratorOf(db, { one: rebuild }).migrateToLatest();
    expect(error).toBeUndefined();
    expect((await database.execute('select * from c')).rows).toEqual([{ id: 5, pid: 1 }]);
    expect((await database.execute('pragma foreign_keys')).rows).toEqual([{ foreign_keys: 1 }]);
  });

  it('runs the pragma itself without a transaction', async () => {
    const { db: database, look } = await openFile();
    const db = openKysely<never>({ database });
    const ups = { one: (trx: Kysely<never>) => sql`pragma foreign_keys = off`.execute(trx) };
    const free = migratorOf(db, ups, { disableTransactions: true });
    expect(await free.migrateToLatest()).toMatchObject({ results: [{ status: 'Success' }] });
    expect(look('select is_locked from kysely_migration_lock')).toEqual([[0]]);
  });

  for (const mode of ['transactions', 'none']) {
    it(`applies each migration once when several processes start together (${mode})`, async () => {
      const { file, look } = await openFile(LOG);
      const outcomes = await Promise.all(
        Array.from({ length: 4 }, () => runProgram('migrator.ts', file, mode)),
      );
      for (const { stderr, code } of outcomes) expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
      expect(look('select name from log order by id')).toEqual([['a'], ['b'], ['c']]);
      expect(outcomes.map(({ stdout }) => stdout.trim()).toSorted()).toEqual(['0', '0', '0', '3']);
    });
  }

  it('is not locked by a process that died', async () => {
    const { file, look } = await openFile(LOG);
    expect((await runProgram('migrator.ts', file, 'transactions', 'b')).signal).toBe('SIGKILL');
    expect(look('select * from log')).toEqual([]);
    expect((await runProgram('migrator.ts', file, 'transactions')).stdout.trim()).toBe('3');
    expect(look('select name from log order by id')).toEqual([['a'], ['b'], ['c']]);
  });

  it('goes on after a process that died without a transaction, when its lease has run out', async () => {
    const { file, look, other } = await openFile(LOG);
    expect((await runProgram('migrator.ts', file, 'none', 'b')).signal).toBe('SIGKILL');
    expect(look('select name from log order by id')).toEqual([['a'], ['b']]);
    const [[until]] = look('select is_locked from kysely_migration_lock') as [[number]];
    expect(until).toBeGreaterThan(Date.now());
    expect(until).toBeLessThanOrEqual(Date.now() + 15_000);
    // As if the time had passed.
    other.exec('update kysely_migration_lock set is_locked = is_locked - 20000');
    expect((await runProgram('migrator.ts', file, 'none')).stdout.trim()).toBe('2');
    expect(look('select name from log order by id')).toEqual([['a'], ['b'], ['b'], ['c']]);
  });

  it.each(['deferred', 'read'] as const)(
    'holds the write lock from its start, though transactions are %s',
    async (behavior) => {
      const { db: database, other, look } = await openFile(LOG);
      const db = openKysely<never>({ database, transactionBehavior: behavior });
      const locked: boolean[] = [];
      const up: Up = async () => {
        locked.push(isWriteLocked(other));
      };
      const { results } = await migratorOf(db, { one: up, two: up }).migrateToLatest();
      expect(results?.map(({ status }) => status)).toEqual(['Success', 'Success']);
      expect(locked).toEqual([true, true]);
      expect(look('select name from kysely_migration')).toEqual([['one'], ['two']]);
    },
  );

  it('keeps its lease while a migration without a transaction outlasts it', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const { db: database, look } = await openFile(LOG);
    const db = openKysely<never>({ database });
    const left: number[] = [];
    const up: Up = async () => {
      for (let second = 0; second < 40; second++) {
        vi.advanceTimersByTime(1_000);
        const [[until]] = look('select is_locked from kysely_migration_lock') as [[number]];
        await vi.waitFor(() => database.execute('select 1'));
        left.push(until - Date.now());
      }
    };
    const migrated = await migratorOf(db, { one: up }, { disableTransactions: true }).migrateToLatest();
    expect(migrated).toMatchObject({ results: [{ status: 'Success' }] });
    expect(left).toHaveLength(40);
    expect(Math.min(...left)).toBeGreaterThan(5_000);
    expect(look('select is_locked from kysely_migration_lock')).toEqual([[0]]);
  });

  it('that a process left when it was killed is free, though the clock was set back since', async () => {
    const { db: database, look, other } = await openFile(LOG);
    const db = openKysely<never>({ database });
    const migrator = migratorOf(
      db,
      { one: (trx) => sql`insert into log (name) values ('a')`.execute(trx) },
      { disableTransactions: true },
    );
    await migrator.getMigrations();
    other.exec(`create table kysely_migration_lock (id varchar(255) not null primary key, is_locked integer not null);
      insert into kysely_migration_lock values ('migration_lock', ${Date.now() + 86_400_000})`);
    // 15 s take half a second.
    const real = performance.now.bind(performance);
    const fast = vi.spyOn(performance, 'now').mockImplementation(() => real() * 30);
    onTestFinished(() => fast.mockRestore());
    expect(await migrator.migrateToLatest()).toMatchObject({ results: [{ status: 'Success' }] });
    expect(look('select name from log')).toEqual([['a']]);
    expect(look('select is_locked from kysely_migration_lock')).toEqual([[0]]);
  });
});
