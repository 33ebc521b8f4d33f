import type * as theirs from '@libsql/client';
import { LibsqlError as TheirError } from '@libsql/client';
import { drizzle as drizzleUpstream } from 'drizzle-orm/libsql';
import { Kysely } from 'kysely';
import { open } from 'turso-dialect';
import * as ours from 'turso-dialect/client';
import { drizzle } from 'turso-dialect/drizzle';
import { LibsqlDialect, TursoDialect } from 'turso-dialect/kysely';

// Only compiled: what @libsql/client declares and what turso-dialect declares are used for each other, in both directions.

type Both<T, U> = [T] extends [U]
  ? [U] extends [T]
    ? true
    : 'the second is not the first'
  : 'the first is not the second';

export const same: [
  Both<theirs.Client, ours.Client>,
  Both<theirs.Config, ours.Config>,
  Both<theirs.ResultSet, ours.ResultSet>,
  Both<theirs.Row, ours.Row>,
  Both<theirs.Value, ours.Value>,
  Both<theirs.InValue, ours.InValue>,
  Both<theirs.InArgs, ours.InArgs>,
  Both<theirs.InStatement, ours.InStatement>,
  Both<theirs.Transaction, ours.Transaction>,
  Both<theirs.TransactionMode, ours.TransactionMode>,
  Both<theirs.IntMode, ours.IntMode>,
  Both<theirs.Replicated, ours.Replicated>,
  Both<theirs.LibsqlError, ours.LibsqlError>,
  Both<theirs.LibsqlBatchError, ours.LibsqlBatchError>,
] = [true, true, true, true, true, true, true, true, true, true, true, true, true, true];

declare const config: theirs.Config;
declare const ownConfig: ours.Config;
declare function asksForTheirConfig(config: theirs.Config): void;
declare function asksForTheirClient(client: theirs.Client): void;
declare function asksForTheirError(error: theirs.LibsqlError): void;

export function configs(): void {
  ours.createClient(config);
  drizzle({ connection: config });
  drizzle({ connection: { ...config, url: new URL('file:///a.db') } });
  open(config);
  new Kysely({ dialect: new LibsqlDialect(config) });
  new Kysely({ dialect: new TursoDialect(config) });
  asksForTheirConfig(ownConfig);
  asksForTheirConfig({ url: ':memory:', busyTimeout: 5 } as ours.Config);
  // What is passed as a literal has its keys checked, and the parameters of a function their types.
  ours.createClient({
    url: ':memory:',
    offline: false,
    concurrency: 0,
    fetch: (input, init) => fetch(input, init),
  });
  // @ts-expect-error a misspelt key
  ours.createClient({ url: ':memory:', authTokn: 'x' });
}

export function clients(): void {
  asksForTheirClient(ours.createClient(config));
  asksForTheirClient(drizzle({ client: ours.createClient(config) }).$client);
  asksForTheirClient(drizzle(':memory:').$client);
  asksForTheirClient(drizzle({ connection: config }).$client);
  drizzleUpstream(ours.createClient(config));
  drizzleUpstream({ client: drizzle(':memory:').$client });
}

export async function clientOfDrizzle(): Promise<void> {
  const { $client } = drizzle(':memory:');
  // It is our Database first: rows by name, and what the Client lacks.
  const { rows } = await $client.execute<{ a: number }>('select 1 as a');
  console.log(rows[0]?.a.toFixed(), $client.prepare('select 1'), $client.protocol, $client.closed);
  await $client.executeMultiple('create table t (a)');
  const tx: theirs.Transaction = await $client.transaction('write');
  tx.close();
  console.log(await $client.transaction(async (inner) => (await inner.execute('select 1')).rows.length));
  const replicated: theirs.Replicated = await $client.sync();
  console.log(replicated?.frame_no);
  $client.reconnect();
  await $client.close();
}

export function errors(error: unknown): void {
  if (error instanceof ours.LibsqlError) asksForTheirError(error);
  const own: ours.LibsqlError = new TheirError('x', 'SQLITE_ERROR');
  console.log(own.code);
}
