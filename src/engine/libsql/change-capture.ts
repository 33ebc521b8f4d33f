import { quoteName, quoteText } from '../../sql/quote-name.js';
import type { SqlValue } from '../../values.js';
import type { CommitListener, RowChange } from '../engine.js';
import type { NativeDatabase } from './native.js';
import { PreparedStatement } from './prepared.js';

/** Begins the name of everything that is made here. */
const PREFIX = '__turso_dialect_';
const RECORDS = `temp."${PREFIX}changes"`;

/** So many records are kept before the delivered ones are deleted. */
const MOST_RECORDS = 5_000;

/** The tables that have rows of their own: no views, virtual tables and their shadows. */
const TABLES = `SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table'
  AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> 'libsql_vector_meta_shadow'
  AND name NOT IN (SELECT name || '_shadow' FROM main.sqlite_schema WHERE type = 'index')`;

/** A table whose changes are recorded. */
interface Source {
  readonly table: string;
  /** Columns of the primary key; undefined where rows have a rowid. */
  readonly key: readonly string[] | undefined;
}

/**
 * Records the rows that one connection changes: temporary triggers write them into a temporary table, which is rolled back
 * with the transaction, or to its savepoint. The binding has no update hook (libsql 0.5.29). Changes that other
 * connections make are theirs to record.
 */
export class ChangeCapture {
  readonly listener: CommitListener;
  readonly #native: NativeDatabase;
  readonly #schemaVersion: PreparedStatement;
  readonly #sources: Source[] = [];
  /** What `recursive_triggers` was, and will be. */
  readonly #recursive: boolean;
  #read: PreparedStatement | undefined;
  /** Whether anything was ever made. */
  #installed = false;
  /** Never used again: what another connection dropped the table of stays in the temporary schema, without effect. */
  #triggers = 0;
  #keyColumns = 0;
  /** Version of the schema that the triggers are made for; undefined when they may be gone. */
  #version: unknown;
  /** Whether they were made in the transaction that is open, and would be undone with it. */
  #fresh = false;
  /** How many tables and triggers were made. */
  #objects = 0;
  /** Whether what was made may be gone. */
  #doubtful = false;
  /** Number of the last record that was delivered, and of the last that was read in the open transaction. */
  #delivered = 0n;
  #drained = 0n;
  #pending: RowChange[] = [];

  constructor(native: NativeDatabase, listener: CommitListener) {
    this.#native = native;
    this.listener = listener;
    this.#schemaVersion = this.#prepare('PRAGMA main.schema_version');
    this.#recursive = this.#rows('PRAGMA recursive_triggers')[0]?.[0] === 1n;
  }

  /**
   * To be called when something was done that may take away what is temporary: SQLite drops it all when `temp_store`
   * is set.
   */
  doubt(): void {
    this.#doubtful = true;
  }

  /** To be called before something is written: makes the triggers fit the schema. */
  prepare(): void {
    if (this.listener.tables !== 'all' && this.listener.tables.size === 0) return;
    this.#settleDoubt();
    const version = this.#schemaVersion.readFirst([], true)?.[0];
    if (version !== this.#version) {
      this.#install();
      this.#version = version;
      this.#fresh = this.#native.inTransaction;
    }
  }

  /** To be called between transactions: forgets what was delivered. */
  purge(): void {
    if (this.#delivered <= MOST_RECORDS) return;
    this.#settleDoubt();
    if (this.#keyColumns === 0) return;
    this.#native.exec(`DELETE FROM ${RECORDS}`);
    this.#delivered = this.#drained = 0n;
  }

  /** To be called before a COMMIT: takes what the transaction has recorded. */
  drain(): void {
    this.#settleDoubt();
    if (this.#keyColumns === 0) return;
    this.#read ??= this.#prepare(`SELECT * FROM ${RECORDS} WHERE seq > ? ORDER BY seq`);
    for (const record of this.#read.readAllOnce([this.#drained], 'exact')) {
      const [seq, source, operation, ...key] = record;
      this.#drained = seq as bigint;
      this.#pending.push(toChange(this.#sources[Number(source)] as Source, operation as string, key));
    }
  }

  /** Whether {@link drain} has found changes. */
  get recorded(): boolean {
    return this.#pending.length > 0;
  }

  /** To be called after a COMMIT. */
  committed(): void {
    const changes = this.#pending;
    this.#pending = [];
    this.#delivered = this.#drained;
    this.#fresh = false;
    this.listener.committed(changes);
  }

  /** To be called after a ROLLBACK. */
  rolledBack(): void {
    this.undone();
    this.#fresh = false;
    this.listener.rolledBack();
  }

  /** To be called after a part of a transaction was undone, with its records and perhaps with triggers. */
  undone(): void {
    if (this.#fresh) {
      this.#version = undefined;
      this.#doubtful = true;
    }
    this.#pending = [];
    this.#drained = this.#delivered;
  }

  /** Takes everything back; not inside a transaction. */
  remove(): void {
    if (!this.#installed) return;
    this.#dropTriggers();
    this.#native.exec(
      `DROP TABLE IF EXISTS ${RECORDS}; PRAGMA recursive_triggers=${this.#recursive ? 1 : 0}`,
    );
  }

  /** Looks what is left of what was made. */
  #settleDoubt(): void {
    if (!this.#doubtful) return;
    this.#doubtful = false;
    if (!this.#installed) return;
    if (this.#countObjects() !== this.#objects) this.#version = undefined;
    this.#keyColumns = this.#countKeyColumns();
  }

  #countObjects(): number {
    const [[count] = []] = this.#rows(`SELECT count(*) FROM sqlite_temp_schema WHERE name GLOB '${PREFIX}*'`);
    return Number(count);
  }

  /** How many columns for keys the table has; none if it is not there. */
  #countKeyColumns(): number {
    const [[present] = []] = this.#rows(`SELECT count(*) FROM pragma_table_info('${PREFIX}changes', 'temp')`);
    return Math.max(0, Number(present) - 3);
  }

  #install(): void {
    this.#installed = true;
    this.#dropTriggers();
    const { tables } = this.listener;
    const wanted = this.#rows(TABLES).filter(
      ([name]) => tables === 'all' || tables.has(String(name).toLowerCase()),
    );
    const described = wanted.map(([name, withoutRowid]) => this.#describe(String(name), withoutRowid === 1n));
    this.#growTable(Math.max(1, ...described.map(({ source }) => source.key?.length ?? 1)));
    this.#native.exec(described.flatMap(({ source, row }) => this.#triggersFor(source, row)).join(';\n'));
    // A row that REPLACE displaces fires delete triggers only then. With triggers of others that is not ours to change.
    const [[others] = []] = this.#rows("SELECT count(*) FROM main.sqlite_schema WHERE type = 'trigger'");
    this.#native.exec(`PRAGMA recursive_triggers=${others === 0n || this.#recursive ? 1 : 0}`);
    this.#objects = this.#countObjects();
  }

  /** @returns the table, and the names by which a trigger finds a row again; none where a table hides its rowid */
  #describe(table: string, withoutRowid: boolean): { source: Source; row: readonly string[] } {
    const columns = this.#rows(
      `SELECT name, pk FROM pragma_table_xinfo(${quoteText(table)}, 'main') ORDER BY pk`,
    );
    if (withoutRowid) {
      const key = columns.filter(([, pk]) => pk !== 0n).map(([name]) => String(name));
      return { source: { table, key }, row: key.map(quoteName) };
    }
    const names = new Set(columns.map(([name]) => String(name).toLowerCase()));
    const rowid = ['rowid', '_rowid_', 'oid'].find((alias) => !names.has(alias));
    return { source: { table, key: undefined }, row: rowid === undefined ? [] : [rowid] };
  }

  #growTable(keyColumns: number): void {
    if (this.#rows(`SELECT 1 FROM sqlite_temp_schema WHERE name = '${PREFIX}changes'`).length === 0) {
      this.#native.exec(
        `CREATE TEMP TABLE "${PREFIX}changes" (seq INTEGER PRIMARY KEY, source, operation, k0)`,
      );
      this.#keyColumns = 1;
      this.#delivered = this.#drained = 0n;
    }
    this.#keyColumns = this.#countKeyColumns();
    for (; this.#keyColumns < keyColumns; this.#keyColumns++) {
      this.#native.exec(`ALTER TABLE ${RECORDS} ADD COLUMN k${this.#keyColumns}`);
    }
  }

  #triggersFor(source: Source, row: readonly string[]): string[] {
    const number = this.#sources.push(source) - 1;
    const on = `ON main.${quoteName(source.table)}`;
    const same = row.map((name) => `NEW.${name} IS OLD.${name}`).join(' AND ') || '1';
    const record = (operation: string, of: 'NEW' | 'OLD'): string => {
      const columns = row.map((_, i) => `, k${i}`).join('');
      const values = row.map((name) => `, ${of}.${name}`).join('');
      return `INSERT INTO "${PREFIX}changes" (source, operation${columns}) VALUES (${number}, '${operation}'${values})`;
    };
    const trigger = (event: string, body: string): string =>
      `CREATE TEMP TRIGGER "${PREFIX}${this.#triggers++}" AFTER ${event} BEGIN ${body}; END`;
    return [
      trigger(`INSERT ${on}`, record('insert', 'NEW')),
      trigger(`DELETE ${on}`, record('delete', 'OLD')),
      trigger(`UPDATE ${on} WHEN ${same}`, record('update', 'NEW')),
      // A row that gets another rowid or key is another row.
      trigger(`UPDATE ${on} WHEN NOT (${same})`, `${record('delete', 'OLD')}; ${record('insert', 'NEW')}`),
    ];
  }

  #dropTriggers(): void {
    // Before it is read again, a schema that another connection has changed is taken for what it was.
    this.#native.exec('SELECT 1 FROM main.sqlite_schema LIMIT 0');
    const names = this.#rows(
      `SELECT name FROM sqlite_temp_schema WHERE type = 'trigger' AND name GLOB '${PREFIX}*'`,
    );
    this.#native.exec(
      names.map(([name]) => `DROP TRIGGER IF EXISTS temp.${quoteName(String(name))}`).join(';'),
    );
  }

  #rows(sql: string): SqlValue[][] {
    return this.#prepare(sql).readAllOnce([], 'exact');
  }

  #prepare(sql: string): PreparedStatement {
    return new PreparedStatement(this.#native.prepare(sql), sql);
  }
}

function toChange({ table, key }: Source, operation: string, values: readonly SqlValue[]): RowChange {
  const [rowid] = values;
  return {
    table,
    operation: operation as RowChange['operation'],
    rowid: key === undefined && typeof rowid === 'bigint' ? rowid : undefined,
    key: key && Object.fromEntries(key.map((column, i) => [column, values[i] as SqlValue])),
  };
}
