import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.js';
import { ConstraintError, ParameterError } from '../../src/errors.js';
import { openFile, openMemory, isWriteLocked } from '../support/database.js';
import { failure } from '../support/outcome.js';

const SETUP =
  'create table accounts (id integer primary key, balance real); insert into accounts values (1, 100.5)';

const PLACES: readonly [string, () => Promise<Database>][] = [
  ['a file', async () => (await openFile(SETUP)).db],
  ['memory', () => openMemory(SETUP)],
];

async function balances(db: Database): Promise<unknown> {
  return (await db.execute('select id, balance from accounts order by id', [], { rowMode: 'array' })).rows;
}

describe.each(PLACES)('a batch on %s', (_place, openPlace) => {
  it('gives the result of every statement', async () => {
    const db = await openPlace();
    const results = await db.batch([
      { sql: 'insert into accounts values (?, ?), (?, ?)', args: [2, 20.5, 3, 30] },
      'select id from accounts where id > 1 order by id',
      { sql: 'update accounts set balance = :b where id = :id returning balance', args: { b: 7.5, id: 2 } },
      'delete from accounts where id = 99',
      'create table u (a)',
    ]);
    expect(
      results.map((result) => [result.columns, result.rows, result.rowsAffected, result.lastInsertRowid]),
    ).toEqual([
      [[], [], 2, 3n],
      [['id'], [{ id: 2 }, { id: 3 }], 0, undefined],
      [['balance'], [{ balance: 7.5 }], 1, undefined],
      [[], [], 0, undefined],
      [[], [], 0, undefined],
    ]);
  });

  it('keeps nothing when a statement fails, and names it', async () => {
    const db = await openPlace();
    const statements = [
      'update accounts set balance = 0 where id = 1',
      'insert into accounts values (2, 5)',
      { sql: 'insert into accounts values (?, ?)', args: [1, 'duplicate'] },
      'insert into accounts values (4, 5)',
    ];
    const error = await failure(db.batch(statements), ConstraintError);
    expect(error).toMatchObject({ statementIndex: 2, constraint: 'primaryKey', table: 'accounts' });
    expect(error.sql).toBe('insert into accounts values (?, ?)');
    expect(await balances(db)).toEqual([[1, 100.5]]);
    await failure(db.batch(statements, { timeout: 9_000 }), ConstraintError);
    expect(await balances(db)).toEqual([[1, 100.5]]);
  });

  it.each<[string, unknown, string, number]>([
    ['a wrong parameter', { sql: 'insert into accounts values (?, ?)', args: [5] }, 'PARAMETER_INVALID', 1],
    ['two statements', 'select 1; select 2', 'MULTIPLE_STATEMENTS', 1],
    ['none', ' ', 'NO_STATEMENT', 1],
    ['a transaction', 'commit', 'TRANSACTION_CONTROL', 1],
    ['a file function', "select readfile('x')", 'FUNCTION_REFUSED', 1],
    ['no text', { sql: 5 }, 'PARAMETER_INVALID', 1],
  ])('is refused before anything is run for %s', async (_name, wrong, code, statementIndex) => {
    const db = await openPlace();
    await db.execute('create temp table seen (a)');
    await db.execute(
      'create temp trigger see after insert on accounts begin insert into seen values (1); end',
    );
    const error = await failure(db.batch(['insert into accounts values (2, 0)', wrong as string]));
    expect(error).toMatchObject({ code, statementIndex });
    expect(await balances(db)).toEqual([[1, 100.5]]);
  });

  it('of nothing gives nothing', async () => {
    const db = await openPlace();
    expect(await db.batch([])).toEqual([]);
    expect(await db.batch([], { atomic: false })).toEqual([]);
  });

  it('of independent statements gives every outcome and keeps what worked', async () => {
    const db = await openPlace();
    const outcomes = await db.batch(
      [
        'insert into accounts values (2, 2)',
        'insert into accounts values (1, 1)',
        { sql: 'insert into accounts values (?, ?)', args: [3] },
        'commit',
        { sql: 'insert into accounts values (?, ?) returning id', args: [4, 4] },
      ],
      { atomic: false },
    );
    expect(outcomes).toMatchObject([
      { status: 'fulfilled', value: { rowsAffected: 1, lastInsertRowid: 2n } },
      { status: 'rejected', reason: { code: 'SQLITE_CONSTRAINT', statementIndex: 1 } },
      { status: 'rejected', reason: { code: 'PARAMETER_INVALID', statementIndex: 2 } },
      { status: 'rejected', reason: { code: 'TRANSACTION_CONTROL', statementIndex: 3 } },
      { status: 'fulfilled', value: { rows: [{ id: 4 }] } },
    ]);
    expect(outcomes[1]).toHaveProperty('reason', expect.any(ConstraintError));
    expect(outcomes[2]).toHaveProperty('reason', expect.any(ParameterError));
    expect(await balances(db)).toEqual([
      [1, 100.5],
      [2, 2],
      [4, 4],
    ]);
  });

  it('of independent statements may stop at the first failure', async () => {
    const db = await openPlace();
    const statements = [
      'insert into accounts values (2, 2)',
      'insert into accounts values (1, 1)',
      'delete from accounts',
    ];
    const outcomes = await db.batch(statements, { atomic: false, continueOnError: false });
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected']);
    expect(await balances(db)).toEqual([
      [1, 100.5],
      [2, 2],
    ]);
  });

  it('of independent statements in a transaction is a part of it', async () => {
    const db = await openPlace();
    await db.transaction(async (tx) => {
      const outcomes = await tx.batch(
        ['insert into accounts values (1, 1)', 'insert into accounts values (2, 2)'],
        {
          atomic: false,
        },
      );
      expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'fulfilled']);
    });
    expect(await balances(db)).toEqual([
      [1, 100.5],
      [2, 2],
    ]);
  });

  it('may hold a thousand statements', async () => {
    const db = await openPlace();
    const statements = Array.from({ length: 1000 }, (_, i) => ({
      sql: 'insert into accounts values (?, ?)',
      args: [i + 2, i],
    }));
    expect(await db.batch(statements)).toHaveLength(1000);
    expect((await db.execute('select count(*) as n from accounts')).rows).toEqual([{ n: 1001 }]);
  });
});

describe('the transaction of a batch', () => {
  it('takes the locks that it is told to', async () => {
    const { db, other, look } = await openFile(SETUP, { busyTimeout: 0 });
    other.exec('begin immediate');
    expect(
      (await db.batch(['select count(*) as n from accounts'], { behavior: 'deferred' }))[0]?.rows,
    ).toEqual([{ n: 1 }]);
    expect((await db.batch(['select 1 as a'], { behavior: 'read' }))[0]?.rows).toEqual([{ a: 1 }]);
    expect((await failure(db.batch(['select 1']))).code).toBe('SQLITE_BUSY');
    other.exec('rollback');
    await db.batch(['insert into accounts values (2, 0)']);
    expect(look('select count(*) from accounts')).toEqual([[2]]);
    expect(isWriteLocked(other)).toBe(false);
  });

  it('shows nobody a part of it', async () => {
    const { db, look } = await openFile(SETUP);
    const writing = db.batch(
      Array.from({ length: 300 }, (_, i) => `insert into accounts values (${i + 2}, 0)`),
      { timeout: 20_000 },
    );
    const state = { done: false };
    const finished = writing.then(() => {
      state.done = true;
    });
    while (!state.done) {
      const count = look('select count(*) from accounts')[0]?.[0];
      expect([1, 301]).toContain(count);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await finished;
    expect(look('select count(*) from accounts')).toEqual([[301]]);
  });
});
