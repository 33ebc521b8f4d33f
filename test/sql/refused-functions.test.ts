import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { analyze } from '../../src/sql/statement.js';

const folder = mkdtempSync(join(tmpdir(), 'refused-'));
const FILE = join(folder, 'secret.txt');
let db: InstanceType<typeof Database>;

beforeAll(() => {
  writeFileSync(FILE, 'SECRET');
  db = new Database(':memory:');
  db.exec('create table t (a, b); insert into t values (1, 2)');
});

afterAll(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

function refused(sql: string): string[] {
  return [...new Set(analyze(sql).statements.flatMap((statement) => statement.refusedFunctions))];
}

/** Whether the engine reaches a refused function: in the program that it compiles, an open table-valued function. */
function reached(sql: string): boolean | undefined {
  let program: unknown[][];
  try {
    program = db.prepare(`explain ${sql}`).raw().all([]) as unknown[][];
  } catch {
    return undefined;
  }
  return program.some(
    (row) => row[1] === 'VOpen' || /^(readfile|writefile|sha3_query|load_extension)\(/i.test(String(row[5])),
  );
}

const CALLS = ['readfile', 'READFILE', '"readfile"', '"ReadFile"', '[readfile]', '`readfile`'];
const GAPS = ['', ' ', '\n', '\f', ' \v', '/* ( */', ' -- (\n', ' \ufeff'];
const TABLES = [
  'fsdir',
  'FSDIR',
  '"fsdir"',
  '[fsdir]',
  '`fsdir`',
  "'fsdir'",
  'main.fsdir',
  'temp . fsdir',
  "'x'.'fsdir'",
  'nope."fsdir"',
];

describe('reading a file', () => {
  it.each(CALLS.flatMap((name) => GAPS.map((gap) => name + gap)))('%j( is reported', (call) => {
    const sql = `select ${call}('${FILE}') as r from t`;
    expect(String((db.prepare(sql).raw().get([]) as unknown[])[0])).toBe('SECRET');
    expect(refused(sql)).toEqual(['readfile']);
  });

  it.each([
    `\ufeffselect \ufeffreadfile('x')`,
    `select 1 where length(readfile('x'))`,
    `select readfile(distinct 'x')`,
    `insert into t values (readfile('x'), 1)`,
    `update t set a = -readfile('x') returning a`,
    `select a from t order by readfile('x')`,
    `with w as (select readfile('x')) select * from w`,
    `select '{}' ->> readfile('x')`,
    `select case when readfile('x') then 1 end`,
    `select 1 in (readfile('x'))`,
    `select a from t join (select readfile('x') as r) on r = a`,
    `vacuum into readfile('x')`,
    `attach readfile('x') as y`,
    `create table ck (a check (readfile('x')))`,
    `create table dd (a default (readfile('x')))`,
    `create view vv as select readfile('x')`,
    `create trigger tt after insert on t begin select 1; select readfile('x'); end`,
    `explain select readfile('x')`,
    `select 1 where exists (select 1 from json_each(readfile('x')))`,
  ])('%s', (sql) => expect(refused(sql)).toEqual(['readfile']));

  it('through a CHECK constraint is possible in the engine, so its text is reported', () => {
    const target = join(folder, 'written');
    const create = `create table ck (a check (writefile('${target}', a)))`;
    db.exec(`${create}; insert into ck values ('x'); drop table ck`);
    expect(String((db.prepare(`select readfile('${target}')`).raw().get([]) as unknown[])[0])).toBe('x');
    expect(refused(create)).toEqual(['writefile']);
  });

  it.each(['readfile', '"ReadFile"', "'readfile'", '[readfile]', '`readfile`'])(
    'through FTS4 with uncompress=%s is reported',
    (name) => {
      const create = `create virtual table f using fts4(x, compress=trim, uncompress=${name})`;
      db.exec(`${create}; insert into f values ('${FILE}')`);
      expect(String((db.prepare('select x from f').raw().get([]) as unknown[])[0])).toBe('SECRET');
      db.exec('drop table f');
      expect(refused(create)).toEqual(['readfile']);
      expect(refused(`explain ${create.replace('virtual', '/**/ virtual')}`)).toEqual(['readfile']);
    },
  );

  it('is no use in single quotes: SQLite calls no function by a text', () => {
    expect(() => db.prepare("select 'readfile'('x')")).toThrow('syntax error');
    expect(() => db.prepare("select main.readfile('x')")).toThrow('syntax error');
  });
});

describe('listing a folder', () => {
  const where = `where path = '${folder}'`;
  it.each(TABLES)('from %s', (table) => {
    const forms = [
      `select count(*) from ${table}('${folder}')`,
      `select count(*) from ${table} ${where}`,
      `select count(*) from (${table}) ${where}`,
      `select count(*) from ((t join ${table})) ${where}`,
      `select count(*) from t, ${table} ${where}`,
      `select count(*) from (t x, ${table} as f) ${where}`,
      `select count(*) from t window, ${table} ${where}`,
      `select count(*) from t n, ${table} ${where}`,
      `select count(*) from t x join t y on x.a = y.a, ${table} ${where}`,
      `select count(*) from t x join t y using (a), ${table} ${where}`,
      `select count(*) from t not indexed, ${table} ${where}`,
      `select count(*) from (select 1), ${table} ${where}`,
      `select count(*) from generate_series(1, 2) j, /* , */ ${table} ${where}`,
      `select count(*) from t left outer join\n${table} on path = '${folder}'`,
      `select 1 where 'x' in (select name from ${table} ${where})`,
      `with f as (select * from ${table} ${where}) select count(*) from f`,
      `select (1, 2, 3, 4) in ${table}`,
      `select a from t where a = 1 union select name from ${table} ${where}`,
      `update t set a = a from ${table} ${where}`,
      `insert into t select name, 1 from ${table} ${where}`,
      `delete from t where a in (select name from ${table} ${where})`,
    ];
    for (const sql of forms) {
      expect([sql, reached(sql)]).toEqual([sql, true]);
      expect([sql, refused(sql)]).toEqual([sql, ['fsdir']]);
    }
  });

  it.each([
    'insert into fsdir(name) values (1)',
    'insert into fsdir values (1)',
    'create virtual table v using fsdir',
    'create virtual table v using "fsdir"(x)',
    "create virtual table v using fts5(name, content='fsdir')",
    'create view w as select * from fsdir',
  ])('%s is reported too', (sql) => expect(refused(sql)).toEqual(['fsdir']));
});

it('reports the others, in order, once each, per statement', () => {
  const sql = "select writefile('x', readfile('y')), sha3_query('z'), writefile('a', 'b') from fsdir";
  expect(refused(sql)).toEqual(['writefile', 'readfile', 'sha3_query', 'fsdir']);
  expect(analyze(`select 1; ${sql}; select 2`).statements.map((s) => s.refusedFunctions.length)).toEqual([
    0, 4, 0,
  ]);
  expect(refused("select load_extension('x')")).toEqual(['load_extension']);
});

it.each([
  'select readfile from t',
  'select readfile, fsdir, t.fsdir from t',
  "select 'readfile(1)', 'fsdir' from t",
  'select 1 as readfile -- readfile(1)',
  '/* fsdir(1) */ select a as "fsdir" from t where fsdir = 1',
  'select a from t where fsdir in (1, 2) and b = "fsdir"',
  "select a from t where a in ('fsdir', 'readfile')",
  'select a from t order by a, fsdir',
  'select a from t group by a, fsdir having a',
  'select :readfile, $fsdir',
  'select my_readfile(1), readfile2(1), readfile\u00e9(1)',
  'select "the readfile(x) column" from t',
  'select 1 -- readfile(1)',
  'update t set a = 1, fsdir = 2',
  'insert into t (a, fsdir) values (1, 2)',
  'select coalesce(a, fsdir) from json_each(a, fsdir)',
  'create virtual table v using fts5(my_readfile_text)',
])('reports nothing in: %s', (sql) => expect(refused(sql)).toEqual([]));

it('misses nothing that the engine reaches', () => {
  const blank = fc.constantFrom(' ', '\n', ' \v', '/**/', ' /* from */ ', ' -- ,\n', '\ufeff ', '\f');
  const call = fc.tuple(fc.constantFrom(...CALLS, '"writefile"', 'sha3_query', 'lower', '"length"'), blank);
  const table = fc.constantFrom(...TABLES, 't', 't x', '"t"', '(t)', '(select 1)', 't y');
  const alias = fc.constantFrom(
    '',
    ' window',
    ' as f',
    ' "from"',
    " 'where'",
    ' key',
    ' replace',
    ' not indexed',
  );
  const { select } = fc.letrec<{ expression: string; from: string; select: string }>((tie) => ({
    expression: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom('1', "'readfile'", 'null', '"a"', "'fsdir('"),
      call.map(([name, gap]) => `${name}${gap}(${name.includes('write') ? "'x', 'y'" : "'x'"})`),
      fc.tuple(tie('expression'), blank, tie('expression')).map(([a, gap, b]) => `(${a}${gap}||${gap}${b})`),
      tie('expression').map((e) => `case when ${e} then ${e} end`),
      tie('select').map((s) => `exists (${s})`),
      tie('select').map((s) => `1 in (select 1 from (${s}))`),
    ),
    from: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.tuple(table, alias).map(([name, as]) => `${name}${as}`),
      fc
        .tuple(tie('from'), fc.constantFrom(',', ' join ', ' cross join ', ' left join '), blank, tie('from'))
        .map((p) => p.join('')),
      fc.tuple(tie('from'), blank).map(([f, gap]) => `(${gap}${f}${gap})`),
      tie('select').map((s) => `(${s})`),
    ),
    select: fc
      .tuple(
        tie('expression'),
        blank,
        tie('from'),
        fc.constantFrom('', ' where 1', ' order by 1', ' group by 1', ' union select 2'),
      )
      .map(([e, gap, f, tail]) => `select ${e}${gap}as "fsdir"${gap}from${gap}${f}${tail}`),
  }));
  let accepted = 0;
  let hits = 0;
  fc.assert(
    fc.property(select, (sql) => {
      const hit = reached(sql);
      if (hit !== undefined) accepted++;
      if (hit !== true) return;
      hits++;
      expect(refused(sql)).not.toEqual([]);
    }),
    { seed: 5, numRuns: 4000 },
  );
  // The property says something only if the engine takes a good part of what is generated.
  expect(accepted).toBeGreaterThan(1000);
  expect(hits).toBeGreaterThan(300);
});
