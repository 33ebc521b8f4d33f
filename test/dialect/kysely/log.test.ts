import { describe, expect, it } from 'vitest';
import { openMemory } from '../../support/database.js';
import { inBehavior, type TursoDialectConfig } from '../../../src/dialect/kysely/index.js';
import { openKysely, USERS } from './scene.js';

describe("Kysely's log", () => {
  async function scene(config: Record<string, unknown> = {}) {
    const database = await openMemory(USERS);
    const seen: string[] = [];
    const db = openKysely({ database, ...config } as unknown as TursoDialectConfig, {
      log: ({ level, query }) => void seen.push(level === 'error' ? `error: ${query.sql}` : query.sql),
    });
    return { db, seen };
  }
  const insert = 'insert into "users" ("name") values (?)';

  it('sees transactions and savepoints, with the texts of the SqliteDialect where the behavior is deferred', async () => {
    const { db, seen } = await scene({ transactionBehavior: 'deferred' });
    await db.transaction().execute((trx) => trx.insertInto('users').values({ name: 'a' }).execute());
    const trx = await db.startTransaction().execute();
    const first = await trx.savepoint('foo').execute();
    const second = await first.savepoint('b"r').execute();
    await second.insertInto('users').values({ name: 'b' }).execute();
    await second.rollbackToSavepoint('foo').execute();
    await second.releaseSavepoint('foo').execute();
    await trx.rollback().execute();
    expect(seen).toEqual([
      ...['begin', insert, 'commit', 'begin', 'savepoint "foo"', 'savepoint "b""r"', insert],
      ...['rollback to "foo"', 'release "foo"', 'rollback'],
    ]);
    expect(await db.selectFrom('users').select('name').execute()).toEqual([{ name: 'a' }]);
  });

  it('sees how a transaction takes its locks, its rollback, and what fails', async () => {
    const { db, seen } = await scene();
    const fails = db.transaction().execute(async (trx) => {
      await trx.insertInto('users').values({ name: 'a' }).execute();
      throw new Error('mine');
    });
    await expect(fails).rejects.toThrow('mine');
    await inBehavior(db, 'exclusive')
      .transaction()
      .execute(async () => {});
    await db
      .transaction()
      .setAccessMode('read only')
      .execute(async () => {});
    expect(seen).toEqual([
      ...['begin immediate', insert, 'rollback'],
      ...['begin exclusive', 'commit', 'begin', 'commit'],
    ]);
    const trx = await db.startTransaction().execute();
    await expect(trx.rollbackToSavepoint('none' as never).execute()).rejects.toThrow();
    expect(seen.at(-1)).toBe('error: rollback to "none"');
    await trx.rollback().execute();
  });
});
