import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.js';
import { openFile, openMemory } from '../support/database.js';
import { collect, failure } from '../support/outcome.js';

const SETUP = "create table t (id integer primary key, v); insert into t values (1, 'a'), (2, 'b'), (3, 'c')";

const PLACES: readonly [string, () => Promise<Database>][] = [
  ['a file', async () => (await openFile(SETUP)).db],
  ['memory', () => openMemory(SETUP)],
];

describe.each(PLACES)('a prepared statement on %s', (_place, openPlace) => {
  it('gives rows in each of its ways', async () => {
    const db = await openPlace();
    const statement = db.prepare<{ id: number; v: string }>('select * from t where id <= :max order by id');
    const rows = [
      { id: 1, v: 'a' },
      { id: 2, v: 'b' },
    ];
    expect(statement.sql).toBe('select * from t where id <= :max order by id');
    expect(await statement.all({ max: 2 })).toEqual(rows);
    expect(await statement.get([2])).toEqual(rows[0]);
    expect(await statement.get([0])).toBeUndefined();
    expect(await statement.values({ ':max': 2 })).toEqual([
      [1, 'a'],
      [2, 'b'],
    ]);
    expect(await collect(statement.iterate([2], { batchSize: 1 }))).toEqual(rows);
    expect(await statement.run([1])).toEqual({
      columns: ['id', 'v'],
      columnTypes: ['INTEGER', ''],
      rows: [rows[0]],
      rowsAffected: 0,
      lastInsertRowid: undefined,
    });
  });

  it('writes', async () => {
    const db = await openPlace();
    const insert = db.prepare('insert into t (v) values (?)');
    const results = await Promise.all(['x', 'y', 'z'].map((v) => insert.run([v])));
    expect(results.map((result) => result.lastInsertRowid)).toEqual([4n, 5n, 6n]);
    const returning = db.prepare('update t set v = v || ? where id > 4 returning id, v');
    expect(await returning.get(['!'])).toEqual({ id: 5, v: 'y!' });
    expect(await returning.all(['?'])).toEqual([
      { id: 5, v: 'y!?' },
      { id: 6, v: 'z!?' },
    ]);
    expect(await insert.get(['w'])).toBeUndefined();
    expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: 7 }]);
  });

  it('of get() reads no further than the first row', async () => {
    const db = await openPlace();
    // The second row can not be computed.
    const statement = db.prepare(
      'select case id when 1 then 1 else abs(-9223372036854775808) end as x from t',
    );
    expect(await statement.get()).toEqual({ x: 1 });
    expect((await failure(statement.all())).message).toContain('integer overflow');
    expect(await statement.get()).toEqual({ x: 1 });
    await db.execute('drop table t');
  });

  it('lives as long as its transaction', async () => {
    const db = await openPlace();
    const ended = await db.transaction(async (tx) => {
      const statement = tx.prepare('insert into t (v) values (?) returning id');
      expect(await statement.get(['in'])).toEqual({ id: 4 });
      return [statement];
    });
    const [statement] = ended;
    expect((await failure(async () => statement?.get(['after']))).code).toBe('TRANSACTION_CLOSED');
    expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: 4 }]);
  });

  it('of the same text as another one is independent of it', async () => {
    const db = await openPlace();
    const [one, two] = [db.prepare('select ? as x'), db.prepare('select ? as x')];
    expect(await Promise.all([one.get([1]), two.get([2]), one.get([3])])).toEqual([
      { x: 1 },
      { x: 2 },
      { x: 3 },
    ]);
  });

  it('reports a table that is missing only when it is run', async () => {
    const db = await openPlace();
    const statement = db.prepare('select * from later');
    expect((await failure(statement.all())).message).toContain('no such table: later');
    await db.execute('create table later (x)');
    expect(await statement.all()).toEqual([]);
  });
});
