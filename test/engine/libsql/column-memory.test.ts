import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openFile, openMemory } from '../../support/database.js';

const TABLE = 'create table t (a integer, b text); insert into t values (1, 2)';

describe('columns that are remembered', () => {
  it('follow every change of the schema in this process', async () => {
    const { db } = await openFile(TABLE);
    const all = () => db.execute('select * from t');
    const named = () => db.execute('select a, b from t');
    for (let i = 0; i < 3; i++) expect((await all()).rows).toEqual([{ a: 1, b: '2' }]);
    expect((await named()).columnTypes).toEqual(['INTEGER', 'TEXT']);

    await db.execute('alter table t rename column b to c');
    expect((await all()).rows).toEqual([{ a: 1, c: '2' }]);
    await db.script('alter table t rename column c to b');
    expect((await all()).rows).toEqual([{ a: 1, b: '2' }]);
    await db.batch(['drop table t', 'create table t (a real, b blob)', 'insert into t values (1, 2)']);
    expect((await all()).columnTypes).toEqual(['REAL', 'BLOB']);
    expect((await named()).columnTypes).toEqual(['REAL', 'BLOB']);
  });

  it('are those that the reader sees while another connection changes them', async () => {
    const { db } = await openFile(TABLE);
    const all = async () => (await db.execute('select * from t')).columns;
    await db.transaction(async (tx) => {
      await tx.execute('alter table t rename column b to c');
      expect(await all()).toEqual(['a', 'b']);
      expect((await tx.execute('select * from t')).columns).toEqual(['a', 'c']);
    });
    expect(await all()).toEqual(['a', 'c']);
    const undone = db.transaction(async (tx) => {
      await tx.execute('alter table t rename column c to d');
      expect((await tx.execute('select * from t')).columns).toEqual(['a', 'd']);
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(await all()).toEqual(['a', 'c']);
  });

  it('follow a change by others at once, as far as names go', async () => {
    for (const rows of [1, 20]) {
      const { db, other } = await openFile('create table t (a integer, b text)');
      for (let i = 0; i < rows; i++) await db.execute('insert into t values (1, 2)');
      const first = async (sql: string) => (await db.execute(sql)).rows[0];
      for (let i = 0; i < 3; i++) expect(await first('select * from t')).toEqual({ a: 1, b: '2' });
      other.exec('alter table t rename column a to x; alter table t rename column b to a');
      expect(await first('select * from t')).toEqual({ x: 1, a: '2' });
      other.exec('alter table t add column more default 7');
      expect(await first('select * from t')).toEqual({ x: 1, a: '2', more: 7 });
      expect(await first('select t.*, 1 as one from t')).toEqual({ x: 1, a: '2', more: 7, one: 1 });
    }
  });

  it('follow a change of types by others within a second', async () => {
    const { db, other } = await openFile(TABLE);
    const types = async () => (await db.execute('select a, b from t')).columnTypes;
    for (let i = 0; i < 3; i++) expect(await types()).toEqual(['INTEGER', 'TEXT']);
    other.exec('drop table t; create table t (a real, b blob); insert into t values (1, 2)');
    await types();
    const now = performance.now.bind(performance);
    const later = vi.spyOn(performance, 'now').mockImplementation(() => now() + 1_001);
    onTestFinished(() => later.mockRestore());
    expect(await types()).toEqual(['REAL', 'BLOB']);
  });

  it('may have any name', async () => {
    const db = await openMemory(TABLE);
    for (let i = 0; i < 3; i++) {
      expect((await db.execute('select *, * from t')).rows).toEqual([{ a: 1, b: '2', 'a:1': 1, 'b:1': '2' }]);
      expect((await db.execute('select *, 1 as "7", 2 as "3" from t')).columns).toEqual(['a', 'b', '7', '3']);
      const { rows } = await db.execute('select *, 5 as "__proto__" from t', [], { rowMode: 'array' });
      expect(rows).toEqual([[1, '2', 5]]);
    }
  });

  it('keep values exact: integers, blobs, none', async () => {
    const db = await openMemory('create table t (a)');
    const all = async () => (await db.execute('select * from t', [], { rowMode: 'array' })).rows;
    for (let i = 0; i < 2; i++) expect(await all()).toEqual([]);
    await db.execute("insert into t values (x'0102')");
    for (let i = 0; i < 3; i++) expect(await all()).toEqual([[new Uint8Array([1, 2])]]);
    await db.execute('update t set a = 9007199254740993');
    await expect(all()).rejects.toMatchObject({ column: 'a' });
    await db.execute('update t set a = null');
    expect(await all()).toEqual([[null]]);
  });
});
