import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.js';
import { AccessError } from '../../src/errors.js';
import { openMemory } from '../support/database.js';
import { startSqld } from '../support/sqld.js';
import { open } from '../../src/index.js';
import { rejection } from '../support/outcome.js';

const SCHEMA = `
  create table t (id integer primary key, a text, e F32_BLOB(3));
  create table c (a text, g as (uuid_str(a)));
  create index t_e on t (libsql_vector_idx(e));
  create table d (a default (uuid()), b check (b is null or sha3(b) is not null));
  create table log (row);
  create table other (a, b);
  create trigger g after insert on log begin
    update log set row = last_insert_rowid() + changes() + total_changes() where row = 1;
  end;
  create trigger h after insert on other begin update log set row = uuid(); end;
  create view v as select median(id) as m from t;
  create virtual table f using fts5 (body);
  insert into t (id, a, e) values (1, 'a', vector('[1,2,3]'));
  insert into f values ('a b');`;

const ALL = [{ effect: 'allow' }] as const;

const REFUSED: readonly [sql: string, name: string][] = [
  ["select sqlite3mc_config('cipher', 'chacha20')", 'sqlite3mc_config'],
  ["select sqlite3mc_codec_data('main')", 'sqlite3mc_codec_data'],
  ["select 1 where sqlite_crypt('a', null) is null", 'sqlite_crypt'],
  ["select rtreecheck('t')", 'rtreecheck'],
  ['select geopoly_debug(1)', 'geopoly_debug'],
  ["select sqlite_log(1, 'a')", 'sqlite_log'],
  ['select "Uuid" /* ( */ ()', 'uuid'],
  ['select [uuid] -- (\n ()', 'uuid'],
  ["select 'a' regexp 'a'", 'regexp'],
  ['select g from c', 'uuid_str'],
  ['select m from v', 'median'],
  ['select a from t order by sha3(a) limit 1', 'sha3'],
  ['select count(*) filter (where sha3(a) is null) from t', 'sha3'],
  ["insert into d (b) values ('a')", 'uuid'],
  ["insert into d values ('a', 'b')", 'sha3'],
  ['insert into other values (1, 2)', 'uuid'],
  ['select changes()', 'changes'],
  ['select last_insert_rowid()', 'last_insert_rowid'],
  ['with w as (select total_changes() as n) select n from w', 'total_changes'],
  ["select padl('a', 3)", 'padl'],
];

const ALLOWED = [
  "select upper('a'), substr('abc', 2), printf('%d', 1), 'a' like 'A', 'a' glob '[a]', hex(zeroblob(2)), round(1.5)",
  "select sqrt(2), date('now'), strftime('%Y', 'now'), '[1]' -> 0, '[1]' ->> 0, json_extract('[1]', '$[0]')",
  'select count(*), sum(id), group_concat(a), min(a), avg(id) from t',
  'select row_number() over w, lag(id) over w, first_value(a) over w, sum(id) over w from t window w as (order by id)',
  "select bm25(f), highlight(f, 0, '<', '>'), snippet(f, 0, '', '', '', 3) from f where f match 'a' order by rank",
  "select vector_extract(e), vector_distance_cos(e, vector('[1,2,3]')) from t",
  "select id from vector_top_k('t_e', vector32('[1,2,3]'), 1)",
  "insert into t (a, e) values ('b', vector('[3,2,1]'))",
  "update t set e = vector('[0,1,0]'), a = lower(a)",
  'insert into log values (1)',
  'delete from t',
  'alter table other add column c',
  'alter table other rename column b to c',
  'alter table other drop column b',
  'analyze',
  'reindex',
  "create index n on t (libsql_vector_idx(e, 'metric=l2'))",
  'create table copy as select upper(a) as a from t',
];

describe('the functions of a restricted view', () => {
  it.each(REFUSED)('%s is refused, though a rule allows everything', async (sql, name) => {
    const db = await openMemory(SCHEMA);
    const error = await rejection(db.restricted(ALL).execute(sql));
    expect(error).toBeInstanceOf(AccessError);
    expect(error).toMatchObject({ action: 'function', table: name });
    expect((error as Error).message).toBe(`the statement may not call the function "${name}"`);
  });

  it.each(ALLOWED)('%s is allowed', async (sql) => {
    const db = await openMemory(SCHEMA);
    // A virtual table must be named.
    await db.restricted([...ALL, { effect: 'allow', actions: ['read'], tables: ['f'] }]).execute(sql);
  });

  it('are the owner’s to use', async () => {
    const db = await openMemory(SCHEMA);
    for (const [sql] of REFUSED) {
      await db.execute(sql).catch((error: unknown) => expect(error).not.toBeInstanceOf(AccessError));
    }
  });

  it('are allowed by a rule that names them', async () => {
    const db = await openMemory(SCHEMA);
    const guest = db.restricted([
      { effect: 'deny', actions: ['function'], tables: ['uuid_blob'] },
      { effect: 'allow', actions: ['function'], tables: ['uuid*', 'median'] },
      { effect: 'allow', actions: ['read'], tables: ['t'] },
    ]);
    await guest.execute('select uuid(), m from v');
    expect(await rejection(guest.execute('select uuid_blob(null)'))).toMatchObject({ table: 'uuid_blob' });
    expect(await rejection(guest.execute('select sha3(1)'))).toMatchObject({ table: 'sha3' });
  });

  it('are refused on every way', async () => {
    const db = await openMemory(SCHEMA);
    const guest = db.restricted(ALL);
    const sql = 'select uuid()';
    const ways: ((view: typeof guest) => Promise<unknown>)[] = [
      (view) => view.execute(sql, [], { timeout: 5_000 }),
      (view) => view.prepare(sql).all(),
      (view) => view.batch(['select 1', sql]),
      (view) => view.script(`select 1; ${sql}`),
      (view) => view.transaction((tx) => tx.execute(sql)),
      async (view) => {
        for await (const _ of view.stream(sql));
      },
    ];
    for (const way of ways) expect(await rejection(way(guest))).toMatchObject({ table: 'uuid' });
  });

  it('are refused at a server', async () => {
    const { url } = await startSqld();
    await using db: Database = open(url);
    const guest = db.restricted(ALL);
    expect(await rejection(guest.execute('select uuid()'))).toMatchObject({ table: 'uuid' });
    await guest.execute("select upper('a'), count(*)");
  });
});
