import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.js';
import { runProgram } from '../support/child.js';
import { openDatabase, temporaryFile } from '../support/database.js';
import { replicaScene } from '../support/replica.js';
import { sqldForAll } from '../support/sqld.js';

const SETUP = `
  create table other(a integer primary key); insert into other values (41);
  create table t(a integer primary key, b); insert into t values (1, 1), (2, 2);
  create table auto(a integer primary key autoincrement, b);
  create table strict_t(a integer primary key, b text) strict;
  create table w(k primary key, v) without rowid; insert into w values ('p', 1);
  create table log(a); create table kept(a integer primary key, b);
  create trigger t_log after update on t begin insert into log values (new.a), (new.a); end;
  create trigger kept_log after insert on kept begin insert into log values (1), (2), (3); end;
  create view v as select a, b from t;
  create trigger v_in instead of insert on v begin insert into log values (new.a); end;
  create virtual table f using fts5(x);
  create virtual table r using rtree(id, x0, x1);`;

/** A statement, the rows that it changes, and the rowid that it inserts last. */
const CASES: readonly (readonly [string, number, bigint | undefined])[] = [
  ['insert into t values (7, 7)', 1, 7n],
  ['insert into t(b) values (8), (9)', 2, 4n],
  ['insert into t(b) values (8), (9) returning a', 2, 4n],
  ['insert into t(b) select b from t', 2, 4n],
  ['insert into t(b) select b from t where 0', 0, undefined],
  ['insert into t(b) select b from t where 0 returning a', 0, undefined],
  ['replace into t values (1, 5)', 1, 1n],
  ['insert or replace into t values (2, 5), (1, 6)', 2, 1n],
  ['insert or ignore into t values (1, 1)', 0, undefined],
  ['insert or ignore into t values (1, 1), (9, 9)', 1, 9n],
  ['insert into t values (1, 1) on conflict do nothing', 0, undefined],
  ['insert into t values (9, 1) on conflict do nothing', 1, 9n],
  ['insert into t values (1, 1) on conflict (a) do update set b = 3', 1, undefined],
  ['insert into t values (9, 1) on conflict (a) do update set b = 3 returning a', 1, undefined],
  ["insert into t values (9, 'on conflict do update set')", 1, 9n],
  ['insert into auto(b) values (1), (2)', 2, 2n],
  ["insert into strict_t(b) values ('x')", 1, 1n],
  ["insert into w values ('x', 1)", 1, undefined],
  ["insert into w values ('x', 1) returning k", 1, undefined],
  ["replace into w values ('p', 1)", 1, undefined],
  ['insert into kept(b) values (1)', 1, 1n],
  ['insert into kept(a, b) values (41, 1)', 1, 41n],
  ['insert into v values (1, 1), (2, 2)', 0, undefined],
  ['insert into v values (1, 1), (2, 2) returning a', 0, undefined],
  ["insert into f values ('one'), ('two')", 2, 2n],
  ['insert into r values (5, 0, 1), (3, 0, 1)', 2, 3n],
  ['with c(x) as (values (21), (22)) insert into t select x, x from c', 2, 22n],
  ['with c(x) as (values (1)) update t set b = 2 where a in (select x from c)', 1, undefined],
  ['update t set b = b + 1', 2, undefined],
  ['update t set b = 1 where 0', 0, undefined],
  ['update t set b = b + 1 returning a', 2, undefined],
  ['delete from t where a = 1', 1, undefined],
  ['delete from t', 2, undefined],
  ['select * from t', 0, undefined],
  ['create table n as select * from t', 0, undefined],
  ['drop table kept', 0, undefined],
];

type Counters = { rowsAffected: number; lastInsertRowid: bigint | undefined };
type Run = (db: Pick<Database, 'execute' | 'prepare'>, sql: string) => Promise<Counters>;
/** Another insert before each, whose rowid must not be taken for that of the statement. */
const FIRST = 'insert into other values (null)';
const PATHS: readonly (readonly [string, Run])[] = [
  ['execute', (db, sql) => db.execute(sql)],
  ['run', (db, sql) => db.prepare(sql).run()],
  ['a timeout', (db, sql) => db.execute(sql, [], { timeout: 60_000 })],
];
const RESET = `
  drop table if exists other; drop view if exists v; drop table if exists t; drop table if exists auto;
  drop table if exists strict_t; drop table if exists w; drop table if exists log; drop table if exists kept;
  drop table if exists f; drop table if exists r; drop table if exists n; ${SETUP}`;

async function assertOutside(db: Database, paths: typeof PATHS): Promise<void> {
  for (const [sql, affected, rowid] of CASES) {
    for (const [path, run] of paths) {
      await db.script(RESET, { atomic: true });
      await db.execute(FIRST);
      const own = await run(db, sql);
      expect({ path, sql, affected: own.rowsAffected, rowid: own.lastInsertRowid }).toEqual({
        path,
        sql,
        affected,
        rowid,
      });
    }
    await db.script(RESET, { atomic: true });
    const [, inBatch] = await db.batch([FIRST, sql]);
    expect({ sql, affected: inBatch?.rowsAffected, rowid: inBatch?.lastInsertRowid }).toEqual({
      sql,
      affected,
      rowid,
    });
  }
}

async function assertInside(db: Database): Promise<void> {
  await db.script(RESET, { atomic: true });
  for (const [sql, affected, rowid] of CASES) {
    for (const [path, run] of PATHS) {
      const undone = new Error('undone');
      const ran = db.transaction(async (tx) => {
        await tx.execute(FIRST);
        const own = await run(tx, sql);
        expect({ path, sql, affected: own.rowsAffected, rowid: own.lastInsertRowid }).toEqual({
          path,
          sql,
          affected,
          rowid,
        });
        throw undone;
      });
      await expect(ran).rejects.toBe(undone);
    }
  }
}

describe('rowsAffected and lastInsertRowid mean the same', () => {
  const server = sqldForAll();

  it('in memory', async () => {
    const db = openDatabase({ url: ':memory:' });
    await assertOutside(db, PATHS);
    await assertInside(db);
  });

  it('on a file', async () => {
    const db = openDatabase({ url: temporaryFile() });
    await assertOutside(db, PATHS);
    await assertInside(db);
  });

  it('also after an upsert that inserted, and after an insert that failed', async () => {
    const db = openDatabase({ url: ':memory:' });
    await db.script(RESET);
    const into = async (sql: string): Promise<bigint | undefined> => (await db.execute(sql)).lastInsertRowid;
    expect(await into('insert into other values (99) on conflict (a) do update set a = 1')).toBeUndefined();
    expect(await into("insert into w values ('one', 1)")).toBeUndefined();
    await expect(db.execute('insert into other values (100), (99)')).rejects.toThrow('UNIQUE');
    expect(await into("insert into w values ('two', 1)")).toBeUndefined();
    expect(await into('insert into other values (null)')).toBe(100n);
    expect(await into("insert into w values ('three', 1) returning k")).toBeUndefined();
    expect(await into('insert into kept(a) values (100)')).toBe(100n);
  });

  it('over http', async () => {
    const db = openDatabase({ url: server().url });
    await assertOutside(db, PATHS.slice(0, 1));
    await assertInside(db);
  });

  it('over ws', async () => {
    const db = openDatabase({ url: server().wsUrl });
    await assertOutside(db, PATHS.slice(0, 1));
    await assertInside(db);
  });

  it('on a replica', async () => {
    const { open } = await replicaScene();
    await assertInside(open());
  });
});

it('finds out whether a table has rowids where the statement or the schema has bytes that are no text', async () => {
  const { stdout, code } = await runProgram('insert-bytes.ts');
  expect({ stdout, code }).toEqual({ stdout: '1 undefined\n1 undefined\n1 undefined\n', code: 0 });
});
