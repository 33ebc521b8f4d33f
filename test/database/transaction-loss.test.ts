import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.js';
import { BusyError, ConstraintError, type DatabaseError, TransactionLostError } from '../../src/errors.js';
import { isWriteLocked, openFile, openMemory } from '../support/database.js';
import { holdLock } from '../support/lock.js';
import { failure, rejection } from '../support/outcome.js';

const SETUP = `create table t (a unique); insert into t values (1);
  create table parent (id integer primary key);
  create table child (p references parent(id) deferrable initially deferred);`;

const PLACES: readonly [string, () => Promise<Database>][] = [
  ['a file', async () => (await openFile(SETUP)).db],
  ['memory', () => openMemory(SETUP)],
];

const LOST = { code: 'TRANSACTION_LOST', kind: 'transaction', name: 'TransactionLostError' };
const OR_ROLLBACK = 'insert or rollback into t values (1)';

async function values(db: Database): Promise<unknown[]> {
  return (await db.execute('select a from t order by a')).rows.map((row) => row.a);
}

describe.each(PLACES)('a transaction on %s that the database ended', (_place, openPlace) => {
  it('runs nothing more, and can not be committed', async () => {
    const db = await openPlace();
    let first: DatabaseError | undefined;
    const error = await failure(
      db.transaction(async (tx) => {
        await tx.execute('insert into t values (2)');
        first = await failure(tx.execute(OR_ROLLBACK), ConstraintError);
        for (const call of [
          () => tx.execute('insert into t values (3)'),
          () => tx.execute('insert into t values (3)', [], { timeout: 9_000 }),
          () => tx.execute('select 1'),
          () => tx.batch(['insert into t values (3)']),
          () => tx.script('insert into t values (3)'),
          () => tx.transaction((nested) => nested.execute('insert into t values (3)')),
          () => tx.stream('select 1').next(),
        ]) {
          const lost = await failure(call, TransactionLostError);
          expect(lost).toMatchObject(LOST);
          expect(lost.cause).toBe(first);
        }
      }),
      TransactionLostError,
    );
    expect(error).toMatchObject(LOST);
    expect(error.cause).toBe(first);
    expect(await values(db)).toEqual([1]);
    await db.transaction((tx) => tx.execute('insert into t values (4)'));
    expect(await values(db)).toEqual([1, 4]);
  });

  it('throws the first error where its callback lets that through', async () => {
    const db = await openPlace();
    const error = await failure(
      db.transaction(async (tx) => {
        await tx.execute('insert into t values (2)');
        await tx.execute(OR_ROLLBACK);
      }),
      ConstraintError,
    );
    expect(error.suppressed).toBeUndefined();
    expect(await values(db)).toEqual([1]);
  });

  it.each([
    [
      'a statement that can be aborted',
      (db: Database) => db.transaction((tx) => tx.execute(OR_ROLLBACK, [], { timeout: 9_000 })),
    ],
    [
      'a savepoint',
      (db: Database) => db.transaction((tx) => tx.transaction((nested) => nested.execute(OR_ROLLBACK))),
    ],
    ['a batch', (db: Database) => db.batch(['insert into t values (2)', OR_ROLLBACK])],
    [
      'an atomic script',
      (db: Database) => db.script(`insert into t values (2); ${OR_ROLLBACK}`, { atomic: true }),
    ],
    [
      'a trigger',
      async (db: Database) => {
        await db.execute(
          "create trigger no before insert on t when new.a = 9 begin select raise(rollback, 'no'); end",
        );
        return db.transaction(async (tx) => {
          await tx.execute('insert into t values (2)');
          await tx.execute('insert into t values (9)');
        });
      },
    ],
  ])('leaves nothing, and the error is the one that ended it: %s', async (_name, run) => {
    const db = await openPlace();
    await failure(run(db), ConstraintError);
    expect(await values(db)).toEqual([1]);
    await db.transaction((tx) => tx.execute('insert into t values (4)'));
    expect(await values(db)).toEqual([1, 4]);
  });

  it('in a savepoint does not let the outer one go on', async () => {
    const db = await openPlace();
    const error = await failure(
      db.transaction(async (tx) => {
        await tx.execute('insert into t values (2)');
        await rejection(tx.transaction((nested) => nested.execute(OR_ROLLBACK)));
        await tx.execute('insert into t values (3)');
      }),
    );
    expect(error).toMatchObject(LOST);
    expect(await values(db)).toEqual([1]);
  });
});

describe.each(PLACES)('a commit on %s', (_place, openPlace) => {
  it('that breaks a deferred foreign key rolls back', async () => {
    const db = await openPlace();
    const error = await failure(
      db.transaction(async (tx) => {
        await tx.execute('insert into child values (7)');
        await tx.execute('insert into t values (2)');
      }),
      ConstraintError,
    );
    expect(error.constraint).toBe('foreignKey');
    expect(await values(db)).toEqual([1]);
    expect((await db.execute('select * from child')).rows).toEqual([]);
    const orphan = await failure(db.execute('insert into child values (8)'), ConstraintError);
    expect(orphan.constraint).toBe('foreignKey');
    expect((await db.execute('select * from child')).rows).toEqual([]);
    await failure(db.execute('insert into child values (8)', [], { timeout: 9_000 }), ConstraintError);
    await failure(db.batch(['insert into child values (8)']), ConstraintError);
    await failure(db.script('insert into child values (8)'), ConstraintError);
    expect((await db.execute('select * from child')).rows).toEqual([]);
    await db.batch(['insert into child values (8)', 'insert into parent values (8)']);
    expect((await db.execute('select p from child')).rows).toEqual([{ p: 8 }]);
  });
});

describe('an error of the callback', () => {
  it('is thrown although the rollback failed too, which it then carries', async () => {
    const { db } = await openFile(SETUP);
    const thrown = await failure(
      db.transaction((tx) =>
        tx.transaction(async (nested) => {
          const error = await failure(nested.execute('insert into t values (1)'), ConstraintError);
          await db.close();
          throw error;
        }),
      ),
      ConstraintError,
    );
    expect(thrown.suppressed).toMatchObject([{ code: 'DATABASE_CLOSED' }]);
    expect(thrown.constraint).toBe('unique');
  });

  it('frees the lock', async () => {
    const { db, other } = await openFile(SETUP);
    await rejection(
      db.transaction(async (tx) => {
        await tx.execute('insert into t values (2)');
        throw new Error('mine');
      }),
    );
    expect(isWriteLocked(other)).toBe(false);
  });
});

describe('the retry of a transaction', () => {
  it('runs its callback again only for a conflict, as often as it was told', async () => {
    const { db, other } = await openFile(SETUP);
    let runs = 0;
    const conflict = (): Promise<unknown> =>
      db.transaction(
        async (tx) => {
          runs++;
          await tx.execute('select * from t');
          other.exec(`insert into t values (${100 + runs})`);
          await tx.execute('insert into t values (2)');
        },
        { behavior: 'deferred', retry: { attempts: 3, minDelay: 1, maxDelay: 2 } },
      );
    expect((await failure(conflict(), BusyError)).extendedCode).toBe('SQLITE_BUSY_SNAPSHOT');
    expect(runs).toBe(4);
    expect(await values(db)).toEqual([1, 101, 102, 103, 104]);
  });

  it('is off where nobody asked for it', async () => {
    const { db, other } = await openFile(SETUP);
    let runs = 0;
    await failure(
      db.transaction(
        async (tx) => {
          await tx.execute('select * from t');
          other.exec(`insert into t values (${100 + ++runs})`);
          await tx.execute('insert into t values (2)');
        },
        { behavior: 'deferred' },
      ),
      BusyError,
    );
    expect(runs).toBe(1);
  });

  it.each([
    ['an error of its own', () => Promise.reject(new Error('mine'))],
    ['a broken constraint', (db: Database) => db.execute('insert into t values (1)')],
    ['a missing table', (db: Database) => db.execute('select * from missing')],
  ])('does not follow %s', async (_name, fail) => {
    const db = await openMemory(SETUP, { retry: 5 });
    let runs = 0;
    await rejection(
      db.transaction((tx) => {
        runs++;
        return fail(tx as unknown as Database);
      }),
    );
    expect(runs).toBe(1);
  });

  it('follows a conflict that the callback wrapped in an error of its own', async () => {
    const { db, other } = await openFile(SETUP, { retry: { attempts: 2, minDelay: 0 } });
    let runs = 0;
    await db.transaction(
      async (tx) => {
        await tx.execute('select * from t');
        if (++runs === 1) other.exec('insert into t values (100)');
        await tx.execute('insert into t values (2)').catch((cause: unknown) => {
          throw new Error('wrapped', { cause });
        });
      },
      { behavior: 'deferred' },
    );
    expect(runs).toBe(2);
    expect(await values(db)).toEqual([1, 2, 100]);
  });

  it('follows a lock that was not to be had, and ends with success when it is free', async () => {
    const { db, file, look } = await openFile(SETUP, { busyTimeout: 5 });
    const lock = await holdLock(file);
    const writing = db.transaction((tx) => tx.execute('insert into t values (2)'), {
      retry: { attempts: 1000, minDelay: 1, maxDelay: 5 },
    });
    lock.releaseSoon();
    await writing;
    expect(look('select a from t')).toEqual([[1], [2]]);
  });

  it.each([-1, 1.5, 'x', { attempts: -1 }])('of %j is refused', async (retry) => {
    const db = await openMemory();
    expect((await failure(db.transaction(() => 1, { retry: retry as number }))).code).toBe('CONFIG_INVALID');
  });
});
