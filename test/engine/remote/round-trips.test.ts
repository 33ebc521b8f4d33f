import { createClient } from '@libsql/client';
import { expect, it, onTestFinished } from 'vitest';
import { fromClient } from '../../../src/database/from-client.js';
import { type Database, open } from '../../../src/index.js';
import { type Proxy, startProxy } from '../../support/proxy.js';
import { startSqld } from '../../support/sqld.js';

/** A server behind a proxy that counts, with a table and a connection that is warm. */
async function scene(protocol: Protocol): Promise<{ database: Database; proxy: Proxy }> {
  const sqld = await startSqld();
  const proxy = await startProxy(sqld.port);
  const url = protocol.endsWith('http') ? proxy.url : proxy.wsUrl;
  const client = protocol.startsWith('client') ? createClient({ url }) : undefined;
  const database = client === undefined ? open(url) : fromClient(client);
  onTestFinished(async () => {
    await database.close();
    client?.close();
  });
  await database.execute('create table items (id integer primary key, name text)');
  // The first transaction opens a connection, and learns the server's version.
  await database.transaction((tx) => tx.execute('select 1'));
  proxy.reset();
  return { database, proxy };
}

type Protocol = (typeof PROTOCOLS)[number];
const PROTOCOLS = ['http', 'ws', 'client http', 'client ws'] as const;

it.each(PROTOCOLS)('%s: a statement is one round trip', async (protocol) => {
  const { database, proxy } = await scene(protocol);
  await database.execute('insert into items (name) values (:name)', { name: 'a' });
  expect(proxy.roundTrips).toBe(1);
  await database.execute('select * from items');
  expect(proxy.roundTrips).toBe(2);
});

it.each(PROTOCOLS)(
  '%s: a batch of 50 statements is one round trip, with every behavior',
  async (protocol) => {
    const { database, proxy } = await scene(protocol);
    const statements = Array.from({ length: 50 }, (_, i) => ({
      sql: 'insert into items (name) values (?)',
      args: [`item ${i}`],
    }));
    for (const behavior of ['deferred', 'immediate', 'exclusive'] as const) {
      proxy.reset();
      await database.batch(statements, { behavior });
      expect(proxy.roundTrips).toBe(1);
    }
    proxy.reset();
    await database.batch(
      Array.from({ length: 50 }, () => 'select count(*) from items'),
      { behavior: 'read' },
    );
    expect(proxy.roundTrips).toBe(1);
    expect((await database.execute('select count(*) as n from items')).rows).toEqual([{ n: 150 }]);
  },
);

it.each(PROTOCOLS)('%s: a transaction of n statements is n + 1 round trips', async (protocol) => {
  const { database, proxy } = await scene(protocol);
  for (const behavior of ['deferred', 'immediate', 'exclusive', 'read'] as const) {
    proxy.reset();
    await database.transaction(
      async (tx) => {
        for (let i = 0; i < 5; i++) await tx.execute('select * from items where id = ?', [i]);
      },
      { behavior },
    );
    expect([behavior, proxy.roundTrips]).toEqual([behavior, 6]);
  }
});

it.each(PROTOCOLS)('%s: a transaction that runs nothing asks nothing', async (protocol) => {
  const { database, proxy } = await scene(protocol);
  await database.transaction(async () => {});
  expect(proxy.roundTrips).toBe(0);
});
