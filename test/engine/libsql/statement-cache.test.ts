import { describe, expect, it } from 'vitest';
import type { Database } from '../../../src/database/database.js';
import { openFile, openMemory, type SecondConnection } from '../../support/database.js';
import { failure } from '../../support/outcome.js';

const SETUP = `create table t (id integer primary key, v); insert into t values (1, 'a'), (2, 'b');
  create table u (id integer primary key, t); insert into u values (1, 1), (2, 1);`;

/** How a schema is changed behind the back of a statement that was prepared before. */
const CHANGES: readonly [string, (db: Database, other: SecondConnection, sql: string) => unknown][] = [
  ['by this connection', (db, _other, sql) => db.script(sql)],
  ['by another connection', (_db, other, sql) => other.exec(sql)],
  ['by a transaction', (db, _other, sql) => db.transaction((tx) => tx.script(sql))],
];

/** Runs a statement often enough that whatever is learned about it has been learned. */
async function warm(db: Database, sql: string, args: unknown[] = []): Promise<void> {
  for (let i = 0; i < 4; i++) await db.execute(sql, args);
}

describe.each(CHANGES)('a statement that was run before, after a change %s', (_name, change) => {
  it('sees a column that was added', async () => {
    const { db, other } = await openFile(SETUP);
    await warm(db, 'select * from t where id = ?', [1]);
    await warm(db, 'select * from t');
    await change(db, other, 'alter table t add column w default 5');
    const { columns, columnTypes, rows } = await db.execute('select * from t where id = ?', [1]);
    expect([columns, columnTypes, rows]).toEqual([
      ['id', 'v', 'w'],
      ['INTEGER', '', ''],
      [{ id: 1, v: 'a', w: 5 }],
    ]);
    expect(await db.prepare('select * from t').all()).toEqual([
      { id: 1, v: 'a', w: 5 },
      { id: 2, v: 'b', w: 5 },
    ]);
  });

  it('sees that a column has another name', async () => {
    const { db, other } = await openFile(SETUP);
    await warm(db, 'select * from t where id = 1');
    await warm(db, 'select v from t where id = 1');
    await change(db, other, 'alter table t rename column v to value');
    expect((await db.execute('select * from t where id = 1')).rows).toEqual([{ id: 1, value: 'a' }]);
    expect((await failure(db.execute('select v from t where id = 1'))).message).toContain(
      'no such column: v',
    );
    await change(db, other, 'alter table t rename column value to v');
    expect((await db.execute('select v from t where id = 1')).rows).toEqual([{ v: 'a' }]);
  });

  it('sees a table that was made anew', async () => {
    const { db, other } = await openFile(SETUP);
    await warm(db, 'select * from t where id = 1');
    await change(
      db,
      other,
      "drop table t; create table t (x, id, y); insert into t values ('x1', 1, 'y1'), ('x2', 1, 'y2')",
    );
    const { columns, rows } = await db.execute('select * from t where id = 1');
    expect(columns).toEqual(['x', 'id', 'y']);
    expect(rows).toEqual([
      { x: 'x1', id: 1, y: 'y1' },
      { x: 'x2', id: 1, y: 'y2' },
    ]);
  });

  it('fails while its table is missing, and works when it is back', async () => {
    const { db, other } = await openFile(SETUP);
    await warm(db, 'select v from t where id = 2');
    await change(db, other, 'alter table t rename to gone');
    for (let i = 0; i < 3; i++) {
      expect((await failure(db.execute('select v from t where id = 2'))).message).toContain(
        'no such table: t',
      );
    }
    await change(db, other, 'alter table gone rename to t');
    expect((await db.execute('select v from t where id = 2')).rows).toEqual([{ v: 'b' }]);
  });

  it('sees rows of a view that became another', async () => {
    const { db, other } = await openFile(`${SETUP} create view w as select id, v from t where id = 1;`);
    await warm(db, 'select * from w');
    await change(db, other, 'drop view w; create view w as select v, id, 3 as three from t');
    expect((await db.execute('select * from w')).rows).toEqual([
      { v: 'a', id: 1, three: 3 },
      { v: 'b', id: 2, three: 3 },
    ]);
  });

  it('writes to the table as it is now', async () => {
    const { db, other, look } = await openFile(SETUP);
    for (let i = 0; i < 3; i++) await db.execute('insert into t (v) values (?) returning *', [i]);
    await change(db, other, 'alter table t add column w default 8');
    const { columns, rows } = await db.execute('insert into t (v) values (?) returning *', [9]);
    expect([columns, rows]).toEqual([['id', 'v', 'w'], [{ id: 6, v: 9, w: 8 }]]);
    expect(look('select v, w from t where id = 6')).toEqual([[9, 8]]);
  });
});

describe('a lookup by key', () => {
  const sql = 'select v from t where id = ?';

  it('gives all rows when a temporary table takes the place of its table', async () => {
    const db = await openMemory(SETUP);
    await warm(db, sql, [1]);
    await db.execute('create temp table t (id, v)');
    await db.execute("insert into temp.t values (1, 'x'), (1, 'y')");
    expect((await db.execute(sql, [1])).rows).toEqual([{ v: 'x' }, { v: 'y' }]);
    await db.execute('drop table temp.t');
    expect((await db.execute(sql, [1])).rows).toEqual([{ v: 'a' }]);
  });

  it('gives all rows when an attached database brings the name', async () => {
    const { file } = await openFile("create table x (id, v); insert into x values (1, 'p'), (1, 'q')");
    const db = await openMemory(SETUP);
    await warm(db, 'select v from t where id = 1');
    await failure(db.execute('select v from x where id = 1'));
    await db.execute('attach ? as a', [file]);
    expect((await db.execute('select v from x where id = 1')).rows).toEqual([{ v: 'p' }, { v: 'q' }]);
  });

  it('in an attached database sees what others change there', async () => {
    const { file, other } = await openFile(
      "create table x (id integer primary key, v); insert into x values (1, 'p')",
    );
    const db = await openMemory(SETUP);
    await db.execute('attach ? as a', [file]);
    await warm(db, 'select * from a.x where id = 1');
    other.exec("drop table x; create table x (id, v); insert into x values (1, 'r'), (1, 's')");
    expect((await db.execute('select v from a.x where id = 1')).rows).toEqual([{ v: 'r' }, { v: 's' }]);
    expect((await db.execute('select * from a.x where id = 1')).rows).toHaveLength(2);
  });

  it('sees a schema change in its own open transaction, and its undoing', async () => {
    const { db } = await openFile(SETUP);
    await db
      .transaction(async (tx) => {
        for (let i = 0; i < 4; i++) await tx.execute(sql, [1]);
        await tx.execute('drop table t');
        await tx.execute('create table t (id, v)');
        await tx.execute('insert into t values (1, 5), (1, 6)');
        expect((await tx.execute(sql, [1])).rows).toEqual([{ v: 5 }, { v: 6 }]);
        throw new Error('undo');
      })
      .catch(() => {});
    expect((await db.execute(sql, [1])).rows).toEqual([{ v: 'a' }]);
    expect((await db.transaction((tx) => tx.execute(sql, [1]))).rows).toEqual([{ v: 'a' }]);
  });

  it.each<[string, unknown[], unknown[][]]>([
    ['select id from t where id in (1, 2)', [], [[1], [2]]],
    ['select id from t where id in (?, ?)', [2, 1], [[1], [2]]],
    ['select id from t where id = ? or id = ?', [1, 2], [[1], [2]]],
    [
      'select t.id, u.id from t join u on u.t = t.id where t.id = ?',
      [1],
      [
        [1, 1],
        [1, 2],
      ],
    ],
    ['select t.id, u.id from t left join u on u.t = t.id where t.id = ?', [2], [[2, null]]],
    ['select id from t where id = ? union all select id from t where id = ?', [1, 1], [[1], [1]]],
    ['select id from t where id = ? union all select 9', [1], [[1], [9]]],
    ['select 9 union all select id from t where id = ?', [1], [[9], [1]]],
    ['values (1), (2)', [], [[1], [2]]],
    ['select count(*) from t where id = ?', [9], [[0]]],
    ['select sum(id) from t', [], [[3]]],
    ['select id from t limit ?', [2], [[1], [2]]],
    ['select id from t where id = ? limit 0', [1], []],
    ['select id from t order by id desc', [], [[2], [1]]],
    ['select id from t where id > ?', [0], [[1], [2]]],
    ['select value from generate_series(1, ?)', [2], [[1], [2]]],
    [
      'select (select v from t where id = ?), j.value from json_each(?) as j',
      [1, '[1,2]'],
      [
        ['a', 1],
        ['a', 2],
      ],
    ],
    [
      'with recursive c(x) as (select 1 union all select x + 1 from c where x < ?) select x from c',
      [2],
      [[1], [2]],
    ],
    ['select v from t where id = ?', [9], []],
    ['select v from t where id = ?', [null], []],
    ['select v from t where id = ?', ['x'], []],
    ['select v from t where id = ?', ['1'], [['a']]],
    ['select v from t where rowid = ?', [2], [['b']]],
  ])('is not what %s with %j is taken for', async (query, args, expected) => {
    const db = await openMemory(SETUP);
    for (let run = 0; run < 5; run++) {
      expect((await db.execute(query, args, { rowMode: 'array' })).rows).toEqual(expected);
    }
  });
});

describe('the cache of statements', () => {
  it.each([0, 1, 2, 100])('of size %i gives the right rows whatever is in it', async (statementCacheSize) => {
    const db = await openMemory('create table t (a)', { statementCacheSize });
    for (let run = 0; run < 3; run++) {
      for (let i = 0; i < 20; i++) {
        expect((await db.execute(`select ${i} as n, ? as v`, [run])).rows).toEqual([{ n: i, v: run }]);
        expect((await db.execute('insert into t values (?)', [i])).lastInsertRowid).toBe(
          BigInt(run * 20 + i + 1),
        );
      }
    }
  });

  it('gives two callers of one statement what each asked for', async () => {
    const db = await openMemory(SETUP);
    const statement = db.prepare('select ? as v, t.id from t');
    const results = await Promise.all(Array.from({ length: 20 }, (_, i) => statement.values([i])));
    expect(results).toEqual(
      Array.from({ length: 20 }, (_, i) => [
        [i, 1],
        [i, 2],
      ]),
    );
  });

  it('holds no statement back that an error ended', async () => {
    const db = await openMemory('create table t (a unique); insert into t values (1)');
    for (let run = 0; run < 3; run++) {
      await failure(db.execute('insert into t values (?)', [1]));
      expect((await db.execute('insert into t values (?)', [run + 2])).rowsAffected).toBe(1);
    }
  });

  it('does not carry out a pragma when it only looks at it', async () => {
    const { db } = await openFile();
    await db.execute('pragma foreign_keys');
    await db.execute('pragma foreign_keys = off');
    await db.execute('pragma foreign_keys = on');
    await db.execute('pragma foreign_keys = off');
    expect((await db.execute('pragma foreign_keys')).rows).toEqual([{ foreign_keys: 0 }]);
  });
});
