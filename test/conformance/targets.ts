import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Client, createClient } from '@libsql/client';
import { createClient as createCompatClient } from '@tursodatabase/serverless/compat';
import NativeDatabase from 'libsql';
import { fromClient } from '../../src/database/from-client.js';
import { type Features, featuresOf } from '../../src/features.js';
import { type Config, type Database, open } from '../../src/index.js';
import { type Sqld, startSqld } from '../support/sqld.js';

/** The same data seen without this package. Not awaited statements would hide locks, so all is immediate. */
export interface Outside {
  /** All rows of a query, as arrays. */
  rows(sql: string): Promise<unknown[][]>;
  /** Runs one or more statements and keeps what they do, a transaction that they begin too. */
  run(sql: string): Promise<void>;
  /** Whether running the statement now meets a lock. What it did otherwise is undone. */
  isLocked(sql: string): Promise<boolean>;
}

/** A database that was opened for one test. */
export interface OpenTarget {
  readonly database: Database;
  /** Where nobody can look from outside it looks through `database`. */
  readonly outside: Outside;
  /** Another handle on the same data; only where the target is `shared`. */
  reopen(config?: Partial<Config>): Database;
  close(): Promise<void>;
}

/** An engine with a kind of database that it opens. */
export interface Target {
  readonly name: string;
  /** What the database can do. A case that needs more is asserted to fail with a `CapabilityError`. */
  readonly features: Features;
  /** Opens an empty database that nobody else uses. */
  open(config?: Partial<Config>): Promise<OpenTarget>;
}

const memory: Target = {
  name: 'libsql memory',
  features: featuresOf({ kind: 'memory', path: ':memory:' }),
  async open(config) {
    const database = open({ url: ':memory:', ...config });
    return {
      database,
      outside: throughDatabase(database),
      reopen: () => {
        throw new Error('a memory database can not be opened twice');
      },
      close: () => database.close(),
    };
  },
};

const file: Target = {
  name: 'libsql file',
  features: featuresOf({ kind: 'file', path: '' }),
  async open(config) {
    const folder = mkdtempSync(path.join(tmpdir(), 'turso-conformance-'));
    const url = `file:${folder}/test.db`;
    const database = open({ url, ...config });
    await database.ready();
    const handles = [database];
    const native = new NativeDatabase(`${folder}/test.db`);
    return {
      database,
      outside: throughNative(native),
      reopen: (other) => {
        const handle = open({ url, ...other });
        handles.push(handle);
        return handle;
      },
      close: async () => {
        await Promise.all(handles.map((handle) => handle.close()));
        native.close();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
};

/** Starts a server for a target. It ends with the target's `close()`, also when that or the opening fails. */
async function onServer(openOn: (sqld: Sqld) => OpenTarget): Promise<OpenTarget> {
  let stop = async (): Promise<void> => {};
  const sqld = await startSqld({}, (stopIt) => {
    stop = stopIt;
  });
  try {
    const opened = openOn(sqld);
    const close = async (): Promise<void> => {
      try {
        await opened.close();
      } finally {
        await stop();
      }
    };
    return { ...opened, close };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A libSQL server, over HTTP or WebSocket. */
function server(name: string, urlOf: (sqld: Sqld) => string): Target {
  return {
    name,
    features: featuresOf({ kind: 'remote', url: '' }),
    open: (config) =>
      onServer((sqld) => {
        const handles: Database[] = [];
        const reopen = (other?: Partial<Config>): Database => {
          const handle = open({ url: urlOf(sqld), ...other });
          handles.push(handle);
          return handle;
        };
        const client = createClient({ url: sqld.url });
        return {
          database: reopen(config),
          outside: throughClient(client),
          reopen,
          close: async () => {
            await Promise.all(handles.map((handle) => handle.close()));
            client.close();
          },
        };
      }),
  };
}

/** A server through a client that the application made. */
function client(
  name: string,
  make: (sqld: Sqld) => { close(): void },
  features: Partial<Features> = {},
): Target {
  return {
    name,
    features: { ...featuresOf({ kind: 'client', client: {} }), ...features },
    open: () =>
      onServer((sqld) => {
        const own = make(sqld);
        const database = fromClient(own);
        const outside = createClient({ url: sqld.url });
        return {
          database,
          outside: throughClient(outside),
          reopen: (other) => open({ url: sqld.url, ...other }),
          close: async () => {
            await database.close();
            own.close();
            outside.close();
          },
        };
      }),
  };
}

/** An embedded replica; who looks from outside looks at its server. */
const replica: Target = {
  name: 'replica',
  features: featuresOf({ kind: 'replica', path: '', url: '' }),
  open: (config) =>
    onServer((sqld) => {
      const folder = mkdtempSync(path.join(tmpdir(), 'turso-conformance-'));
      const handles: Database[] = [];
      const reopen = (other?: Partial<Config>): Database => {
        const handle = open({ url: `${folder}/${handles.length}.db`, syncUrl: sqld.url, ...other });
        handles.push(handle);
        return handle;
      };
      const outside = createClient({ url: sqld.url });
      return {
        database: reopen(config),
        outside: throughClient(outside),
        reopen,
        close: async () => {
          await Promise.all(handles.map((handle) => handle.close()));
          outside.close();
          rmSync(folder, { recursive: true, force: true });
        },
      };
    }),
};

/** Every engine that the suite runs on. */
export const targets: readonly Target[] = [
  memory,
  file,
  server('server http', ({ url }) => url),
  server('server ws', ({ wsUrl }) => wsUrl),
  // Those of @libsql/client are set to give integers as text, which must not be seen.
  client('client http', ({ url }) => createClient({ url, intMode: 'string' })),
  client('client ws', ({ wsUrl }) => createClient({ url: wsUrl, intMode: 'string' })),
  // By its public methods only.
  client('client compat', ({ url }) => createCompatClient({ url }), {
    behaviors: {
      ...featuresOf({ kind: 'client', client: {} }).behaviors,
      exclusive: { missing: 'its public methods begin none' },
    },
  }),
  replica,
];

/** How long a server may take to begin a transaction if nobody holds the write lock, in ms: it does not refuse, it waits. */
const WAITS_FOR_LOCK = 150;

function throughClient(client: Client): Outside {
  return {
    rows: async (sql) => (await client.execute(sql)).rows.map((row) => Array.from(row)),
    run: async (sql) => {
      await client.executeMultiple(sql);
    },
    isLocked: async (sql) => {
      const transaction = await client.transaction('deferred');
      const waits = new Promise<'locked'>((resolve) => setTimeout(resolve, WAITS_FOR_LOCK, 'locked'));
      const writing = transaction.execute(sql).then(
        () => 'free' as const,
        () => 'locked' as const,
      );
      const outcome = await Promise.race([waits, writing]);
      transaction.close();
      return outcome === 'locked';
    },
  };
}

function throughDatabase(database: Database): Outside {
  return {
    rows: async (sql) => (await database.execute(sql, [], { rowMode: 'array' })).rows,
    run: async (sql) => {
      await database.script(sql);
    },
    isLocked: async () => false,
  };
}

/** Only `exec()` is safe to meet a lock with: a prepared statement would stay running. */
function throughNative(native: InstanceType<typeof NativeDatabase>): Outside {
  return {
    rows: async (sql) => native.prepare(sql).raw().all([]) as unknown[][],
    run: async (sql) => {
      native.exec(sql);
    },
    isLocked: async (sql) => {
      try {
        native.exec(`BEGIN;${sql};ROLLBACK`);
        return false;
      } catch (error) {
        if (native.inTransaction) native.exec('ROLLBACK');
        if ((error as { code?: string }).code === 'SQLITE_BUSY') return true;
        throw error;
      }
    },
  };
}
