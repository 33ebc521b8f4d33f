import type { Abort } from '../database/abort.js';
import type { MaybePromise } from '../engine/engine.js';
import { quoteName, quoteText } from '../sql/quote-name.js';
import type { SqlValue } from '../values.js';

/** Runs a statement of `count` parameters about the schema or another statement, and gives its rows. */
export type Inspect = (sql: string, count: number) => MaybePromise<SqlValue[][]>;

/** What is asked about the schema where a statement is to run. */
export interface SchemaSource {
  readonly inspect: Inspect;
  /** A text that changes with whatever the bytecode of a statement depends on. */
  readonly state: () => MaybePromise<string>;
  /** What ends the questions. */
  readonly abort: Abort | undefined;
}

/** A table or index, as the pages of the file know it. */
export interface Tree {
  readonly table: string;
  readonly index: boolean;
  /** Names of what a record holds, in its order; undefined for an expression. */
  readonly columns: readonly (string | undefined)[];
  /** Name of the rowid; undefined where there is none. */
  readonly rowid: string | undefined;
}

/** Everything that must be known to read the bytecode of a statement. */
export interface SchemaMap {
  /** By number of the database and of the root page. */
  readonly trees: ReadonlyMap<string, Tree>;
  /** Virtual tables, and the modules that are tables by themselves, in lower case. */
  readonly virtual: ReadonlyMap<string, string>;
  /** Views by lower-case name, and all triggers. */
  readonly views: ReadonlyMap<string, string>;
  readonly triggers: readonly string[];
  /** Whether nobody but this process can have changed what {@link SchemaSource.state} does not tell. */
  readonly knownByState: boolean;
}

const VIRTUAL = /^\s*create\s+virtual\b/i;
const SCHEMA_ROOT = 1;

/** Stands for the rowid in what an index holds; no column can be called so. */
const ROWID = '\0rowid';

/** Of an attached database it is not known whether its schema has changed. */
const USUAL_DATABASES = 2;

/** Gives one row that changes with the schemas of `main` and `temp`, and with what is attached. */
export const SCHEMA_STATE =
  'SELECT (SELECT schema_version FROM pragma_schema_version), (SELECT count(*) FROM pragma_database_list), ' +
  "(SELECT count(*) || ',' || coalesce(max(rowid), 0) FROM sqlite_temp_schema)";

/** Reads the schemas of every database that is open. */
export async function loadSchemaMap(inspect: Inspect): Promise<SchemaMap> {
  const trees = new Map<string, Tree>();
  const virtual = new Map<string, string>();
  const views = new Map<string, string>();
  const triggers: string[] = [];
  for (const [name] of await inspect('SELECT name FROM pragma_module_list', 0)) {
    virtual.set(String(name).toLowerCase(), String(name));
  }
  const databases = await inspect('SELECT seq, name FROM pragma_database_list', 0);
  for (const [number, schema] of databases) {
    const columns = await loadColumns(inspect, String(schema));
    trees.set(treeId(number, SCHEMA_ROOT), schemaTable(String(schema)));
    const entries = `SELECT type, name, tbl_name, rootpage, sql FROM ${quoteName(String(schema))}.sqlite_schema`;
    for (const [type, name, table, root, sql] of await inspect(entries, 0)) {
      const text = String(sql ?? '');
      if (type === 'view') views.set(String(name).toLowerCase(), text);
      else if (type === 'trigger') triggers.push(text);
      else if (VIRTUAL.test(text)) virtual.set(String(name).toLowerCase(), String(name));
      else trees.set(treeId(number, root), toTree(type === 'index', String(name), String(table), columns));
    }
  }
  return { trees, virtual, views, triggers, knownByState: databases.length <= USUAL_DATABASES };
}

/** Where {@link SchemaMap.trees} has the tree with a root page in a database. */
export function treeId(database: unknown, root: unknown): string {
  return `${Number(database)} ${Number(root)}`;
}

interface Columns {
  /** What a record of a table or index holds, by name. */
  readonly records: ReadonlyMap<string, readonly (string | undefined)[]>;
  /** Name of the rowid of a table. */
  readonly rowids: ReadonlyMap<string, string>;
}

async function loadColumns(inspect: Inspect, schema: string): Promise<Columns> {
  const records = new Map<string, (string | undefined)[]>();
  const rowids = new Map<string, string>();
  const literal = quoteText(schema);
  const entries = `${quoteName(schema)}.sqlite_schema`;
  const withoutRowid = new Set<string>();
  for (const [name, wr] of await inspect(
    `SELECT name, wr FROM pragma_table_list WHERE schema = ${literal}`,
    0,
  )) {
    if (Number(wr) === 1) withoutRowid.add(String(name));
  }
  const ofTables =
    `SELECT m.name, x.name, x.type, x.pk, x.hidden FROM ${entries} m JOIN pragma_table_xinfo(m.name, ${literal}) x ` +
    "WHERE m.type = 'table' ORDER BY m.name, x.cid";
  for (const [table, column, type, pk, hidden] of await inspect(ofTables, 0)) {
    const name = String(table);
    if (withoutRowid.has(name)) continue;
    // A column that is computed when it is read is in no record.
    if (Number(hidden) !== 2) push(records, name, String(column));
    if (Number(pk) === 1 && String(type).toLowerCase() === 'integer') rowids.set(name, String(column));
  }
  // Of a table without rowid it gives what a record holds, the columns of the primary key first.
  const ofIndexes =
    `SELECT m.name, x.name, x.cid FROM ${entries} m JOIN pragma_index_xinfo(m.name, ${literal}) x ` +
    "WHERE m.type = 'index' OR m.type = 'table' ORDER BY m.name, x.seqno";
  for (const [index, column, id] of await inspect(ofIndexes, 0)) {
    const name = String(index);
    if (records.has(name) && rowids.has(name)) continue;
    push(records, name, column === null ? (Number(id) === -1 ? ROWID : undefined) : String(column));
  }
  return { records, rowids };
}

function push(records: Map<string, (string | undefined)[]>, name: string, column: string | undefined): void {
  const record = records.get(name);
  if (record === undefined) records.set(name, [column]);
  else record.push(column);
}

function toTree(index: boolean, name: string, table: string, { records, rowids }: Columns): Tree {
  const rowid = rowids.get(table) ?? 'rowid';
  const columns = (records.get(name) ?? []).map((column) => (column === ROWID ? rowid : column));
  return { table, index, columns, rowid };
}

function schemaTable(schema: string): Tree {
  const table = schema === 'temp' ? 'sqlite_temp_schema' : 'sqlite_schema';
  return { table, index: false, columns: ['type', 'name', 'tbl_name', 'rootpage', 'sql'], rowid: 'rowid' };
}
