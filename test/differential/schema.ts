import type { Random } from './random.js';

/** A column as the generator knows it. */
export interface ColumnModel {
  readonly name: string;
  /** Declared type, `''` for none. */
  readonly type: string;
  readonly generated: boolean;
  readonly text: string;
}

export type TableKind = 'rowid' | 'ipk' | 'autoincrement' | 'without' | 'strict' | 'fts' | 'rtree' | 'view';

/** A table, virtual table or view as the generator knows it. After DDL that failed the database differs from it. */
export interface TableModel {
  readonly name: string;
  readonly kind: TableKind;
  readonly columns: readonly ColumnModel[];
  /** Columns that a unique index or key covers. */
  readonly uniques: readonly (readonly string[])[];
  /** Whether rows can be written, which a view needs triggers for. */
  readonly writable: boolean;
}

/** What exists. The generator changes it as it goes. */
export interface Schema {
  readonly tables: TableModel[];
  readonly indexes: { readonly name: string; readonly table: string; readonly definition: string }[];
  readonly triggers: { readonly name: string; readonly table: string; readonly definition: string }[];
  /** For names that were never used. */
  next: number;
}

const TYPES = [
  '',
  'INTEGER',
  'INT',
  'TEXT',
  'REAL',
  'BLOB',
  'NUMERIC',
  'VARCHAR(10)',
  'BOOLEAN',
  'JSON',
  'DATE',
];
const STRICT_TYPES = ['INTEGER', 'REAL', 'TEXT', 'BLOB', 'ANY', 'INT'];
const COLLATIONS = ['NOCASE', 'RTRIM', 'BINARY'];

/** An empty schema and the statements that fill it. */
export function makeSchema(random: Random): { readonly schema: Schema; readonly statements: string[] } {
  const schema: Schema = { tables: [], indexes: [], triggers: [], next: 0 };
  const statements: string[] = [];
  const kinds: TableKind[] = random.shuffled([
    ...(['rowid', 'ipk', 'autoincrement', 'without', 'strict'] as const),
    ...(random.chance(0.15) ? (['fts'] as const) : []),
    ...(random.chance(0.1) ? (['rtree'] as const) : []),
  ]);
  for (const kind of kinds.slice(0, 2 + random.int(3))) statements.push(createTable(random, schema, kind));
  for (let i = random.int(3); i > 0; i--) statements.push(createIndex(random, schema));
  if (random.chance(0.6)) statements.push(...createView(random, schema));
  if (random.chance(0.4)) statements.push(createTrigger(random, schema));
  return { schema, statements };
}

/** A table of this kind; the name may be one that was used before. */
export function createTable(random: Random, schema: Schema, kind: TableKind, name?: string): string {
  const table = name ?? `t${schema.next++}`;
  if (kind === 'fts') return addTable(schema, table, kind, plain(['a', 'b'], 'TEXT'), [], `using fts5(a, b)`);
  if (kind === 'rtree')
    return addTable(
      schema,
      table,
      kind,
      [...plain(['id'], 'INTEGER'), ...plain(['x0', 'x1'], 'REAL')],
      [['id']],
      'using rtree(id, x0, x1)',
    );
  const columns: ColumnModel[] = [];
  const uniques: string[][] = [];
  if (kind === 'ipk' || kind === 'autoincrement') {
    const auto = kind === 'autoincrement' ? ' AUTOINCREMENT' : '';
    columns.push({ name: 'id', type: 'INTEGER', generated: false, text: `id INTEGER PRIMARY KEY${auto}` });
    uniques.push(['id']);
  }
  for (const column of ['a', 'b', 'c', 'd', 'e'].slice(0, 2 + random.int(4))) {
    columns.push(makeColumn(random, { column, table, kind, columns, uniques }));
  }
  const texts = [
    ...columns.map(({ text }) => text),
    ...constraints(random, { kind, columns, uniques, schema }),
  ];
  const options = kind === 'without' ? ' WITHOUT ROWID' : kind === 'strict' ? ' STRICT' : '';
  return addTable(schema, table, kind, columns, uniques, `(${texts.join(', ')})${options}`);
}

function plain(names: readonly string[], type: string): ColumnModel[] {
  return names.map((name) => ({ name, type, generated: false, text: name }));
}

function addTable(
  schema: Schema,
  name: string,
  kind: TableKind,
  columns: readonly ColumnModel[],
  uniques: readonly (readonly string[])[],
  rest: string,
): string {
  replaceTable(schema, { name, kind, columns, uniques, writable: true });
  return `CREATE ${rest.startsWith('using') ? 'VIRTUAL ' : ''}TABLE ${name} ${rest}`;
}

/** Puts a table in the place of one of the same name. */
export function replaceTable(schema: Schema, table: TableModel): void {
  const at = schema.tables.findIndex(({ name }) => name === table.name);
  if (at === -1) schema.tables.push(table);
  else schema.tables[at] = table;
}

interface NewColumn {
  readonly column: string;
  readonly table: string;
  readonly kind: TableKind;
  readonly columns: readonly ColumnModel[];
  readonly uniques: string[][];
}

function makeColumn(random: Random, { column, kind, columns, uniques }: NewColumn): ColumnModel {
  const type = random.pick(kind === 'strict' ? STRICT_TYPES : TYPES);
  const before = columns.filter(({ generated }) => !generated);
  if (before.length > 0 && random.chance(0.12)) {
    const of = random.pick(before).name;
    const expression = random.pick([of, `${of} + 1`, `typeof(${of})`, `${of} IS NULL`, `coalesce(${of}, 7)`]);
    // Whether a virtual REAL column gives whole numbers as REAL depends on the plan (SQLite 3.45).
    const stored = random.chance(0.5) || type === 'REAL' ? ' STORED' : '';
    const declared = kind === 'strict' ? ' ANY' : type === '' ? '' : ` ${type}`;
    return { name: column, type, generated: true, text: `${column}${declared} AS (${expression})${stored}` };
  }
  let text = type === '' ? column : `${column} ${type}`;
  if (random.chance(0.15)) text += ` COLLATE ${random.pick(COLLATIONS)}`;
  if (random.chance(0.12)) text += ' NOT NULL';
  if (random.chance(0.15)) text += ` DEFAULT ${defaultFor(random, type)}`;
  if (random.chance(0.1)) text += ` CHECK (${column} IS NULL OR ${column} <> 3)`;
  if (random.chance(0.15)) {
    text += ` UNIQUE${random.chance(0.3) ? ` ON CONFLICT ${random.pick(['IGNORE', 'REPLACE', 'FAIL'])}` : ''}`;
    uniques.push([column]);
  }
  return { name: column, type, generated: false, text };
}

function defaultFor(random: Random, type: string): string {
  if (type === 'TEXT') return random.pick(["'x'", "''"]);
  if (type === 'BLOB') return "x'61'";
  return random.pick(['0', '5', 'NULL', '(1 + 1)']);
}

interface TableParts {
  readonly kind: TableKind;
  readonly columns: readonly ColumnModel[];
  readonly uniques: string[][];
  readonly schema: Schema;
}

function constraints(random: Random, { kind, columns, uniques, schema }: TableParts): string[] {
  const texts: string[] = [];
  const own = columns.filter(({ generated, name }) => !generated && name !== 'id').map(({ name }) => name);
  if (kind === 'without' || (kind !== 'ipk' && kind !== 'autoincrement' && random.chance(0.3))) {
    const key = random.shuffled(own).slice(0, 1 + random.int(2));
    texts.push(`PRIMARY KEY (${key.join(', ')})`);
    uniques.push(key);
  }
  if (random.chance(0.15) && own.length > 1) {
    texts.push(`UNIQUE (${own[0]}, ${own[1]})`);
    uniques.push(own.slice(0, 2));
  }
  if (random.chance(0.12)) texts.push(`CONSTRAINT rule CHECK (${own[0]} IS NULL OR ${own[0]} <> 4)`);
  const parents = schema.tables.filter(
    ({ uniques: keys, kind: of }) => keys.some((key) => key.length === 1) && of !== 'rtree',
  );
  if (parents.length > 0 && random.chance(0.25)) {
    const parent = random.pick(parents);
    const [key] = random.pick(parent.uniques.filter((columnsOf) => columnsOf.length === 1));
    const action = random.pick([
      '',
      ' ON DELETE CASCADE',
      ' ON DELETE SET NULL',
      ' ON UPDATE CASCADE',
      ' ON DELETE RESTRICT',
    ]);
    texts.push(`FOREIGN KEY (${random.pick(own)}) REFERENCES ${parent.name} (${key})${action}`);
  }
  return texts;
}

/** Tables that rows can be stored in by name of column. */
export function stored(schema: Schema): TableModel[] {
  return schema.tables.filter(({ kind }) => kind !== 'view' && kind !== 'fts' && kind !== 'rtree');
}

/** An index of any kind on any table, or one that was dropped before. */
export function createIndex(random: Random, schema: Schema, again?: string): string {
  const table = random.pick(stored(schema));
  const columns = random.shuffled(table.columns.map(({ name }) => name)).slice(0, 1 + random.int(2));
  const unique = random.chance(0.4);
  const keys = columns.map((column) =>
    random.weighted([
      [6, column],
      [1, `${column} DESC`],
      [1, `${column} COLLATE NOCASE`],
      [1, `coalesce(${column}, 0)`],
    ]),
  );
  const where = random.chance(0.2) ? ` WHERE ${random.pick(columns)} IS NOT NULL` : '';
  const name = again ?? `i${schema.next++}`;
  schema.indexes.push({ name, table: table.name, definition: keys.join(', ') });
  if (unique && where === '' && keys.every((key, i) => key === columns[i])) {
    replaceTable(schema, { ...table, uniques: [...table.uniques, columns] });
  }
  return `CREATE ${unique ? 'UNIQUE ' : ''}INDEX ${name} ON ${table.name} (${keys.join(', ')})${where}`;
}

/** A view, now and then with a trigger that makes it writable. */
export function createView(random: Random, schema: Schema, again?: string): string[] {
  const table = random.pick(stored(schema));
  const name = again ?? `v${schema.next++}`;
  const columns = random.shuffled(random.some(table.columns));
  const named = random.chance(0.4);
  const list = named ? ` (${columns.map((_, i) => `x${i}`).join(', ')})` : '';
  const where = random.chance(0.3) ? ` WHERE ${random.pick(columns).name} IS NOT NULL` : '';
  const of = columns.map((column, i) => ({
    ...column,
    name: named ? `x${i}` : column.name,
    generated: false,
  }));
  const writable = random.chance(0.4) && columns.some(({ generated }) => !generated);
  replaceTable(schema, { name, kind: 'view', columns: of, uniques: [], writable });
  const texts = [
    `CREATE VIEW ${name}${list} AS SELECT ${columns.map((column) => column.name).join(', ')} FROM ${table.name}${where}`,
  ];
  if (writable) {
    const target = columns
      .map((column, i) => [column, of[i]?.name] as const)
      .filter(([column]) => !column.generated);
    const into = target.map(([column]) => column.name).join(', ');
    const from = target.map(([, from]) => `new.${from}`).join(', ');
    texts.push(
      `CREATE TRIGGER ${name}_write INSTEAD OF INSERT ON ${name} BEGIN INSERT INTO ${table.name} (${into}) VALUES (${from}); END`,
    );
  }
  return texts;
}

/** A trigger that writes elsewhere or refuses. */
export function createTrigger(random: Random, schema: Schema, again?: string): string {
  const table = random.pick(stored(schema));
  const other = random.pick(stored(schema));
  const name = again ?? `g${schema.next++}`;
  const event = random.pick(['INSERT', 'UPDATE', 'DELETE']);
  const row = event === 'DELETE' ? 'old' : 'new';
  const column = random.pick(table.columns).name;
  const into = other.columns.find(({ generated }) => !generated)?.name;
  const raise = random.pick(['ABORT', 'FAIL', 'ROLLBACK', 'IGNORE']);
  const refused = raise === 'IGNORE' ? 'RAISE(IGNORE)' : `RAISE(${raise}, 'refused by ${name}')`;
  const body = random.weighted([
    [3, `INSERT OR IGNORE INTO ${other.name} (${into}) VALUES (${row}.${column})`],
    [2, `SELECT ${refused} WHERE ${row}.${column} = 2`],
    [1, `DELETE FROM ${other.name} WHERE ${into} = ${row}.${column}`],
  ]);
  const when = random.pick(['BEFORE', 'AFTER', 'AFTER']);
  schema.triggers.push({ name, table: table.name, definition: body });
  const condition = random.chance(0.3) ? ` WHEN ${row}.${column} IS NOT NULL` : '';
  return `CREATE TRIGGER ${name} ${when} ${event} ON ${table.name}${condition} BEGIN ${body}; END`;
}
