import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.js';
import { openFile, openMemory } from '../support/database.js';
import { collect, failure } from '../support/outcome.js';
import { LONGEST_STALL, withStall } from '../support/time.js';

const SETUP = `create table t (id integer primary key, v Varchar(9), b blob, r real);
  insert into t values (1, 'a', x'00ff', 1.5), (2, null, x'', -2), (900, 'c', null, 1e300), (-9007199254740991, 'd', null, 9007199254740994.0);`;

const PLACES: readonly [string, () => Promise<Database>][] = [
  ['a file', async () => (await openFile(SETUP)).db],
  ['memory', () => openMemory(SETUP)],
];

const ABORTABLE = { timeout: 20_000 };

describe.each(PLACES)('what can be aborted gives on %s the same as what can not', (_place, openPlace) => {
  it.each<[string, unknown[]]>([
    ['select * from t', []],
    ['select id, id, v as id from t order by id desc', []],
    ['select t.*, t2.* from t join t t2 using (id)', []],
    ['select v as "a b", 1 + 1, count(*) from t group by v order by 1', []],
    ['select * from t where id = ? -- a comment at the end', [2]],
    ['select ?, ?1, ?', [1, 'x']],
    ['values (1, 2), (3, 4)', []],
    ['with w as (select id from t) select * from w union all select ? from t', [7]],
    ['select id from t order by r limit 2 offset 1', []],
    ['select (select v from t limit 1) as v, typeof(b), hex(b) from t', []],
    ['select 1 where 0', []],
    ['pragma table_info(t)', []],
    ['explain query plan select * from t', []],
    ['select * from t, json_each(?)', ['[1,2]']],
    ['select row_number() over (order by id) as n, sum(r) over () as s from t', []],
    ['update t set v = upper(v) returning *', []],
    ['insert into t (v) values (?) returning v, rowid > 0 as r', ['n']],
    ['delete from t where id = ? returning v', [1]],
    ['update t set v = v', []],
    ['insert or ignore into t values (1, 1, 1, 1)', []],
    ['create table u (a)', []],
  ])('%s', async (sql, args) => {
    const [plain, abortable] = [await openPlace(), await openPlace()];
    const expected = await plain.execute(sql, args);
    expect(await abortable.execute(sql, args, ABORTABLE)).toEqual(expected);
    for (const rowMode of ['object', 'array'] as const) {
      const options = { rowMode };
      const again = await plain.execute(sql.replace('create table u', 'create table w'), args, options);
      const abortableAgain = await abortable.execute(sql.replace('create table u', 'create table w'), args, {
        ...options,
        ...ABORTABLE,
      });
      expect(abortableAgain).toEqual(again);
      await plain.execute('drop table if exists w');
      await abortable.execute('drop table if exists w', [], ABORTABLE);
    }
    const rows = 'select * from t order by id';
    expect((await abortable.execute(rows)).rows).toEqual((await plain.execute(rows)).rows);
    expect(await collect(abortable.stream(rows, [], ABORTABLE))).toEqual(await collect(plain.stream(rows)));
    expect(await abortable.prepare(rows).get([], ABORTABLE)).toEqual(await plain.prepare(rows).get());
    const inTransaction = await abortable.transaction((tx) => tx.execute(rows), ABORTABLE);
    expect(inTransaction).toEqual(await plain.execute(rows));
  });

  it.each([
    'select * from missing',
    'selec 1',
    'insert into t values (1, 2, 3, 4)',
    'select abs(-9223372036854775808)',
    'select ?0',
  ])('%s, which fails', async (sql) => {
    const db = await openPlace();
    const { code, rawCode, extendedCode, message } = await failure(db.execute(sql));
    expect(await failure(db.execute(sql, [], ABORTABLE))).toMatchObject({
      code,
      rawCode,
      extendedCode,
      message,
    });
  });

  it('a result of many rows, with the event loop free', async () => {
    const db = await openPlace();
    const sql = 'select value as id, value * 2 as w from generate_series(1, 300000)';
    const { outcome, stall } = await withStall(() => db.execute(sql, [], { ...ABORTABLE, rowMode: 'array' }));
    const rows = outcome.status === 'fulfilled' ? outcome.value.rows : [];
    expect(rows).toHaveLength(300_000);
    expect(rows[299_999]).toEqual([300_000, 600_000]);
    expect(stall).toBeLessThan(LONGEST_STALL);
  });

  it('get() of a write that gives several rows does all of it', async () => {
    const db = await openPlace();
    const insert = db.prepare(
      'insert into t (id) select value from generate_series(1001, 3000) returning id',
    );
    expect(await insert.get([], ABORTABLE)).toEqual({ id: 1_001 });
    const undo = db.prepare('delete from t where id > 1000 returning id');
    await db.transaction(async (tx) => {
      expect(await tx.prepare(undo.sql).get([], ABORTABLE)).toMatchObject({ id: 1_001 });
    });
    expect((await db.execute('select count(*) as n from t where id > 1000')).rows).toEqual([{ n: 0 }]);
  });
});
