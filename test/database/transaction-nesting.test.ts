import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Database } from '../../src/database/database.js';
import { LibsqlConnection } from '../../src/engine/libsql/connection.js';
import { TransactionLostError } from '../../src/errors.js';
import { openFile, openMemory } from '../support/database.js';
import { failure, rejection } from '../support/outcome.js';
import { gate, turn } from '../support/time.js';

const SETUP = 'create table t (a)';

const PLACES: readonly [string, () => Promise<Database>][] = [
  ['a file', async () => (await openFile(SETUP)).db],
  ['memory', () => openMemory(SETUP)],
];

async function values(db: Database): Promise<unknown[]> {
  return (await db.execute('select a from t order by rowid')).rows.map((row) => row.a);
}

describe.each(PLACES)('a nested transaction on %s', (_place, openPlace) => {
  it('is kept with the outer one, and gives what its callback gives', async () => {
    const db = await openPlace();
    const result = await db.transaction(async (tx) => {
      await tx.execute('insert into t values (1)');
      return tx.transaction(async (nested) => {
        await nested.execute('insert into t values (2)');
        return nested.behavior;
      });
    });
    expect(result).toBe('immediate');
    expect(await values(db)).toEqual([1, 2]);
  });

  it('is undone alone when its callback throws, and the same error is thrown', async () => {
    const db = await openPlace();
    const problem = new Error('mine');
    await db.transaction(async (tx) => {
      await tx.execute('insert into t values (1)');
      const nested = tx.transaction(async (inner) => {
        await inner.execute('insert into t values (2)');
        throw problem;
      });
      expect(await rejection(nested)).toBe(problem);
      await tx.execute('insert into t values (3)');
    });
    expect(await values(db)).toEqual([1, 3]);
  });

  it('is undone with the outer one', async () => {
    const db = await openPlace();
    await rejection(
      db.transaction(async (tx) => {
        await tx.transaction((nested) => nested.execute('insert into t values (1)'));
        throw new Error('undo');
      }),
    );
    expect(await values(db)).toEqual([]);
  });

  it('may fail many times, at many depths', async () => {
    const db = await openPlace();
    await db.transaction(async (tx) => {
      for (let i = 0; i < 3; i++) {
        const outer = tx.transaction(async (one) => {
          await one.execute('insert into t values (?)', [10 + i]);
          await rejection(
            one.transaction(async (two) => {
              await two.execute('insert into t values (?)', [20 + i]);
              await two.transaction((three) => three.execute('insert into t values (?)', [30 + i]));
              throw new Error('undo two and three');
            }),
          );
          await one.transaction((two) => two.execute('insert into t values (?)', [40 + i]));
          if (i === 1) throw new Error('undo all of this round');
        });
        await (i === 1 ? rejection(outer) : outer);
      }
    });
    expect(await values(db)).toEqual([10, 40, 12, 42]);
  });

  it('of one parent waits for its siblings', async () => {
    const db = await openPlace();
    const log: string[] = [];
    await db.transaction(async (tx) => {
      const child = (name: string, fail: boolean): Promise<unknown> =>
        tx
          .transaction(async (nested) => {
            log.push(`${name} begins`);
            await nested.execute('insert into t values (?)', [name]);
            await turn();
            await nested.execute('insert into t values (?)', [name]);
            log.push(`${name} ends`);
            if (fail) throw new Error('undo');
          })
          .catch(() => 'failed');
      await Promise.all([child('a', false), child('b', true), child('c', false)]);
    });
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
    expect(await values(db)).toEqual(['a', 'a', 'c', 'c']);
  });

  it('lets statements of its parent wait until it has ended', async () => {
    const db = await openPlace();
    const inside = gate();
    await db.transaction(async (tx) => {
      const nested = tx.transaction(async (inner) => {
        await inner.execute("insert into t values ('first, undone')");
        await inside.opened;
        throw new Error('undo');
      });
      const failed = rejection(nested);
      await turn();
      let done = false;
      const waiting = tx.execute("insert into t values ('second, kept')").then(() => {
        done = true;
      });
      await turn();
      expect(done).toBe(false);
      inside.open();
      await failed;
      await waiting;
    });
    expect(await values(db)).toEqual(['second, kept']);
  });

  it('waits for what was called in it and not awaited', async () => {
    const db = await openPlace();
    await db.transaction(async (tx) => {
      await tx.transaction((nested) => {
        void nested.execute('insert into t values (1)', [], { timeout: 9_000 });
        void nested.execute('insert into t values (2)', [], { timeout: 9_000 });
      });
      await tx.execute('insert into t values (3)');
    });
    expect(await values(db)).toEqual([1, 2, 3]);
  });

  it('undoes what was called in it and not awaited before its callback threw', async () => {
    const db = await openPlace();
    const refused: unknown[] = [];
    await db.transaction(async (tx) => {
      const note = (call: Promise<unknown>): void => void call.catch((error: unknown) => refused.push(error));
      await rejection(
        tx.transaction((nested) => {
          for (let i = 0; i < 4; i++)
            note(nested.execute('insert into t values (?)', [i], { timeout: 9_000 }));
          note(nested.execute('insert into t values (4)'));
          throw new Error('undo');
        }),
      );
      await turn();
      await tx.execute('insert into t values (5)');
    });
    expect(await values(db)).toEqual([5]);
    expect(refused.length).toBeGreaterThan(0);
    for (const error of refused) expect(error).toMatchObject({ code: 'TRANSACTION_CLOSED' });
  });

  it('can not be used after its end, while the outer one can', async () => {
    const db = await openPlace();
    await db.transaction(async (tx) => {
      const ended = await tx.transaction((nested) => [nested]);
      const [nested] = ended;
      expect((await failure(async () => nested?.execute('insert into t values (1)'))).code).toBe(
        'TRANSACTION_CLOSED',
      );
      expect((await failure(async () => nested?.transaction(() => 1))).code).toBe('TRANSACTION_CLOSED');
      await tx.execute('insert into t values (2)');
    });
    expect(await values(db)).toEqual([2]);
  });

  it('undoes a change of the schema, which statements then see', async () => {
    const db = await openPlace();
    await db.transaction(async (tx) => {
      for (let i = 0; i < 3; i++) await tx.execute('select * from t');
      await rejection(
        tx.transaction(async (nested) => {
          await nested.execute('alter table t add column b default 7');
          expect((await nested.execute('select * from t')).columns).toEqual(['a', 'b']);
          throw new Error('undo');
        }),
      );
      expect((await tx.execute('select * from t')).columns).toEqual(['a']);
    });
    expect((await db.execute('select * from t')).columns).toEqual(['a']);
  });

  it('is what a batch and a script in a transaction are', async () => {
    const db = await openPlace();
    await db.transaction(async (tx) => {
      await tx.execute('insert into t values (1)');
      const error = await failure(tx.batch(['insert into t values (2)', 'insert into missing values (1)']));
      expect(error.statementIndex).toBe(1);
      const wrong = await failure(tx.script('insert into t values (3);\ninsert into missing values (1)'));
      expect([wrong.statementIndex, wrong.position?.line]).toEqual([1, 2]);
      await tx.batch(['insert into t values (4)']);
      expect(await tx.script('insert into t values (5); insert into t values (6)')).toEqual({
        statementCount: 2,
      });
    });
    expect(await values(db)).toEqual([1, 4, 5, 6]);
  });

  it('refuses a batch that asks for another behaviour', async () => {
    const db = await openPlace();
    await db.transaction(async (tx) => {
      const error = await failure(tx.batch(['select 1'], { behavior: 'exclusive' }));
      expect(error).toMatchObject({ code: 'TRANSACTION_CONTROL' });
      expect(error.message).toContain("behavior 'exclusive' inside one with 'immediate'");
      expect(await tx.batch(['select 1 as a'], { behavior: 'immediate' })).toMatchObject([
        { rows: [{ a: 1 }] },
      ]);
    });
  });
});

describe('a nested transaction that could not be undone', () => {
  it.each(['rollbackToSavepoint', 'releaseSavepoint'] as const)(
    'ends the outer one, of which nothing is kept: %s',
    async (step) => {
      const { db, look } = await openFile(SETUP);
      const broken = vi.spyOn(LibsqlConnection.prototype, step).mockImplementationOnce(() => {
        throw new Error('the disk is gone');
      });
      onTestFinished(() => broken.mockRestore());
      const problem = new Error('mine');
      const outer = db.transaction(async (tx) => {
        await tx.execute('insert into t values (1)');
        const nested = tx.transaction(async (inner) => {
          await inner.execute('insert into t values (2)');
          throw problem;
        });
        expect(await rejection(nested)).toBe(problem);
      });
      await failure(outer, TransactionLostError);
      expect(look('select * from t')).toEqual([]);
      await db.transaction((tx) => tx.execute('insert into t values (3)'));
      expect(look('select * from t')).toEqual([[3]]);
    },
  );
});
