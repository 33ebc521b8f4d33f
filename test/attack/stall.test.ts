import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { integer, sqliteTable } from 'drizzle-orm/sqlite-core';
import { Kysely, Migrator } from 'kysely';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { drizzle, migrate } from '../../src/dialect/drizzle/index.js';
import { batch, transaction, TursoDialect } from '../../src/dialect/kysely/index.js';
import { findDatabaseError } from '../../src/errors.js';
import { type Config, type Database, open } from '../../src/index.js';
import { collect as rowsOf } from '../support/outcome.js';
import { startProxy, startThreadProxy } from '../support/proxy.js';
import { startRawServer } from '../support/raw-server.js';
import { startSqld } from '../support/sqld.js';
import { type Stage, startStalling } from '../support/stall.js';

/** How long a call may take, in ms, and within which time it must have ended. */
const LIMIT = 300;
const BOUND = 2_000;

interface Limits {
  readonly signal?: AbortSignal;
  readonly timeout?: number;
}

type Call = (database: Database, limits: Limits) => Promise<unknown>;

const INSERT = 'insert into t values (1)';
const t = sqliteTable('t', { a: integer() });

const kysely = (database: Database): Kysely<{ t: { a: number } }> =>
  new Kysely({ dialect: new TursoDialect({ database }) });

const restricted = (database: Database): Database =>
  database.restricted([{ effect: 'allow', actions: ['read'] }]);

/** Every call that takes a signal and a timeout. */
const WITH_LIMITS: Record<string, Call> = {
  ready: (db, limits) => db.ready(limits),
  execute: (db, limits) => db.execute('select 1', [], limits),
  'execute, writing': (db, limits) => db.execute(INSERT, [], limits),
  batch: (db, limits) => db.batch([INSERT, 'select 1'], limits),
  'batch, not atomic': async (db, limits) => {
    const [outcome] = await db.batch(['select 1'], { ...limits, atomic: false });
    if (outcome?.status === 'rejected') throw outcome.reason;
  },
  script: (db, limits) => db.script('select 1; select 2', limits),
  'script, atomic': (db, limits) => db.script(`${INSERT}; select 2`, { ...limits, atomic: true }),
  stream: (db, limits) => rowsOf(db.stream('select a from t', [], limits)),
  'stream, writing': (db, limits) => rowsOf(db.stream(`${INSERT} returning a`, [], limits)),
  all: (db, limits) => db.prepare('select 1').all([], limits),
  get: (db, limits) => db.prepare('select 1').get([], limits),
  values: (db, limits) => db.prepare('select 1').values([], limits),
  run: (db, limits) => db.prepare('select 1').run([], limits),
  iterate: (db, limits) => rowsOf(db.prepare('select a from t').iterate([], limits)),
  columns: (db, limits) => db.prepare('select 1').columns(limits),
  transaction: (db, limits) => db.transaction((tx) => tx.execute(INSERT), limits),
  'transaction, deferred': (db, limits) =>
    db.transaction((tx) => tx.execute('select 1'), { ...limits, behavior: 'deferred' }),
  'transaction, stream': (db, limits) => db.transaction((tx) => rowsOf(tx.stream('select 1')), limits),
  'transaction, nested': (db, limits) => db.transaction((tx) => tx.transaction(async () => {}), limits),
  'transaction, columns': (db, limits) => db.transaction((tx) => tx.prepare(INSERT).columns(), limits),
  'transaction, batch': (db, limits) => db.transaction((tx) => tx.batch([INSERT]), limits),
  'transaction, script': (db, limits) => db.transaction((tx) => tx.script(INSERT), limits),
  'transaction, pragma': (db, limits) => db.transaction((tx) => tx.pragma.userVersion(), limits),
  'restricted, execute': (db, limits) => restricted(db).execute('select a from t', [], limits),
  'restricted, batch': (db, limits) => restricted(db).batch(['select a from t'], limits),
  'restricted, script': (db, limits) => restricted(db).script('select a from t', limits),
  'restricted, stream': (db, limits) => rowsOf(restricted(db).stream('select a from t', [], limits)),
  'restricted, columns': (db, limits) => restricted(db).prepare('select a from t').columns(limits),
  'restricted, transaction': (db, limits) =>
    restricted(db).transaction((tx) => tx.execute('select a from t'), limits),
  'Drizzle, transaction': (db, limits) =>
    drizzle(db).transaction(async (tx) => await tx.select().from(t), limits),
  'Drizzle, batch': (db, limits) => {
    const orm = drizzle(db);
    return orm.batch([orm.select().from(t), orm.insert(t).values({ a: 1 })], limits);
  },
  'Drizzle, stream': (db, limits) => rowsOf(drizzle(db).stream(drizzle(db).select().from(t), limits)),
  'Kysely, transaction()': (db, limits) =>
    transaction(kysely(db), (trx) => trx.selectFrom('t').selectAll().execute(), limits),
  'Kysely, batch': (db, limits) => batch(kysely(db), [kysely(db).selectFrom('t').selectAll()], limits),
};

/** Those that `config.timeout` alone bounds. */
const WITHOUT: Record<string, Call> = {
  pragma: (db) => db.pragma.userVersion(),
  'pragma, rows': (db) => db.pragma.tableInfo('t'),
  'pragma, text': (db) => db.pragma.query('pragma user_version'),
  explain: (db) => db.explain('select 1'),
  'Drizzle, select': async (db) => await drizzle(db).select().from(t),
  'Drizzle, insert': async (db) => await drizzle(db).insert(t).values({ a: 1 }),
  'Drizzle, migrate': (db) =>
    migrate(drizzle(db), { migrations: [{ tag: 'a', when: 1, sql: 'create table m (a)' }] }),
  'Kysely, select': (db) => kysely(db).selectFrom('t').selectAll().execute(),
  'Kysely, insert': (db) => kysely(db).insertInto('t').values({ a: 1 }).execute(),
  'Kysely, stream': (db) => rowsOf(kysely(db).selectFrom('t').selectAll().stream()),
  'Kysely, transaction': (db) =>
    kysely(db)
      .transaction()
      .execute((trx) => trx.selectFrom('t').selectAll().execute()),
  'Kysely, controlled transaction': async (db) => {
    const trx = await kysely(db).startTransaction().execute();
    await trx.savepoint('a').execute();
  },
  'Kysely, tables': (db) => kysely(db).introspection.getTables(),
  'Kysely, migrate': async (db) => {
    const provider = { getMigrations: async () => ({ a: { up: async () => {} } }) };
    const { error } = await new Migrator({ db: kysely(db), provider }).migrateToLatest();
    throw error;
  },
};

const STAGES = {
  http: ['accepted', 'headers', 'body'],
  ws: ['accepted', 'upgraded', 'welcomed'],
} as const satisfies Record<string, readonly Stage[]>;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

beforeAll(async () => {
  // Loads the engines, which takes its time under a test runner.
  const nowhere = open({ url: 'http://127.0.0.1:1', networkRetry: 0 });
  const url = `file:${path.join(tmpdir(), 'turso-dialect-stall-none', 'a.db')}`;
  const replica = open({ url, syncUrl: 'http://127.0.0.1:1', networkRetry: 0 });
  await Promise.allSettled([nowhere.ready(), replica.ready()]);
  await Promise.all([nowhere.close(), replica.close()]);
});

/** What went wrong with a call that must end with the code in time; undefined if nothing did. */
async function problem(
  name: string,
  call: () => Promise<unknown>,
  code: string,
): Promise<string | undefined> {
  const ended = Promise.resolve()
    .then(call)
    .then(
      () => 'it succeeded',
      (error: unknown) => {
        const found = findDatabaseError(error);
        return found?.code === code ? undefined : `${found?.code}: ${String(error)}`;
      },
    );
  const outcome = await within(ended);
  return outcome === undefined ? undefined : `${name}: ${outcome}`;
}

/** What a promise gives, or that it took too long. */
async function within<T>(promise: Promise<T>): Promise<T | 'it hangs'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'it hangs'>((resolve) => {
    timer = setTimeout(resolve, BOUND, 'it hangs');
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Makes each call on a database of its own. @returns what went wrong */
async function problems(
  calls: Record<string, Call>,
  config: Config,
  limitsOf: () => Limits,
  code: string,
): Promise<string[]> {
  // A collection may lose what ties a signal to an answer.
  setTimeout(collect, LIMIT / 2);
  const found = await Promise.all(
    Object.entries(calls).map(async ([name, call]) => {
      const database = open(config);
      const wrong = await problem(name, () => call(database, limitsOf()), code);
      const closed = await within(database.close());
      return [wrong, closed === 'it hangs' ? `${name}: close() hangs` : undefined];
    }),
  );
  return found.flat().filter((one) => one !== undefined);
}

const abortSoon = (): Limits => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), LIMIT);
  return { signal: controller.signal };
};

describe.each(['http', 'ws'] as const)('%s', (protocol) => {
  describe.each(STAGES[protocol])('a server that says nothing more once it has %s', (stage) => {
    const address = async (): Promise<string> => `${protocol}://${await startStalling(stage)}`;

    it('keeps no call longer than config.timeout', async () => {
      const config = { url: await address(), timeout: LIMIT };
      expect(await problems({ ...WITH_LIMITS, ...WITHOUT }, config, () => ({}), 'TIMEOUT')).toEqual([]);
    });

    it('keeps no call longer than its own timeout', async () => {
      const config = { url: await address() };
      const limits = (): Limits => ({ timeout: LIMIT });
      expect(await problems(WITH_LIMITS, config, limits, 'TIMEOUT')).toEqual([]);
    });

    it('keeps no call longer than its signal', async () => {
      const config = { url: await address(), authToken: () => 'token' };
      expect(await problems(WITH_LIMITS, config, abortSoon, 'ABORTED')).toEqual([]);
    });

    it.each(['interrupt', 'close'] as const)('keeps no call after %s()', async (method) => {
      const url = await address();
      setTimeout(collect, LIMIT / 2);
      const found = await Promise.all(
        Object.entries({ ...WITH_LIMITS, ...WITHOUT }).map(async ([name, call]) => {
          const database = open(url);
          // It stops what is under way only, and some calls load something first.
          const stopping = setInterval(() => {
            if (!database.closed) void database[method]();
          }, LIMIT);
          const code = method === 'close' ? 'DATABASE_CLOSED' : 'SQLITE_INTERRUPT';
          const wrong = await problem(name, () => call(database, {}), code);
          clearInterval(stopping);
          await database.close();
          return wrong;
        }),
      );
      expect(found.filter((one) => one !== undefined)).toEqual([]);
    });
  });

  it('a token that never comes keeps no call', async () => {
    const url = `${protocol}://${await startStalling('accepted')}`;
    const config = { url, authToken: () => new Promise<string>(() => {}) };
    const limited = { ...config, timeout: LIMIT };
    expect(await problems({ ...WITH_LIMITS, ...WITHOUT }, limited, () => ({}), 'TIMEOUT')).toEqual([]);
    expect(await problems(WITH_LIMITS, config, abortSoon, 'ABORTED')).toEqual([]);
  });

  /** What stalls inside a transaction that has begun. */
  const INSIDE: Record<string, (tx: Parameters<Parameters<Database['transaction']>[0]>[0]) => unknown> = {
    commit: () => {},
    execute: (tx) => tx.execute(INSERT),
    stream: (tx) => rowsOf(tx.stream('select a from t')),
    columns: (tx) => tx.prepare('select a from t').columns(),
    nested: (tx) => tx.transaction((nested) => nested.execute(INSERT)),
    batch: (tx) => tx.batch([INSERT]),
  };

  it.each(Object.entries(INSIDE))(
    'a server that stalls in a transaction keeps none: %s',
    async (_, inside) => {
      const sqld = await startSqld();
      const proxy = await startProxy(sqld.port);
      const url = protocol === 'http' ? proxy.url : proxy.wsUrl;
      const outside = open(sqld.url);
      onTestFinished(() => outside.close());
      await outside.execute('create table t (a)');
      const stalling = (limits: Limits) => (database: Database) =>
        database.transaction(async (tx) => {
          await tx.execute(INSERT);
          proxy.fail({ kind: 'half-open' });
          await inside(tx);
        }, limits);
      const config = { url, timeout: LIMIT };
      expect(await problems({ a: stalling({}) }, config, () => ({}), 'TIMEOUT')).toEqual([]);
      proxy.heal();
      expect(await problems({ b: stalling(abortSoon()) }, { url }, () => ({}), 'ABORTED')).toEqual([]);
      proxy.heal();
    },
  );

  it('a transaction that fails by itself while its server stalls gives that failure soon', async () => {
    const sqld = await startSqld();
    const proxy = await startProxy(sqld.port);
    const database = open(protocol === 'http' ? proxy.url : proxy.wsUrl);
    await database.execute('create table t (a)');
    const failing = database.transaction(async (tx) => {
      await tx.execute(INSERT);
      proxy.fail({ kind: 'half-open' });
      throw new Error('of the application');
    });
    expect(await within(failing.catch(String))).toBe('Error: of the application');
    expect(await within(database.close())).toBeUndefined();
  });

  it('a stream whose server stalls between rows ends', async () => {
    const sqld = await startSqld();
    const proxy = await startProxy(sqld.port);
    const url = protocol === 'http' ? proxy.url : proxy.wsUrl;
    const read: Call = async (database, limits) => {
      const sql = 'select value, zeroblob(100000) from generate_series(1, 2000)';
      for await (const _ of database.stream(sql, [], { ...limits, batchSize: 1 })) {
        proxy.fail({ kind: 'half-open' });
      }
    };
    expect(await problems({ read }, { url, timeout: LIMIT * 2 }, () => ({}), 'TIMEOUT')).toEqual([]);
    proxy.heal();
    expect(await problems({ read }, { url }, abortSoon, 'ABORTED')).toEqual([]);
  });
});

it('headers that trickle keep no call longer than its timeout', async () => {
  const { url } = await startRawServer((socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    const trickle = setInterval(() => socket.write('x-more: 1\r\n'), 20);
    socket.on('close', () => clearInterval(trickle));
  });
  const db = open({ url });
  onTestFinished(() => db.close());
  for (const call of [WITH_LIMITS['execute'], WITH_LIMITS['stream'], WITH_LIMITS['transaction']]) {
    const start = performance.now();
    const error = await call?.(db, { timeout: LIMIT }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'TIMEOUT' });
    expect(performance.now() - start).toBeLessThan(BOUND);
  }
});

describe('a fetch that heeds no signal', () => {
  const config = { url: 'http://127.0.0.1:1', fetch: () => new Promise<Response>(() => {}) };

  it('keeps no call', async () => {
    const limited = { ...config, timeout: LIMIT };
    expect(await problems({ ...WITH_LIMITS, ...WITHOUT }, limited, () => ({}), 'TIMEOUT')).toEqual([]);
    expect(await problems(WITH_LIMITS, config, abortSoon, 'ABORTED')).toEqual([]);
  });
});

describe('a replica', () => {
  function folder(): string {
    const made = mkdtempSync(path.join(tmpdir(), 'turso-dialect-stall-'));
    onTestFinished(() => rmSync(made, { recursive: true, force: true }));
    return made;
  }

  const CALLS: Record<string, Call> = {
    ready: (db, limits) => db.ready(limits),
    execute: (db, limits) => db.execute(INSERT, [], limits),
    batch: (db, limits) => db.batch([INSERT], limits),
    transaction: (db, limits) => db.transaction((tx) => tx.execute(INSERT), limits),
    script: (db, limits) => db.script(INSERT, limits),
    stream: (db, limits) => rowsOf(db.stream('select 1', [], limits)),
    columns: (db, limits) => db.prepare('select 1').columns(limits),
  };

  it('whose first sync stalls keeps no call', async () => {
    const syncUrl = `http://${await startStalling('accepted')}`;
    for (const [name, call] of Object.entries(CALLS)) {
      const config = { url: `file:${path.join(folder(), 'a.db')}`, syncUrl, timeout: LIMIT };
      expect(await problems({ [name]: call }, config, () => ({}), 'TIMEOUT')).toEqual([]);
    }
  });

  it('whose server stalls later keeps no call that needs it', async () => {
    const sqld = await startSqld();
    const proxy = await startThreadProxy(sqld.port);
    const config = {
      url: `file:${path.join(folder(), 'a.db')}`,
      syncUrl: proxy.url,
      maxStaleness: 1,
    };
    await using database = open(config);
    await database.execute('create table t (a)');
    await database.execute('select * from t');
    await proxy.fail({ kind: 'half-open' });
    const { ready: _, ...calls } = CALLS;
    const found: (string | undefined)[] = [];
    for (const [name, call] of Object.entries(calls)) {
      found.push(await problem(name, () => call(database, { timeout: LIMIT }), 'TIMEOUT'));
    }
    expect(found.filter((one) => one !== undefined)).toEqual([]);
  });
});
