import Libsql from 'libsql';
import { describe, expect, it } from 'vitest';
import { analyze } from '../../src/sql/statement.js';

const texts = (sql: string): string[] => analyze(sql).statements.map(({ text }) => text);
const one = (sql: string): ReturnType<typeof analyze>['statements'][number] => {
  const [statement] = analyze(sql).statements;
  if (statement === undefined) throw new Error('no statement');
  return statement;
};

describe('splitting a script', () => {
  const trigger =
    "create trigger t1 after insert on a begin update a set x = case when 1 then ';' else 2 end; delete from b; end";

  it.each<[string, string[]]>([
    ['', []],
    [' ;; -- nothing\n/* at all */ ;', []],
    ['select 1', ['select 1']],
    ['select 1;select 2 ;', ['select 1', 'select 2']],
    ["insert into t values ('a;b''c;d'); select 1", ["insert into t values ('a;b''c;d')", 'select 1']],
    ['select ";" , `;`, [;] from t; select 2', ['select ";" , `;`, [;] from t', 'select 2']],
    ['select 1 -- ; not here\n; select 2', ['select 1', 'select 2']],
    ['select /* ; */ 1; select 2 /* to the end', ['select /* ; */ 1', 'select 2']],
    [`${trigger}; select 1`, [trigger, 'select 1']],
    [`explain ${trigger}; select 1`, [`explain ${trigger}`, 'select 1']],
    [
      'create temp trigger if not exists "end" after delete on a begin select 1; end; select 2',
      ['create temp trigger if not exists "end" after delete on a begin select 1; end', 'select 2'],
    ],
    [
      "create table trigger_log (a); select 'begin'; select 3",
      ['create table trigger_log (a)', "select 'begin'", 'select 3'],
    ],
  ])('%j', (sql, expected) => {
    expect(texts(sql)).toEqual(expected);
  });

  it('gives the place of each statement', () => {
    const script = 'select 1;\n  select 2';
    expect(analyze(script).statements.map(({ offset }) => script.slice(offset))).toEqual([
      script,
      'select 2',
    ]);
  });

  it('runs to the same database as the engine does with the whole script', () => {
    const script = `
      create table a (x); create table log (line);
      create trigger tr after insert on a begin
        insert into log values ('new; ' || case when new.x > 1 then 'big;' else 'small;' end);
        update a set x = x + 1 where rowid = new.rowid;
      end;
      insert into a values (1), (2); -- done; really
      insert into log select ';' || x from a;`;
    const dump = (run: (database: InstanceType<typeof Libsql>) => void): unknown => {
      const database = new Libsql(':memory:');
      run(database);
      return ['select * from a', 'select * from log'].map((sql) => database.prepare(sql).raw().all([]));
    };
    const apart = dump((database) => {
      for (const text of texts(script)) database.exec(text);
    });
    expect(apart).toEqual(dump((database) => database.exec(script)));
  });
});

describe('what a statement is', () => {
  it.each<[string, string, string]>([
    ['select 1', 'SELECT', 'read'],
    ['-- c\nSELECT 1', 'SELECT', 'read'],
    ['/* c */ -- d\n values (1)', 'VALUES', 'read'],
    ['with x as (select 1) select * from x', 'SELECT', 'read'],
    [
      'with recursive x(n) as not materialized (select 1), y as (select 2) insert into t select * from x',
      'INSERT',
      'write',
    ],
    ['with x as (select 1) update t set a = 1', 'UPDATE', 'write'],
    ['replace into t values (1)', 'REPLACE', 'write'],
    ["select replace('a', 'b', 'c')", 'SELECT', 'read'],
    ['explain query plan delete from t', 'EXPLAIN', 'read'],
    ['create table t (a)', 'CREATE', 'write'],
    ['begin immediate', 'BEGIN', 'transaction'],
    ['savepoint a', 'SAVEPOINT', 'transaction'],
    ['end', 'END', 'transaction'],
    ['vacuum', 'VACUUM', 'outside'],
    ["attach 'a.db' as a", 'ATTACH', 'outside'],
    ['pragma user_version', 'PRAGMA', 'read'],
    ['PrAgMa main.table_info(t)', 'PRAGMA', 'read'],
    ['pragma user_version = 3', 'PRAGMA', 'outside'],
    ['pragma optimize', 'PRAGMA', 'outside'],
    ['selected 1', 'SELECTED', 'unknown'],
  ])('%j', (sql, verb, kind) => {
    expect(one(sql)).toMatchObject({ verb, kind });
  });

  it.each<[string, boolean]>([
    ['insert into t values (1) returning id', true],
    ['delete from t returning(id)', true],
    ["insert into t values ('Error RETURNING x')", false],
    ['insert into t values (1) -- returning id', false],
    ['update t set "returning" = 1', false],
    ['insert into t select a from (select 1 as a)', false],
  ])('has a RETURNING clause: %j %s', (sql, returning) => {
    expect(one(sql).returning).toBe(returning);
  });
});

describe('functions that reach files', () => {
  it.each([
    "select readfile('x')",
    "select READFILE /* c */ ('x')",
    'select "readfile"(\'x\')',
    "select [writefile]('x', 'y')",
    "select `readfile`('x')",
    "select name from fsdir('.')",
    "select name from fsdir where path = '.'",
    'select name from "fsdir" where path = \'.\'',
    "select 1 from t, fsdir where path = '.'",
    "select 1 from t join main.fsdir on path = '.'",
    "select load_extension('x')",
    "select hex(sha3_query('select readfile(1)'))",
    "create view v as select readfile('x')",
    'with a as (select readfile(1)) select * from a',
  ])('are reported: %s', (sql) => {
    expect(one(sql).refusedFunctions.length).toBeGreaterThan(0);
  });

  it.each([
    "select 'readfile(1)'",
    'select readfile from t',
    'select 1 -- readfile(1)',
    'select myreadfile(1)',
    'select "the readfile(x) column" from t',
  ])('are not: %s', (sql) => {
    expect(one(sql).refusedFunctions).toEqual([]);
  });
});
