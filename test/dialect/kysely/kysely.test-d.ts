import type { Client } from '@libsql/client';
import type { LibsqlDialectConfig as UpstreamDialectConfig } from '@libsql/kysely-libsql';
import {
  type ControlledTransaction,
  type DeleteResult,
  type Generated,
  type InsertResult,
  type Kysely,
  type QueryResult,
  sql,
  type Transaction,
} from 'kysely';
import { expectTypeOf, test } from 'vitest';
import {
  batch,
  inBehavior,
  json,
  LibsqlDialect,
  type LibsqlDialectConfig,
  sync,
  TursoDialect,
  type TursoDialectConfig,
  TursoTypesPlugin,
  transaction,
} from '../../../src/dialect/kysely/index.js';
import { createClient } from '../../../src/client/index.js';
import type { BatchOutcome, Database, SyncResult } from '../../../src/index.js';

interface Tables {
  users: { id: Generated<number>; name: string };
}

declare const db: Kysely<Tables>;
declare const upstreamConfig: UpstreamDialectConfig;

test('the dialect takes what LibsqlDialect takes', () => {
  const ours = createClient({ url: ':memory:' });
  expectTypeOf(ours).toExtend<Client>();
  const configs: LibsqlDialectConfig[] = [{ url: ':memory:', authToken: '' }, { client: ours }];
  expectTypeOf(LibsqlDialect).toBeConstructibleWith(configs[0] as LibsqlDialectConfig);
  expectTypeOf(TursoDialect).toBeConstructibleWith({ client: ours });
  if ('client' in upstreamConfig) expectTypeOf(LibsqlDialect).toBeConstructibleWith(upstreamConfig);
});
declare const trx: Transaction<Tables>;
declare const controlled: ControlledTransaction<Tables, ['a']>;

declare const client: Client;

test('a client that was made elsewhere is taken', () => {
  expectTypeOf({ client }).toExtend<TursoDialectConfig>();
});

test('handles keep their tables', () => {
  expectTypeOf(inBehavior(db, 'exclusive')).toEqualTypeOf<Kysely<Tables>>();
  expectTypeOf(transaction(db, async (inner) => inner)).resolves.toEqualTypeOf<Transaction<Tables>>();
  expectTypeOf(transaction(trx, async (inner) => inner)).resolves.toEqualTypeOf<Transaction<Tables>>();
  expectTypeOf(transaction(controlled, async () => 1)).resolves.toEqualTypeOf<number>();
  expectTypeOf(sync(db)).resolves.toEqualTypeOf<SyncResult>();
});

test('a batch is a tuple of what execute() gives', () => {
  const results = batch(db, [
    db.selectFrom('users').select('name'),
    db.insertInto('users').values({ name: 'a' }),
    db.insertInto('users').values({ name: 'a' }).returning('id'),
    db.deleteFrom('users'),
    sql<{ one: 1 }>`select 1 as one`,
    db.selectFrom('users').select('id').compile(),
    db.schema.dropTable('users'),
  ]);
  expectTypeOf(results).resolves.toEqualTypeOf<
    [
      { name: string }[],
      InsertResult[],
      { id: number }[],
      DeleteResult[],
      QueryResult<{ one: 1 }>,
      { id: number }[],
      void,
    ]
  >();
  expectTypeOf(batch(trx, [trx.selectFrom('users').select('id')], { atomic: false })).resolves.toEqualTypeOf<
    [BatchOutcome<{ id: number }[]>]
  >();
});

test('configs', () => {
  expectTypeOf<string>().toExtend<TursoDialectConfig>();
  expectTypeOf<{ url: string; busyTimeout: number }>().toExtend<TursoDialectConfig>();
  expectTypeOf<{ database: Database }>().toExtend<TursoDialectConfig>();
  expectTypeOf<() => Promise<{ url: string }>>().toExtend<TursoDialectConfig>();
  expectTypeOf(LibsqlDialect).toEqualTypeOf<typeof TursoDialect>();
});

test('what is wrong does not compile', () => {
  // @ts-expect-error -- no such column
  void db.selectFrom('users').select('nam');
  // @ts-expect-error -- not a string
  void db.insertInto('users').values({ name: 1 });
  // @ts-expect-error -- no such behavior
  void inBehavior(db, 'exclusiv');
  // @ts-expect-error -- no such behavior
  void transaction(db, async () => 1, { behavior: 'now' });
  // @ts-expect-error -- no such column in the transaction
  void transaction(db, (inner) => inner.selectFrom('users').select('nam').execute());
  // @ts-expect-error -- no such option
  void batch(db, [], { atomicly: true });
  // @ts-expect-error -- not a query
  void batch(db, [1]);
  // @ts-expect-error -- no such key
  void new TursoDialect({ url: ':memory:', busyTimout: 1 });
  // @ts-expect-error -- no such behavior
  void new TursoDialect({ url: ':memory:', transactionBehavior: 'now' });
  // @ts-expect-error -- no such kind
  void new TursoTypesPlugin({ columns: { a: 'datetime' } });
  expectTypeOf(json({ a: 1 }).$castTo<string>()).not.toBeAny();
});
