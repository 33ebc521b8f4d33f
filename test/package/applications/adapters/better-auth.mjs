// better-auth on Kysely, whose tables its own migrations make, and on Drizzle with the same tables.
import { betterAuth } from 'better-auth';
import { drizzleAdapter } from 'better-auth/adapters/drizzle';
import { getMigrations } from 'better-auth/db/migration';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Kysely } from 'kysely';
import { drizzle } from 'turso-dialect/drizzle';
import { TursoDialect } from 'turso-dialect/kysely';

const options = {
  secret: 'a secret that is only for this test, and long enough',
  baseURL: 'http://localhost:3000',
  emailAndPassword: { enabled: true },
};
const url = 'file:better-auth.db';
const kysely = new Kysely({ dialect: new TursoDialect(url) });
const onKysely = { ...options, database: { db: kysely, type: 'sqlite', transaction: true } };
const { runMigrations } = await getMigrations(onKysely);
await runMigrations();
const pending = (await getMigrations(onKysely)).toBeCreated.length;

const date = (name) => integer(name, { mode: 'timestamp' });
const user = sqliteTable('user', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  email: text('email').notNull().unique(),
  emailVerified: integer('emailVerified', { mode: 'boolean' }).notNull(),
  image: text('image'),
  createdAt: date('createdAt').notNull(),
  updatedAt: date('updatedAt').notNull(),
});
const session = sqliteTable('session', {
  id: text('id').primaryKey(),
  expiresAt: date('expiresAt').notNull(),
  token: text('token').notNull().unique(),
  createdAt: date('createdAt').notNull(),
  updatedAt: date('updatedAt').notNull(),
  ipAddress: text('ipAddress'),
  userAgent: text('userAgent'),
  userId: text('userId').notNull(),
});
const account = sqliteTable('account', {
  id: text('id').primaryKey(),
  accountId: text('accountId').notNull(),
  providerId: text('providerId').notNull(),
  userId: text('userId').notNull(),
  accessToken: text('accessToken'),
  refreshToken: text('refreshToken'),
  idToken: text('idToken'),
  accessTokenExpiresAt: date('accessTokenExpiresAt'),
  refreshTokenExpiresAt: date('refreshTokenExpiresAt'),
  scope: text('scope'),
  password: text('password'),
  createdAt: date('createdAt').notNull(),
  updatedAt: date('updatedAt').notNull(),
});
const verification = sqliteTable('verification', {
  id: text('id').primaryKey(),
  identifier: text('identifier').notNull(),
  value: text('value').notNull(),
  expiresAt: date('expiresAt').notNull(),
  createdAt: date('createdAt'),
  updatedAt: date('updatedAt'),
});
const db = drizzle('file:better-auth-drizzle.db');
for (const { sql } of await kysely
  .selectFrom('sqlite_master')
  .select('sql')
  .where('sql', 'is not', null)
  .execute()) {
  await db.$client.script(sql);
}
const schema = { user, session, account, verification };
const onDrizzle = {
  ...options,
  database: drizzleAdapter(db, { provider: 'sqlite', schema, transaction: true }),
};

async function signUpAndIn(auth) {
  const body = { email: 'ada@example.com', password: 'correct horse', name: 'Ada' };
  const { user: created } = await auth.api.signUpEmail({ body });
  const { token } = await auth.api.signInEmail({ body });
  const wrong = await auth.api
    .signInEmail({ body: { ...body, password: 'wrong' } })
    .catch((error) => error.status);
  const twice = await auth.api.signUpEmail({ body }).catch((error) => error.status);
  return { name: created.name, token: typeof token, wrong, twice };
}
const facts = {
  pending,
  kysely: await signUpAndIn(betterAuth(onKysely)),
  drizzle: await signUpAndIn(betterAuth(onDrizzle)),
  sessions: [
    (await kysely.selectFrom('session').selectAll().execute()).length,
    (await db.select().from(session)).length,
  ],
};
await kysely.destroy();
await db.$client.close();
console.log(`RESULT ${JSON.stringify(facts)}`);
