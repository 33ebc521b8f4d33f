import { type Kysely, sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { TransactionError } from '../../../src/index.js';
import { openFile } from '../../support/database.js';
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

  it('refuses what has no effect in a transaction, and runs it without one', async () => {
    const { db: database, look } = await openFile();
    const db = openKysely<never>({ database });
    const ups = { one: (trx: Kysely<never>) => sql`pragma foreign_keys = off`.execute(trx) };
    expect((await migratorOf(db, ups).migrateToLatest()).error).toBeInstanceOf(TransactionError);
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
});
