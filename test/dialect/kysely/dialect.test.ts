import { Kysely, sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { LibsqlDialect, TursoDialect, TursoDriver } from '../../../src/dialect/kysely/index.js';
import { ConfigError, open } from '../../../src/index.js';
import { openDatabase, openFile, temporaryFile } from '../../support/database.js';
import { failure } from '../../support/outcome.js';
import { openKysely, type Tables, USERS } from './scene.js';

const ONE = sql<{ one: number }>`select 1 as one`;

describe('config', () => {
  it('is a URL or a config, which is opened with the first query and closed by destroy()', async () => {
    const file = temporaryFile();
    for (const config of [`file:${file}`, { url: file }, () => file, async () => ({ url: file })]) {
      const driver = new TursoDriver(config);
      const db = openKysely(config);
      expect((await ONE.execute(db)).rows).toEqual([{ one: 1 }]);
      await db.destroy();
      await expect(ONE.execute(db)).rejects.toThrow('destroyed');
      await driver.init();
      await driver.destroy();
    }
  });

  it('is a database that is open, which destroy() leaves open', async () => {
    const database = openDatabase({ url: ':memory:' });
    for (const config of [
      database,
      { database },
      { client: database },
      () => ({ database }),
      () => database,
    ]) {
      const db = openKysely(config);
      await ONE.execute(db);
      await db.destroy();
      expect(database.closed).toBe(false);
    }
  });

  it('closes what it opened', async () => {
    const opened: { closed: boolean }[] = [];
    const config = { url: ':memory:', onConnect: () => void opened.push({ closed: false }) };
    const db = openKysely(config);
    const transaction = await db.startTransaction().execute();
    const waiting = ONE.execute(db);
    waiting.catch(() => {});
    await db.destroy();
    await failure(waiting);
    await failure(ONE.execute(transaction));
  });

  it('is refused when it is wrong, at once where it can be known', async () => {
    const database = open(':memory:');
    expect(() => new TursoDialect('ftp://x')).toThrow(ConfigError);
    expect(() => new TursoDialect({ url: ':memory:', busyTimout: 1 } as never)).toThrow(/busyTimout/);
    expect(() => new TursoDialect({ database, client: database } as never)).toThrow(/contradicts/);
    expect(() => new TursoDialect({ database, busyTimeout: 1 } as never)).toThrow(/open already/);
    expect(() => new TursoDialect({ database: {} } as never)).toThrow(ConfigError);
    expect(() => new TursoDialect({ database, transactionBehavior: 'now' } as never)).toThrow(/now/);
    expect(() => new TursoDialect({ client: { executeMultiple() {} } } as never)).toThrow(ConfigError);
    expect(await failure(ONE.execute(openKysely(() => 'ftp://x')))).toBeInstanceOf(ConfigError);
    await database.close();
  });

  it('tries again after a factory that failed', async () => {
    let calls = 0;
    const db = openKysely(() => {
      if (calls++ === 0) throw new Error('not yet');
      return ':memory:';
    });
    await expect(ONE.execute(db)).rejects.toThrow('not yet');
    expect((await ONE.execute(db)).rows).toHaveLength(1);
  });

  it('has the name of its predecessor', () => {
    expect(LibsqlDialect).toBe(TursoDialect);
    const dialect: LibsqlDialect = new LibsqlDialect({ url: ':memory:' });
    expect(dialect).toBeInstanceOf(TursoDialect);
  });
});

describe('connections', () => {
  it('read beside an open write transaction on a file', async () => {
    const { db: database } = await openFile(USERS);
    const db = openKysely({ database });
    await db.transaction().execute(async (trx) => {
      await trx.insertInto('users').values({ name: 'Ada' }).execute();
      expect(await db.selectFrom('users').selectAll().execute()).toEqual([]);
      expect(await trx.selectFrom('users').select('name').execute()).toEqual([{ name: 'Ada' }]);
    });
    expect(await db.selectFrom('users').select('name').execute()).toEqual([{ name: 'Ada' }]);
  });

  it('queue on a memory database', async () => {
    const db = openKysely(':memory:');
    await sql.raw(USERS).execute(db);
    const order: string[] = [];
    const transaction = db.transaction().execute(async (trx) => {
      await trx.insertInto('users').values({ name: 'Ada' }).execute();
      await new Promise((resolve) => setTimeout(resolve, 20));
      order.push('transaction');
    });
    await new Promise((resolve) => setTimeout(resolve, 5));
    const count = db
      .selectFrom('users')
      .select((eb) => eb.fn.countAll().as('n'))
      .executeTakeFirstOrThrow();
    expect(await count.finally(() => order.push('query'))).toEqual({ n: 1 });
    await transaction;
    expect(order).toEqual(['transaction', 'query']);
  });

  it('are used by many at once', async () => {
    const { db: database, look } = await openFile(USERS);
    const db = openKysely({ database });
    await db.insertInto('users').values({ name: 'n', age: 0 }).execute();
    const increment = (): Promise<void> =>
      db.transaction().execute(async (trx) => {
        const { age } = await trx.selectFrom('users').select('age').executeTakeFirstOrThrow();
        await trx
          .updateTable('users')
          .set({ age: (age ?? 0) + 1 })
          .execute();
      });
    await Promise.all(Array.from({ length: 50 }, increment));
    expect(look('select age from users')).toEqual([[50]]);
  });

  it('tell the log of every query', async () => {
    const events: string[] = [];
    const db = new Kysely<Tables>({
      dialect: new TursoDialect(':memory:'),
      log: ({ level, query }) => void events.push(`${level} ${query.sql}`),
    });
    await sql.raw(USERS).execute(db);
    await failure(sql`select nothing`.execute(db));
    for await (const _ of db.selectFrom('users').select('id').stream());
    await db.destroy();
    expect(events).toEqual([`query ${USERS}`, 'error select nothing', 'query select "id" from "users"']);
  });
});

describe('queries', () => {
  it('tell how many rows changed and the last rowid', async () => {
    const db = openKysely(':memory:');
    await sql.raw(USERS).execute(db);
    const insert = (...names: string[]) => db.insertInto('users').values(names.map((name) => ({ name })));
    const two = insert('a', 'b');
    expect(await db.executeQuery(two)).toEqual({ rows: [], numAffectedRows: 2n, insertId: 2n });
    expect(await two.onConflict((c) => c.doNothing()).executeTakeFirstOrThrow()).toMatchObject({
      insertId: undefined,
      numInsertedOrUpdatedRows: 0n,
    });
    const one = insert('c').returning('name');
    // The rows say it.
    expect(await db.executeQuery(one)).toEqual({ rows: [{ name: 'c' }], numAffectedRows: 1n });
    const more = insert('d', 'e').returning('id');
    expect(await db.executeQuery(more)).toMatchObject({ numAffectedRows: 2n, insertId: undefined });
    const none = insert('d')
      .onConflict((c) => c.doNothing())
      .returning('id');
    expect(await db.executeQuery(none)).toEqual({ rows: [], numAffectedRows: 0n });

    const update = (from: number) => db.updateTable('users').set({ age: 1 }).where('id', '>', from);
    for (const [from, changed] of [
      [9, 0n],
      [4, 1n],
      [0, 5n],
    ] as const) {
      expect(await update(from).executeTakeFirstOrThrow()).toMatchObject({ numUpdatedRows: changed });
      const returning = update(from).returning('id');
      expect(await db.executeQuery(returning)).toMatchObject({ numAffectedRows: changed });
    }
    expect(await db.deleteFrom('users').where('id', '=', 9).executeTakeFirstOrThrow()).toMatchObject({
      numDeletedRows: 0n,
    });
    const gone = db.deleteFrom('users').where('id', 'in', [1, 2]).returningAll();
    expect(await db.executeQuery(gone)).toMatchObject({ numAffectedRows: 2n });
    expect(await db.deleteFrom('users').executeTakeFirstOrThrow()).toMatchObject({ numDeletedRows: 3n });
    expect(await db.executeQuery(db.selectFrom('users').selectAll())).toEqual({ rows: [] });
  });

  it('tell how many rows REPLACE has written', async () => {
    const db = openKysely(':memory:');
    await sql.raw(USERS).execute(db);
    await db.insertInto('users').values({ id: 7, name: 'a' }).execute();
    const replace = db.replaceInto('users').values([
      { id: 7, name: 'b' },
      { id: 8, name: 'c' },
    ]);
    expect(replace.compile().sql).toMatch(/^replace/);
    expect(await replace.executeTakeFirstOrThrow()).toMatchObject({
      insertId: 8n,
      numInsertedOrUpdatedRows: 2n,
    });
    expect(await db.executeQuery(replace)).toEqual({ rows: [], numAffectedRows: 2n, insertId: 8n });
  });

  it('may have an offset without a limit, nested ones too', async () => {
    const db = openKysely(':memory:');
    await sql.raw(USERS).execute(db);
    await db
      .insertInto('users')
      .values(['a', 'b', 'c'].map((name) => ({ name })))
      .execute();
    const names = db.selectFrom('users').select('name').orderBy('id').offset(1);
    expect(await names.execute()).toEqual([{ name: 'b' }, { name: 'c' }]);
    const nested = db.selectFrom(names.as('n')).selectAll().limit(1).offset(1);
    expect(await nested.execute()).toEqual([{ name: 'c' }]);
    expect(names.limit(1).compile().sql).not.toContain('-1');
  });

  it('give integers as the database is told to', async () => {
    const big = sql<{ n: unknown }>`select 9007199254740993 as n, 1 as one`;
    expect(await failure(big.execute(openKysely(':memory:')))).toMatchObject({ column: 'n' });
    const bigints = openKysely({ url: ':memory:', intMode: 'bigint' });
    expect((await big.execute(bigints)).rows).toEqual([{ n: 9007199254740993n, one: 1n }]);
  });
});
