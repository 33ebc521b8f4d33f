import type { Client } from '@libsql/client';
import type { Client as CompatClient } from '@tursodatabase/serverless/compat';
import { sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { expectTypeOf, test } from 'vitest';
import { drizzle } from '../../../src/dialect/drizzle/index.js';
import type { Database, ResultSet } from '../../../src/index.js';

const users = sqliteTable('users', { id: integer().primaryKey(), name: text().notNull() });
const db = drizzle.mock({ schema: { users } });
const real = (): ReturnType<typeof drizzle<{ users: typeof users }>> =>
  drizzle(':memory:', { schema: { users } });

test('results are inferred as by Drizzle itself', () => {
  expectTypeOf(db.select().from(users)).resolves.toEqualTypeOf<{ id: number; name: string }[]>();
  expectTypeOf(db.insert(users).values({ name: 'a' })).resolves.toEqualTypeOf<ResultSet>();
  expectTypeOf<ReturnType<typeof real>['$client']>().toEqualTypeOf<Database>();
});

declare const clients: readonly [Client, CompatClient];

test('a client that was made elsewhere is taken, in every form', () => {
  const [own, compat] = clients;
  expectTypeOf(drizzle).toBeCallableWith(own);
  expectTypeOf(drizzle).toBeCallableWith(own, { schema: { users } });
  expectTypeOf(drizzle).toBeCallableWith({ client: own });
  expectTypeOf(drizzle).toBeCallableWith({ client: compat, schema: { users } });
});

test('a batch is a tuple', () => {
  const batch = db.batch([
    db.select().from(users),
    db.insert(users).values({ name: 'a' }),
    db.all<{ n: 1 }>(sql``),
  ]);
  expectTypeOf(batch).resolves.toEqualTypeOf<[{ id: number; name: string }[], ResultSet, { n: 1 }[]]>();
});

test('a stream gives rows', () => {
  expectTypeOf(db.stream(db.select({ name: users.name }).from(users))).toEqualTypeOf<
    AsyncGenerator<{ name: string }, void, undefined>
  >();
  expectTypeOf(db.stream(db.query.users.findMany())).toEqualTypeOf<
    AsyncGenerator<{ id: number; name: string }, void, undefined>
  >();
});

test('what is wrong does not compile', () => {
  // @ts-expect-error -- no such column
  void db.insert(users).values({ nam: 'a' });
  // @ts-expect-error -- not a string
  void db.insert(users).values({ name: 1 });
  // @ts-expect-error -- no such behavior
  void db.transaction(async () => {}, { behavior: 'sometimes' });
  // @ts-expect-error -- no such key
  void drizzle({ connection: { url: ':memory:', buzyTimeout: 1 } });
});
