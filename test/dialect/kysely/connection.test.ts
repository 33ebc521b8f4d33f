import { readdirSync } from 'node:fs';
import { type Kysely, sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { batch, clientOf, transaction } from '../../../src/dialect/kysely/index.js';
import {
  BusyError,
  CapabilityError,
  ConstraintError,
  type Database,
  InterruptedError,
} from '../../../src/index.js';
import { isWriteLocked, openFile, openMemory, temporaryFile } from '../../support/database.js';
import { failure, rejection } from '../../support/outcome.js';
import { startSqld } from '../../support/sqld.js';
import { openKysely, type Tables, USERS } from './scene.js';

interface Scene {
  readonly kysely: Kysely<Tables>;
  readonly database: Database;
}

const places: Record<string, (config?: object) => Promise<Scene>> = {
  file: async (config) => {
    const { db } = await openFile(USERS, config);
    return { kysely: openKysely({ database: db }), database: db };
  },
  memory: async (config) => {
    const db = await openMemory(USERS, config);
    return { kysely: openKysely({ database: db }), database: db };
  },
};

type Handle = Kysely<Tables>;

const run = (db: Handle, text: string): Promise<unknown> => sql.raw(text).execute(db);
const ask = async (db: Handle, text: string): Promise<unknown[]> =>
  (await sql.raw<object>(text).execute(db)).rows.flatMap((row) => Object.values(row));
const insert = (db: Handle, name: string): Promise<unknown> =>
  db.insertInto('users').values({ name }).execute();

describe.each(Object.entries(places))("Kysely's connection() on a %s", (_place, scene) => {
  it('has temporary tables, views and triggers, which are not seen outside', async () => {
    const { kysely } = await scene();
    await kysely.connection().execute(async (db) => {
      await run(db, 'create temp table ids (id)');
      await run(db, 'create temp view shown as select id + 1 as id from ids');
      await run(db, 'create temp trigger t after insert on users begin insert into ids values (new.id); end');
      await insert(db, 'a');
      expect(await ask(db, 'select id from ids')).toEqual([1]);
      expect(await ask(db, 'select id from shown')).toEqual([2]);
    });
    await insert(kysely, 'b');
    for (const name of ['ids', 'shown']) {
      expect(String(await failure(run(kysely, `select * from ${name}`)))).toContain(`no such table: ${name}`);
    }
    expect(await ask(kysely, 'select count(*) from users')).toEqual([2]);
    expect(
      await ask(kysely, "select name from temp.sqlite_master where name not like '\\_\\_%' escape '\\'"),
    ).toEqual([]);
  });

  it('has attached databases', async () => {
    const { kysely } = await scene();
    const other = temporaryFile('other.db');
    await kysely.connection().execute(async (db) => {
      await run(db, `attach '${other}' as other`);
      await run(db, 'create table other.notes (text)');
      await run(db, "insert into other.notes values ('a')");
      expect(await ask(db, 'select text from notes')).toEqual(['a']);
    });
    expect(await ask(kysely, 'select name from pragma_database_list')).not.toContain('other');
  });

  it('has settings, which are as before outside', async () => {
    const { kysely, database } = await scene();
    const settings = {
      foreign_keys: 0,
      cache_size: 77,
      query_only: 1,
      recursive_triggers: 1,
      busy_timeout: 11,
    };
    const names = Object.keys(settings);
    const read = async (db: Handle): Promise<unknown[]> => {
      const values: unknown[] = [];
      for (const name of names) values.push(...(await ask(db, `pragma ${name}`)));
      return values;
    };
    const before = await read(kysely);
    await kysely.connection().execute(async (db) => {
      for (const [name, value] of Object.entries(settings)) await run(db, `pragma ${name} = ${value}`);
      await run(db, 'pragma case_sensitive_like = 1');
      expect(await read(db)).toEqual(Object.values(settings));
      expect(await ask(db, "select 'a' like 'A'")).toEqual([0]);
    });
    expect(await read(kysely)).toEqual(before);
    expect(await ask(kysely, "select 'a' like 'A'")).toEqual([1]);
    await database.transaction(async (tx) => {
      expect((await tx.execute('pragma cache_size')).rows).not.toEqual([{ cache_size: 77 }]);
    });
  });

  it('knows what the first query has written', async () => {
    const { kysely } = await scene();
    const known = (db: Handle): Promise<unknown[]> => ask(db, 'select last_insert_rowid(), changes()');
    await kysely.connection().execute(async (db) => {
      await db
        .insertInto('users')
        .values([{ name: 'a' }, { id: 40, name: 'b' }, { id: 7, name: 'c' }])
        .execute();
      await insert(kysely, 'outside');
      expect(await known(db)).toEqual([7, 3]);
      await insert(db, 'd');
      expect(await known(db)).toEqual([42, 1]);
      await db.updateTable('users').set({ age: 1 }).execute();
      expect(await known(db)).toEqual([42, 5]);
    });
    await kysely.connection().execute(async (db) => {
      await db.insertInto('users').values({ id: -5, name: 'e' }).returning('id').execute();
      expect(await known(db)).toEqual([-5, 1]);
    });
    await kysely.connection().execute(async (db) => {
      await db.deleteFrom('users').where('id', '=', 1000).execute();
      expect((await known(db))[1]).toBe(0);
    });
  });

  it('is the connection of its transactions', async () => {
    const { kysely, database } = await scene();
    await kysely.connection().execute(async (db) => {
      await db.transaction().execute(async (trx) => {
        await run(trx, 'create temp table ids (id)');
        await run(trx, 'insert into ids values (1)');
      });
      await transaction(db, (trx) => run(trx, 'insert into ids values (2)'), { behavior: 'deferred' });
      const controlled = await db.startTransaction().execute();
      await run(controlled, 'insert into ids values (3)');
      await controlled.rollback().execute();
      await batch(db, [sql`insert into ids values (4)`, sql`insert into ids values (5)`]);
      await (await clientOf(db)).script('insert into ids values (6); insert into ids values (7)');
      expect(await ask(db, 'select id from ids')).toEqual([1, 2, 4, 5, 6, 7]);
    });
    expect(String(await failure(run(kysely, 'select * from ids')))).toContain('no such table');
    expect(database.transactions.size).toBe(0);
  });

  it('is the connection of its streams', async () => {
    const { kysely } = await scene();
    await kysely.connection().execute(async (db) => {
      await run(db, 'create temp table users as select value as id from generate_series(1, 1000)');
      const ids: number[] = [];
      for await (const { id } of db.selectFrom('users').select('id').stream(10)) ids.push(id);
      expect(ids).toHaveLength(1000);
      for await (const { id } of db.selectFrom('users').select('id').stream(10)) if (id > 15) break;
      await run(db, 'delete from temp.users');
      expect(await ask(db, 'select count(*) from users')).toEqual([0]);
    });
    expect(await ask(kysely, 'select count(*) from users')).toEqual([0]);
    await insert(kysely, 'a');
  });

  it('is another one than those beside it', async () => {
    const { kysely } = await scene();
    const one = (n: number): Promise<unknown[]> =>
      kysely.connection().execute(async (db) => {
        await run(db, 'create temp table mine (n)');
        await run(db, `insert into mine values (${n})`);
        await new Promise((resolve) => setTimeout(resolve, 5));
        return await ask(db, 'select n from mine');
      });
    expect(await Promise.all([one(1), one(2), one(3)])).toEqual([[1], [2], [3]]);
  });

  it('leaves nothing behind after an error or an abort', async () => {
    const { kysely, database } = await scene();
    const mine = new Error('mine');
    const failing = kysely.connection().execute(async (db) => {
      await run(db, 'create temp table ids (id)');
      expect(String(await failure(run(db, 'insert into missing values (1)')))).toContain('no such table');
      const controlled = await db.startTransaction().execute();
      await insert(controlled, 'a');
      throw mine;
    });
    expect(await rejection(failing)).toBe(mine);
    await insert(kysely, 'a');
    expect(String(await failure(run(kysely, 'select * from ids')))).toContain('no such table');
    const endless = 'with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n';
    await kysely.connection().execute(async (db) => {
      await run(db, 'create temp table ids (id)');
      const client = await clientOf(db);
      expect(client).not.toBe(database);
      expect(await failure(client.execute(endless, [], { timeout: 20 }))).toBeInstanceOf(InterruptedError);
      expect(await ask(db, 'select count(*) from ids')).toEqual([0]);
    });
    await insert(kysely, 'b');
    expect(await ask(kysely, 'select count(*) from users')).toEqual([2]);
  });

  it('is no matter of a single query, whose settings and temporary tables are those of the database', async () => {
    const { kysely } = await scene();
    await run(kysely, 'pragma foreign_keys = off');
    await run(kysely, 'pragma busy_timeout = 1234');
    await run(kysely, 'create temp table ids as select 1 as id');
    await run(kysely, `attach '${temporaryFile('other.db')}' as other`);
    expect(await ask(kysely, 'pragma foreign_keys')).toEqual([0]);
    expect(await kysely.transaction().execute((trx) => ask(trx, 'pragma foreign_keys'))).toEqual([0]);
    expect(await ask(kysely, 'pragma busy_timeout')).toEqual([1234]);
    expect(await ask(kysely, 'select id from ids')).toEqual([1]);
    expect(await ask(kysely, 'select name from pragma_database_list')).toContain('other');
    await run(kysely, 'detach other');
    await run(kysely, 'drop table temp.ids');
    expect(String(await failure(run(kysely, 'create temp table wrong')))).toContain('incomplete input');
    expect(await ask(kysely, 'select name from temp.sqlite_master')).toEqual([]);
  });

  it('can be had a thousand times', async () => {
    const { kysely } = await scene();
    const descriptors = (): number => readdirSync('/proc/self/fd').length;
    const one = (): Promise<unknown> =>
      kysely.connection().execute(async (db) => {
        await ask(db, 'select 1');
        await ask(db, 'select 2');
      });
    await one();
    const before = descriptors();
    for (let i = 0; i < 1000; i++) await one();
    expect(descriptors()).toBeLessThanOrEqual(before);
    await kysely.connection().execute(async (db) => {
      await run(db, 'create temp table ids (id)');
      await run(db, 'insert into ids values (1)');
    });
    await insert(kysely, 'a');
  });
});

it('leaves no lock while a connection is idle', async () => {
  const { db, other } = await openFile(USERS);
  const kysely = openKysely({ database: db });
  await kysely.connection().execute(async (own) => {
    await run(own, 'pragma foreign_keys = off');
    await insert(own, 'a');
    expect(isWriteLocked(other)).toBe(false);
    await insert(kysely, 'b');
    expect(await ask(own, 'select count(*) from users')).toEqual([2]);
  });
});

it('has others wait in memory, and only as long as it lasts', async () => {
  const { kysely } = await (places['memory'] as (config: object) => Promise<Scene>)({ busyTimeout: 50 });
  await kysely.connection().execute(async (db) => {
    await run(db, 'create temp table ids (id)');
    expect(await failure(insert(kysely, 'a'))).toBeInstanceOf(BusyError);
    await insert(db, 'b');
  });
  await insert(kysely, 'c');
  expect(await ask(kysely, 'select name from users')).toEqual(['b', 'c']);
});

it('keeps a setting at a server for what follows, and refuses it in a single query', async () => {
  const { url } = await startSqld();
  const kysely = openKysely(url);
  await run(kysely, USERS);
  await run(kysely, 'create table children (user references users)');
  await kysely.connection().execute(async (db) => {
    await run(db, 'pragma foreign_keys = off');
    await run(db, 'insert into children values (1)');
    await db.transaction().execute((trx) => run(trx, 'insert into children values (2)'));
    expect(await ask(db, 'select user from children')).toEqual([1, 2]);
  });
  expect(await failure(run(kysely, 'insert into children values (3)'))).toBeInstanceOf(ConstraintError);
  expect(await failure(run(kysely, 'pragma foreign_keys = off'))).toBeInstanceOf(CapabilityError);
  expect(await ask(kysely, 'pragma foreign_keys')).toEqual([1]);
});
