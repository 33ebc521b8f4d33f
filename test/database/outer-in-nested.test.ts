import { sql } from 'drizzle-orm';
import { integer, sqliteTable } from 'drizzle-orm/sqlite-core';
import { Kysely } from 'kysely';
import { describe, expect, it } from 'vitest';
import { type Database, open } from '../../src/database/database.js';
import type { Transaction } from '../../src/database/transaction.js';
import { drizzle } from '../../src/dialect/drizzle/index.js';
import { transaction, TursoDialect } from '../../src/dialect/kysely/index.js';
import { TransactionError } from '../../src/errors.js';
import { openFile, openMemory } from '../support/database.js';
import { collect, failure, rejection } from '../support/outcome.js';
import { startSqld } from '../support/sqld.js';
import { gate, pause } from '../support/time.js';

const SETUP = 'create table t (a)';
const T = sqliteTable('t', { a: integer() });
/** A deadlock would show as a test that takes too long. */
const LONG_WAIT = { busyTimeout: 25_000 } as const;

const insert = (a: number): string => `insert into t values (${a})`;

async function all(db: Database): Promise<unknown[]> {
  return (await db.execute('select a from t order by rowid')).rows.map(({ a }) => a);
}

/** A file without and with calls that are followed, and memory. */
async function databases(): Promise<Database[]> {
  return [
    (await openFile(SETUP, { ...LONG_WAIT, detectMisuse: false })).db,
    (await openFile(SETUP, { ...LONG_WAIT, detectMisuse: true })).db,
    await openMemory(SETUP, LONG_WAIT),
  ];
}

/** Everything that a transaction has for running statements; each writes 2. */
const USES: readonly [string, (tx: Transaction) => Promise<unknown>][] = [
  ['execute', (tx) => tx.execute(insert(2))],
  ['execute with a timeout', (tx) => tx.execute(insert(2), [], { timeout: 20_000 })],
  ['prepare', (tx) => tx.prepare(insert(2)).run()],
  ['batch', (tx) => tx.batch([insert(2)])],
  ['batch without atomic', (tx) => tx.batch([insert(2)], { atomic: false })],
  ['script', (tx) => tx.script(insert(2))],
  ['stream', (tx) => collect(tx.stream(`${insert(2)} returning a`))],
  ['a nested transaction', (tx) => tx.transaction((inner) => inner.execute(insert(2)))],
];

describe('the outer transaction inside the callback of a nested one', () => {
  it.each(USES)('runs on the same connection, in the nested one: %s', async (_name, use) => {
    for (const db of await databases()) {
      await db.transaction(async (tx) => {
        await tx.execute(insert(1));
        await tx.transaction(async (nested) => {
          await use(tx);
          await nested.execute(insert(3));
        });
        const undone = tx.transaction(async (nested) => {
          await use(tx);
          await nested.execute(insert(3));
          throw new Error('undo');
        });
        expect(await rejection(undone)).toMatchObject({ message: 'undo' });
      });
      expect(await all(db)).toEqual([1, 2, 3]);
    }
  });

  it('runs in the innermost one, whichever of the outer ones is used', async () => {
    for (const db of await databases()) {
      await db.transaction(async (tx) => {
        await tx.transaction(async (first) => {
          const undone = first.transaction(async (second) => {
            await tx.execute(insert(1));
            await first.execute(insert(2));
            await second.execute(insert(3));
            expect((await tx.execute('select count(*) as n from t')).rows).toEqual([{ n: 3 }]);
            throw new Error('undo');
          });
          expect(await rejection(undone)).toMatchObject({ message: 'undo' });
          await tx.execute(insert(4));
        });
      });
      expect(await all(db)).toEqual([4]);
    }
  });

  it('is known after waits, in timers, in functions that are called, and in what is not awaited', async () => {
    for (const db of await databases()) {
      await db.transaction(async (tx) => {
        await tx.transaction(async () => {
          await pause(1);
          await new Promise((resolve, reject) =>
            setTimeout(() => void tx.execute(insert(1)).then(resolve, reject), 1),
          );
          await Promise.all([tx.execute(insert(2)), tx.transaction((inner) => inner.execute(insert(3)))]);
          void tx.execute(insert(4));
        });
      });
      expect(await all(db)).toEqual([1, 2, 3, 4]);
    }
  });

  it('is the same with Drizzle', async () => {
    for (const db of await databases()) {
      await drizzle(db).transaction(async (tx) => {
        await tx.transaction(async () => {
          await tx.insert(T).values({ a: 1 });
          await tx.run(sql.raw(insert(2)));
          expect(await tx.select().from(T)).toHaveLength(2);
          await tx.batch([tx.insert(T).values({ a: 3 })]);
          await tx.transaction((inner) => inner.insert(T).values({ a: 4 }));
        });
        const undone = tx.transaction(async (nested) => {
          await tx.insert(T).values({ a: 5 });
          nested.rollback();
        });
        await rejection(undone);
      });
      expect(await all(db)).toEqual([1, 2, 3, 4]);
    }
  });

  it('is the same with Kysely, in transactions of its own and in controlled ones', async () => {
    for (const client of await databases()) {
      const db = new Kysely<{ t: { a: number } }>({ dialect: new TursoDialect({ client }) });
      await db.transaction().execute(async (trx) => {
        await transaction(trx, async () => {
          await trx.insertInto('t').values({ a: 1 }).execute();
          await transaction(trx, (inner) => inner.insertInto('t').values({ a: 2 }).execute());
        });
      });
      const controlled = await db.startTransaction().execute();
      const savepoint = await controlled.savepoint('a').execute();
      await controlled.insertInto('t').values({ a: 3 }).execute();
      const undone = transaction(savepoint, async () => {
        await controlled.insertInto('t').values({ a: 4 }).execute();
        throw new Error('undo');
      });
      await rejection(undone);
      await savepoint.insertInto('t').values({ a: 5 }).execute();
      await controlled.commit().execute();
      expect(await all(client)).toEqual([1, 2, 3, 5]);
    }
  });

  it('is the same at a server', async () => {
    const { url } = await startSqld();
    await using db = open({ url, ...LONG_WAIT });
    await db.script(SETUP);
    await db.transaction(async (tx) => {
      await tx.transaction(async () => void (await tx.execute(insert(1))));
      await rejection(
        tx.transaction(async () => {
          await tx.execute(insert(2));
          throw new Error('undo');
        }),
      );
    });
    expect(await all(db)).toEqual([1]);
  });

  it('can not be ended there, nor its savepoints', async () => {
    const db = await openMemory(SETUP, LONG_WAIT);
    const tx = await db.begin();
    await tx.savepoint('mine');
    await tx.transaction(async (nested) => {
      await nested.execute(insert(1));
      const misuse = { code: 'TRANSACTION_MISUSE' };
      expect(await failure(tx.rollbackToSavepoint('mine'), TransactionError)).toMatchObject(misuse);
      expect(await failure(tx.releaseSavepoint('mine'), TransactionError)).toMatchObject(misuse);
    });
    await tx.commit();
    expect(await all(db)).toEqual([1]);
  });
});

describe('the outer transaction beside a nested one', () => {
  it('waits for it, and is not undone with it', async () => {
    for (const db of await databases()) {
      await db.transaction(async (tx) => {
        const begun = gate();
        const undone = tx.transaction(async (nested) => {
          await nested.execute(insert(1));
          begun.open();
          await pause(2);
          throw new Error('undo');
        });
        await Promise.all([rejection(undone), begun.opened.then(async () => await tx.execute(insert(2)))]);
      });
      expect(await all(db)).toEqual([2]);
    }
  });

  it('lets nested ones that are started together take turns', async () => {
    for (const db of await databases()) {
      const order: string[] = [];
      await db.transaction(async (tx) => {
        const run = async (name: string, a: number): Promise<void> =>
          await tx.transaction(async () => {
            order.push(`${name} begins`);
            await tx.execute(insert(a));
            await pause(1);
            order.push(`${name} ends`);
            if (name === 'first') throw new Error('undo');
          });
        await Promise.all([rejection(run('first', 1)), run('second', 2)]);
      });
      expect(order).toEqual(['first begins', 'first ends', 'second begins', 'second ends']);
      expect(await all(db)).toEqual([2]);
    }
  });

  it('is refused, and does not hang, when the nested one waits for what was started outside of it', async () => {
    for (const db of await databases()) {
      await db.transaction(async (tx) => {
        const begun = gate();
        const nested = tx.transaction(async () => {
          begun.open();
          await pause(1);
          await outside;
        });
        const outside = begun.opened.then(async () => await tx.execute(insert(1)));
        expect(await failure(nested, TransactionError)).toMatchObject({ code: 'TRANSACTION_MISUSE' });
        await tx.execute(insert(2));
      });
      expect(await all(db)).toEqual([2]);
    }
  });
});
