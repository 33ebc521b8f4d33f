import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Client,
  type Config,
  createClient,
  type InStatement,
  LibsqlError,
  type ResultSet,
  type Row,
  type Transaction,
} from '@libsql/client';
import {
  and,
  asc,
  count,
  desc,
  eq,
  exists,
  type ExtractTablesWithRelations,
  getTableColumns,
  gt,
  inArray,
  isNull,
  like,
  sql,
} from 'drizzle-orm';
import { drizzle, type LibSQLDatabase, type LibSQLTransaction } from 'drizzle-orm/libsql';
import { migrate } from 'drizzle-orm/libsql/migrator';
import {
  alias,
  type BaseSQLiteDatabase,
  getTableConfig,
  type SQLiteSelect,
  type SQLiteTransaction,
  union,
  withReplicas,
} from 'drizzle-orm/sqlite-core';
import * as schema from './schema.js';

// A blog: what an ordinary application does with Drizzle and a libSQL client. It prints what it sees, one line a fact.

const { users, posts, tags, postTags, files, activeUsers } = schema;

type Schema = typeof schema;
type DB = LibSQLDatabase<Schema>;
type AppDb = LibSQLDatabase<Schema> & { $client: Client };
type Tx = Parameters<Parameters<DB['transaction']>[0]>[0];
type NamedTx = LibSQLTransaction<Schema, ExtractTablesWithRelations<Schema>>;
type AnyDb = BaseSQLiteDatabase<'async', ResultSet, Schema>;
type AnyTx = SQLiteTransaction<'async', ResultSet, Schema, ExtractTablesWithRelations<Schema>>;
type NewUser = typeof users.$inferInsert;
type User = typeof users.$inferSelect;

function print(label: string, value: unknown): void {
  const text = JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'bigint' ? `${inner}n` : inner,
  );
  console.log(`${label}: ${text}`);
}

// Helpers, each with the type that somebody would give it.

async function createUser(db: DB | Tx, user: NewUser): Promise<User> {
  const [created] = await db.insert(users).values(user).returning();
  if (created === undefined) throw new Error('no user');
  return created;
}

async function countPosts(db: AnyDb): Promise<number> {
  return await db.$count(posts);
}

async function rename(tx: NamedTx, id: number, name: string): Promise<number> {
  const result: ResultSet = await tx.update(users).set({ name }).where(eq(users.id, id));
  return result.rowsAffected;
}

async function publish(tx: AnyTx, id: number, at: Date): Promise<void> {
  await tx.update(posts).set({ publishedAt: at }).where(eq(posts.id, id));
}

function firstValue(result: ResultSet): unknown {
  const row: Row | undefined = result.rows[0];
  return row?.[0];
}

let connected: AppDb | undefined;

/** Opened when it is first used, so that importing this file opens nothing. */
function lazyDb(url: string): AppDb {
  return new Proxy({} as AppDb, {
    get(_, key) {
      connected ??= drizzle(createClient({ url }), { schema });
      return Reflect.get(connected, key) as unknown;
    },
  });
}

async function seed(db: DB): Promise<void> {
  const ada = await createUser(db, { email: 'ada@example.com', name: 'Ada', role: 'admin', score: 9.5 });
  const bob = await createUser(db, {
    email: 'bob@example.com',
    name: 'Bob',
    settings: { theme: 'dark', tags: ['a', 'b'] },
  });
  print('created', [ada, bob]);
  await db.insert(posts).values([
    { id: 1, authorId: ada.id, title: 'First', body: 'hello', embedding: [1, 0, 0] },
    { id: 2, authorId: ada.id, title: 'Second', views: 7 },
    { id: 3, authorId: bob.id, title: 'Third', body: 'world', embedding: [0, 0.5, 1] },
  ]);
  await db.insert(tags).values([{ label: 'news' }, { label: 'code' }]);
  await db.insert(postTags).values([
    { postId: 1, tagId: 1 },
    { postId: 1, tagId: 2 },
  ]);
}

async function read(db: DB): Promise<void> {
  print('all', await db.select().from(users).orderBy(asc(users.id)));
  print('get', await db.select({ name: users.name }).from(users).where(eq(users.id, 2)).get());
  print('values', await db.select({ id: posts.id, title: posts.title }).from(posts).values());
  print(
    'filter',
    await db
      .select()
      .from(posts)
      .where(and(gt(posts.views, 1), isNull(posts.publishedAt))),
  );
  print('like', await db.select({ title: posts.title }).from(posts).where(like(posts.title, '%ir%')));
  const author = alias(users, 'author');
  const joined = await db
    .select({ post: posts.title, author: { id: author.id, name: author.name } })
    .from(posts)
    .innerJoin(author, eq(posts.authorId, author.id))
    .orderBy(desc(posts.id))
    .limit(2);
  print('join', joined);
  const grouped = await db
    .select({ name: users.name, posts: count(posts.id) })
    .from(users)
    .leftJoin(posts, eq(posts.authorId, users.id))
    .groupBy(users.id)
    .having(({ posts: n }) => gt(n, 0));
  print('group', grouped);
  const { settings: _, ...columns } = getTableColumns(users);
  print('columns', Object.keys((await db.select(columns).from(users).limit(1))[0] ?? {}));
  const withMany = db.$with('many').as(db.select({ id: posts.authorId }).from(posts).where(gt(posts.id, 1)));
  print('cte', await db.with(withMany).select().from(withMany));
  print('view', await db.select().from(activeUsers));
  print('distinct', await db.selectDistinct({ role: users.role }).from(users).orderBy(users.role));
  const firstTwo = await db.query.users.findMany({
    columns: { name: true, settings: true },
    with: {
      posts: { columns: { title: true }, orderBy: asc(posts.id), with: { tags: { with: { tag: true } } } },
    },
    orderBy: asc(users.id),
  });
  print('relations', firstTwo);
  print('findFirst', await db.query.posts.findFirst({ where: eq(posts.id, 3), with: { author: true } }));
  print('count', [await countPosts(db), await db.$count(users, eq(users.role, 'admin'))]);
}

async function write(db: DB): Promise<void> {
  const upserted = await db
    .insert(users)
    .values({ email: 'ada@example.com', name: 'Ada L.' })
    .onConflictDoUpdate({ target: users.email, set: { name: sql`excluded.name` } })
    .returning({ id: users.id, name: users.name });
  print('upsert', upserted);
  const ignored = await db.insert(tags).values({ label: 'news' }).onConflictDoNothing();
  print('ignored', ignored.rowsAffected);
  const inserted: ResultSet = await db.insert(tags).values({ label: 'more' });
  print('inserted', [inserted.rowsAffected, inserted.lastInsertRowid]);
  print('as JSON', inserted);
  const byId = db
    .select()
    .from(posts)
    .where(eq(posts.id, sql.placeholder('id')))
    .prepare();
  print('prepared', [(await byId.get({ id: 2 }))?.title, (await byId.all({ id: 9 })).length]);
  const data = Buffer.from([0, 1, 254, 255]);
  await db.insert(files).values({ name: 'a.bin', size: 2n ** 60n, data });
  const [file] = await db.select().from(files);
  print('file', [file?.size, file && Buffer.compare(file.data, data)]);
  const [updated, deleted, rest] = await db.batch([
    db
      .update(posts)
      .set({ views: sql`${posts.views} + 1` })
      .where(eq(posts.id, 2))
      .returning({ views: posts.views }),
    db.delete(tags).where(eq(tags.label, 'more')),
    db.query.tags.findMany({ orderBy: asc(tags.id) }),
  ]);
  print('batch', [updated[0]?.views, deleted.rowsAffected, rest]);
}

async function transact(db: DB): Promise<void> {
  const changed = await db.transaction(async (tx) => {
    await createUser(tx, { email: 'eve@example.com', name: 'Eve' });
    await publish(tx, 1, new Date(1_700_000_500_000));
    await tx
      .transaction(async (inner) => {
        await inner.delete(postTags);
        inner.rollback();
      })
      .catch((error: Error) => print('nested', error.constructor.name));
    return await rename(tx, 2, 'Robert');
  });
  print('transaction', [changed, await countPosts(db)]);
  const failed = db.transaction(async (tx) => {
    await tx.delete(postTags);
    throw new Error('changed my mind');
  });
  print('undone', await failed.catch((error: Error) => error.message));
  print('kept', await db.$count(postTags));
  print(
    'published',
    await db
      .select({ at: posts.publishedAt })
      .from(posts)
      .where(inArray(posts.id, [1, 2])),
  );
}

async function raw(db: DB): Promise<void> {
  const result = await db.run(sql`select name, id from users where id < ${3} order by id`);
  print('run', [result.columns, firstValue(result), result.rows[0]?.['name'], result.rows[0]?.length]);
  print(
    'rows',
    result.rows.map((row) => Object.keys(row)),
  );
  print('all raw', await db.all<{ n: number }>(sql`select count(*) as n from posts`));
  print('get raw', await db.get<{ n: number }>(sql.raw('select max(id) as n from posts')));
  print('values raw', await db.values(sql`select id, title from posts where id = ${1}`));
  print('division', await db.get(sql`select ${5} / 2 as half`));
}

function paged<T extends SQLiteSelect>(query: T, page: number): T {
  return query.limit(2).offset(page * 2);
}

async function compose(db: DB): Promise<void> {
  print('dynamic', await paged(db.select({ id: posts.id }).from(posts).orderBy(posts.id).$dynamic(), 1));
  const names = db.select({ text: users.name }).from(users);
  print(
    'union',
    await union(names, db.select({ text: tags.label }).from(tags))
      .orderBy(sql`1`)
      .limit(3),
  );
  const written = db.select({ one: sql`1` }).from(posts).where(eq(posts.authorId, users.id));
  print('exists', await db.select({ name: users.name }).from(users).where(exists(written)).orderBy(users.id));
  const perUser = db.$count(posts, eq(posts.authorId, users.id));
  print('count per row', await db.select({ id: users.id, posts: perUser }).from(users).orderBy(users.id));
  const found = await db.query.users.findMany({
    columns: { id: true },
    extras: { loud: sql<string>`upper(${users.name})`.as('loud') },
    where: (user, { inArray: isIn }) => isIn(user.id, [1, 2]),
    orderBy: (user, { desc: down }) => [down(user.id)],
  });
  print('extras', found);
  print(
    'table',
    getTableConfig(posts).columns.map(({ name, primary }) => [name, primary]),
  );
  const query = db.select().from(users).where(eq(users.id, 1)).toSQL();
  print('text', [query.sql, query.params]);
  const [ran, all] = await db.batch([db.run(sql.raw('select 1 as a')), db.all(sql.raw('select 2 as b'))]);
  print('raw batch', [ran.columns, ran.rows, all]);
}

/** A config that is made key by key, and the client that Drizzle makes of it, given to what asks for a client. */
async function connect(url: string): Promise<void> {
  const config: Config = { url };
  config.authToken = process.env['NO_TOKEN'] ?? '';
  if (process.env['NO_KEY'] !== undefined) config.encryptionKey = process.env['NO_KEY'];
  config.intMode = 'number';
  config.offline = false;
  config.fetch = globalThis.fetch;
  const db = drizzle({ connection: config, schema });
  const client: Client = db.$client;
  await client.executeMultiple('create table log (a); insert into log values (1)');
  await client.migrate(['alter table log add column b']);
  const tx = await client.transaction('write');
  try {
    await tx.execute({ sql: 'insert into log values (?, ?)', args: [2, 'two'] });
    await tx.commit();
  } finally {
    tx.close();
  }
  const [result] = await client.batch(['select a, b from log order by a'], 'read');
  print('own client', [client.protocol, client.closed, result?.rows, result && firstValue(result)]);
  client.close();
  client.reconnect();
  print('reconnected', [client.closed, await db.get(sql`select count(*) as n from log`)]);
  client.close();
}

async function fail(db: DB, client: Client): Promise<void> {
  try {
    await createUser(db, { email: 'ada@example.com', name: 'Again' });
  } catch (error) {
    const reason = error instanceof Error && error.cause !== undefined ? error.cause : error;
    if (!(reason instanceof LibsqlError)) throw error;
    print('constraint', [reason.code, reason.extendedCode, reason.rawCode]);
  }
  try {
    await client.execute('select * from nowhere');
  } catch (error) {
    if (!(error instanceof LibsqlError)) throw error;
    print('no table', [error.name, error.code, error.message]);
  }
  try {
    await client.batch(
      ["insert into tags (label) values ('one')", 'insert into nowhere values (1)'],
      'write',
    );
  } catch (error) {
    print('failed batch', error instanceof LibsqlError && [error.name, error.code]);
  }
  print('not kept', (await client.execute("select 1 from tags where label = 'one'")).rows.length);
}

async function useClient(client: Client): Promise<void> {
  print('protocol', [client.protocol, client.closed]);
  const found = await client.execute({ sql: 'select id, name from users where id = ?', args: [1] });
  print('execute', [found.columns, found.columnTypes, firstValue(found), found.rows]);
  print('named', (await client.execute({ sql: 'select :a as a, $b as b', args: { a: 'x', b: true } })).rows);
  const statements: InStatement[] = [
    { sql: 'insert into tags (label) values (?)', args: ['tuple'] },
    'select count(*) as n from tags',
  ];
  print(
    'client batch',
    (await client.batch(statements, 'write')).map(({ rows }) => rows.length),
  );
  print('tuples', (await client.batch([['select ? as a', [1]], ['select 2 as b']], 'read')).map(firstValue));
  await client.executeMultiple("create table notes (a); insert into notes values (1), (x'0102')");
  const tx: Transaction = await client.transaction('write');
  try {
    await tx.execute({ sql: 'insert into notes values (?)', args: [new Date(5)] });
    await tx.batch(['insert into notes values (3)', 'delete from notes where a = 3']);
    await tx.commit();
  } finally {
    tx.close();
  }
  const notes = await client.execute('select a from notes order by rowid');
  const blob = notes.rows[1]?.['a'];
  print('notes', [notes.rows.length, blob instanceof ArrayBuffer && [...new Uint8Array(blob)], notes]);
  print('closed tx', [tx.closed, await tx.execute('select 1').catch((error: LibsqlError) => error.code)]);
  const undone = await client.transaction();
  await undone.execute('delete from notes');
  await undone.rollback();
  print('rolled back', firstValue(await client.execute('select count(*) from notes')));
}

const folder = mkdtempSync(path.join(tmpdir(), 'blog-'));
try {
  const url = `file:${folder}/blog.db`;
  const db = lazyDb(url);
  await migrate(db, { migrationsFolder: fileURLToPath(new URL('./migrations', import.meta.url)) });
  await migrate(db, { migrationsFolder: fileURLToPath(new URL('./migrations', import.meta.url)) });
  await seed(db);
  await read(db);
  await write(db);
  await transact(db);
  await raw(db);
  await compose(db);
  await connect(`file:${folder}/log.db`);
  await fail(db, db.$client);
  await useClient(db.$client);
  const config = { connection: { url, authToken: process.env['NO_TOKEN'] ?? '' }, schema };
  const second = drizzle(config);
  const third = drizzle({ connection: { url }, schema, logger: false });
  const replicated = withReplicas(second, [third]);
  print('replicas', await replicated.select({ n: count() }).from(users));
  print('same client', await drizzle({ client: db.$client, schema, logger: false }).$count(users));
  second.$client.close();
  third.$client.close();
  db.$client.close();
  print('closed', [
    db.$client.closed,
    await db.$client.execute('select 1').catch((error: LibsqlError) => error.code),
  ]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
