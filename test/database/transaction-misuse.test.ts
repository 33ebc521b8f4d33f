import { sql } from 'drizzle-orm';
import { integer, sqliteTable } from 'drizzle-orm/sqlite-core';
import { Kysely } from 'kysely';
import { describe, expect, it } from 'vitest';
import { type Database, open } from '../../src/database/database.js';
import { drizzle } from '../../src/dialect/drizzle/index.js';
import { TursoDialect } from '../../src/dialect/kysely/index.js';
import { BusyError, type DatabaseError, findDatabaseError, TransactionError } from '../../src/errors.js';
import { startSqld } from '../support/sqld.js';
import { openDatabase, openFile, openMemory } from '../support/database.js';
import { collect, failure, rejection } from '../support/outcome.js';
import { gate, pause, turn } from '../support/time.js';

const SETUP = 'create table t (a); insert into t values (1)';
const WRITE = 'insert into t values (2)';

/** A wait that only ends when somebody notices that it could never end. */
const LONG_WAIT = { busyTimeout: 25_000 } as const;

const WRITING: readonly [string, (db: Database) => Promise<unknown>][] = [
  ['execute', (db) => db.execute(WRITE)],
  ['execute with RETURNING', (db) => db.execute(`${WRITE} returning a`)],
  ['execute with a timeout', (db) => db.execute(WRITE, [], { timeout: 20_000 })],
  ['prepare', (db) => db.prepare(WRITE).run()],
  ['batch', (db) => db.batch([WRITE])],
  ['script', (db) => db.script(WRITE)],
  ['atomic script', (db) => db.script(WRITE, { atomic: true })],
  ['transaction', (db) => db.transaction((tx) => tx.execute(WRITE))],
  ['stream', (db) => collect(db.stream(`${WRITE} returning a`))],
];

const READING: readonly [string, (db: Database) => Promise<unknown>][] = [
  ['execute of a read', (db) => db.execute('select a from t')],
  ['stream of a read', (db) => collect(db.stream('select a from t'))],
  ['read transaction', (db) => db.transaction((tx) => tx.execute('select a from t'), { behavior: 'read' })],
];

const MISUSE = { code: 'TRANSACTION_MISUSE', kind: 'transaction' };

describe('the outer handle inside the callback of a transaction', () => {
  it.each(WRITING)('is told so at once instead of waiting for itself, on a file: %s', async (_name, use) => {
    const { db, look } = await openFile(SETUP, LONG_WAIT);
    let misuse: TransactionError | undefined;
    await db.transaction(async (tx) => {
      await tx.execute('insert into t values (10)');
      misuse = await failure(use(db), TransactionError);
      await tx.execute('insert into t values (11)');
    });
    expect(misuse).toMatchObject(MISUSE);
    expect(misuse?.message).toContain('use the `tx` that the callback is given');
    expect(look('select a from t')).toEqual([[1], [10], [11]]);
    await use(db);
    expect(look('select count(*) from t')).toEqual([[4]]);
  });

  it.each([...WRITING, ...READING])('is told so at once in memory: %s', async (_name, use) => {
    const db = await openMemory(SETUP, LONG_WAIT);
    await db.transaction(async (tx) => {
      await tx.execute('insert into t values (10)');
      expect(await failure(use(db), TransactionError)).toMatchObject(MISUSE);
    });
    await use(db);
  });

  it.each(READING)('may read on a file, and sees what is committed: %s', async (_name, use) => {
    const { db } = await openFile(SETUP, LONG_WAIT);
    await db.transaction(async (tx) => {
      await tx.execute('delete from t');
      const seen = await use(db);
      expect(Array.isArray(seen) ? seen : (seen as { rows: unknown }).rows).toEqual([{ a: 1 }]);
    });
  });

  it('is noticed in a nested transaction, in functions that are called, and after waits', async () => {
    for (const db of [(await openFile(SETUP, LONG_WAIT)).db, await openMemory(SETUP, LONG_WAIT)]) {
      const deep = async (depth: number): Promise<unknown> =>
        depth === 0 ? db.execute(WRITE) : deep(depth - 1);
      await db.transaction(async (tx) => {
        await tx.transaction(async (nested) => {
          await nested.execute('select 1');
          await pause(1);
          expect(await failure(deep(5), TransactionError)).toMatchObject(MISUSE);
        });
        expect(await failure(async () => deep(2), TransactionError)).toMatchObject(MISUSE);
      });
    }
  });

  it('is noticed when another handle on the file is used', async () => {
    const { db, file } = await openFile(SETUP, LONG_WAIT);
    const neighbour = openDatabase({ url: file, ...LONG_WAIT });
    await neighbour.ready();
    await db.transaction(async () => {
      expect(await failure(neighbour.execute(WRITE), TransactionError)).toMatchObject(MISUSE);
    });
  });

  it('does not hang where the call can not be traced, and is told what may be wrong', async () => {
    for (const db of [
      (await openFile(SETUP, { busyTimeout: 40, detectMisuse: false })).db,
      await openMemory(SETUP, { busyTimeout: 40, detectMisuse: false }),
    ]) {
      const noticed = gate();
      let outcome: BusyError | undefined;
      const call = async (): Promise<void> => {
        outcome = await failure(db.execute(WRITE), BusyError);
        noticed.open();
      };
      await db.transaction(async () => {
        // Nobody in the callback waits for it, so that nothing leads from the call to the callback.
        setTimeout(() => void call(), 1);
        await noticed.opened;
      });
      expect(outcome?.message).toMatch(
        /waited \d+ ms for .*, held for \d+ ms by a transaction of this process/,
      );
      expect(outcome?.message).toContain(
        'use the `tx` that the callback is given instead of the outer handle',
      );
      await db.execute(WRITE);
    }
  });

  it('may write beside a deferred transaction that has not written', async () => {
    const { db, look } = await openFile(SETUP, LONG_WAIT);
    await db.transaction(
      async (tx) => {
        await tx.execute('select 1');
        await db.execute(WRITE);
      },
      { behavior: 'deferred' },
    );
    expect(look('select a from t')).toEqual([[1], [2]]);
  });

  it('waits, and is not refused, when it is used beside the transaction and not in it', async () => {
    for (const db of [(await openFile(SETUP, LONG_WAIT)).db, await openMemory(SETUP, LONG_WAIT)]) {
      const transaction = db.transaction(async (tx) => {
        await tx.execute('insert into t values (10)');
        await pause(5);
      });
      await turn();
      const beside = db.execute(WRITE);
      await Promise.all([transaction, beside]);
      expect((await db.execute('select a from t')).rows).toEqual([{ a: 1 }, { a: 10 }, { a: 2 }]);
    }
  });
});

/** Calls that leave no trace in the stack. */
const UNTRACED: readonly [string, (db: Database) => Promise<unknown>][] = [
  ['a thenable', async (db) => await thenable(() => db.execute(WRITE))],
  [
    'a timer',
    (db) =>
      new Promise((resolve, reject) => setTimeout(() => void db.execute(WRITE).then(resolve, reject), 1)),
  ],
  ['a query of Drizzle', async (db) => await drizzle(db).run(sql.raw(WRITE))],
  ['a builder of Drizzle', async (db) => await drizzle(db).insert(T).values({ a: 5 })],
  ['a query of Kysely', async (db) => await kysely(db).insertInto('t').values({ a: 5 }).execute()],
];
const T = sqliteTable('t', { a: integer() });

function kysely(client: Database): Kysely<{ t: { a: number } }> {
  return new Kysely({ dialect: new TursoDialect({ client }) });
}

function thenable<R>(run: () => Promise<R>): PromiseLike<R> {
  // oxlint-disable-next-line unicorn/no-thenable -- as a query builder is one
  return { then: (fulfilled, rejected) => run().then(fulfilled, rejected) };
}

/** How a transaction can be run on a database. */
const TRANSACTIONS: readonly [string, (db: Database, use: () => Promise<unknown>) => Promise<unknown>][] = [
  ['Database', (db, use) => db.transaction(async (tx) => void (await tx.execute(WRITE), await use()))],
  ['nested', (db, use) => db.transaction((tx) => tx.transaction(async () => void (await use())))],
  [
    'Drizzle',
    (db, use) => drizzle(db).transaction(async (tx) => void (await tx.run(sql.raw(WRITE)), await use())),
  ],
  [
    'Kysely',
    (db, use) =>
      kysely(db)
        .transaction()
        .execute(async (trx) => {
          await trx.insertInto('t').values({ a: 7 }).execute();
          await use();
        }),
  ],
];

/** Kysely calls the callback of its own transactions itself; by default only these runtimes tell who was called from it. */
const FOLLOWS_KYSELY =
  'Bun' in globalThis || 'Deno' in globalThis || Number(process.versions.node.split('.')[0]) >= 24;

/** What such a call is refused with in memory, and how long it waits. */
function misuseIn(by: string): { wait: object; misuse: object } {
  if (by !== 'Kysely' || FOLLOWS_KYSELY) return { wait: LONG_WAIT, misuse: MISUSE };
  return { wait: { busyTimeout: 40 }, misuse: { kind: 'busy' } };
}

/** Longest time in ms after which such a call is refused. */
const SOON = 2_000;

describe.each(TRANSACTIONS)('a call from a timer or a builder, in a transaction of %s', (by, transact) => {
  it('is found in memory, on a file by detectMisuse', async () => {
    const check = async (db: Database, misuse: object, use: (db: Database) => Promise<unknown>) => {
      const start = performance.now();
      const error = await rejection(transact(db, () => use(db)));
      expect(performance.now() - start).toBeLessThan(SOON);
      expect(findDatabaseError(error)).toMatchObject(misuse);
      expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: 1 }]);
      // Nothing of it is left when the transaction is over.
      await use(db);
      expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: 2 }]);
    };
    const { wait, misuse } = misuseIn(by);
    const all = UNTRACED.map(async ([, use]) => {
      const file = await openFile(SETUP, { ...LONG_WAIT, detectMisuse: true });
      const memory = await openMemory(SETUP, wait);
      await Promise.all([check(file.db, MISUSE, use), check(memory, misuse, use)]);
    });
    await Promise.all(all);
  });
});

describe('a call whose caller leaves no trace', () => {
  const closure = (db: Database): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const call = async (): Promise<void> => {
        try {
          resolve(await db.execute(WRITE));
        } catch (error) {
          reject(error as Error);
        }
      };
      setTimeout(() => void call(), 1);
    });

  it('is refused when the transaction rests, in memory and with detectMisuse', async () => {
    const databases = [
      (await openFile(SETUP, { ...LONG_WAIT, detectMisuse: true })).db,
      await openMemory(SETUP, LONG_WAIT),
    ];
    const check = async (db: Database): Promise<void> => {
      const start = performance.now();
      const error = await rejection(db.transaction(() => closure(db)));
      expect(performance.now() - start).toBeLessThan(SOON);
      expect(error).toMatchObject(MISUSE);
    };
    await Promise.all(databases.map(check));
  });

  it('is refused as soon as the callback waits for it, also when that is later', async () => {
    for (const db of [(await openFile(SETUP, LONG_WAIT)).db, await openMemory(SETUP, LONG_WAIT)]) {
      const start = performance.now();
      const misuse = db.transaction(async (tx) => {
        const early = db.execute(WRITE);
        await pause(30);
        await tx.execute('insert into t values (10)');
        await early;
      });
      expect(await rejection(misuse)).toMatchObject(MISUSE);
      expect(performance.now() - start).toBeLessThan(SOON);
      expect((await db.execute('select a from t')).rows).toEqual([{ a: 1 }]);
    }
  });
});

describe('what a callback starts and does not wait for', () => {
  const LOGGING: readonly [string, (db: Database) => Promise<unknown>][] = [
    ...WRITING.filter(([name]) => name !== 'stream'),
    ...UNTRACED,
    ['a function', async (db) => void (await pause(1), await db.execute(WRITE))],
  ];

  /** Runs a transaction that starts a write beside itself, and gives that. */
  async function startInside(
    db: Database,
    transact: (typeof TRANSACTIONS)[number][1],
    use: (db: Database) => Promise<unknown>,
  ): Promise<unknown> {
    let started: Promise<unknown> | undefined;
    const begin = async (): Promise<void> => {
      started = use(db);
      started.catch(() => {});
      await pause(5);
      expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: 1 }]);
    };
    const inMemory = async (): Promise<void> => {
      started = use(db);
      started.catch(() => {});
      await pause(5);
    };
    await transact(db, db.config.features.connections === 'one' ? inMemory : begin);
    return await started;
  }

  it.each(TRANSACTIONS)('runs when the transaction of %s has ended', async (_by, transact) => {
    for (const [, use] of LOGGING) {
      const databases = [
        (await openFile(SETUP, LONG_WAIT)).db,
        (await openFile(SETUP, { ...LONG_WAIT, detectMisuse: true })).db,
        (await openFile(SETUP, { ...LONG_WAIT, detectMisuse: false })).db,
        await openMemory(SETUP, LONG_WAIT),
      ];
      const run = async (db: Database): Promise<void> => {
        await startInside(db, transact, use);
        const { rows } = await db.execute('select count(*) as n from t where a in (2, 5)');
        expect(Number(rows[0]?.['n'])).toBeGreaterThan(0);
      };
      await Promise.all(databases.map(run));
    }
  });

  it('runs although the transaction takes long, as long as it does something, and when it is undone', async () => {
    const { db, look } = await openFile(SETUP, { ...LONG_WAIT, detectMisuse: true });
    let log: Promise<unknown> | undefined;
    const undone = db.transaction(async (tx) => {
      log = db.execute(WRITE);
      for (let i = 0; i < 4; i++) {
        await pause(200);
        await tx.execute('insert into t values (10)');
      }
      throw new Error('undo');
    });
    expect(await rejection(undone)).toMatchObject({ message: 'undo' });
    await log;
    expect(look('select a from t')).toEqual([[1], [2]]);
  });

  it('runs at a server', async () => {
    const server = await startSqld();
    await using db = open({ url: server.url, ...LONG_WAIT });
    await db.script(SETUP);
    for (const [, use] of LOGGING) {
      let log: Promise<unknown> | undefined;
      await db.transaction(async (tx) => {
        await tx.execute('delete from t');
        log = use(db);
        log.catch(() => {});
        await pause(5);
        expect((await tx.execute('select count(*) as n from t')).rows).toEqual([{ n: 0 }]);
      });
      await log;
      expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: 1 }]);
    }
  });
});

describe('what waits at a server for the transaction that has started it', () => {
  it('can be stopped, by a signal, interrupt() and close()', async () => {
    const server = await startSqld();
    const db = open({ url: server.url, ...LONG_WAIT });
    await db.script(SETUP);
    const ended = gate();
    const stopped: Promise<DatabaseError>[] = [];
    const transaction = db.transaction(async (tx) => {
      await tx.execute('insert into t values (10)');
      stopped.push(failure(db.execute(WRITE, [], { timeout: 20 })));
      stopped.push(failure(db.execute(WRITE)));
      await pause(30);
      db.interrupt();
      await pause(1);
      stopped.push(failure(db.transaction((inner) => inner.execute(WRITE))));
      await pause(1);
      await Promise.all([db.close(), ended.opened]);
    });
    transaction.catch(() => {});
    await pause(60);
    const codes = (await Promise.all(stopped)).map(({ code }) => code);
    expect(codes).toEqual(['TIMEOUT', 'SQLITE_INTERRUPT', 'DATABASE_CLOSED']);
    ended.open();
    await rejection(transaction);
  });
});

describe('transactions that are followed', () => {
  it('do not mistake those beside them', async () => {
    const { db } = await openFile(SETUP, { ...LONG_WAIT, detectMisuse: true });
    const beside = await openMemory(SETUP, LONG_WAIT);
    const run = (by: (typeof TRANSACTIONS)[number][1]): Promise<unknown> =>
      by(db, () => beside.execute(WRITE));
    const all = TRANSACTIONS.flatMap(([, by]) => [run(by), run(by)]);
    await Promise.all([...all, db.execute(WRITE), kysely(db).insertInto('t').values({ a: 9 }).execute()]);
    expect((await beside.execute('select count(*) as n from t')).rows).toEqual([{ n: 9 }]);
  });

  it('are followed still when the one beside them has ended', async () => {
    const db = await openMemory(SETUP, LONG_WAIT);
    const beside = await openMemory(SETUP, LONG_WAIT);
    for (const [name, use] of UNTRACED) {
      const ended = gate();
      const other = beside.transaction((tx) => tx.execute('select 1')).finally(() => ended.open());
      const error = await rejection(
        db.transaction(async () => {
          await ended.opened;
          await use(db);
        }),
      );
      await other;
      expect(findDatabaseError(error), name).toMatchObject(MISUSE);
    }
  });

  it('may start what uses the database after them', async () => {
    const db = await openMemory(SETUP, LONG_WAIT);
    const go = gate();
    let late: Promise<unknown> | undefined;
    await db.transaction(async () => {
      late = go.opened.then(() => db.execute(WRITE));
    });
    go.open();
    await late;
    expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: 2 }]);
  });
});

describe('the outer handle inside the callback of a transaction at a server', () => {
  it.each(['url', 'wsUrl'] as const)('is told so at once: %s', async (key) => {
    const server = await startSqld();
    await using db = open({ url: server[key], ...LONG_WAIT });
    await db.script(SETUP);
    const found = TRANSACTIONS.filter(([by]) => misuseIn(by).misuse === MISUSE);
    for (const [, use] of [...WRITING.filter(([name]) => name !== 'stream'), ...UNTRACED]) {
      for (const [, transact] of found) {
        const error = await rejection(transact(db, () => use(db)));
        expect(findDatabaseError(error)).toMatchObject(MISUSE);
      }
    }
    // What only reads, and a transaction that has only read, hold up nothing.
    await db.transaction(() => db.execute('select a from t'));
    await db.transaction(async (tx) => void (await tx.execute('select a from t'), await db.execute(WRITE)), {
      behavior: 'deferred',
    });
    expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: 2 }]);
  });
});
