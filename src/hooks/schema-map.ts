import { quoteName, quoteText } from '../sql/quote-name.js';
import type { SqlValue } from '../values.js';
import type { StatementAccess } from './access-rules.js';
import {
  generatedColumns,
  isUnknownModule,
  namesIn,
  type VirtualDefinition,
  virtualDefinition,
} from './schema-texts.js';

/** A statement about the schema or another statement, with the values of its parameters. */
export interface Question {
  readonly sql: string;
  readonly values?: readonly SqlValue[];
}

/** What was answered to questions. */
export interface Answers {
  /** A text that changes with whatever the bytecode of a statement depends on; the version of the schema is its first word. */
  readonly state: string;
  /** The rows of each question; undefined when the schema has changed between them. */
  readonly rows: readonly (readonly SqlValue[][])[] | undefined;
}

/** What is asked about the schema where a statement is to run. */
export interface SchemaSource {
  readonly ask: (questions: readonly Question[]) => Promise<Answers>;
}

/** A table or index, as the pages of the file know it. */
export interface Tree {
  readonly table: string;
  /** Of a shadow table, the table whose rows it shows; its own columns mean nothing then. */
  readonly owner: string | undefined;
  readonly index: boolean;
  /** Names of what a record holds, in its order; undefined for an expression. */
  readonly columns: readonly (string | undefined)[];
  /** The columns by whose values its records are chosen and sorted, of an index or a table without rowid. */
  readonly sortedBy: readonly string[];
  /** Of an index, whether it holds not every row, or values of expressions. */
  readonly special: boolean;
  /** Name of the rowid; undefined where there is none. */
  readonly rowid: string | undefined;
  /** Whether the rowid is a column of the table. */
  readonly rowidIsColumn: boolean;
  /** What each generated column is made of. */
  readonly madeOf: ReadonlyMap<string, readonly string[]>;
  readonly needs: StatementAccess['needs'];
}

/** A virtual table, or a module that is a table by itself. */
export interface VirtualTable extends VirtualDefinition {
  readonly name: string;
}

/** Everything that must be known to read the bytecode of a statement. */
export interface SchemaMap {
  /** By number of the database and of the root page. */
  readonly trees: ReadonlyMap<string, Tree>;
  /** Tables that are not virtual, by lower-case name. */
  readonly tables: ReadonlyMap<string, Tree>;
  /** Those of all databases, by lower-case name. */
  readonly virtual: ReadonlyMap<string, readonly VirtualTable[]>;
  /** Texts of the views of all databases by lower-case name, and of all triggers. */
  readonly views: ReadonlyMap<string, readonly string[]>;
  readonly triggers: readonly string[];
  /** Vector indexes by lower-case name. */
  readonly vectorIndexes: ReadonlyMap<string, Tree>;
  /** Whether the state tells of every change; it does not know the schemas of attached databases before they were asked for. */
  readonly knownByState: boolean;
}

const VIRTUAL = /^\s*create\s+virtual\b/i;
const VECTOR_INDEX = /\blibsql_vector_idx\b/i;
const SCHEMA_ROOT = 1;

/** What SQLite and libsql keep in tables: texts of the schema, and values of all tables. */
const OF_THE_ENGINE = /^(?:sqlite|libsql)_/i;

/** Stands for the rowid in what an index holds; no column can be called so. */
const ROWID = '\0rowid';

/** What {@link toSchemaMap} needs to know. */
export const SCHEMA_QUESTIONS: readonly Question[] = [
  { sql: 'SELECT name FROM pragma_module_list' },
  { sql: 'SELECT seq, name FROM pragma_database_list WHERE seq > 1' },
  ...questionsAbout('main'),
  ...questionsAbout('temp'),
];

/** Makes a map of the answers to {@link SCHEMA_QUESTIONS}; asks about the databases that are attached. */
export async function toSchemaMap(answers: readonly Rows[], { ask }: SchemaSource): Promise<SchemaMap> {
  const map = new SchemaMapBuilder();
  const [modules = [], attached = [], ...rest] = answers;
  for (const [name] of modules) {
    map.addVirtual({ name: String(name), module: String(name).toLowerCase(), sources: [] });
  }
  const about = questionsAbout('main').length;
  addDatabase(map, 0, 'main', rest.slice(0, about));
  addDatabase(map, 1, 'temp', rest.slice(about, 2 * about));
  for (const [number, schema] of attached) {
    const { rows } = await ask(questionsAbout(String(schema)));
    if (rows !== undefined) addDatabase(map, Number(number), String(schema), rows);
  }
  map.knownByState = attached.length === 0;
  return map;
}

type Rows = readonly SqlValue[][];

function questionsAbout(schema: string): Question[] {
  const literal = quoteText(schema);
  const entries = `${quoteName(schema)}.sqlite_schema`;
  return [
    `SELECT type, name, tbl_name, rootpage, sql FROM ${entries}`,
    `SELECT name, wr, type FROM pragma_table_list WHERE schema = ${literal}`,
    `SELECT m.name, x.name, x.type, x.pk, x.hidden FROM ${entries} m JOIN pragma_table_xinfo(m.name, ${literal}) x ` +
      "WHERE m.type = 'table' ORDER BY m.name, x.cid",
    // Of a table without rowid it gives what a record holds, the columns of the primary key first.
    `SELECT m.name, x.name, x.cid FROM ${entries} m JOIN pragma_index_xinfo(m.name, ${literal}) x ` +
      "WHERE m.type = 'index' OR m.type = 'table' ORDER BY m.name, x.seqno",
  ].map((sql) => ({ sql }));
}

function addDatabase(map: SchemaMapBuilder, number: number, schema: string, answers: readonly Rows[]): void {
  const [entries = [], tables = [], ofTables = [], ofIndexes = []] = answers;
  map.addDatabase(number, schema, entries.map(toEntry), toColumns(tables, ofTables, ofIndexes));
}

/** Where {@link SchemaMap.trees} has the tree with a root page in a database. */
export function treeId(database: unknown, root: unknown): string {
  return `${Number(database)} ${Number(root)}`;
}

/** A row of `sqlite_schema`. */
interface Entry {
  readonly type: string;
  readonly name: string;
  readonly table: string;
  readonly root: number;
  readonly sql: string;
}

function toEntry([type, name, table, root, sql]: SqlValue[]): Entry {
  return {
    type: String(type),
    name: String(name),
    table: String(table),
    root: Number(root),
    sql: String(sql ?? ''),
  };
}

class SchemaMapBuilder implements SchemaMap {
  readonly trees = new Map<string, Tree>();
  readonly tables = new Map<string, Tree>();
  readonly virtual = new Map<string, VirtualTable[]>();
  readonly views = new Map<string, string[]>();
  readonly triggers: string[] = [];
  readonly vectorIndexes = new Map<string, Tree>();
  knownByState = true;

  addVirtual(table: VirtualTable): void {
    add(this.virtual, table.name.toLowerCase(), table);
  }

  addDatabase(number: number, schema: string, entries: readonly Entry[], columns: Columns): void {
    this.trees.set(treeId(number, SCHEMA_ROOT), schemaTable(schema));
    const virtual: VirtualTable[] = [];
    const vectorIndexes = new Map<string, string>();
    for (const { type, name, table, sql } of entries) {
      if (type === 'view') add(this.views, name.toLowerCase(), sql);
      else if (type === 'trigger') this.triggers.push(sql);
      else if (type === 'index' && VECTOR_INDEX.test(sql)) vectorIndexes.set(name, table);
      else if (VIRTUAL.test(sql)) virtual.push({ name, ...virtualDefinition(sql) });
    }
    for (const table of virtual) this.addVirtual(table);
    const texts = new Map(entries.map(({ type, name, sql }) => [`${type} ${name}`, sql]));
    const isShadow = (name: string): boolean => columns.shadows.has(name);
    for (const { type, name, table, root, sql } of entries) {
      if (type === 'view' || type === 'trigger' || VIRTUAL.test(sql)) continue;
      const owner = ownerOf(table, virtual, vectorIndexes, isShadow);
      const tree =
        owner === undefined
          ? toTree({ type, name, table, root, sql }, texts.get(`table ${table}`) ?? '', columns)
          : shadowTree(table, owner, type === 'index');
      this.trees.set(treeId(number, root), tree);
      if (type === 'table') this.tables.set(name.toLowerCase(), tree);
      if (vectorIndexes.has(name)) this.vectorIndexes.set(name.toLowerCase(), tree);
    }
  }
}

function add<T>(to: Map<string, T[]>, key: string, value: T): void {
  const values = to.get(key);
  if (values === undefined) to.set(key, [value]);
  else values.push(value);
}

/** The table that a shadow table belongs to; undefined for other tables. */
function ownerOf(
  table: string,
  virtual: readonly VirtualTable[],
  vectorIndexes: ReadonlyMap<string, string>,
  isShadow: (name: string) => boolean,
): string | undefined {
  for (const [index, owner] of vectorIndexes) if (table === `${index}_shadow`) return owner;
  const owners = virtual
    .filter(({ name }) => table.toLowerCase().startsWith(`${name.toLowerCase()}_`))
    .filter(({ module }) => isShadow(table) || isUnknownModule(module))
    .map(({ name }) => name);
  return owners.reduce<string | undefined>(
    (longest, name) => (name.length > (longest?.length ?? 0) ? name : longest),
    undefined,
  );
}

interface Columns {
  /** What a record of a table or index holds, by name. */
  readonly records: ReadonlyMap<string, readonly (string | undefined)[]>;
  /** Every column of a table. */
  readonly all: ReadonlyMap<string, readonly string[]>;
  readonly generated: ReadonlyMap<string, readonly string[]>;
  /** Columns of the primary key of a table. */
  readonly keys: ReadonlyMap<string, readonly string[]>;
  /** Name of the rowid of a table. */
  readonly rowids: ReadonlyMap<string, string>;
  readonly withoutRowid: ReadonlySet<string>;
  /** Names of shadow tables. */
  readonly shadows: ReadonlySet<string>;
}

function toColumns(tables: Rows, ofTables: Rows, ofIndexes: Rows): Columns {
  const records = new Map<string, (string | undefined)[]>();
  const all = new Map<string, string[]>();
  const generated = new Map<string, string[]>();
  const keys = new Map<string, string[]>();
  const rowids = new Map<string, string>();
  const shadows = new Set<string>();
  const withoutRowid = new Set<string>();
  for (const [name, wr, type] of tables) {
    if (Number(wr) === 1) withoutRowid.add(String(name));
    if (type === 'shadow') shadows.add(String(name));
  }
  for (const [table, column, type, pk, hidden] of ofTables) {
    const name = String(table);
    add(all, name, String(column));
    if (Number(pk) > 0) add(keys, name, String(column));
    if (Number(hidden) > 1) add(generated, name, String(column));
    // A column that is computed when it is read is in no record.
    if (!withoutRowid.has(name) && Number(hidden) !== 2) add(records, name, String(column));
    if (Number(pk) === 1 && String(type).toLowerCase() === 'integer') rowids.set(name, String(column));
  }
  for (const [name, { length }] of keys) if (length > 1 || withoutRowid.has(name)) rowids.delete(name);
  for (const [index, column, id] of ofIndexes) {
    const name = String(index);
    if (records.has(name) && rowids.has(name)) continue;
    add(records, name, column === null ? (Number(id) === -1 ? ROWID : undefined) : String(column));
  }
  return { records, all, generated, keys, rowids, withoutRowid, shadows };
}

function toTree({ type, name, table, sql }: Entry, tableSql: string, columns: Columns): Tree {
  const index = type === 'index';
  const rowid = columns.rowids.get(table);
  const all = columns.all.get(table) ?? [];
  const record = columns.records.get(name) ?? [];
  // The text of an index names the columns of its expressions and of its WHERE as well.
  const mentioned = index ? namesIn(sql.slice(sql.indexOf('('))) : new Set<string>();
  const sortedBy = index
    ? all.filter((column) => record.includes(column) || mentioned.has(column.toLowerCase()))
    : columns.withoutRowid.has(table)
      ? (columns.keys.get(table) ?? [])
      : [];
  return {
    table,
    index,
    columns: record.map((column) => (column === ROWID ? (rowid ?? 'rowid') : column)),
    sortedBy,
    special: index && (record.includes(undefined) || mentioned.has('where')),
    rowid: rowid ?? 'rowid',
    rowidIsColumn: rowid !== undefined,
    madeOf: madeOf(columns.generated.get(table) ?? [], all, tableSql),
    owner: undefined,
    needs: OF_THE_ENGINE.test(table) ? 'name' : undefined,
  };
}

/** What generated columns are made of; of one whose expression was not found, every column. */
function madeOf(
  generated: readonly string[],
  all: readonly string[],
  sql: string,
): Map<string, readonly string[]> {
  const sources = new Map<string, readonly string[]>();
  if (generated.length === 0) return sources;
  const found = generatedColumns(sql);
  const columns = new Map(all.map((column) => [column.toLowerCase(), column]));
  const names = new Map(
    generated.map((column) => {
      const named = found.get(column.toLowerCase());
      return [column, named?.flatMap((name) => columns.get(name) ?? []) ?? all];
    }),
  );
  for (const column of generated) {
    // What is added is iterated over as well, so a column that is made of a generated one is resolved.
    const reached = new Set([column]);
    for (const one of reached) for (const name of names.get(one) ?? []) reached.add(name);
    sources.set(column, [...reached]);
  }
  return sources;
}

const NOTHING_MADE: ReadonlyMap<string, readonly string[]> = new Map();

function shadowTree(table: string, owner: string, index: boolean): Tree {
  return {
    ...{ table, owner, index, columns: [], sortedBy: [], special: false, rowid: undefined },
    ...{ rowidIsColumn: false, madeOf: NOTHING_MADE, needs: 'pattern' },
  };
}

function schemaTable(schema: string): Tree {
  return {
    table: schema === 'temp' ? 'sqlite_temp_schema' : 'sqlite_schema',
    columns: ['type', 'name', 'tbl_name', 'rootpage', 'sql'],
    ...{ index: false, sortedBy: [], special: false, rowid: 'rowid', rowidIsColumn: false },
    ...{ madeOf: NOTHING_MADE, owner: undefined, needs: 'name' },
  };
}
