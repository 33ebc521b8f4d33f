import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { count, eq, is, relations, sql } from 'drizzle-orm';
import { Cache, type MutationOption } from 'drizzle-orm/cache/core';
import { drizzle as drizzleUpstream, type LibSQLDatabase } from 'drizzle-orm/libsql';
import { migrate } from 'drizzle-orm/libsql/migrator';
import {
  BaseSQLiteDatabase,
  integer,
  SQLiteTransaction,
  sqliteTable,
  text,
  withReplicas,
} from 'drizzle-orm/sqlite-core';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { drizzle } from '../../../src/dialect/drizzle/index.js';
import { temporaryFile } from '../../support/database.js';

// What adapters and applications use of drizzle-orm/libsql besides its builders, on that driver and on ours.

const users = sqliteTable('users', { id: integer().primaryKey(), name: text().notNull() });
const posts = sqliteTable('posts', { id: integer().primaryKey(), userId: integer('user_id') });
const schema = {
  users,
  posts,
  userRelations: relations(users, ({ many }) => ({ posts: many(posts) })),
  postRelations: relations(posts, ({ one }) => ({
    user: one(users, { fields: [posts.userId], references: [users.id] }),
  })),
};

type DB = LibSQLDatabase<typeof schema> & { $client: { close(): unknown } };

/** A database with what Drizzle declares as internal or protected, and adapters read. */
interface Inside {
  readonly session: Record<string, (...parameters: unknown[]) => unknown>;
  readonly dialect: { sqlToQuery(query: unknown): { sql: string; params: unknown[] } };
  readonly resultKind: string;
  readonly _: Record<string, unknown>;
  readonly schema?: { readonly fullSchema: unknown };
}

const inside = (db: unknown): Inside => db as Inside;

interface Way {
  readonly make: (config?: object) => DB;
  readonly mock: () => DB;
}

const ways: readonly Way[] = [
  {
    make: (config) => drizzleUpstream(`file:${temporaryFile()}`, { schema, ...config }),
    mock: () => drizzleUpstream.mock({ schema }) as unknown as DB,
  },
  {
    make: (config) => drizzle(`file:${temporaryFile()}`, { schema, ...config }) as unknown as DB,
    mock: () => drizzle.mock({ schema }) as unknown as DB,
  },
];

async function filled(way: Way, config?: object): Promise<DB> {
  const db = way.make(config);
  onTestFinished(async () => void (await db.$client.close()));
  await db.run(sql`create table users (id integer primary key, name text not null)`);
  await db.run(sql`create table posts (id integer primary key, user_id integer)`);
  await db.insert(users).values([
    { id: 1, name: 'Ada' },
    { id: 2, name: 'Bob' },
  ]);
  await db.insert(posts).values({ id: 1, userId: 1 });
  return db;
}

class Memory extends Cache {
  readonly log: unknown[] = [];
  readonly #results = new Map<string, unknown[]>();
  override strategy(): 'all' {
    return 'all';
  }
  override async get(key: string): Promise<unknown[] | undefined> {
    const found = this.#results.get(key);
    this.log.push(found === undefined ? 'miss' : 'hit');
    return found;
  }
  override async put(key: string, result: unknown[], tables: string[]): Promise<void> {
    this.log.push(['put', tables]);
    this.#results.set(key, result);
  }
  override async onMutate({ tags, tables }: MutationOption): Promise<void> {
    this.log.push([
      tags,
      tables && [tables].flat().map((table) => (typeof table === 'string' ? table : 'table')),
    ]);
    this.#results.clear();
  }
}

const folder = mkdtempSync(path.join(tmpdir(), 'turso-dialect-migrations-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
mkdirSync(path.join(folder, 'meta'));
writeFileSync(
  path.join(folder, 'meta/_journal.json'),
  JSON.stringify({
    version: '7',
    dialect: 'sqlite',
    entries: [{ idx: 0, version: '6', when: 1, tag: '0000_a', breakpoints: true }],
  }),
);
writeFileSync(
  path.join(folder, '0000_a.sql'),
  'create table a (b);\n--> statement-breakpoint\ncreate table c (d);',
);

const SCENES: Readonly<Record<string, (way: Way) => Promise<unknown>>> = {
  'what a database and a transaction hold': async (way) => {
    const db = await filled(way);
    const look = (one: object): unknown => {
      const { session, dialect, resultKind, _, schema: known } = inside(one);
      return [typeof session, typeof dialect, resultKind, _, known && Object.keys(known), 'query' in one];
    };
    return await db.transaction(async (tx) => [
      ...[look(db), look(tx), is(db, BaseSQLiteDatabase), is(tx, SQLiteTransaction)],
      ...[inside(tx).schema?.fullSchema === schema, await tx.$count(users)],
      await tx.transaction(async (inner) => look(inner)),
    ]);
  },
  'a session and its dialect': async (way) => {
    const { session, dialect } = inside(await filled(way));
    const query = sql`select ${users.id}, ${users.name} from ${users} where ${users.id} > ${0}`;
    const { sql: written, params } = dialect.sqlToQuery(query);
    const prepared = session['prepareQuery']?.({ sql: written, params }, undefined, 'all', false) as Record<
      string,
      () => unknown
    >;
    return [
      ...[
        written,
        params,
        await session['all']?.(query),
        await session['get']?.(query),
        await session['count']?.(sql`select count(*) from users`),
      ],
      ...[await prepared['all']?.(), await prepared['get']?.()],
      ...((await session['batch']?.([])) as unknown[]),
      await session['transaction']?.(async (tx: DB) => await tx.$count(users)),
    ];
  },
  $count: async (way) => {
    const db = await filled(way);
    const ofUser = db.$count(posts, eq(posts.userId, users.id));
    return [
      ...[await db.$count(users), await db.$count(users, eq(users.id, 1))],
      await db.select({ id: users.id, posts: ofUser }).from(users),
      await db.query.users.findMany({
        columns: { id: true },
        with: { posts: true },
        extras: { up: sql<string>`upper(${users.name})`.as('up') },
      }),
    ];
  },
  withReplicas: async (way) => {
    const [primary, replica] = [await filled(way), await filled(way)];
    await primary.delete(users);
    const db = withReplicas(primary, [replica]);
    await db.insert(users).values({ id: 9, name: 'Eve' });
    return [
      ...[
        await db.select({ n: count() }).from(users),
        await db.$count(users),
        await db.query.users.findMany(),
      ],
      ...[await db.$primary.$count(users), (db as { $replicas?: unknown[] }).$replicas?.length],
      await db.transaction(async (tx) => await tx.$count(users)),
    ];
  },
  'a cache': async (way) => {
    const cache = new Memory();
    const db = await filled(way, { cache });
    const names = (): Promise<unknown> => Promise.resolve(db.select({ name: users.name }).from(users));
    const first = [await names(), await names()];
    await db.update(users).set({ name: 'Cleo' }).where(eq(users.id, 1));
    first.push(await names());
    await db.select().from(users).$withCache(false);
    await db.$cache.invalidate({ tables: users });
    await db.$cache.invalidate({ tags: 'x' });
    await db.select().from(users).$withCache({ tag: 'x' });
    return [first, cache.log];
  },
  'mock()': async (way) => {
    const db = way.mock();
    const run = await db
      .select()
      .from(users)
      .then(
        () => 'ran',
        () => 'refused',
      );
    return [
      db.select().from(users).toSQL(),
      db.insert(users).values({ name: 'a' }).toSQL(),
      Object.keys(db.query),
      run,
    ];
  },
  'the migrator of drizzle-orm': async (way) => {
    const db = way.make();
    onTestFinished(async () => void (await db.$client.close()));
    for (const migrationsTable of [undefined, undefined, 'mine']) {
      const names = migrationsTable === undefined ? {} : { migrationsTable };
      await migrate(db, { migrationsFolder: folder, ...names }).catch(() => 'it is there');
    }
    return [
      await db.all(sql`select name from sqlite_master order by name`),
      await db.all(sql`select id, created_at from __drizzle_migrations`),
    ];
  },
  'a batch of raw SQL': async (way) => {
    const db = await filled(way);
    const [run, all, get, inserted, updated, found] = await db.batch([
      ...([
        db.run(sql.raw('select 1 as a')),
        db.all(sql.raw('select 2 as b')),
        db.get(sql.raw('select 3 as c')),
      ] as const),
      db.insert(users).values({ id: 6, name: 'x' }).returning(),
      db.update(users).set({ name: 'y' }).where(eq(users.id, 6)),
      db.query.users.findFirst({ columns: { name: true }, where: eq(users.id, 6) }),
    ]);
    return [run.rows, run.columns, all, get, inserted, updated.rowsAffected, found];
  },
};

it.each(Object.entries(SCENES))('%s is as in drizzle-orm/libsql', async (_, scene) => {
  const [theirs, ours] = [await scene(ways[0] as Way), await scene(ways[1] as Way)];
  expect(ours).toEqual(theirs);
});
