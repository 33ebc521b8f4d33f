import { type Column, type Param, type SQL, type SQLChunk, type Table, sql, StringChunk } from 'drizzle-orm';
import type { SQLiteInsertConfig } from 'drizzle-orm/sqlite-core';
import { chunkKind } from './chunk-kind.js';
import { type ColumnInternals, TableColumns, tableInternals } from './internals.js';
import { type ColumnNamer, writeSelection } from './select-text.js';
import { SqlText } from './sql-text.js';

/** The columns of a table that take a value in an insert, and their list as SQL text. */
interface InsertTarget {
  readonly columns: readonly (readonly [key: string, column: Column])[];
  readonly list: string;
}

const NULL = new StringChunk('null');

/** Builds insert statements; what depends on the table alone is worked out once for each table. */
export class InsertBuilder {
  readonly #targets = new WeakMap<Table, InsertTarget>();
  readonly #columnName: ColumnNamer;

  constructor(columnName: ColumnNamer) {
    this.#columnName = columnName;
  }

  /**
   * Builds an insert statement. A row that lacks a column gets its default, the result of its default function, the
   * result of its update function or NULL, whichever the column has first.
   *
   * @param withSql - the `with` clause, if there is one
   */
  build(config: SQLiteInsertConfig, withSql: SQL | undefined): SQL {
    const { table, values, returning, onConflict } = config;
    const target = this.#target(table);
    const out = new SqlText().chunk(withSql).text('insert into ').table(table).text(` ${target.list} `);
    if (Array.isArray(values)) writeRows(out, values, target.columns);
    else out.chunk(values.getSQL());
    if (onConflict) out.join(onConflict, '');
    if (returning) writeSelection(out.text(' returning '), returning, true, this.#columnName);
    return out.toSQL();
  }

  #target(table: Table): InsertTarget {
    let target = this.#targets.get(table);
    if (target === undefined) {
      const columns = Object.entries(tableInternals(table)[TableColumns]).filter(
        // Every column has the method (column.js); only its declaration lacks it.
        ([, column]) => !(column as unknown as ColumnInternals).shouldDisableInsert(),
      );
      target = { columns, list: `(${columns.map(([, column]) => this.#columnName(column)).join(', ')})` };
      this.#targets.set(table, target);
    }
    return target;
  }
}

type InsertRow = Readonly<Record<string, Param | SQL>>;

function writeRows(out: SqlText, rows: readonly InsertRow[], columns: InsertTarget['columns']): void {
  out.text('values ');
  for (let i = 0; i < rows.length; i++) {
    if (i > 0) out.text(', ');
    // `i` is below the length.
    const row = rows[i] as InsertRow;
    const cells: SQLChunk[] = [];
    for (const [key, column] of columns) {
      const value = row[key];
      cells.push(value === undefined || isEmptyParam(value) ? defaultOf(column) : value);
    }
    out.chunk(cells);
  }
}

function isEmptyParam(value: Param | SQL): boolean {
  // An SQL has no `value`; asking for the member first spares the question for the class.
  return (value as Param).value === undefined && chunkKind(value) === 'param';
}

function defaultOf(column: Column): SQLChunk {
  if (column.default !== null && column.default !== undefined) return asChunk(column.default, column);
  if (column.defaultFn !== undefined) return asChunk(column.defaultFn(), column);
  if (column.onUpdateFn !== undefined) return asChunk(column.onUpdateFn(), column);
  return NULL;
}

function asChunk(value: unknown, column: Column): SQLChunk {
  const isSql = typeof value === 'object' && value !== null && chunkKind(value) === 'sql';
  // chunkKind has just found it.
  return isSql ? (value as SQL) : sql.param(value, column);
}
