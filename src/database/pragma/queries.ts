import { ParameterError, TransactionError } from '../../errors.js';
import { need } from '../../features.js';
import type { SqlValue } from '../../values.js';
import type { Executor } from '../executor.js';
import { askObjects } from './ask.js';
import { pragmaName } from './values.js';

/** A column of a table or view. */
export interface TableColumn {
  readonly position: number;
  readonly name: string;
  /** Declared type, `''` if it has none. */
  readonly type: string;
  readonly notNull: boolean;
  /** Text of its DEFAULT expression. */
  readonly defaultValue: string | null;
  /** Place in the primary key from 1, or 0. */
  readonly primaryKey: number;
}

/** A column, also one that `SELECT *` leaves out or that is computed. */
export interface TableColumnDetails extends TableColumn {
  readonly hidden: 'no' | 'hidden' | 'virtual' | 'stored';
}

/** A table, view or virtual table. */
export interface TableEntry {
  readonly schema: string;
  readonly name: string;
  readonly type: 'table' | 'view' | 'virtual' | 'shadow';
  readonly columnCount: number;
  readonly withoutRowid: boolean;
  readonly strict: boolean;
}

/** An index of a table. */
export interface IndexEntry {
  readonly name: string;
  readonly unique: boolean;
  /** What made it: CREATE INDEX, a UNIQUE constraint or a PRIMARY KEY. */
  readonly origin: 'create' | 'unique' | 'primaryKey';
  readonly partial: boolean;
}

/** A column of an index. */
export interface IndexColumn {
  readonly position: number;
  /** Null for the rowid and for an expression. */
  readonly name: string | null;
  readonly descending: boolean;
  readonly collation: string | null;
  /** False for what is only stored with it, to find the row. */
  readonly key: boolean;
}

/** A column of a foreign key. */
export interface ForeignKeyEntry {
  /** The columns of one key have one number. */
  readonly id: number;
  readonly position: number;
  readonly table: string;
  readonly from: string;
  /** Null where the primary key of the other table is meant. */
  readonly to: string | null;
  readonly onUpdate: string;
  readonly onDelete: string;
}

/** A row whose reference leads nowhere. */
export interface ForeignKeyFault {
  readonly table: string;
  /** Null in a WITHOUT ROWID table. */
  readonly rowid: number | bigint | null;
  readonly parent: string;
  /** The {@link ForeignKeyEntry.id}. */
  readonly foreignKey: number;
}

/** What a checkpoint has done. */
export interface Checkpoint {
  /** Whether somebody kept it from completing. */
  readonly busy: boolean;
  /** Pages in the log, and how many of them are in the file now; -1 outside WAL mode. */
  readonly logPages: number;
  readonly checkpointedPages: number;
}

/** A database that a connection has open. */
export interface DatabaseEntry {
  readonly name: string;
  /** Path of its file, `''` for one in memory. */
  readonly file: string;
}

/** Pragmas that ask or do something. `schema` is `main` unless an attached database is meant. */
export interface PragmaQueries {
  /** The columns of a table or view; none if there is no such table. */
  tableInfo(table: string, schema?: string): Promise<TableColumn[]>;
  /** As {@link tableInfo}, with generated and hidden columns. */
  tableXinfo(table: string, schema?: string): Promise<TableColumnDetails[]>;
  /** All tables and views, those of SQLite itself included. */
  tableList(schema?: string): Promise<TableEntry[]>;
  indexList(table: string, schema?: string): Promise<IndexEntry[]>;
  indexInfo(index: string, schema?: string): Promise<IndexColumn[]>;
  foreignKeyList(table: string, schema?: string): Promise<ForeignKeyEntry[]>;
  /** Looks for references that lead nowhere, in one table or all. */
  foreignKeyCheck(table?: string, schema?: string): Promise<ForeignKeyFault[]>;
  /** Problems of the file, none if it is in order; `limit` at most (100). */
  integrityCheck(limit?: number): Promise<string[]>;
  /** As {@link integrityCheck}, but does not compare indexes with their tables. */
  quickCheck(limit?: number): Promise<string[]>;
  /** The options that the engine was compiled with. */
  compileOptions(): Promise<string[]>;
  databaseList(): Promise<DatabaseEntry[]>;
  /** Moves the log into the file. @throws {@link CapabilityError} where the server does it */
  walCheckpoint(mode?: 'passive' | 'full' | 'restart' | 'truncate'): Promise<Checkpoint>;
  /** Analyzes what needs it. @throws {@link CapabilityError} where the server does it */
  optimize(): Promise<void>;
  /** Gives back free pages of a database with auto vacuum `incremental`: the given number, or all. */
  incrementalVacuum(pages?: number): Promise<void>;
}

const HIDDEN = ['no', 'hidden', 'virtual', 'stored'] as const;
const ORIGINS: Readonly<Record<string, IndexEntry['origin']>> = {
  c: 'create',
  u: 'unique',
  pk: 'primaryKey',
};

type Row = Readonly<Record<string, SqlValue>>;

/** Makes the functions for what `locate` gives when one is called. */
export function pragmaQueries(locate: () => Executor | Promise<Executor>): PragmaQueries {
  const rows = async (pragma: string, argument?: string, schema = 'main'): Promise<Row[]> => {
    const call = argument === undefined ? pragma : `${pragma}(${argument})`;
    return await askObjects(await locate(), `PRAGMA ${pragmaName(schema)}.${call}`);
  };
  const messages = async (pragma: string, limit: number): Promise<string[]> => {
    if (!Number.isInteger(limit) || limit < 1)
      throw new ParameterError('the limit must be a positive whole number');
    const found = (await rows(pragma, String(limit))).map((row) => String(Object.values(row)[0]));
    return found.length === 1 && found[0] === 'ok' ? [] : found;
  };
  const own = async (name: string): Promise<Executor> => maintainable(await locate(), name);
  return {
    tableInfo: async (table, schema) => (await rows('table_info', pragmaName(table), schema)).map(toColumn),
    tableXinfo: async (table, schema) =>
      (await rows('table_xinfo', pragmaName(table), schema)).map((row) => ({
        ...toColumn(row),
        hidden: HIDDEN[Number(row['hidden'])] ?? 'hidden',
      })),
    tableList: async (schema) => (await rows('table_list', undefined, schema)).map(toTable),
    indexList: async (table, schema) => (await rows('index_list', pragmaName(table), schema)).map(toIndex),
    indexInfo: async (index, schema) =>
      (await rows('index_xinfo', pragmaName(index), schema)).map(toIndexColumn),
    foreignKeyList: async (table, schema) =>
      (await rows('foreign_key_list', pragmaName(table), schema)).map(toForeignKey),
    foreignKeyCheck: async (table, schema) =>
      (await rows('foreign_key_check', table === undefined ? undefined : pragmaName(table), schema)).map(
        toFault,
      ),
    integrityCheck: (limit = 100) => messages('integrity_check', limit),
    quickCheck: (limit = 100) => messages('quick_check', limit),
    compileOptions: async () => (await rows('compile_options')).map((row) => String(Object.values(row)[0])),
    databaseList: async () =>
      (await rows('database_list')).map((row) => ({
        name: String(row['name']),
        file: String(row['file'] ?? ''),
      })),
    walCheckpoint: async (mode = 'passive') => {
      if (!['passive', 'full', 'restart', 'truncate'].includes(mode)) {
        throw new ParameterError("a checkpoint is 'passive', 'full', 'restart' or 'truncate'");
      }
      await own('wal_checkpoint');
      const [row = {}] = await rows('wal_checkpoint', mode);
      const { busy, log, checkpointed } = row;
      return { busy: busy !== 0, logPages: Number(log), checkpointedPages: Number(checkpointed) };
    },
    optimize: async () => {
      await (await own('optimize')).execute('PRAGMA optimize');
    },
    incrementalVacuum: async (pages = 0) => {
      if (!Number.isInteger(pages) || pages < 0) throw new ParameterError('pages must be a whole number');
      await (await own('incremental_vacuum')).execute(`PRAGMA incremental_vacuum(${pages})`);
    },
  };
}

/** What maintains the file, and only where the file is ours and nobody is inside a transaction. */
function maintainable(executor: Executor, name: string): Executor {
  need(executor.config.features, 'maintenance');
  if (executor.origin.transactionId === undefined) return executor;
  throw new TransactionError(`PRAGMA ${name} can not be run inside a transaction`, {
    code: 'TRANSACTION_CONTROL',
    kind: 'transaction',
  });
}

function toColumn(row: Row): TableColumn {
  return {
    position: Number(row['cid']),
    name: String(row['name']),
    type: String(row['type']),
    notNull: Number(row['notnull']) !== 0,
    defaultValue: row['dflt_value'] === null ? null : String(row['dflt_value']),
    primaryKey: Number(row['pk']),
  };
}

function toTable(row: Row): TableEntry {
  return {
    schema: String(row['schema']),
    name: String(row['name']),
    type: String(row['type']) as TableEntry['type'],
    columnCount: Number(row['ncol']),
    withoutRowid: Number(row['wr']) !== 0,
    strict: Number(row['strict']) !== 0,
  };
}

function toIndex(row: Row): IndexEntry {
  return {
    name: String(row['name']),
    unique: Number(row['unique']) !== 0,
    origin: ORIGINS[String(row['origin'])] ?? 'create',
    partial: Number(row['partial']) !== 0,
  };
}

function toIndexColumn(row: Row): IndexColumn {
  return {
    position: Number(row['seqno']),
    name: row['name'] === null ? null : String(row['name']),
    descending: Number(row['desc']) !== 0,
    collation: row['coll'] === null ? null : String(row['coll']),
    key: Number(row['key']) !== 0,
  };
}

function toForeignKey(row: Row): ForeignKeyEntry {
  return {
    id: Number(row['id']),
    position: Number(row['seq']),
    table: String(row['table']),
    from: String(row['from']),
    to: row['to'] === null ? null : String(row['to']),
    onUpdate: String(row['on_update']),
    onDelete: String(row['on_delete']),
  };
}

function toFault(row: Row): ForeignKeyFault {
  return {
    table: String(row['table']),
    rowid: row['rowid'] as number | bigint | null,
    parent: String(row['parent']),
    foreignKey: Number(row['fkid']),
  };
}
