import path from 'node:path';
import { createClient as createUpstream } from '@libsql/client';
import { sql } from 'drizzle-orm';
import { drizzle as drizzleUpstream } from 'drizzle-orm/libsql';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Client, createClient, LibsqlError } from '../../src/client/index.js';
import { drizzle } from '../../src/dialect/drizzle/index.js';
import { CapabilityError, Database } from '../../src/index.js';
import { temporaryFile } from '../support/database.js';
import { rejection } from '../support/outcome.js';
import { replicaScene } from '../support/replica.js';
import { startSqld } from '../support/sqld.js';
import { SCENARIOS, SETUP } from './scenarios.js';

/** Where the rows and values of our Database differ from those of a client, as docs/values.md says. */
const OTHERWISE = [
  'values of every kind',
  'columns of one name',
  'columns named like an index or the length',
  'a client that is closed',
];

/** Errors are compared by their codes: they have classes and messages of our own. */
function byCode(outcome: unknown): unknown {
  if (typeof outcome !== 'object' || outcome === null) return outcome;
  if (Array.isArray(outcome)) return outcome.map(byCode);
  if (!('name' in outcome && 'rawCode' in outcome)) return outcome;
  const { code, extendedCode, rawCode, statementIndex } = outcome as Record<string, unknown>;
  return { code, extendedCode, rawCode, statementIndex };
}

describe('$client of drizzle(url) does what a client of @libsql/client does', () => {
  const scenarios = Object.entries(SCENARIOS).filter(([name]) => !OTHERWISE.includes(name));

  it.each(scenarios)('%s', async (_, scenario) => {
    const outcomes: unknown[] = [];
    for (const create of [createUpstream, (config: { url: string }): Client => drizzle(config.url).$client]) {
      const client: Client = create({ url: `file:${temporaryFile()}` });
      onTestFinished(() => client.close());
      await client.execute(SETUP);
      outcomes.push(byCode(await scenario(client)));
    }
    expect(outcomes[1]).toEqual(outcomes[0]);
  });

  it('knows its protocol, and is a Database still', async () => {
    const server = await startSqld();
    for (const [url, protocol] of [
      [server.url, 'http'],
      [server.wsUrl, 'ws'],
      [':memory:', 'file'],
    ] as const) {
      const { $client } = drizzle({ connection: { url } });
      expect($client).toBeInstanceOf(Database);
      expect([$client.protocol, $client.closed]).toEqual([protocol, false]);
      expect(await $client.transaction(async (tx) => (await tx.execute('select 1 as a')).rows)).toEqual([
        { a: 1 },
      ]);
      const tx = await $client.transaction('read');
      expect((await tx.execute('select 2 as a')).rows[0]?.[0]).toBe(2);
      tx.close();
      await $client.close();
      expect($client.closed).toBe(true);
    }
  });

  it('syncs a replica, with the names of both', async () => {
    const { open: openReplica, add, folder, proxy } = await replicaScene();
    await openReplica().close();
    const { $client } = drizzle({ connection: { url: path.join(folder, 'own.db'), syncUrl: proxy.url } });
    await add('a');
    const synced = await $client.sync();
    expect(synced).toMatchObject({ frame_no: synced.frameNo, frames_synced: synced.framesSynced });
    expect(synced.frameNo).toBeGreaterThan(0);
    await $client.close();
    $client.reconnect();
    await add('b');
    await $client.sync();
    expect((await $client.execute('select name from items')).rows).toEqual([{ name: 'a' }, { name: 'b' }]);
    await $client.close();
  });

  it('refuses what is neither a callback nor a mode', async () => {
    const { $client } = drizzle(':memory:');
    expect(await rejection($client.transaction('sometimes' as 'read'))).toBeInstanceOf(LibsqlError);
    expect(await rejection($client.sync())).toBeInstanceOf(CapabilityError);
    await $client.close();
  });
});

describe('reconnect() after close()', () => {
  it.each(['the database that Drizzle opened', 'a client that Drizzle was given'])(
    'lets Drizzle go on with %s, as in drizzle-orm/libsql',
    async (kind) => {
      const file = temporaryFile();
      const theirs = drizzleUpstream({ connection: { url: `file:${file}` } });
      const ours =
        kind === 'the database that Drizzle opened' ? drizzle(file) : drizzle(createClient({ url: file }));
      const states: unknown[] = [];
      for (const db of [theirs, ours]) {
        const client: Client = db.$client;
        await db.run(sql`create table if not exists t (a)`);
        client.close();
        states.push(client.closed, (await rejection(db.run(sql`select 1`))) instanceof Error);
        client.reconnect();
        client.reconnect();
        await db.run(sql`insert into t values (1)`);
        states.push(client.closed, await db.get(sql`select count(*) as n from t`));
        client.close();
      }
      expect(states).toEqual([true, true, false, { n: 1 }, true, true, false, { n: 2 }]);
    },
  );
});
