import path from 'node:path';
import { eq, relations, sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Kysely, sql as raw } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { drizzle, migrate } from '../../src/dialect/drizzle/index.js';
import { sync, TursoDialect } from '../../src/dialect/kysely/index.js';
import { CapabilityError, MigrationError, TransactionError } from '../../src/index.js';
import { targets } from '../conformance/targets.js';
import { root } from '../package/support.js';
import { collect, failure } from '../support/outcome.js';
import { Migrator } from '../support/kysely-migrator.js';

/** drizzle-kit's folder: two tables, a rebuild of the parent as drizzle-kit writes it, and one written by hand. */
const BLOG = path.join(root, 'test/fixtures/migrations/blog');

const users = sqliteTable('users', {
  id: integer().primaryKey(),
  name: text().notNull(),
  age: integer().notNull().default(0),
});
const posts = sqliteTable('posts', {
  id: integer().primaryKey(),
  userId: integer().notNull(),
  title: text(),
});
const schema = {
  users,
  posts,
  usersRelations: relations(users, ({ many }) => ({ posts: many(posts) })),
  postsRelations: relations(posts, ({ one }) => ({
    user: one(users, { fields: [posts.userId], references: [users.id] }),
  })),
};

interface Tables {
  users: { id: number; name: string; age: number };
}

const beyond = targets.filter(({ name }) => /^(server|client|replica)/.test(name));

describe.each(beyond)('$name', (target) => {
  async function scene() {
    const opened = await target.open();
    onTestFinished(() => opened.close());
    const db = drizzle({ client: opened.database, schema });
    return { ...opened, db };
  }

  it('applies migrations, rebuilds of tables among them, and keeps the rows that reference them', async () => {
    const { db, outside } = await scene();
    expect((await migrate(db, { migrationsFolder: BLOG })).applied).toHaveLength(3);
    expect((await migrate(db, { migrationsFolder: BLOG })).applied).toEqual([]);
    expect(await outside.rows('select count(*) from __drizzle_migrations')).toEqual([[3]]);
    expect(await outside.rows('pragma foreign_keys')).toEqual([[1]]);
    await expect(db.insert(posts).values({ id: 1, userId: 99 })).rejects.toThrow();
  });

  it('applies each migration once when several machines start together', async () => {
    const { database, reopen, outside } = await scene();
    const handles = [database, reopen(), reopen(), reopen()];
    const reports = await Promise.all(
      handles.map((client) => migrate(drizzle({ client }), { migrationsFolder: BLOG })),
    );
    expect(reports.flatMap(({ applied }) => applied)).toHaveLength(3);
    expect(await outside.rows('select count(*) from __drizzle_migrations')).toEqual([[3]]);
  });

  it('keeps nothing of a migration that fails', async () => {
    const { database, outside } = await scene();
    const db = drizzle({ client: database });
    await outside.run('create table posts (mine)');
    await failure(migrate(db, { migrationsFolder: BLOG }), MigrationError);
    expect(await outside.rows("select name from sqlite_schema where name = 'users'")).toEqual([]);
  });

  it("runs Kysely's migrations once when several machines start together", async () => {
    const { database, reopen, outside } = await scene();
    const migrations = {
      one: { up: (db: Kysely<never>) => raw`create table log (id integer primary key)`.execute(db) },
      two: { up: (db: Kysely<never>) => raw`insert into log default values`.execute(db) },
    };
    const results = await Promise.all(
      [database, reopen(), reopen()].map(async (handle) => {
        const db = new Kysely<never>({ dialect: new TursoDialect({ database: handle }) });
        return await new Migrator({
          db,
          provider: { getMigrations: async () => migrations },
        } as never).migrateToLatest();
      }),
    );
    for (const { error } of results) if (error !== undefined) throw error;
    expect(results.flatMap((result) => result.results ?? [])).toHaveLength(2);
    expect(await outside.rows('select count(*) from log')).toEqual([[1]]);
  });

  it('runs relational, prepared and batched queries, and streams', async () => {
    const { db, database } = await scene();
    await migrate(db, { migrationsFolder: BLOG });
    await db.batch([
      db.insert(users).values([
        { id: 1, name: 'Ada' },
        { id: 2, name: 'Bob' },
      ]),
      db.insert(posts).values([
        { id: 1, userId: 1, title: 'a' },
        { id: 2, userId: 1, title: 'b' },
      ]),
    ]);
    expect(await db.query.users.findMany({ with: { posts: { columns: { title: true } } } })).toEqual([
      { id: 1, name: 'Ada', age: 0, posts: [{ title: 'a' }, { title: 'b' }] },
      { id: 2, name: 'Bob', age: 0, posts: [] },
    ]);
    const byName = db
      .select()
      .from(users)
      .where(eq(users.name, sql.placeholder('name')))
      .prepare();
    expect(await byName.get({ name: 'Bob' })).toEqual({ id: 2, name: 'Bob', age: 0 });
    expect(await byName.get({ name: 'Ada' })).toEqual({ id: 1, name: 'Ada', age: 0 });
    const streamed = await collect(database.stream('select id from posts order by id'));
    expect(streamed).toEqual([{ id: 1 }, { id: 2 }]);
    const exclusive = typeof target.features.behaviors.exclusive === 'string';
    if (!exclusive)
      await failure(
        db.transaction(async () => {}, { behavior: 'exclusive' }),
        CapabilityError,
      );
    await db.transaction(
      async (tx) => {
        await tx.update(users).set({ age: 36 }).where(eq(users.id, 1));
        expect(await tx.select({ age: users.age }).from(users).where(eq(users.id, 1))).toEqual([{ age: 36 }]);
      },
      { behavior: exclusive ? 'exclusive' : 'immediate' },
    );
    const kysely = new Kysely<Tables>({ dialect: new TursoDialect({ database }) });
    expect(await kysely.selectFrom('users').select('age').where('id', '=', 1).execute()).toEqual([
      { age: 36 },
    ]);
    const rows = await collect(kysely.selectFrom('users').select('id').orderBy('id').stream());
    expect(rows).toEqual([{ id: 1 }, { id: 2 }]);
  });

  it('is synced from Kysely where there is something to sync', async () => {
    const { database, outside } = await scene();
    const db = new Kysely<Tables>({ dialect: new TursoDialect({ database }) });
    if (target.name !== 'replica') {
      await failure(sync(db), CapabilityError);
      return;
    }
    await outside.run('create table users (id integer primary key, name text, age integer)');
    await outside.run("insert into users values (1, 'Ada', 36)");
    expect((await sync(db)).framesSynced).toBeGreaterThanOrEqual(0);
    expect(await db.selectFrom('users').selectAll().execute()).toHaveLength(1);
    await failure(
      db.transaction().execute((trx) => sync(trx)),
      TransactionError,
    );
  });
});
