import Database from 'libsql';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { analyze } from '../../src/sql/statement.js';

type Db = InstanceType<typeof Database>;

/** Everything that is in a database, the texts of its schema included. */
function dump(db: Db): unknown {
  const schema = db
    .prepare('select type, name, sql from sqlite_schema order by rowid')
    .raw()
    .all([]) as string[][];
  const tables = schema.filter(([type]) => type === 'table').map(([, name]) => name);
  return [schema, tables.map((name) => db.prepare(`select * from "${name}" order by rowid`).raw().all([]))];
}

function runSplit(db: Db, script: string): void {
  for (const { text } of analyze(script).statements) {
    const statement = db.prepare(text);
    if (statement.reader) statement.raw().all([]);
    else statement.run([]);
  }
}

/** Runs `script` at once and in our pieces, and compares what both leave behind. */
function compare(script: string): void {
  const whole = new Database(':memory:');
  const split = new Database(':memory:');
  whole.exec(script);
  runSplit(split, script);
  expect(dump(split)).toEqual(dump(whole));
  whole.close();
  split.close();
}

const SETUP = 'create table t (a, b);create table u ("end", "a;b");';
const BODIES = [
  'insert into u values (new.a, new.b);',
  "insert into u values (case new.a when 1 then ';' else 'end;' end, 'it''s; end');",
  'update u set "end" = case when new.a then 1 end where "a;b" = 1;',
  '/* ; end; */ select 1; -- ; end;\n',
  'delete from u where [end] = (select max(case when 1 then 2 end) from t);',
];

const STATEMENTS = [
  "insert into t values ('a''b;c', 1)",
  "insert into t values ('-- no', '/* no')",
  "insert into t values (x'3b', 1e5 + .5)",
  'insert into t (a) values (1), (2)',
  'insert into t select 1, 2 returning a',
  'replace into t values (1, 2)',
  'with x (n) as (select 1) insert into t select n, n from x',
  "with replace as (select ')' as p) insert into t select p, p from replace",
  'update t set a = case when a = 1 then 2 else a end',
  'insert into u values (1, 2)',
  `insert into t values ('{"a":[1]}' ->> '$.a[0]', '{"a":1}' -> 'a')`,
  'select replace(a, b, 1) from t',
  'explain delete from t',
  'pragma user_version = 5',
  'begin',
  'commit',
  'savepoint s1',
  'release s1',
];

describe('a script in our pieces does what it does as a whole', () => {
  it.each([
    `${SETUP}${STATEMENTS.slice(0, 14).join(';\n')}`,
    `${SETUP}begin;insert into t values (1, 2);end;`,
    `\ufeff${SETUP} ;; -- x\n;/* ; */ insert into t values (1, ';');;`,
    `${SETUP}insert into t values (1, 2) -- no newline`,
    `${SETUP}insert into t values (1, 2) /* open`,
    `${SETUP}${BODIES.map((body, i) => `create trigger r${i} after insert on t begin ${body} end;`).join('\n')}insert into t values (1, 1);`,
    `${SETUP}create trigger "t;r" after insert on t when new.a = 1 begin ${BODIES.join('')} end; insert into t values (1, 1)`,
    `${SETUP}explain create trigger x after insert on t begin select 1; end; insert into t values (1, 1)`,
    `${SETUP}create view "v;" as select ';' as [;]; create index "i;" on t (a) where b <> ';'`,
  ])('%#', (script) => compare(script));

  it('whatever the statements, the triggers and what stands between them', () => {
    const blank = fc.constantFrom('', ' ', '\n', ' \ufeff', ' /* ; \' " */', '-- ; \' "\n', '/**/', ' \v ');
    const separator = fc.tuple(blank, fc.constantFrom(';', ';;'), blank).map((parts) => parts.join(''));
    const trigger = fc
      .tuple(
        fc.constantFrom('', 'temp ', '/**/temporary\n'),
        fc.integer(),
        fc.subarray(BODIES, { minLength: 1 }),
        blank,
      )
      .map(([temp, n, bodies, gap]) => {
        return `create ${temp}trigger if not exists "r${n};" after insert on t begin ${bodies.join(gap)}${gap}end`;
      });
    const text = fc.string({
      unit: fc.constantFrom("''", ';', '"', '--', '/*', 'end', 'é', '\n', '?', ':a'),
    });
    const insert = text.map((value) => `insert into t values ('${value}', ';')`);
    const statement = fc.oneof(fc.constantFrom(...STATEMENTS.slice(0, 14)), trigger, insert);
    fc.assert(
      fc.property(fc.array(fc.tuple(statement, separator), { maxLength: 8 }), (pieces) => {
        compare(`${SETUP}${pieces.flat().join('')}`);
      }),
      { seed: 3, numRuns: 400 },
    );
  });
});

it('finds the statements that give rows: reads and those with a RETURNING clause', () => {
  const db = new Database(':memory:');
  db.exec(SETUP);
  for (const sql of [...STATEMENTS, 'values (1)', 'with x as (select 1) select * from x', 'delete from t']) {
    const rows = analyze(sql).statements.map(({ kind, returning }) => kind === 'read' || returning);
    expect([sql, rows]).toEqual([sql, [db.prepare(sql).reader]]);
  }
  db.close();
});
