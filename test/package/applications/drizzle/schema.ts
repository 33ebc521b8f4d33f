import { relations, sql } from 'drizzle-orm';
import {
  blob,
  customType,
  index,
  integer,
  primaryKey,
  real,
  sqliteTable,
  sqliteView,
  text,
  uniqueIndex,
} from 'drizzle-orm/sqlite-core';

/** An embedding, as the guides of Turso write it. */
export const embedding = customType<{ data: number[]; driverData: Buffer; config: { dimensions: number } }>({
  dataType: (config) => `F32_BLOB(${config?.dimensions ?? 3})`,
  toDriver: (value) => Buffer.from(new Float32Array(value).buffer),
  // A driver gives an ArrayBuffer or a view of one.
  fromDriver: (value) => Array.from(new Float32Array(ArrayBuffer.isView(value) ? value.buffer : value)),
});

export const users = sqliteTable(
  'users',
  {
    id: integer('id').primaryKey({ autoIncrement: true }),
    email: text('email').notNull(),
    name: text('name').notNull(),
    role: text('role', { enum: ['admin', 'member'] })
      .notNull()
      .default('member'),
    active: integer('active', { mode: 'boolean' }).notNull().default(true),
    settings: text('settings', { mode: 'json' }).$type<{ theme: string; tags?: string[] }>(),
    score: real('score'),
    createdAt: integer('created_at', { mode: 'timestamp' })
      .notNull()
      .$defaultFn(() => new Date(1_700_000_000_000)),
  },
  (table) => [uniqueIndex('users_email').on(table.email), index('users_role').on(table.role)],
);

export const posts = sqliteTable('posts', {
  id: integer('id').primaryKey(),
  authorId: integer('author_id')
    .notNull()
    .references(() => users.id, { onDelete: 'cascade' }),
  title: text('title').notNull(),
  body: text('body'),
  views: integer('views').notNull().default(0),
  publishedAt: integer('published_at', { mode: 'timestamp_ms' }),
  embedding: embedding('embedding', { dimensions: 3 }),
});

export const tags = sqliteTable('tags', {
  id: integer('id').primaryKey(),
  label: text('label').notNull().unique(),
});

export const postTags = sqliteTable(
  'post_tags',
  {
    postId: integer('post_id')
      .notNull()
      .references(() => posts.id),
    tagId: integer('tag_id')
      .notNull()
      .references(() => tags.id),
  },
  (table) => [primaryKey({ columns: [table.postId, table.tagId] })],
);

export const files = sqliteTable('files', {
  name: text('name').primaryKey(),
  size: blob('size', { mode: 'bigint' }).notNull(),
  data: blob('data', { mode: 'buffer' }).notNull(),
});

export const activeUsers = sqliteView('active_users').as((qb) =>
  qb.select({ id: users.id, name: users.name }).from(users).where(sql`${users.active} = 1`),
);

export const usersRelations = relations(users, ({ many }) => ({ posts: many(posts) }));
export const postsRelations = relations(posts, ({ one, many }) => ({
  author: one(users, { fields: [posts.authorId], references: [users.id] }),
  tags: many(postTags),
}));
export const postTagsRelations = relations(postTags, ({ one }) => ({
  post: one(posts, { fields: [postTags.postId], references: [posts.id] }),
  tag: one(tags, { fields: [postTags.tagId], references: [tags.id] }),
}));
