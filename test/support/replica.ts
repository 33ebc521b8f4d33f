import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Client, createClient } from '@libsql/client/web';
import { onTestFinished } from 'vitest';
import { type Config, type Database, open } from '../../src/index.js';
import { startThreadProxy, type ThreadProxy } from './proxy.js';
import { type Sqld, type SqldOptions, startSqld } from './sqld.js';

/** A server with a table `items (id, name)` behind a proxy, and a folder for its replicas. */
export interface ReplicaScene {
  readonly sqld: Sqld;
  readonly proxy: ThreadProxy;
  /** Talks to the server past the proxy. */
  readonly outside: Client;
  readonly folder: string;
  /** Opens a replica, closed when the test ends; the same file for the same name. */
  open(config?: Partial<Config> & { readonly name?: string }): Database;
  /** Adds a row past every replica. */
  add(...names: string[]): Promise<void>;
}

/** Starts a server for a test. */
export async function replicaScene(
  options: SqldOptions & { readonly token?: string } = {},
): Promise<ReplicaScene> {
  const sqld = await startSqld(options);
  const proxy = await startThreadProxy(sqld.port);
  const folder = mkdtempSync(path.join(tmpdir(), 'turso-dialect-replica-'));
  const outside = createClient({
    url: sqld.url,
    ...(options.token === undefined ? {} : { authToken: options.token }),
  });
  await outside.execute('create table items (id integer primary key, name text not null)');
  const handles: Database[] = [];
  onTestFinished(async () => {
    await Promise.all(handles.map((handle) => handle.close()));
    outside.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    sqld,
    proxy,
    outside,
    folder,
    open: ({ name = 'replica', ...config } = {}) => {
      const handle = open({ url: path.join(folder, `${name}.db`), syncUrl: proxy.url, ...config });
      handles.push(handle);
      return handle;
    },
    add: async (...names) => {
      await outside.batch(
        names.map((name) => ({ sql: 'insert into items (name) values (?)', args: [name] })),
      );
    },
  };
}

/** The names in the table as a handle sees them. */
export async function namesIn(database: Pick<Database, 'execute'>): Promise<unknown[]> {
  const { rows } = await database.execute('select name from items order by id', [], { rowMode: 'array' });
  return rows.flat();
}
