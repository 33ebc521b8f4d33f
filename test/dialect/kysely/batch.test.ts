import { CamelCasePlugin, DeleteResult, InsertResult, sql, UpdateResult } from 'kysely';
import { describe, expect, it } from 'vitest';
import { batch, sync } from '../../../src/dialect/kysely/index.js';
import { CapabilityError, ConstraintError, ParameterError } from '../../../src/index.js';
import { isWriteLocked, openFile } from '../../support/database.js';
import { failure } from '../../support/outcome.js';
import { openKysely, USERS } from './scene.js';

async function scene() {
  const file = await openFile(USERS);
  return { ...file, other: file.other, kysely: openKysely({ database: file.db }) };
}

describe('batch', () => {
  it('gives what execute() of each query gives', async () => {
    const { kysely: db, look } = await scene();
    const results = await batch(db, [
      db.insertInto('users').values({ name: 'a' }),
      db
        .insertInto('users')
        .values([{ name: 'b' }, { name: 'c' }])
        .returning('id'),
      db.updateTable('users').set({ age: 1 }).where('id', '>', 1),
      db.selectFrom('users').select(['name', 'age']).orderBy('id'),
      db.deleteFrom('users').where('id', '=', 3),
      db.schema.createTable('more').addColumn('x', 'integer'),
      sql<{ one: number }>`select ${1} as one`,
      db.selectFrom('users').select('id').compile(),
    ]);
    expect(results).toEqual([
      [new InsertResult(1n, 1n)],
      [{ id: 2 }, { id: 3 }],
      [new UpdateResult(2n, undefined)],
      [
        { name: 'a', age: null },
        { name: 'b', age: 1 },
        { name: 'c', age: 1 },
      ],
      [new DeleteResult(1n)],
      undefined,
      expect.objectContaining({ rows: [{ one: 1 }] }),
      [{ id: 1 }, { id: 2 }],
    ]);
    expect(results[0][0]).toBeInstanceOf(InsertResult);
    expect(look('select name from users')).toEqual([['a'], ['b']]);
    expect(await batch(db, [])).toEqual([]);
  });

  it('is all or nothing, and tells which query failed', async () => {
    const { kysely: db, look } = await scene();
    const insert = (name: string) => db.insertInto('users').values({ name });
    const failed = await failure(batch(db, [insert('a'), insert('b'), insert('a')]));
    expect(failed).toBeInstanceOf(ConstraintError);
    expect(failed.statementIndex).toBe(2);
    expect(look('select * from users')).toEqual([]);
    const bad = await failure(batch(db, [insert('a'), sql`select ${undefined}`]));
    expect(bad).toMatchObject({ statementIndex: 1, kind: 'parameter' });
    expect(await failure(batch(db, [insert('a'), 'select 1' as never]))).toBeInstanceOf(ParameterError);
    expect(look('select * from users')).toEqual([]);
  });

  it('can be independent', async () => {
    const { kysely: db, look } = await scene();
    const insert = (name: string) => db.insertInto('users').values({ name }).returning('id');
    const outcomes = await batch(db, [insert('a'), insert('a'), insert('b')], { atomic: false });
    expect(outcomes).toMatchObject([
      { status: 'fulfilled', value: [{ id: 1 }] },
      { status: 'rejected', reason: { statementIndex: 1, constraint: 'unique' } },
      { status: 'fulfilled', value: [{ id: 2 }] },
    ]);
    const stopped = await batch(db, [insert('a'), insert('c')], { atomic: false, continueOnError: false });
    expect(stopped).toHaveLength(1);
    expect(look('select name from users')).toEqual([['a'], ['b']]);
  });

  it('is a part of a transaction', async () => {
    const { kysely: db, look } = await scene();
    await db.transaction().execute(async (trx) => {
      const insert = (name: string) => trx.insertInto('users').values({ name });
      await batch(trx, [insert('a'), insert('b')]);
      await failure(batch(trx, [insert('c'), insert('a')]));
      expect(look('select * from users')).toEqual([]);
    });
    expect(look('select name from users')).toEqual([['a'], ['b']]);
  });

  it('takes behavior, signal and timeout', async () => {
    const { kysely: db, other } = await scene();
    const insert = db.insertInto('users').values({ name: 'a' });
    expect(await failure(batch(db, [insert], { behavior: 'read' }))).toMatchObject({ kind: 'readonly' });
    const endless = sql`select count(*) from generate_series(1, 1e10)`;
    expect(await failure(batch(db, [insert, endless], { timeout: 50 }))).toMatchObject({ code: 'TIMEOUT' });
    expect(isWriteLocked(other)).toBe(false);
  });

  it("goes through the database's plugins", async () => {
    const { db: database } = await openFile('create table t (snake_case integer)');
    const db = openKysely<{ t: { snakeCase: number } }>({ database }, { plugins: [new CamelCasePlugin()] });
    const [, rows] = await batch(db, [
      db.insertInto('t').values({ snakeCase: 1 }),
      db.selectFrom('t').selectAll(),
    ]);
    expect(rows).toEqual([{ snakeCase: 1 }]);
  });
});

describe('sync', () => {
  it('is a capability that a local database lacks', async () => {
    const { kysely } = await scene();
    expect(await failure(sync(kysely))).toBeInstanceOf(CapabilityError);
  });
});
