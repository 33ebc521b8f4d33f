import { inspect } from 'node:util';
import { and, count, DrizzleQueryError, eq, gt, is, relations, sql } from 'drizzle-orm';
import { Cache, type MutationOption } from 'drizzle-orm/cache/core';
import {
  alias,
  BaseSQLiteDatabase,
  blob,
  integer,
  numeric,
  SQLitePreparedQuery,
  sqliteTable,
  sqliteView,
  SQLiteTransaction,
  text,
  union,
  withReplicas,
} from 'drizzle-orm/sqlite-core';
import { reset, seed } from 'drizzle-seed';
import { createInsertSchema } from 'drizzle-zod';
import { describe, expect, it } from 'vitest';
import { drizzle, type TursoDatabase } from '../../../src/dialect/drizzle/index.js';
import { ConfigError, ConstraintError, open, ValueError } from '../../../src/index.js';

const users = sqliteTable('users', {
  id: integer().primaryKey(),
  name: text().notNull().unique(),
  age: integer(),
  admin: integer({ mode: 'boolean' }).notNull().default(false),
  born: integer({ mode: 'timestamp' }),
  extra: text({ mode: 'json' }).$type<{ tags: string[] }>(),
  photo: blob({ mode: 'buffer' }),
  big: numeric({ mode: 'bigint' }),
});
const posts = sqliteTable('posts', {
  id: integer().primaryKey(),
  userId: integer().notNull(),
  title: text().notNull(),
});
const usersRelations = relations(users, ({ many }) => ({ posts: many(posts) }));
const postsRelations = relations(posts, ({ one }) => ({
  user: one(users, { fields: [posts.userId], references: [users.id] }),
}));
const grownUps = sqliteView('grown_ups').as((qb) => qb.select().from(users).where(gt(users.age, 17)));
const schema = { users, posts, usersRelations, postsRelations };

const DDL = `
  create table users (id integer primary key, name text not null unique, age integer, admin integer not null default 0,
    born integer, extra text, photo blob, big numeric);
  create table posts (id integer primary key, userId integer not null, title text not null);
  create view grown_ups as select * from users where age > 17;`;

type Db = TursoDatabase<typeof schema>;

async function openDb(config: object = {}): Promise<Db> {
  const db = drizzle(':memory:', { schema, ...config });
  await db.$client.script(DDL);
  await db.insert(users).values([
    { id: 1, name: 'Ada', age: 36 },
    { id: 2, name: 'Bob', age: 7 },
  ]);
  await db.insert(posts).values([
    { id: 1, userId: 1, title: 'a' },
    { id: 2, userId: 1, title: 'b' },
  ]);
  return db;
}

describe('drizzle()', () => {
  it('takes every form that drizzle-orm/libsql takes', async () => {
    const client = open(':memory:');
    const forms = [
      drizzle(':memory:'),
      drizzle(':memory:', { schema }),
      drizzle({ connection: ':memory:' }),
      drizzle({ connection: { url: ':memory:', busyTimeout: 1 }, schema }),
      drizzle({ client }),
      drizzle(client),
      drizzle(client, { schema }),
    ];
    for (const db of forms) expect(await db.get(sql`select 1 as one`)).toEqual({ one: 1 });
    expect(forms[4]?.$client).toBe(client);
    expect(drizzle.mock({ schema }).select().from(users).toSQL().sql).toContain('from "users"');
  });

  it('refuses what it can not use', () => {
    expect(() => drizzle('ftp://example.org')).toThrow(ConfigError);
    expect(() => drizzle({ connection: { url: ':memory:', authtoken: 'secret' } as never })).toThrow(
      /authToken/,
    );
    expect(() => drizzle({ connection: ':memory:', client: open(':memory:') } as never)).toThrow(ConfigError);
    expect(() => drizzle({ client: { executeMultiple: () => {} } as never })).toThrow(ConfigError);
  });

  it('makes what Drizzle and its friends recognise', async () => {
    const db = await openDb();
    expect(is(db, BaseSQLiteDatabase)).toBe(true);
    expect(is(db.select().from(users).prepare(), SQLitePreparedQuery)).toBe(true);
    await db.transaction(async (tx) => expect(is(tx, SQLiteTransaction)).toBe(true));
    expect(createInsertSchema(posts).parse({ userId: 1, title: 't' })).toEqual({ userId: 1, title: 't' });
    const untyped = drizzle(db.$client);
    await reset(untyped, { users, posts });
    await seed(untyped, { posts }, { count: 5 });
    expect(await db.$count(posts)).toBe(5);
  });
});

describe('queries', () => {
  it('join, aggregate, nest and unite', async () => {
    const db = await openDb();
    const other = alias(users, 'other');
    const left = await db
      .select()
      .from(users)
      .leftJoin(posts, eq(posts.userId, users.id))
      .orderBy(users.id, posts.id);
    expect(left.map(({ users: user, posts: post }) => [user.name, post?.title])).toEqual([
      ['Ada', 'a'],
      ['Ada', 'b'],
      ['Bob', undefined],
    ]);
    const posters = db.$with('posters').as(
      db
        .select({ id: posts.userId, n: count().as('n') })
        .from(posts)
        .groupBy(posts.userId),
    );
    expect(
      await db
        .with(posters)
        .select({ name: users.name, n: posters.n })
        .from(users)
        .innerJoin(posters, eq(posters.id, users.id)),
    ).toEqual([{ name: 'Ada', n: 2 }]);
    expect(
      await db.select({ a: users.name, b: other.name }).from(users).innerJoin(other, gt(other.id, users.id)),
    ).toEqual([{ a: 'Ada', b: 'Bob' }]);
    const names = await union(
      db.select({ name: users.name }).from(users),
      db.select({ name: posts.title }).from(posts),
    );
    expect(names.map(({ name }) => name).toSorted()).toEqual(['Ada', 'Bob', 'a', 'b']);
    expect((await db.select().from(grownUps)).map(({ name }) => name)).toEqual(['Ada']);
    expect(await db.$count(users, gt(users.age, 17))).toBe(1);
  });

  it('read trees by db.query', async () => {
    const db = await openDb();
    const found = await db.query.users.findMany({
      columns: { name: true },
      extras: { upper: sql<string>`upper(${users.name})`.as('upper') },
      with: { posts: { columns: { title: true }, orderBy: (post, { desc }) => desc(post.id), limit: 1 } },
      orderBy: (user, { asc }) => asc(user.id),
    });
    expect(found).toEqual([
      { name: 'Ada', upper: 'ADA', posts: [{ title: 'b' }] },
      { name: 'Bob', upper: 'BOB', posts: [] },
    ]);
    expect(await db.query.posts.findFirst({ with: { user: { columns: { age: true } } } })).toMatchObject({
      user: { age: 36 },
    });
    expect(await db.query.users.findFirst({ where: eq(users.id, 99) })).toBeUndefined();
  });

  it('encode and decode every kind of column', async () => {
    const db = await openDb();
    const row = {
      id: 3,
      name: 'Cleo',
      age: null,
      admin: true,
      born: new Date(1_000),
      extra: { tags: ['x'] },
      photo: Buffer.from([1, 2]),
      big: 2n ** 60n,
    };
    expect(await db.insert(users).values(row).returning()).toEqual([row]);
    expect(await db.select().from(users).where(eq(users.id, 3))).toEqual([row]);
    expect(
      await db.update(users).set({ age: 1 }).where(eq(users.id, 3)).returning({ age: users.age }),
    ).toEqual([{ age: 1 }]);
  });

  it('run raw SQL in every way', async () => {
    const db = await openDb();
    const one = sql`select 1 as a, 2 as b`;
    expect(await db.all(one)).toEqual([{ a: 1, b: 2 }]);
    expect(await db.get(one)).toEqual({ a: 1, b: 2 });
    expect(await db.get('select 1 where 0')).toBeUndefined();
    expect(await db.values(one)).toEqual([[1, 2]]);
    expect(await db.run(sql`insert into posts values (9, 1, 'c')`)).toMatchObject({
      rowsAffected: 1,
      lastInsertRowid: 9n,
    });
  });

  it('prepare with placeholders', async () => {
    const db = await openDb();
    const prepared = db
      .select()
      .from(users)
      .where(and(eq(users.id, sql.placeholder('id')), gt(users.age, 0)))
      .prepare();
    expect((await prepared.all({ id: 1 }))[0]?.name).toBe('Ada');
    expect((await prepared.get({ id: 2 }))?.name).toBe('Bob');
    expect(await prepared.get({ id: 3 })).toBeUndefined();
    expect((await prepared.values({ id: 1 }))[0]?.[1]).toBe('Ada');
    await expect(prepared.all()).rejects.toThrow(/placeholder "id"/);
    const rows: string[] = [];
    for await (const { name } of db.stream(prepared, { placeholderValues: { id: 1 } })) rows.push(name);
    expect(rows).toEqual(['Ada']);
  });

  it('stream builders, trees and raw SQL', async () => {
    const db = await openDb();
    const names: (string | undefined)[] = [];
    for await (const { name } of db.stream(db.select({ name: users.name }).from(users))) names.push(name);
    for await (const user of db.stream(db.query.users.findMany({ with: { posts: true } })))
      names.push(user.posts[0]?.title);
    for await (const { n } of db.stream(db.all<{ n: string }>(sql`select 'raw' as n`))) names.push(n);
    for await (const { title } of db.stream(db.delete(posts).returning())) names.push(title);
    expect(names).toEqual(['Ada', 'Bob', 'a', undefined, 'raw', 'a', 'b']);
  });

  it('name columns by casing', async () => {
    const db = drizzle(':memory:', { casing: 'snake_case' });
    const people = sqliteTable('people', { firstName: text() });
    await db.run('create table people (first_name text)');
    await db.insert(people).values({ firstName: 'Ada' });
    expect(await db.select().from(people)).toEqual([{ firstName: 'Ada' }]);
  });

  it('give integers exactly, by intMode', async () => {
    const big = sql<unknown>`9007199254740993`;
    const wide = drizzle({ connection: { url: ':memory:', intMode: 'bigint' } });
    await wide.$client.script(DDL);
    await wide.insert(users).values({ id: 1, name: 'Ada', age: 3 });
    expect(await wide.select({ age: users.age, big }).from(users)).toEqual([
      { age: 3, big: 9007199254740993n },
    ]);
    const db = await openDb();
    const failing = db.select({ big }).from(users);
    await expect(failing).rejects.toMatchObject({ cause: expect.any(ValueError) });
  });
});

describe('transactions and batches', () => {
  it('roll back by tx.rollback(), also nested', async () => {
    const db = await openDb();
    await db.transaction(async (tx) => {
      await tx.delete(posts);
      await tx
        .transaction(async (nested) => {
          await nested.delete(users);
          nested.rollback();
        })
        .catch(() => {});
    });
    expect([await db.$count(posts), await db.$count(users)]).toEqual([0, 2]);
  });

  it('give a tuple of results', async () => {
    const db = await openDb();
    const [rows, written, first, raw, tree] = await db.batch([
      db.select({ name: users.name }).from(users).where(eq(users.id, 1)),
      db.insert(posts).values({ userId: 2, title: 'c' }),
      db.insert(posts).values({ userId: 2, title: 'd' }).returning(),
      db.all<{ n: number }>(sql`select 1 as n`),
      db.query.users.findFirst({ with: { posts: true } }),
    ]);
    expect(rows[0]?.name).toBe('Ada');
    expect(written.rowsAffected).toBe(1);
    expect(first[0]?.title).toBe('d');
    expect(raw).toEqual([{ n: 1 }]);
    expect(tree?.posts).toHaveLength(2);
    const outcomes = await db.batch([db.insert(users).values({ name: 'Ada' }), db.select().from(posts)], {
      atomic: false,
    });
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    await expect(
      db.batch([db.delete(posts), db.insert(users).values({ name: 'Ada' })]),
    ).rejects.toMatchObject({ statementIndex: 1 });
    expect(await db.$count(posts)).toBe(4);
  });
});

describe('errors', () => {
  it('are wrapped once, with ours as the cause and no parameter told', async () => {
    const db = await openDb();
    const error: unknown = await db
      .insert(users)
      .values([{ name: 'top secret' }, { name: 'top secret' }])
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DrizzleQueryError);
    const { cause, params } = error as DrizzleQueryError;
    expect(cause).toBeInstanceOf(ConstraintError);
    expect(params).toContain('top secret');
    for (const shown of [String(error), inspect(error), JSON.stringify(error)])
      expect(shown).not.toContain('secret');
  });
});

class MemoryCache extends Cache {
  readonly entries = new Map<string, unknown[]>();
  readonly mutated: unknown[] = [];
  hits = 0;

  override strategy(): 'explicit' {
    return 'explicit';
  }

  override async get(key: string): Promise<unknown[] | undefined> {
    const entry = this.entries.get(key);
    if (entry !== undefined) this.hits++;
    return entry;
  }

  override async put(key: string, response: unknown[]): Promise<void> {
    this.entries.set(key, response);
  }

  override async onMutate({ tables }: MutationOption): Promise<void> {
    this.mutated.push(tables);
    this.entries.clear();
  }
}

describe('options', () => {
  it('cache results, which stay as they were, and forget them after a write', async () => {
    const cache = new MemoryCache();
    const db = await openDb({ cache });
    const query = (): Promise<{ name: string; admin: boolean }[]> =>
      db.select({ name: users.name, admin: users.admin }).from(users).$withCache();
    const first = await query();
    expect(await query()).toEqual(first);
    expect(await query()).toEqual(first);
    expect(cache.hits).toBe(2);
    await db.delete(users).where(eq(users.id, 2));
    expect(await query()).toEqual([{ name: 'Ada', admin: false }]);
  });

  it('log every query once', async () => {
    const logged: string[] = [];
    const db = await openDb({ logger: { logQuery: (query: string) => logged.push(query) } });
    logged.length = 0;
    await db.select({ id: users.id }).from(users);
    await db.batch([db.select({ id: posts.id }).from(posts)]);
    await db.transaction((tx) => tx.select({ age: users.age }).from(users));
    expect(logged).toEqual([
      'select "id" from "users"',
      'select "id" from "posts"',
      'select "age" from "users"',
    ]);
  });

  it('read from replicas and write to the primary', async () => {
    const [primary, replica] = [await openDb(), await openDb()];
    const db = withReplicas(primary, [replica]);
    await db.insert(posts).values({ userId: 1, title: 'only on the primary' });
    expect(await db.select().from(posts)).toHaveLength(2);
    expect(await primary.select().from(posts)).toHaveLength(3);
  });
});
