import {
  type ColumnMetadata,
  type DatabaseIntrospector,
  type DatabaseMetadataOptions,
  type SchemaMetadata,
  sql,
  SqliteIntrospector,
  type TableMetadata,
} from 'kysely';
import type { AnyKysely, KyselyHandle } from './with-connection.js';

/** A table or view, as Kysely describes it, and what SQLite knows beyond that. */
export interface TursoTableMetadata {
  readonly name: string;
  readonly isView: boolean;
  readonly columns: TursoColumnMetadata[];
}

/** A column, as Kysely describes it, and what SQLite knows beyond that. */
export interface TursoColumnMetadata extends ColumnMetadata {
  /** The default as it is written in the schema. */
  readonly defaultValue: string | undefined;
  /** How a generated column is kept. It has a value without being given one, as one with a default. */
  readonly generated: 'virtual' | 'stored' | undefined;
}

/** As `intMode` has it. */
type Figure = number | bigint | string;

/** A column of a table as the query gives it. */
interface ColumnRow {
  readonly table: string;
  readonly kind: 'table' | 'view';
  readonly name: string;
  readonly type: string;
  readonly notNull: Figure;
  readonly defaultValue: string | null;
  readonly key: Figure;
  readonly keys: Figure;
  readonly hidden: Figure;
  readonly withoutRowid: Figure;
  readonly keyIndexes: Figure;
}

/** Tables of Kysely's migrator, under their usual names. */
const MIGRATION_TABLES = ['kysely_migration', 'kysely_migration_lock'];

/** In `pragma_table_xinfo`: a hidden column of a virtual table. */
const HIDDEN = 1;
const GENERATED_VIRTUAL = 2;
const GENERATED_STORED = 3;

/**
 * Finds out about tables and views. The tables in which FTS, R*Tree and vector indexes keep their data are left out, as
 * are those of SQLite itself.
 */
export class TursoIntrospector implements DatabaseIntrospector {
  readonly #db: AnyKysely;

  constructor(db: AnyKysely) {
    this.#db = db;
  }

  /** None: SQLite has attached databases instead. */
  async getSchemas(): Promise<SchemaMetadata[]> {
    return [];
  }

  async getTables(
    options: DatabaseMetadataOptions = { withInternalKyselyTables: false },
  ): Promise<TableMetadata[]> {
    const tables = await readTables(this.#db, options);
    return tables.map(({ columns, ...table }) => ({
      ...table,
      ...FOREIGN,
      columns: columns.map(({ name, dataType, isNullable, isAutoIncrementing, hasDefaultValue }) => ({
        ...{ name, dataType, isNullable, isAutoIncrementing, hasDefaultValue },
        comment: undefined,
      })),
      // Which fields there are depends on the version of Kysely.
    })) as unknown as TableMetadata[];
  }

  /** As Kysely 0.28 asks for it. */
  async getMetadata(options?: DatabaseMetadataOptions): Promise<{ tables: TableMetadata[] }> {
    return { tables: await this.getTables(options) };
  }
}

/** Since 0.29, which has no `getMetadata()` any more, Kysely tells foreign tables; SQLite has none. */
const FOREIGN = 'getMetadata' in SqliteIntrospector.prototype ? {} : { isForeign: false };

/**
 * Tables and views with what Kysely's introspection leaves out: the default of a column, and how a generated one is kept.
 *
 * @param db - a Kysely database or transaction with the {@link TursoDialect}
 * @param options - `withInternalKyselyTables` tells about the tables of the `Migrator` too
 *
 * @example
 * ```ts
 * import { Kysely } from 'kysely';
 * import { describeTables, TursoDialect } from 'turso-dialect/kysely';
 *
 * const db = new Kysely<{ users: { age: number } }>({ dialect: new TursoDialect(':memory:') });
 * await db.schema.createTable('users').addColumn('age', 'integer', (age) => age.defaultTo(7)).execute();
 * const [users] = await describeTables(db);
 * console.log(users?.columns[0]?.defaultValue); // 7
 * await db.destroy();
 * ```
 */
export async function describeTables<DB>(
  db: KyselyHandle<DB>,
  options: DatabaseMetadataOptions = { withInternalKyselyTables: false },
): Promise<TursoTableMetadata[]> {
  return await readTables(db.withoutPlugins(), options);
}

async function readTables(
  db: AnyKysely,
  { withInternalKyselyTables }: DatabaseMetadataOptions,
): Promise<TursoTableMetadata[]> {
  const { rows } = await COLUMNS.execute(db);
  const byTable = new Map<string, ColumnRow[]>();
  for (const row of rows) {
    if (!withInternalKyselyTables && MIGRATION_TABLES.includes(row.table)) continue;
    const columns = byTable.get(row.table);
    if (columns === undefined) byTable.set(row.table, [row]);
    else columns.push(row);
  }
  return Array.from(byTable, ([name, columns]) => ({
    name,
    isView: columns[0]?.kind === 'view',
    columns: columns.filter(({ hidden }) => Number(hidden) !== HIDDEN).map(toMetadata),
  }));
}

/**
 * Type `shadow` are the tables of virtual tables. Those of vector indexes (libSQL 0.5.29) are ordinary to SQLite:
 * `libsql_vector_meta_shadow`, and `<index>_shadow` for every index on `libsql_vector_idx(…)`.
 */
const COLUMNS = sql<ColumnRow>`
  select t.name as "table", t.type as "kind", c.name, c.type, c."notnull" as "notNull", c.dflt_value as "defaultValue",
    c.pk as "key", c.hidden, t.wr as "withoutRowid",
    (select count(*) from pragma_table_xinfo(t.name) where pk > 0) as "keys",
    (select count(*) from pragma_index_list(t.name) where origin = 'pk') as "keyIndexes"
  from pragma_table_list as t join pragma_table_xinfo(t.name) as c
  where t.schema = 'main'
    and t.type in ('table', 'view', 'virtual')
    and t.name not like 'sqlite\\_%' escape '\\'
    and t.name <> 'libsql_vector_meta_shadow'
    and t.name not in (
      select i.name || '_shadow' from sqlite_schema as i where i.type = 'index' and i.sql like '%libsql_vector_idx%'
    )
  order by t.name, c.cid
`;

function toMetadata(column: ColumnRow): TursoColumnMetadata {
  const { name, type, defaultValue } = column;
  const hidden = Number(column.hidden);
  const generated =
    hidden === GENERATED_VIRTUAL ? 'virtual' : hidden === GENERATED_STORED ? 'stored' : undefined;
  return {
    name,
    dataType: type,
    isNullable: Number(column.notNull) === 0,
    isAutoIncrementing: isRowid(column),
    hasDefaultValue: defaultValue !== null || generated !== undefined,
    defaultValue: defaultValue ?? undefined,
    generated,
  };
}

/**
 * Whether the column is another name of the rowid, which SQLite fills in: an only key of type INTEGER that needs no
 * index of its own (a key declared `integer primary key desc` does), see https://www.sqlite.org/lang_createtable.html#rowid.
 */
function isRowid({ key, keys, type, withoutRowid, keyIndexes }: ColumnRow): boolean {
  const sole = Number(key) === 1 && Number(keys) === 1;
  return sole && type.toUpperCase() === 'INTEGER' && Number(withoutRowid) === 0 && Number(keyIndexes) === 0;
}
