import { describe, expect, it } from 'vitest';
import type { TransactionBehavior } from '../../src/config.js';
import type { Database } from '../../src/database/database.js';
import type { Transaction } from '../../src/database/transaction.js';
import { CapabilityError, ConfigError, ReadOnlyError } from '../../src/errors.js';
import { isWriteLocked, openFile, openMemory, type SecondConnection } from '../support/database.js';
import { failure, rejection } from '../support/outcome.js';
import { pause, turn } from '../support/time.js';

const SETUP = 'create table t (a); insert into t values (1)';

const PLACES: readonly [string, () => Promise<Database>][] = [
  ['a file', async () => (await openFile(SETUP)).db],
  ['memory', () => openMemory(SETUP)],
];

function isReadLocked(other: SecondConnection): boolean {
  try {
    other.rows('select * from t');
    return false;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'SQLITE_BUSY') return true;
    throw error;
  }
}

describe.each(PLACES)('a transaction on %s', (_place, openPlace) => {
  it('commits when its callback resolves, and gives what that gives', async () => {
    const db = await openPlace();
    const result = await db.transaction(async (tx) => {
      await tx.execute('insert into t values (2)');
      return { mine: true };
    });
    expect(result).toEqual({ mine: true });
    expect((await db.execute('select a from t')).rows).toEqual([{ a: 1 }, { a: 2 }]);
  });

  it('takes a callback that is not asynchronous', async () => {
    const db = await openPlace();
    expect(await db.transaction(() => 5)).toBe(5);
    const problem = new Error('mine');
    expect(
      await rejection(
        db.transaction(() => {
          throw problem;
        }),
      ),
    ).toBe(problem);
  });

  it.each([new Error('mine'), 'a string', undefined, null, 42, { code: 'X' }])(
    'rolls back when its callback throws, and throws just that: %s',
    async (problem) => {
      const db = await openPlace();
      const thrown = await rejection(
        db.transaction(async (tx) => {
          await tx.execute('insert into t values (2)');
          await tx.execute('create table u (a)');
          throw problem;
        }),
      );
      expect(thrown).toBe(problem);
      expect((await db.execute('select a from t')).rows).toEqual([{ a: 1 }]);
      expect((await failure(db.execute('select * from u'))).message).toContain('no such table');
      expect(await db.transaction(() => 'again')).toBe('again');
    },
  );

  it('goes on after a statement that failed, if its callback does', async () => {
    const db = await openPlace();
    await db.transaction(async (tx) => {
      await tx.execute('insert into t values (2)');
      await failure(tx.execute('insert into missing values (1)'));
      await tx.execute('insert into t values (3)');
    });
    expect((await db.execute('select a from t')).rows).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }]);
  });

  it('runs statements in the order in which they are called', async () => {
    const db = await openPlace();
    await db.execute('create table log (n integer primary key, x)');
    await db.transaction(async (tx) => {
      const calls = Array.from({ length: 20 }, (_, i) =>
        tx.execute('insert into log (x) values (?)', [i], i % 3 === 0 ? { timeout: 9_000 } : {}),
      );
      await Promise.all(calls);
    });
    const { rows } = await db.execute('select x from log order by n');
    expect(rows.map((row) => row.x)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it('waits for what was called and not awaited before it commits', async () => {
    const db = await openPlace();
    await db.transaction((tx) => {
      void tx.execute('insert into t values (2)');
      void tx.execute('insert into t values (3)', [], { timeout: 9_000 });
      void tx.execute('insert into t values (4)', [], { timeout: 9_000 });
      void tx.transaction(async (nested) => {
        await turn();
        await nested.execute('insert into t values (5)');
      });
      void tx.execute('insert into t values (6)');
    });
    expect((await db.execute('select a from t order by a')).rows).toEqual(
      [1, 2, 3, 4, 5, 6].map((a) => ({ a })),
    );
  });

  it('can not be used after its end', async () => {
    const db = await openPlace();
    const leaked: Transaction[] = [];
    await db.transaction((tx) => void leaked.push(tx));
    await rejection(
      db.transaction((tx) => {
        leaked.push(tx);
        throw new Error('undo');
      }),
    );
    for (const tx of leaked) {
      const calls = [
        () => tx.execute('insert into t values (9)'),
        () => tx.execute('insert into t values (9)', [], { timeout: 9_000 }),
        () => tx.batch(['insert into t values (9)']),
        () => tx.script('insert into t values (9)'),
        () => tx.prepare('insert into t values (9)').run(),
        () => tx.stream('select * from t').next(),
        () => tx.transaction(() => 1),
      ];
      for (const call of calls)
        expect(await failure(call)).toMatchObject({ code: 'TRANSACTION_CLOSED', kind: 'transaction' });
    }
    expect((await db.execute('select a from t')).rows).toEqual([{ a: 1 }]);
  });

  it.each([
    'begin',
    'BEGIN IMMEDIATE',
    'commit',
    'end',
    'rollback',
    'rollback to x',
    'savepoint x',
    'release x',
    '/* c */ commit',
  ])('can not be controlled by SQL: %s', async (sql) => {
    const db = await openPlace();
    const refused = { code: 'TRANSACTION_CONTROL', kind: 'transaction', sql: sql.replace('/* c */ ', '') };
    expect(await failure(db.execute(sql))).toMatchObject(refused);
    expect(await failure(async () => db.prepare(sql))).toMatchObject(refused);
    expect(await failure(db.batch(['delete from t', sql]))).toMatchObject({ ...refused, statementIndex: 1 });
    await db.transaction(async (tx) => {
      await tx.execute('insert into t values (2)');
      expect(await failure(tx.execute(sql))).toMatchObject(refused);
      expect(await failure(tx.script(sql))).toMatchObject(refused);
      await tx.execute('insert into t values (3)');
    });
    expect((await db.execute('select a from t')).rows).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }]);
  });

  it('refuses to set foreign_keys, which SQLite would ignore', async () => {
    const db = await openPlace();
    for (const sql of [
      'pragma foreign_keys = off',
      'pragma foreign_keys(0)',
      'pragma main.foreign_keys = 0',
    ]) {
      const error = await failure(db.transaction((tx) => tx.execute(sql)));
      expect(error).toMatchObject({ code: 'TRANSACTION_CONTROL', kind: 'transaction' });
      expect(error.message).toContain('no effect inside a transaction');
    }
    expect((await db.transaction((tx) => tx.execute('pragma foreign_keys'))).rows).toEqual([
      { foreign_keys: 1 },
    ]);
  });

  it("of behaviour 'read' refuses every write and still reads", async () => {
    const db = await openPlace();
    const writes = [
      'insert into t values (2)',
      'insert into t values (2) returning a',
      'delete from t',
      'create table u (a)',
      'create temp table u (a)',
      'pragma user_version = 5',
      'drop table t',
    ];
    await db.transaction(
      async (tx) => {
        expect(tx.behavior).toBe('read');
        for (const sql of writes) {
          const error = await failure(tx.execute(sql), ReadOnlyError);
          expect(error).toMatchObject({ code: 'SQLITE_READONLY', kind: 'readonly' });
        }
        for (const sql of writes) await failure(tx.execute(sql, [], { timeout: 9_000 }), ReadOnlyError);
        await failure(tx.batch(['insert into t values (2)']), ReadOnlyError);
        await failure(
          tx.transaction((nested) => nested.execute('delete from t')),
          ReadOnlyError,
        );
        await failure(tx.script('delete from t'), ReadOnlyError);
        // What fails with a lock must not lift the ban; a checkpoint does once something was read.
        expect((await tx.execute('select a from t')).rows).toEqual([{ a: 1 }]);
        await rejection(
          tx.execute('pragma wal_checkpoint(truncate)').then(() => Promise.reject(new Error('ran'))),
        );
        await rejection(tx.execute('vacuum'));
        await failure(tx.execute('insert into t values (2)'), ReadOnlyError);
        expect((await tx.execute('select a from t')).rows).toEqual([{ a: 1 }]);
      },
      { behavior: 'read' },
    );
    await db.transaction((tx) => tx.execute('insert into t values (3)'));
    await db.execute('insert into t values (4)');
    expect((await db.execute('select a from t')).rows).toEqual([{ a: 1 }, { a: 3 }, { a: 4 }]);
  });

  it('may write again on a connection whose read transaction failed', async () => {
    const db = await openPlace();
    await rejection(
      db.transaction(
        async (tx) => {
          await tx.execute('delete from t');
        },
        { behavior: 'read' },
      ),
    );
    await db.transaction((tx) => tx.execute('insert into t values (2)'));
    expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: 2 }]);
  });

  it("of behaviour 'concurrent' is not there, and says so", async () => {
    const db = await openPlace();
    let called = 0;
    for (const call of [
      () => db.transaction(() => void called++, { behavior: 'concurrent' }),
      () => db.batch(['delete from t'], { behavior: 'concurrent' }),
      () => db.script('delete from t', { atomic: true, behavior: 'concurrent' }),
    ]) {
      expect(await failure(call, CapabilityError)).toMatchObject({
        code: 'NOT_SUPPORTED',
        capability: 'concurrent',
      });
    }
    expect(called).toBe(0);
    expect((await db.execute('select a from t')).rows).toEqual([{ a: 1 }]);
  });

  it.each(['write', '', 'IMMEDIATE', 5, null, {}])(
    'of an unknown behaviour is refused: %s',
    async (behavior) => {
      const db = await openPlace();
      const options = { behavior: behavior as TransactionBehavior };
      expect(
        (
          await failure(
            db.transaction(() => 1, options),
            ConfigError,
          )
        ).key,
      ).toBe('behavior');
      expect((await failure(db.batch(['select 1'], options), ConfigError)).key).toBe('behavior');
      expect(await db.transaction(() => 1)).toBe(1);
    },
  );
});

describe('the locks of a transaction', () => {
  it.each<[TransactionBehavior | undefined, boolean, boolean, boolean]>([
    ['deferred', false, false, true],
    ['immediate', true, true, true],
    [undefined, true, true, true],
    ['exclusive', true, true, true],
  ])('of behaviour %s', async (behavior, atStart, afterRead, afterWrite) => {
    const { db, other, look } = await openFile(SETUP);
    await db.transaction(
      async (tx) => {
        expect(isWriteLocked(other)).toBe(atStart);
        await tx.execute('select * from t');
        expect(isWriteLocked(other)).toBe(afterRead);
        await tx.execute('insert into t values (2)');
        expect(isWriteLocked(other)).toBe(afterWrite);
        expect(look('select a from t')).toEqual([[1]]);
      },
      { behavior },
    );
    expect(isWriteLocked(other)).toBe(false);
    expect(look('select a from t')).toEqual([[1], [2]]);
  });

  it("of behaviour 'read' keep a snapshot and nobody from writing", async () => {
    const { db, other } = await openFile(SETUP);
    await db.transaction(
      async (tx) => {
        await tx.execute('select * from t');
        other.exec('insert into t values (2)');
        expect((await tx.execute('select count(*) as n from t')).rows).toEqual([{ n: 1 }]);
      },
      { behavior: 'read' },
    );
    expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: 2 }]);
  });

  it("of behaviour 'exclusive' keep readers out only where there is no WAL", async () => {
    const config = { pragmas: { journal_mode: 'delete' } } as const;
    const [wal, rollback] = [await openFile(SETUP), await openFile(SETUP, config)];
    await wal.db.transaction(() => expect(isReadLocked(wal.other)).toBe(false), { behavior: 'exclusive' });
    await rollback.db.transaction(() => expect(isReadLocked(rollback.other)).toBe(true), {
      behavior: 'exclusive',
    });
    await rollback.db.transaction(() => expect(isReadLocked(rollback.other)).toBe(false), {
      behavior: 'immediate',
    });
    expect(isReadLocked(rollback.other)).toBe(false);
  });

  it('follow config.transactionBehavior, in batches and atomic scripts too', async () => {
    const { db, other } = await openFile(SETUP, { transactionBehavior: 'read' });
    await db.transaction((tx) => {
      expect(tx.behavior).toBe('read');
      expect(isWriteLocked(other)).toBe(false);
    });
    await failure(db.batch(['delete from t']), ReadOnlyError);
    await failure(db.script('delete from t', { atomic: true }), ReadOnlyError);
    await db.batch(['insert into t values (2)'], { behavior: 'immediate' });
    await db.script('insert into t values (3)', { atomic: true, behavior: 'deferred' });
    expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: 3 }]);
  });

  it('are not held by readers at the same time', async () => {
    const { db } = await openFile(SETUP);
    let open = 0;
    let most = 0;
    const read = (): Promise<void> =>
      db.transaction(
        async (tx) => {
          await tx.execute('select * from t');
          most = Math.max(most, ++open);
          await pause(2);
          open--;
        },
        { behavior: 'read' },
      );
    await Promise.all([read(), read(), read(), read()]);
    expect(most).toBe(4);
  });
});
