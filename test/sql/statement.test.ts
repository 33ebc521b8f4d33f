import { describe, expect, it } from 'vitest';
import { analyze, type AnalyzedStatement } from '../../src/sql/statement.js';

function one(sql: string): AnalyzedStatement {
  const [statement, ...others] = analyze(sql).statements;
  if (statement === undefined) throw new Error('no statement');
  expect(others).toEqual([]);
  return statement;
}

function texts(sql: string): string[] {
  return analyze(sql).statements.map((statement) => statement.text);
}

describe('kind and verb', () => {
  it.each([
    ['select 1', 'SELECT', 'read'],
    ['  -- c\n/* d */ SeLeCt(1)', 'SELECT', 'read'],
    ['-- c\n-- d\n select 1', 'SELECT', 'read'],
    ['\ufeffselect 1', 'SELECT', 'read'],
    ['values (1)', 'VALUES', 'read'],
    ['select replace(a, b, c) from t', 'SELECT', 'read'],
    ['insert into "order" values (1)', 'INSERT', 'write'],
    ['replace into t values (1)', 'REPLACE', 'write'],
    ['update t set a = 1', 'UPDATE', 'write'],
    ['delete from t', 'DELETE', 'write'],
    ['create table t (a)', 'CREATE', 'write'],
    ['drop table t', 'DROP', 'write'],
    ['alter table t add column b', 'ALTER', 'write'],
    ['reindex', 'REINDEX', 'write'],
    ['analyze', 'ANALYZE', 'write'],
    ['begin immediate', 'BEGIN', 'transaction'],
    ['commit', 'COMMIT', 'transaction'],
    ['end transaction', 'END', 'transaction'],
    ['rollback to x', 'ROLLBACK', 'transaction'],
    ['savepoint x', 'SAVEPOINT', 'transaction'],
    ['release x', 'RELEASE', 'transaction'],
    ['vacuum into ?', 'VACUUM', 'outside'],
    ['attach ? as x', 'ATTACH', 'outside'],
    ['detach x', 'DETACH', 'outside'],
    ['explain update t set a = 1 returning a', 'EXPLAIN', 'read'],
    ['explain query plan delete from t', 'EXPLAIN', 'read'],
    ['explain explain select 1', 'EXPLAIN', 'read'],
    ['SELECTED', 'SELECTED', 'unknown'],
    ['WITHDRAW', 'WITHDRAW', 'unknown'],
    ['PRAGMATIC', 'PRAGMATIC', 'unknown'],
    ['"select" 1', '"SELECT"', 'unknown'],
    ['(select 1)', '(', 'unknown'],
    ['\0select 1', '\0', 'unknown'],
    ["'open", "'OPEN", 'unknown'],
  ])('%j', (sql, verb, kind) => expect(one(sql)).toMatchObject({ verb, kind }));

  it.each([
    ['with x as (select 1) select * from x', 'SELECT', 'read'],
    ['with x as (select 1) values (1)', 'VALUES', 'read'],
    [
      'WITH RECURSIVE n(i) AS (select 1 union all select i + 1 from n) INSERT INTO t select i from n',
      'INSERT',
      'write',
    ],
    [
      'with x as (delete), y (a, b) as not materialized (values (1, 2)) update t set a = 1',
      'UPDATE',
      'write',
    ],
    ['with x as materialized (select 1) delete from t', 'DELETE', 'write'],
    ['with x as (select (1)) replace into t select * from x', 'REPLACE', 'write'],
    ['with replace as (select 1) select * from replace', 'SELECT', 'read'],
    ['with "insert" (a) as (select 1) select a from "insert"', 'SELECT', 'read'],
    ['with x as (select \')\', ")", [)] /* ) */) insert into t select 1', 'INSERT', 'write'],
    ['with x as (with y as (select 1) select * from y) select 1', 'SELECT', 'read'],
    ['explain with x as (select 1) delete from t', 'EXPLAIN', 'read'],
    ['with x', 'WITH', 'unknown'],
  ])('%s', (sql, verb, kind) => expect(one(sql)).toMatchObject({ verb, kind }));
});

describe('pragma', () => {
  it.each([
    ['pragma foreign_keys', 'read', 'foreign_keys', false],
    ['  PrAgMa Journal_Mode', 'read', 'journal_mode', false],
    ['pragma foreign_keys = on', 'outside', 'foreign_keys', true],
    ['pragma main . "user_version"(3)', 'outside', 'user_version', true],
    ["pragma 'main'.[user_version] == -3", 'outside', 'user_version', true],
    ['pragma table_info(t)', 'read', 'table_info', true],
    ['pragma main.table_xinfo = t', 'read', 'table_xinfo', true],
    ['pragma integrity_check(10)', 'read', 'integrity_check', true],
    ['pragma optimize', 'outside', 'optimize', false],
    ['pragma main.wal_checkpoint', 'outside', 'wal_checkpoint', false],
    ['pragma incremental_vacuum', 'outside', 'incremental_vacuum', false],
    ['pragma shrink_memory', 'outside', 'shrink_memory', false],
    ['explain pragma foreign_keys = off', 'outside', 'foreign_keys', true],
    ['explain query plan pragma foreign_keys', 'read', 'foreign_keys', false],
  ])('%s', (sql, kind, pragma, pragmaArgument) => {
    expect(one(sql)).toMatchObject({ kind, pragma, pragmaArgument });
  });

  it('is absent elsewhere', () => {
    expect(one('select 1')).not.toHaveProperty('pragma');
    expect(one('pragma')).toMatchObject({ verb: 'PRAGMA', kind: 'unknown' });
  });
});

describe('returning', () => {
  it.each([
    'insert into t values (1) returning id',
    'insert into t values (1)RETURNING(id)',
    'update t set a = 1 Returning *',
    'delete from t/**/returning id',
    'replace into t values (1) -- c\n returning id',
    'with x as (select 1) delete from t returning id',
    'insert into t select * from u where true on conflict do update set a = 1 returning a',
  ])('%s', (sql) => expect(one(sql).returning).toBe(true));

  it.each([
    "insert into t values ('Error: RETURNING failed')",
    "insert into t values ('Error RETURNING')",
    'insert into t values (1) -- returning id',
    'insert into t values (1) /* returning id',
    'insert into "returning" values (1)',
    'insert into [returning] (`returning`) values (1)',
    'update t set noreturning = 1',
    'insert into t values (:returning, @returning, $returning)',
    'explain delete from t returning id',
    'select 1 returning',
    'create trigger x after insert on t begin delete from u returning a; end',
  ])('not: %s', (sql) => expect(one(sql).returning).toBe(false));
});

describe('splitting', () => {
  it.each([
    ['', []],
    [' \n\t', []],
    [';; ; -- only comments\n /* ; */', []],
    ['select 1', ['select 1']],
    ['select 1;', ['select 1']],
    [' ; select 1 /* a */ ; -- b ;\n select 2 -- c', ['select 1', 'select 2']],
    ["select 'a''b;c'; select 2", ["select 'a''b;c'", 'select 2']],
    ['select ";" , [;], `;`;select 2', ['select ";" , [;], `;`', 'select 2']],
    ['select 1 /* ; */ + 2;', ['select 1 /* ; */ + 2']],
    ['select 1 -- ;\n + 2;', ['select 1 -- ;\n + 2']],
    ['select $a(;);select 2', ['select $a(;)', 'select 2']],
    ['select 1; /* ; select 2', ['select 1']],
    ["select 'open; select 2", ["select 'open; select 2"]],
    ['select (1; select 2', ['select (1', 'select 2']],
    [
      'begin; select case when 1 then 2 end; end; select 3',
      ['begin', 'select case when 1 then 2 end', 'end', 'select 3'],
    ],
    ["create table trigger_log (a); select 'begin'", ['create table trigger_log (a)', "select 'begin'"]],
    ['create table "trigger" (a); select 1', ['create table "trigger" (a)', 'select 1']],
    ['create view trigger as select 1; select 2', ['create view trigger as select 1', 'select 2']],
  ])('%j', (sql, expected) => expect(texts(sql)).toEqual(expected));

  it('gives the offset of each text', () => {
    const sql = '\ufeff/* é */ select 1 ;\n\t😀; select 2 -- x';
    const { statements } = analyze(sql);
    expect(statements).toHaveLength(3);
    for (const { offset, text } of statements) expect(sql.slice(offset, offset + text.length)).toBe(text);
  });

  it('numbers the parameters of each statement on its own', () => {
    const layouts = analyze('select ?, :a; select :b, ?').statements.map(
      ({ parameters }) => parameters.names,
    );
    expect(layouts).toEqual([
      [null, ':a'],
      [':b', null],
    ]);
  });
});

describe('triggers', () => {
  it.each([
    'create trigger x after insert on t begin select 1; end',
    'CREATE TEMP TRIGGER x after insert on t begin select 1; select 2; END',
    'create temporary trigger if not exists x after insert on t begin select 1; end',
    'create/* ; */trigger -- ;\n x after insert on t begin select 1; end',
    'create trigger x after insert on t begin select case when 1 then 2 end; end',
    'create trigger x after update of a on t when new.a > 1 begin update u set a = case new.a when 1 then 2 else 3 end where 1; end',
    'create trigger x after insert on t begin select \'; end;\', "end", [end;]; /* ; end; */ select 2; -- ; end;\n end',
    'create trigger "end" after insert on t begin select "end" from "begin"; end',
    'create trigger x after insert on t begin insert into u values (1); delete from u; /* a */ end /* b */',
    'explain create trigger x after insert on t begin select 1; end',
    'explain query plan create temp trigger x after insert on t begin select 1; end',
  ])('%s', (sql) => {
    const text = sql.replace(' /* b */', '');
    expect(texts(`${sql}; select 9`)).toEqual([text, 'select 9']);
    expect(texts(`select 8;${sql};;select 9;`)).toEqual(['select 8', text, 'select 9']);
    expect(texts(sql)).toEqual([text]);
  });

  it('takes an unfinished trigger as one statement', () => {
    const sql = 'create trigger x after insert on t begin select 1; select 2;';
    expect(texts(sql)).toEqual([sql]);
  });

  it('counts the parameters of the body', () => {
    const sql = 'create trigger x after insert on t begin select ?; select :a; end';
    expect(one(sql)).toMatchObject({ kind: 'write', verb: 'CREATE', parameters: { names: [null, ':a'] } });
  });
});
