// drizzle-seed fills and empties tables; drizzle-zod checks what is inserted and what comes back.
import { count } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { reset, seed } from 'drizzle-seed';
import { createInsertSchema, createSelectSchema } from 'drizzle-zod';
import { drizzle, vector } from 'turso-dialect/drizzle';

const users = sqliteTable('users', { id: integer().primaryKey(), name: text().notNull(), age: integer() });
const posts = sqliteTable('posts', {
  id: integer().primaryKey(),
  author: integer().references(() => users.id),
  title: text({ length: 100 }).notNull(),
});
const notes = sqliteTable('notes', {
  id: integer().primaryKey(),
  text: text().notNull(),
  embedding: vector({ dimensions: 3 }),
});
const db = drizzle(':memory:', { schema: { users, posts } });
await db.$client.script(`
  create table users (id integer primary key, name text not null, age integer);
  create table posts (id integer primary key, author integer references users(id), title text not null);
  create table notes (id integer primary key, text text not null, embedding f32_blob(3));
`);
await seed(db, { users, posts }, { count: 40, seed: 7 }).refine((f) => ({
  users: { columns: { age: f.int({ minValue: 18, maxValue: 90 }) } },
}));
const rows = async (table) => (await db.select({ n: count() }).from(table))[0].n;
const seeded = [await rows(users), await rows(posts)];
const orphans = await db.get('select count(*) as n from posts where author not in (select id from users)');
await reset(db, { users, posts });

const given = { text: 'hello', embedding: Float32Array.of(1, 2, 3) };
await db.insert(notes).values(createInsertSchema(notes).parse(given));
const [note] = await db.select().from(notes);
const read = createSelectSchema(notes).parse(note);
const facts = {
  seeded,
  orphans,
  left: [await rows(users), await rows(posts)],
  read: { ...read, embedding: [...read.embedding] },
  refused: !createInsertSchema(notes).safeParse({ text: 5 }).success,
};
await db.$client.close();
console.log(`RESULT ${JSON.stringify(facts)}`);
