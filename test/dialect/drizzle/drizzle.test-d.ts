import type { Client, ResultSet as ClientResultSet } from '@libsql/client';
import type { Client as CompatClient } from '@tursodatabase/serverless/compat';
import { type ExtractTablesWithRelations, sql } from 'drizzle-orm';
import type {
  LibSQLDatabase as UpstreamDatabase,
  LibSQLTransaction as UpstreamTransaction,
} from 'drizzle-orm/libsql';
import {
  type BaseSQLiteDatabase,
  blob,
  customType,
  integer,
  type SQLiteTransaction,
  sqliteTable,
  text,
} from 'drizzle-orm/sqlite-core';
import { expectTypeOf, test } from 'vitest';
import { type Client as OurClient, createClient, type TursoClient } from '../../../src/client/index.js';
import {
  drizzle,
  type DatabaseClient,
  type LibSQLDatabase,
  type LibSQLTransaction,
  nearest,
  recall,
  type RunResult,
  vector,
  vectorIndex,
} from '../../../src/dialect/drizzle/index.js';

const users = sqliteTable('users', { id: integer().primaryKey(), name: text().notNull() });
const db = drizzle.mock({ schema: { users } });
const real = (): ReturnType<typeof drizzle<{ users: typeof users }>> =>
  drizzle(':memory:', { schema: { users } });

test('results are inferred as by Drizzle itself', () => {
  expectTypeOf(db.select().from(users)).resolves.toEqualTypeOf<{ id: number; name: string }[]>();
  expectTypeOf(db.insert(users).values({ name: 'a' })).resolves.toEqualTypeOf<RunResult>();
  expectTypeOf<ReturnType<typeof real>['$client']>().toEqualTypeOf<DatabaseClient>();
});

declare const clients: readonly [Client, CompatClient];

test('a client that was made elsewhere is taken, in every form', () => {
  const [own, compat] = clients;
  expectTypeOf(drizzle).toBeCallableWith(own);
  expectTypeOf(drizzle).toBeCallableWith(own, { schema: { users } });
  expectTypeOf(drizzle).toBeCallableWith({ client: own });
  expectTypeOf(drizzle).toBeCallableWith({ client: compat, schema: { users } });
});

test('$client is the client that was given', () => {
  const [own, compat] = clients;
  const ours = createClient({ url: ':memory:' });
  expectTypeOf(drizzle(own).$client).toEqualTypeOf<Client>();
  expectTypeOf(drizzle({ client: compat }).$client).toEqualTypeOf<CompatClient>();
  expectTypeOf(drizzle({ client: ours, schema: { users } }).$client).toEqualTypeOf<TursoClient>();
  expectTypeOf(drizzle(ours, { schema: { users } }).$client).toEqualTypeOf<TursoClient>();
  expectTypeOf(drizzle({ connection: { url: ':memory:' } }).$client).toEqualTypeOf<DatabaseClient>();
  expectTypeOf(drizzle<{ users: typeof users }>({ client: own }).$client.close).toBeFunction();
});

interface Helpers {
  base(db: BaseSQLiteDatabase<'async', ClientResultSet, Schema>): void;
  anyBase(db: BaseSQLiteDatabase<'async', unknown, Schema>): void;
  upstream(db: UpstreamDatabase<Schema>): void;
  upstreamTransaction(tx: UpstreamTransaction<Schema, ExtractTablesWithRelations<Schema>>): void;
  baseTransaction(
    tx: SQLiteTransaction<'async', ClientResultSet, Schema, ExtractTablesWithRelations<Schema>>,
  ): void;
  named(db: LibSQLDatabase<Schema>): void;
  namedTransaction(tx: LibSQLTransaction<Schema, ExtractTablesWithRelations<Schema>>): void;
  parameters(tx: Parameters<Parameters<LibSQLDatabase<Schema>['transaction']>[0]>[0]): void;
  either(
    db: UpstreamDatabase<Schema> | UpstreamTransaction<Schema, ExtractTablesWithRelations<Schema>>,
  ): void;
}
type Schema = { users: typeof users };
declare const helpers: Helpers;

test('a database and a transaction are those of drizzle-orm/libsql too', () => {
  const database = drizzle(':memory:', { schema: { users } });
  const onClient = drizzle(clients[0], { schema: { users } });
  for (const one of [database, onClient]) {
    helpers.base(one);
    helpers.anyBase(one);
    helpers.upstream(one);
    helpers.named(one);
    helpers.either(one);
    void one.transaction(async (tx) => {
      helpers.base(tx);
      helpers.baseTransaction(tx);
      helpers.upstreamTransaction(tx);
      helpers.namedTransaction(tx);
      helpers.parameters(tx);
      helpers.either(tx);
    });
  }
  expectTypeOf<RunResult>().toExtend<ClientResultSet>();
  expectTypeOf<ClientResultSet>().toExtend<RunResult>();
});

test('a client is one of @libsql/client, and the other way round', () => {
  expectTypeOf<TursoClient>().toExtend<Client>();
  expectTypeOf<OurClient>().toEqualTypeOf<Client>();
});

const texts = sqliteTable('texts', {
  name: text(),
  size: integer(),
  bytes: blob({ mode: 'buffer' }),
  ours: vector({ dimensions: 3 }),
  own: customType<{ data: number[]; driverData: Buffer }>({ dataType: () => 'F32_BLOB(3)' })(),
});

test('only columns of vectors are searched and indexed', () => {
  void nearest(db, texts.ours, [1, 2, 3]);
  void nearest(db, texts.own, [1, 2, 3]);
  vectorIndex('a').on(texts.ours);
  vectorIndex('a').on(texts.own);
  // @ts-expect-error -- text
  void nearest(db, texts.name, [1, 2, 3]);
  // @ts-expect-error -- a number
  void recall(db, texts.size);
  // @ts-expect-error -- text
  vectorIndex('a').on(texts.name);
  // @ts-expect-error -- any bytes
  vectorIndex('a').on(texts.bytes);
});

test('a batch is a tuple', () => {
  const batch = db.batch([
    db.select().from(users),
    db.insert(users).values({ name: 'a' }),
    db.all<{ n: 1 }>(sql``),
  ]);
  expectTypeOf(batch).resolves.toEqualTypeOf<[{ id: number; name: string }[], RunResult, { n: 1 }[]]>();
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
