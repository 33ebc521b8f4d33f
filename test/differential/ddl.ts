import type { Random } from './random.js';
import {
  createIndex,
  createTable,
  createTrigger,
  createView,
  replaceTable,
  type Schema,
  stored,
} from './schema.js';

/** A change of the schema, as a migration that runs beside the program makes it; sometimes several statements. */
export function makeDdl(random: Random, schema: Schema): string[] {
  const make = random.weighted<(random: Random, schema: Schema) => string[]>([
    [3, addColumn],
    [3, dropColumn],
    [3, renameColumn],
    [2, (r, s) => [createIndex(r, s)]],
    [2, indexAgain],
    [2, viewAgain],
    [2, tableAgain],
    [1, renameTable],
    [1, (r, s) => [createTrigger(r, s)]],
    [1, triggerAgain],
    [1, (r, s) => createView(r, s)],
    [1, (r, s) => [createTable(r, s, r.pick(['rowid', 'ipk', 'without', 'strict']))]],
    [0.5, () => ['ANALYZE']],
    [0.5, () => ['REINDEX']],
  ]);
  return make(random, schema);
}

/** Statements that a migration may consist of; none that drops a table, since a migration does not check foreign keys then. */
export function makeMigration(random: Random, schema: Schema): string[] {
  return random
    .list(1 + random.int(3), () =>
      random.pick([
        addColumn,
        (r: Random, s: Schema) => [createIndex(r, s)],
        (r: Random, s: Schema) => [createTable(r, s, 'ipk')],
      ])(random, schema),
    )
    .flat();
}

function addColumn(random: Random, schema: Schema): string[] {
  const table = random.pick(stored(schema));
  const type = random.pick(['INTEGER', 'TEXT', 'REAL', 'BLOB']);
  const name = `n${schema.next++}`;
  const rest = random.pick([
    '',
    ' DEFAULT 5',
    ' NOT NULL DEFAULT 0',
    ...(type === 'REAL' ? [] : [' AS (1)']),
  ]);
  const generated = rest === ' AS (1)';
  replaceTable(schema, {
    ...table,
    columns: [...table.columns, { name, type, generated, text: `${name} ${type}${rest}` }],
  });
  return [`ALTER TABLE ${table.name} ADD COLUMN ${name} ${type}${rest}`];
}

function dropColumn(random: Random, schema: Schema): string[] {
  const table = random.pick(stored(schema));
  const { name } = random.pick(table.columns);
  if (table.columns.length > 2 && !table.uniques.some((key) => key.includes(name))) {
    replaceTable(schema, { ...table, columns: table.columns.filter((column) => column.name !== name) });
  }
  return [`ALTER TABLE ${table.name} DROP COLUMN ${name}`];
}

function renameColumn(random: Random, schema: Schema): string[] {
  const table = random.pick(stored(schema));
  const { name } = random.pick(table.columns);
  const to = `r${schema.next++}`;
  const renamed = (column: string): string => (column === name ? to : column);
  replaceTable(schema, {
    ...table,
    columns: table.columns.map((column) => ({ ...column, name: renamed(column.name) })),
    uniques: table.uniques.map((key) => key.map(renamed)),
  });
  return [`ALTER TABLE ${table.name} RENAME COLUMN ${name} TO ${to}`];
}

function renameTable(random: Random, schema: Schema): string[] {
  const table = random.pick(stored(schema));
  const name = `t${schema.next++}`;
  schema.tables.splice(schema.tables.indexOf(table), 1);
  replaceTable(schema, { ...table, name });
  return [`ALTER TABLE ${table.name} RENAME TO ${name}`];
}

function indexAgain(random: Random, schema: Schema): string[] {
  if (schema.indexes.length === 0) return [createIndex(random, schema)];
  const at = random.int(schema.indexes.length);
  const [{ name } = { name: 'none' }] = schema.indexes.splice(at, 1);
  return random.chance(0.7)
    ? [`DROP INDEX ${name}`, createIndex(random, schema, name)]
    : [`DROP INDEX ${name}`];
}

function viewAgain(random: Random, schema: Schema): string[] {
  const views = schema.tables.filter(({ kind }) => kind === 'view');
  if (views.length === 0) return createView(random, schema);
  const { name } = random.pick(views);
  return [`DROP VIEW ${name}`, ...createView(random, schema, name)];
}

/** Drops a table, and makes one with that name and other columns. */
function tableAgain(random: Random, schema: Schema): string[] {
  const table = random.pick(stored(schema));
  const kind = random.pick(['rowid', 'ipk', 'without', 'strict'] as const);
  return [`DROP TABLE ${table.name}`, createTable(random, schema, kind, table.name)];
}

function triggerAgain(random: Random, schema: Schema): string[] {
  const [trigger] = schema.triggers.splice(0, 1);
  if (trigger === undefined) return [createTrigger(random, schema)];
  return [`DROP TRIGGER ${trigger.name}`, createTrigger(random, schema, trigger.name)];
}
