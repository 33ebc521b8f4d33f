import {
  type ColumnMetadata,
  type DatabaseIntrospector,
  type DatabaseMetadataOptions,
  type SchemaMetadata,
  sql,
  type TableMetadata,
} from 'kysely';
import type { AnyKysely } from './with-connection.js';

/** A table or view, as Kysely describes it. */
export interface TursoTableMetadata extends TableMetadata {
  readonly columns: TursoColumnMetadata[];
  /** Whether it is a foreign table, which SQLite does not have; for Kysely 0.29. */
  readonly isForeign: boolean;
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
  ): Promise<TursoTableMetadata[]> {
    const { rows } = await COLUMNS.execute(this.#db);
    const byTable = new Map<string, ColumnRow[]>();
    for (const row of rows) {
      if (!options.withInternalKyselyTables && MIGRATION_TABLES.includes(row.table)) continue;
      const columns = byTable.get(row.table);
      if (columns === undefined) byTable.set(row.table, [row]);
      else columns.push(row);
    }
    return Array.from(byTable, ([name, columns]) => ({
      name,
      isView: columns[0]?.kind === 'view',
      isForeign: false,
      columns: columns.filter(({ hidden }) => Number(hidden) !== HIDDEN).map(toMetadata),
    }));
  }

  /** As Kysely 0.28 asks for it. */
  async getMetadata(options?: DatabaseMetadataOptions): Promise<{ tables: TursoTableMetadata[] }> {
    return { tables: await this.getTables(options) };
  }
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
