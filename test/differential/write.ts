import type { Schema, TableModel } from './schema.js';
import { makeCondition, makeExpression, type Scope } from './select.js';
import { valueFor } from './values.js';

/** An INSERT, REPLACE, UPDATE or DELETE of any shape. */
export function makeWrite(scope: Scope): string {
  const { random, schema } = scope;
  const table = random.pick(writable(schema));
  const inner: Scope = { ...scope, columns: table.columns.map(({ name }) => name) };
  const make = random.weighted<(scope: Scope, table: TableModel) => string>([
    [6, makeInsert],
    [table.kind === 'view' ? 0 : 3, makeUpdate],
    [table.kind === 'view' ? 0 : 1.2, makeDelete],
  ]);
  return make(inner, table);
}

export function writable({ tables }: Schema): TableModel[] {
  return tables.filter((table) => table.writable);
}

/** Columns that can be given a value. */
export function settable({ columns }: TableModel): string[] {
  return columns.filter(({ generated }) => !generated).map(({ name }) => name);
}

/** What is kept of several rows differs most with FAIL. */
const CONFLICTS = ['ABORT', 'FAIL', 'FAIL', 'IGNORE', 'REPLACE', 'ROLLBACK'];

function makeInsert(scope: Scope, table: TableModel): string {
  const { random, values, range } = scope;
  const all = settable(table);
  const columns = table.kind === 'without' || random.chance(0.5) ? all : random.some(all);
  const into =
    columns.length === all.length && all.length === table.columns.length && random.chance(0.3)
      ? ''
      : ` (${columns.join(', ')})`;
  const verb = random.weighted([
    [6, 'INSERT'],
    [4, `INSERT OR ${random.pick(CONFLICTS)}`],
    [1, 'REPLACE'],
  ]);
  const types = columns.map((name) => table.columns.find((column) => column.name === name)?.type ?? '');
  const row = (): string =>
    `(${types.map((type) => values.add(valueFor(random, type, range, values.literal))).join(', ')})`;
  let source = `VALUES ${random.list(random.chance(verb.endsWith('FAIL') ? 0.8 : 0.4) ? 1 + random.int(4) : 1, row).join(', ')}`;
  const selects = random.chance(0.12);
  if (selects) source = insertedSelect(scope, columns.length);
  else if (random.chance(0.04)) return `${verb} INTO ${table.name} DEFAULT VALUES${makeReturning(scope)}`;
  const upsert = verb === 'INSERT' && random.chance(0.35) ? makeUpsert(scope, table) : '';
  const cte = random.chance(0.05) ? 'WITH unused AS (SELECT 1) ' : '';
  return `${cte}${verb} INTO ${table.name}${into} ${source}${upsert}${makeReturning(scope)}`;
}

/** The WHERE tells ON CONFLICT from the ON of a join. */
function insertedSelect(scope: Scope, width: number): string {
  const { random, schema } = scope;
  const table = random.pick(schema.tables);
  const inner: Scope = { ...scope, columns: table.columns.map(({ name }) => name), depth: 0 };
  return `SELECT ${random.list(width, () => makeExpression(inner)).join(', ')} FROM ${table.name} WHERE ${makeCondition(inner)}`;
}

function makeUpsert(scope: Scope, table: TableModel): string {
  const { random } = scope;
  const columns = settable(table);
  const known = table.uniques.length > 0 && random.chance(0.9);
  const key = known ? random.pick(table.uniques) : [random.pick(columns)];
  const target = random.chance(0.15) ? '' : ` (${key.join(', ')})`;
  if (random.chance(0.35)) return ` ON CONFLICT${target} DO NOTHING`;
  const column = random.pick(columns);
  const to = random.chance(0.5)
    ? `excluded.${random.pick(columns)}`
    : makeExpression({ ...scope, depth: 0, columns: [`${table.name}.${column}`] });
  const where = random.chance(0.2) ? ` WHERE excluded.${column} IS NOT NULL` : '';
  return ` ON CONFLICT${target} DO UPDATE SET ${column} = ${to}${where}`;
}

function makeUpdate(scope: Scope, table: TableModel): string {
  const { random, values, range, schema } = scope;
  const conflict = random.chance(0.4) ? ` OR ${random.pick(CONFLICTS)}` : '';
  const sets = random
    .some(settable(table))
    .slice(0, 2)
    .map((name) => {
      const type = table.columns.find((column) => column.name === name)?.type ?? '';
      const value = random.chance(0.6)
        ? values.add(valueFor(random, type, range, values.literal))
        : makeExpression({
            ...scope,
            depth: 1,
            columns: scope.columns.map((column) => `${table.name}.${column}`),
          });
      return `${name} = ${value}`;
    });
  if (random.chance(0.1)) {
    const other = random.pick(schema.tables);
    const on = `${table.name}.${random.pick(scope.columns)} = o.${random.pick(other.columns).name}`;
    return `UPDATE${conflict} ${table.name} SET ${sets.join(', ')} FROM ${other.name} AS o WHERE ${on}${makeReturning(scope)}`;
  }
  const where = random.chance(0.8) ? ` WHERE ${makeCondition(scope)}` : '';
  return `UPDATE${conflict} ${table.name} SET ${sets.join(', ')}${where}${makeReturning(scope)}`;
}

function makeDelete(scope: Scope, table: TableModel): string {
  const where = scope.random.chance(0.95) ? ` WHERE ${makeCondition(scope)}` : '';
  return `DELETE FROM ${table.name}${where}${makeReturning(scope)}`;
}

function makeReturning(scope: Scope): string {
  const { random } = scope;
  if (!random.chance(0.25)) return '';
  if (random.chance(0.4)) return ' RETURNING *';
  const columns = random.list(1 + random.int(2), () => makeExpression({ ...scope, depth: 0 }));
  return ` RETURNING ${columns.map((column, i) => (random.chance(0.5) ? `${column} AS r${i}` : column)).join(', ')}`;
}

/** What a query must not look like in SQL text: a mistake of a person. */
export function makeMistake(scope: Scope): string {
  const { random, schema } = scope;
  const table = random.pick(schema.tables);
  const column = random.pick(table.columns).name;
  return random.pick<() => string>([
    () => `selec ${column} from ${table.name}`,
    () => `select ${column} frm ${table.name} where`,
    () => `select * from ${table.name} where (${column} = 1`,
    () => `select missing from ${table.name}`,
    () => 'select * from missing_table',
    () => `select ${column}, count(*) over (partition from ${table.name}`,
    () => `insert into ${table.name} (${column}) values (1, 2)`,
    () =>
      `insert into ${table.name} (${column}) select ${column} from ${table.name} on conflict (missing) do nothing`,
    () => `update ${table.name} set missing = 1`,
    () => `select missing_function(${column}) from ${table.name}`,
    () => `select abs(1, 2)`,
    () => `select * from ${table.name} as x, ${table.name} as y where ${column} = 1`,
    () => `select ${column} from ${table.name} union select 1, 2`,
    () => `select ${column} from ${table.name} order by 9`,
    () => `select abs(-9223372036854775807 - 1)`,
    () => `select sum(count(*)) from ${table.name}`,
    () => `select json('{') from ${table.name}`,
    () => `select 'unclosed`,
    () => `select x'zz'`,
    () => `create table ${table.name} (a)`,
    () => `drop table missing_table`,
    () => `drop index missing_index`,
    () => `alter table ${table.name} add column ${column}`,
    () => `alter table ${table.name} drop column missing`,
    () => `create index i_bad on ${table.name} (missing)`,
    () => `create view v_bad as select * from missing_table`,
    () => `select * from v_bad`,
    () => `drop view v_bad`,
    () => `insert into ${table.name} default values returning missing`,
    () => `with w as (select 1) select * from w where missing = 1`,
    () => `select ${column} from ${table.name} limit 'x'`,
    () => `delete from ${table.name} where ${column} = (select 1, 2)`,
    () => `select nullif(1)`,
    () => `select "${column}x" from ${table.name}`,
  ])();
}

/** A pragma or a look at the schema, whose answers must be those of the schema as it is. */
export function makeLook({ random, schema }: Scope): string {
  const table = random.pick(schema.tables).name;
  const index = schema.indexes.length > 0 ? random.pick(schema.indexes).name : 'none';
  return random.pick([
    ...[`pragma table_info(${table})`, `pragma table_xinfo(${table})`, `pragma index_list(${table})`],
    ...[`pragma index_info(${index})`, `pragma index_xinfo(${index})`, `pragma foreign_key_list(${table})`],
    ...[
      'pragma foreign_key_check',
      'pragma user_version',
      `select name, type from pragma_table_info('${table}')`,
    ],
    `select name, "unique" from pragma_index_list('${table}') order by seq`,
    "select type, name, tbl_name from sqlite_schema where name not like '%stat%' and name <> 'sqlite_sequence' order by name, type",
    `select sql from sqlite_schema where name = '${table}'`,
    `select m.name, p.name from sqlite_schema m, pragma_table_xinfo(m.name) p where m.name = '${table}'`,
  ]);
}
