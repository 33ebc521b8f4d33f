import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient as createUpstream } from '@libsql/client';
import { eq } from 'drizzle-orm';
import { drizzle as drizzleUpstream } from 'drizzle-orm/libsql';
import { migrate as migrateUpstream } from 'drizzle-orm/libsql/migrator';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Kysely } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type Client,
  type ClientConfig,
  createClient,
  LibsqlBatchError,
  LibsqlError,
} from '../../src/client/index.js';
import { drizzle, migrate, nearest, vector } from '../../src/dialect/drizzle/index.js';
import { TursoDialect } from '../../src/dialect/kysely/index.js';
import { BusyError, ConfigError, ConstraintError, open } from '../../src/index.js';
import { pragma } from '../../src/pragma/index.js';
import { connectSecond, temporaryFile } from '../support/database.js';
import { holdLock } from '../support/lock.js';
import { rejection } from '../support/outcome.js';
import { replicaScene } from '../support/replica.js';
import { startSqld } from '../support/sqld.js';
import { pause } from '../support/time.js';
import { bytes, failureOf, SCENARIOS, SETUP } from './scenarios.js';

function clientOf(config: ClientConfig): Client {
  const client = createClient(config);
  onTestFinished(() => client.close());
  return client;
}

describe('a client on a file does what one of @libsql/client does', () => {
  it.each(Object.entries(SCENARIOS))('%s', async (_, scenario) => {
    const outcomes: unknown[] = [];
    for (const create of [createUpstream, createClient]) {
      const client = create({ url: `file:${temporaryFile()}` });
      onTestFinished(() => client.close());
      await client.execute(SETUP);
      outcomes.push(await scenario(client));
    }
    expect(outcomes[1]).toEqual(outcomes[0]);
  });

  it('but for columns that are named like an index or the length, which keep a key', async () => {
    const client = clientOf({ url: ':memory:' });
    const upstream = createUpstream({ url: ':memory:' });
    onTestFinished(() => upstream.close());
    const keys = async (sql: string): Promise<unknown[]> => {
      const [row] = (await client.execute(sql)).rows;
      const [theirs] = (await upstream.execute(sql)).rows;
      return [{ ...theirs }, { ...row }];
    };
    expect(await keys('select 1, 2')).toEqual([
      { 1: 2, 2: 2 },
      { '1:1': 1, 2: 2 },
    ]);
    expect(await keys('select 5 as "0", 6 as b')).toEqual([{ b: 6 }, { 0: 5, b: 6 }]);
    expect(await keys('select 5 as "1", 6 as "0"')).toEqual([{ 1: 6 }, { '1:1': 5, '0:1': 6 }]);
    expect(await keys('select 5 as "1", 6 as "1"')).toEqual([{ 1: 6 }, { '1:1': 5, 1: 6 }]);
    expect(await keys('select 5 as a, 6 as length')).toEqual([{ a: 5 }, { a: 5, 'length:1': 6 }]);
    expect(JSON.stringify((await client.execute('select 1, 2')).rows)).toBe('[{"2":2,"1:1":1}]');
  });

  it.each(['number', 'bigint', 'string'] as const)('integers with intMode %s', async (intMode) => {
    const outcomes: unknown[] = [];
    for (const create of [createUpstream, createClient]) {
      const client = create({ url: ':memory:', intMode });
      onTestFinished(() => client.close());
      const large = client.execute('select 9007199254740993 as n').then(
        ({ rows }) => rows,
        () => 'refused',
      );
      outcomes.push([await large, (await client.execute('select 1 as n, 0.5 as r')).rows]);
    }
    expect(outcomes[1]).toEqual(outcomes[0]);
  });
});

describe.each(['http', 'ws'] as const)('a client of a server over %s', (protocol) => {
  it('runs statements, batches and transactions', async () => {
    const sqld = await startSqld();
    const client = clientOf({ url: protocol === 'http' ? sqld.url : sqld.wsUrl });
    expect(client.protocol).toBe(protocol);
    await client.batch([SETUP, ['insert into t (a) values (?)', [bytes]]], 'write');
    const tx = await client.transaction('write');
    expect(tx.closed).toBe(false);
    await tx.execute("insert into t (name) values ('a')");
    expect(tx.closed).toBe(false);
    await tx.commit();
    expect(tx.closed).toBe(true);
    const undone = await client.transaction('deferred');
    await undone.execute("insert into t (name) values ('b')");
    undone.close();
    const { rows } = await client.execute('select a, name from t order by id');
    expect(rows.map((row) => [row[0] instanceof ArrayBuffer, row['name']])).toEqual([
      [true, null],
      [false, 'a'],
    ]);
    const reading = await client.transaction('read');
    expect(await failureOf(reading.execute('delete from t'))).toMatchObject({ code: 'SQLITE_READONLY' });
    reading.close();
    expect(await failureOf(client.execute("insert into t (name) values ('a')"))).toMatchObject({
      name: 'LibsqlError',
      code: 'SQLITE_CONSTRAINT',
      message: expect.stringContaining('SQLITE_CONSTRAINT: UNIQUE constraint failed: t.name'),
    });
  });
});

it('a client of a replica syncs, and others say that they can not', async () => {
  const { open: openReplica, add, folder, proxy } = await replicaScene();
  await openReplica().close();
  const client = clientOf({ url: path.join(folder, 'client.db'), syncUrl: proxy.url });
  await add('a');
  expect(await client.sync()).toEqual({ frame_no: expect.any(Number), frames_synced: expect.any(Number) });
  expect((await client.execute('select name from items')).rows).toEqual([{ name: 'a' }]);
  expect(await failureOf(clientOf({ url: ':memory:' }).sync())).toMatchObject({ code: 'SYNC_NOT_SUPPORTED' });
});

it('takes null for no values, as @libsql/client does', async () => {
  const args = null as never;
  for (const client of [createClient({ url: ':memory:' }), createUpstream({ url: ':memory:' })]) {
    expect((await client.execute({ sql: 'select 1 as a', args })).rows[0]?.['a']).toBe(1);
    expect(await client.batch([{ sql: 'select 2 as a', args }], 'read')).toHaveLength(1);
    client.close();
  }
});

describe('the config of a client', () => {
  it.each([
    [{ url: 'ftp://host' }, 'URL_SCHEME_NOT_SUPPORTED'],
    [{ url: 'file://host/a.db' }, 'URL_INVALID'],
    [{ url: ':memory:', timeout: 1, busyTimeout: 1 }, 'CONFIG_INVALID'],
    [{ url: ':memory:', intmode: 'number' }, 'CONFIG_INVALID'],
  ])('%j is refused with a code', (config, code) => {
    let thrown: unknown;
    try {
      createClient(config);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(LibsqlError);
    expect(thrown).toMatchObject({ name: 'LibsqlError', code, cause: expect.any(ConfigError) });
  });

  it('has the wait for a lock as timeout, and no limit of connections as 0', async () => {
    const file = temporaryFile();
    const client = clientOf({ url: file, timeout: 50, concurrency: 0 });
    await client.execute(SETUP);
    const lock = await holdLock(file);
    const start = performance.now();
    const error = await failureOf(client.execute('insert into t (a) values (1)'));
    await lock.release();
    expect(error).toMatchObject({ name: 'LibsqlError', code: 'SQLITE_BUSY' });
    expect(performance.now() - start).toBeLessThan(3_000);
  });
});

const users = sqliteTable('users', { id: integer().primaryKey(), name: text().notNull().unique() });
const notes = sqliteTable('notes', { id: integer().primaryKey(), embedding: vector({ dimensions: 2 }) });

describe('a client given to a query builder', () => {
  it('is $client, and Drizzle runs on its database', async () => {
    const file = temporaryFile();
    const client = clientOf({ url: file });
    const db = drizzle({ client, schema: { users } });
    expect(db.$client).toBe(client);
    await client.execute('create table users (id integer primary key, name text not null unique)');
    await db.transaction(async (tx) => {
      await tx.insert(users).values({ name: 'a' });
      await tx.transaction((inner) => inner.insert(users).values({ name: 'b' }));
    });
    expect((await client.execute('select name from users order by id')).rows).toEqual([
      { name: 'a' },
      { name: 'b' },
    ]);
    const streamed: unknown[] = [];
    for await (const row of db.stream(db.select().from(users))) streamed.push(row.name);
    expect(streamed).toEqual(['a', 'b']);
    expect(await pragma(db).foreignKeys()).toBe(true);
    expect(
      await migrate(db, {
        migrations: [
          { tag: 'n', when: 1, sql: 'create table notes (id integer primary key, embedding F32_BLOB(2))' },
        ],
      }),
    ).toMatchObject({ applied: ['n'] });
    await db.insert(notes).values({ embedding: Float32Array.of(1, 2) });
    expect(await nearest(db, notes.embedding, [1, 2])).toMatchObject([
      { id: 1, distance: expect.closeTo(0) },
    ]);
    client.close();
    await expect(db.select().from(users)).rejects.toThrow();
  });

  it('throws errors that are LibsqlErrors', async () => {
    const db = drizzle(clientOf({ url: ':memory:' }));
    await db.run('create table users (id integer primary key, name text not null unique)');
    await db.insert(users).values({ name: 'a' });
    const { cause } = (await rejection(db.insert(users).values({ name: 'a' }))) as Error;
    expect(cause).toBeInstanceOf(LibsqlError);
    expect(cause).toBeInstanceOf(ConstraintError);
    expect(cause).not.toBeInstanceOf(LibsqlBatchError);
    expect(new Error('other')).not.toBeInstanceOf(LibsqlError);
    expect({ code: 'SQLITE_ERROR' }).not.toBeInstanceOf(LibsqlError);
    expect(new LibsqlBatchError('m', 1, 'C')).toBeInstanceOf(LibsqlError);
  });

  it('is not closed by Kysely', async () => {
    const client = clientOf({ url: ':memory:' });
    const db = new Kysely<{ t: { id: number; name: string } }>({ dialect: new TursoDialect({ client }) });
    await client.execute(SETUP);
    await db.transaction().execute((trx) => trx.insertInto('t').values({ id: 1, name: 'a' }).execute());
    await db.destroy();
    expect((await client.execute('select id, name from t')).rows).toEqual([{ id: 1, name: 'a' }]);
  });

  it('works behind a Proxy', async () => {
    const client = new Proxy({} as Client, { get: (_, key) => Reflect.get(real, key) as unknown });
    const real = clientOf({ url: ':memory:' });
    const receiving = new Proxy(real, {});
    await receiving.execute(SETUP);
    const db = drizzle({ client });
    await db.run("insert into t (name) values ('a')");
    const tx = new Proxy(await receiving.transaction(), {});
    await tx.execute("insert into t (name) values ('b')");
    await tx.commit();
    expect((await client.execute('select count(*) from t')).rows[0]?.[0]).toBe(2);
    expect([client.protocol, receiving.closed]).toEqual(['file', false]);
  });
});

it("Drizzle's own driver and migrator run on a client of ours, and its migrator on our database", async () => {
  const migrationsFolder = fileURLToPath(
    new URL('../package/applications/drizzle/migrations', import.meta.url),
  );
  const client = clientOf({ url: temporaryFile() });
  const upstream = drizzleUpstream(client);
  await migrateUpstream(upstream, { migrationsFolder });
  const file = temporaryFile();
  const db = drizzle(file);
  onTestFinished(() => db.$client.close());
  await migrateUpstream(db, { migrationsFolder });
  await migrateUpstream(db, { migrationsFolder });
  const tables = "select name from sqlite_master where type = 'table' order by name";
  const made = (await db.all<{ name: string }>(tables)).map(({ name }) => name);
  expect(made.length).toBeGreaterThan(2);
  expect((await client.execute(tables)).rows.map(({ name }) => name)).toEqual(made);
  expect(await migrate(db, { migrationsFolder })).toMatchObject({ applied: [] });
  expect(connectSecond(file).rows('pragma foreign_key_check')).toEqual([]);
});

describe('a client of @libsql/client that was handed in', () => {
  it('is $client, and one database is behind all that are made of it', async () => {
    const client = createUpstream({ url: `file:${temporaryFile()}` });
    onTestFinished(() => client.close());
    const db = drizzle({ client });
    expect(db.$client).toBe(client);
    await client.execute('create table users (id integer primary key, name text not null unique)');
    await db.transaction(async (tx) => {
      await tx.insert(users).values({ name: 'a' });
    });
    expect(await db.select().from(users).where(eq(users.name, 'a'))).toHaveLength(1);
    expect(await drizzle(client).$count(users)).toBe(1);
  });

  it('of a replica works by its public methods', async () => {
    const { add, folder, proxy } = await replicaScene();
    const client = createUpstream({ url: `file:${folder}/upstream.db`, syncUrl: proxy.url });
    onTestFinished(() => client.close());
    await add('a');
    await client.sync();
    const items = sqliteTable('items', { id: integer().primaryKey(), name: text().notNull() });
    const db = drizzle(client, { schema: { items } });
    await db.transaction(async (tx) => {
      await tx.insert(items).values({ name: 'b' });
    });
    await db.insert(items).values({ name: 'c' });
    expect((await db.query.items.findMany()).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });

  it('says what it can not do, and how it can be done', async () => {
    const client = createUpstream({ url: `file:${temporaryFile()}` });
    onTestFinished(() => client.close());
    const db = drizzle({ client });
    const stream = db.stream(db.select().from(users), { timeout: 1_000 });
    const error = (await rejection(stream.next())) as Error;
    expect(((error.cause as Error | undefined) ?? error).message).toContain(
      'drizzle({ connection: { url } })',
    );
  });
});

describe('statements in the forms of @libsql/client, on a database', () => {
  it('are executed and batched', async () => {
    await using db = open(':memory:');
    await db.execute({ sql: 'create table t (a)' });
    expect((await db.execute({ sql: 'insert into t values (?)', args: [1] })).rowsAffected).toBe(1);
    const rows = await db.execute({ sql: 'select :a as a', args: { a: 2 } }, undefined, { rowMode: 'array' });
    expect(rows.rows).toEqual([[2]]);
    const [, selected] = await db.batch([['insert into t values (?)', [3]], ['select a from t']]);
    expect(selected?.rows).toEqual([{ a: 1 }, { a: 3 }]);
    await expect(db.execute({ sql: 'select 1' }, [1] as never)).rejects.toThrow('given twice');
    await expect(db.batch([5 as never])).rejects.toThrow('{ sql, args } or [sql, args], got number');
    await db.transaction(async (tx) => {
      expect((await tx.execute({ sql: 'select ? as b', args: ['x'] })).rows).toEqual([{ b: 'x' }]);
    });
  });

  it('take a mode, which counts', async () => {
    const file = temporaryFile();
    await using db = open({ url: file, busyTimeout: 0 });
    await db.execute('create table t (a)');
    await expect(db.batch(['insert into t values (1)'], 'read')).rejects.toThrow('readonly');
    const lock = await holdLock(file);
    await expect(db.batch(['select 1'], 'write')).rejects.toThrow(BusyError);
    expect(await db.batch(['select 1'], 'deferred')).toHaveLength(1);
    await lock.release();
    await pause(10);
    await db.batch(['insert into t values (2)'], 'write');
    await expect(db.batch(['select 1'], 'sometimes' as 'read')).rejects.toThrow('unknown mode "sometimes"');
    const drizzled = drizzle(db);
    await expect(drizzled.batch([drizzled.run('delete from t')], 'read')).rejects.toThrow();
    expect((await db.execute('select a from t')).rows).toEqual([{ a: 2 }]);
  });
});
