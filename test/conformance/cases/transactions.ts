import { expect, it } from 'vitest';
import { ConstraintError, ParameterError, ReadOnlyError } from '../../../src/index.js';
import { failureOf, itNeeding } from '../capabilities.js';
import { type Cases, openScene, pause, raw } from '../scene.js';

const account = (id: number): { op: 'insert'; into: 'accounts'; rows: { id: number; name: string }[] } => ({
  op: 'insert',
  into: 'accounts',
  rows: [{ id, name: `name ${id}` }],
});

const IDS = 'select id from accounts order by id';

export const transactionCases: Cases = (target, builder) => {
  it('commits what the callback did and gives what it returned', async () => {
    const { db, outside } = await openScene(target, builder);
    const result = await db.transaction(async (tx) => {
      await tx.run(account(1));
      return tx.count('accounts');
    });
    expect(result).toBe(1);
    expect(await outside.rows(IDS)).toEqual([[1]]);
  });

  it('undoes everything when the callback throws, and throws the same (#53)', async () => {
    const { db, outside } = await openScene(target, builder);
    const mine = new Error('mine');
    const failing = db.transaction(async (tx) => {
      await tx.run(account(1));
      throw mine;
    });
    await expect(failing).rejects.toBe(mine);
    expect(await outside.rows(IDS)).toEqual([]);
    await db.run(account(2));
    expect(await outside.rows(IDS)).toEqual([[2]]);
  });

  it('a failed nested one undoes only itself, siblings run one after another (#50, #51, #52)', async () => {
    const { db, outside } = await openScene(target, builder);
    await db.transaction(async (tx) => {
      await tx.run(account(1));
      await Promise.allSettled(
        [2, 3, 4].map((id) =>
          tx.transaction(async (nested) => {
            await nested.run(account(id));
            await pause(2);
            if (id === 3) throw new Error('not this one');
          }),
        ),
      );
      await tx.run(account(5));
    });
    expect(await outside.rows(IDS)).toEqual([[1], [2], [4], [5]]);
  });

  for (const behavior of ['deferred', 'immediate', 'exclusive', 'read', 'concurrent'] as const) {
    const use = async (): Promise<unknown> => {
      const { db } = await openScene(target, builder);
      return db.transaction((tx) => tx.count('accounts'), { behavior });
    };
    const test = async (): Promise<void> => {
      const { db, outside } = await openScene(target, builder);
      const locks = behavior === 'immediate' || behavior === 'exclusive';
      await db.transaction(
        async (tx) => {
          expect(await tx.count('accounts')).toBe(0);
          if (target.features.connections === 'many')
            expect(await outside.isLocked('delete from accounts')).toBe(locks);
        },
        { behavior },
      );
    };
    itNeeding(target, `behavior ${behavior}`, `behavior ${behavior} does what it says (#54)`, { test, use });
  }

  it('read refuses a write (#54)', async () => {
    const { db, outside } = await openScene(target, builder);
    const failing = db.transaction((tx) => tx.run(account(1)), { behavior: 'read' });
    expect(await failureOf(failing)).toBeInstanceOf(ReadOnlyError);
    expect(await outside.rows(IDS)).toEqual([]);
  });

  it('many at a time add up (#84)', async () => {
    const { db, outside } = await openScene(target, builder);
    await db.run(account(1));
    const increment = (): Promise<unknown> =>
      db.transaction(async (tx) => {
        const { rows } = await tx.run({ op: 'select', from: 'accounts', columns: ['balance'] });
        await tx.run({ op: 'update', table: 'accounts', set: { balance: Number(rows?.[0]?.balance) + 1 } });
      });
    await Promise.all(Array.from({ length: 25 }, increment));
    expect(await outside.rows('select balance from accounts')).toEqual([[25]]);
  });

  it('a batch is all or nothing, with one result each and the index of what failed (#55, #57)', async () => {
    const { db, outside } = await openScene(target, builder);
    const results = await db.batch([account(1), { op: 'select', from: 'accounts', columns: ['id'] }], {
      behavior: 'immediate',
    });
    expect(results[1]?.rows).toEqual([{ id: 1 }]);
    const error = await failureOf(db.batch([account(2), account(1)]));
    expect(error).toBeInstanceOf(ConstraintError);
    expect(error.statementIndex).toBe(1);
    expect(await outside.rows(IDS)).toEqual([[1]]);
  });

  it('an independent batch keeps what worked and gives every outcome (#56)', async () => {
    const { db, outside } = await openScene(target, builder);
    const outcomes = await db.settle([account(1), account(1), account(2)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await outside.rows(IDS)).toEqual([[1], [2]]);
  });

  it('a batch in a transaction is a part of it', async () => {
    const { db, outside } = await openScene(target, builder);
    await db.transaction(async (tx) => {
      await tx.batch([account(1)]);
      await failureOf(tx.batch([account(2), account(1)]));
    });
    expect(await outside.rows(IDS)).toEqual([[1]]);
  });

  it('broken constraints say which, where, and by which index (#61)', async () => {
    const { db } = await openScene(target, builder);
    await db.run(account(1));
    const entry = { account: 1, slug: 'a', parent: 'b', amount: 1 };
    await db.run({ op: 'insert', into: 'entries', rows: [entry] });
    const broken = async (row: object): Promise<unknown> =>
      failureOf(db.run({ op: 'insert', into: 'entries', rows: [{ ...entry, slug: 'other', ...row }] }));
    expect(await broken({ slug: 'a' })).toMatchObject({
      constraint: 'unique',
      table: 'entries',
      columns: ['slug', 'parent'],
      index: 'entries_slug_parent_index',
    });
    expect(await broken({ account: 9 })).toMatchObject({
      constraint: 'foreignKey',
      extendedCode: 'SQLITE_CONSTRAINT_FOREIGNKEY',
    });
    expect(await broken({ amount: 13 })).toMatchObject({ constraint: 'check' });
    expect(await broken({ amount: null })).toMatchObject({
      constraint: 'notNull',
      table: 'entries',
      columns: ['amount'],
    });
    expect(await failureOf(db.run({ ...account(1) }))).toMatchObject({
      constraint: 'primaryKey',
      columns: ['id'],
    });
  });

  it('refuses parameters without a value of their own, and never tells the value (#6, #29)', async () => {
    const { db } = await openScene(target, builder);
    for (const value of [
      undefined,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      { secret: 1 },
      2n ** 64n,
      Symbol('secret'),
    ]) {
      const error = await failureOf(db.run(raw('select ?', value)));
      expect(error).toBeInstanceOf(ParameterError);
      expect(error.message).not.toContain('secret');
    }
    if (!target.features.nulInText) {
      expect(await failureOf(db.run(raw('select ?', 'secret\0')))).toBeInstanceOf(ParameterError);
    }
  });

  it('refuses several statements in one, and none (#18, #19)', async () => {
    const { db } = await openScene(target, builder);
    expect(await failureOf(db.run(raw("insert into accounts (name) values ('a'); select 1")))).toMatchObject({
      code: 'MULTIPLE_STATEMENTS',
    });
    expect(await failureOf(db.run(raw(' -- nothing')))).toMatchObject({ code: 'NO_STATEMENT' });
    expect(await db.count('accounts')).toBe(0);
  });
};
