import { sql, StringChunk } from 'drizzle-orm';
import { chunkKind } from './chunk-kind.js';
import { TableColumns, tableInternals } from './internals.js';
import { writeSelection } from './select-text.js';
import { SqlText } from './sql-text.js';
const NULL = new StringChunk('null');
/** Builds insert statements; what depends on the table alone is worked out once for each table. */
export class InsertBuilder {
  #targets = new WeakMap();
  #columnName;
  constructor(columnName) {
    this.#columnName = columnName;
  }
  /**
   * Builds an insert statement. A row that lacks a column gets its default, the result of its default function, the
   * result of its update function or NULL, whichever the column has first.
   *
   * @param withSql - the `with` clause, if there is one
   */
  build(config, withSql) {
    const { table, values, returning, onConflict } = config;
    const target = this.#target(table);
    const out = new SqlText().chunk(withSql).text('insert into ').table(table).text(` ${target.list} `);
    if (Array.isArray(values)) writeRows(out, values, target.columns);
    else out.chunk(values.getSQL());
    if (onConflict) out.join(onConflict, '');
    if (returning) writeSelection(out.text(' returning '), returning, true, this.#columnName);
    return out.toSQL();
  }
  #target(table) {
    let target = this.#targets.get(table);
    if (target === undefined) {
      const columns = Object.entries(tableInternals(table)[TableColumns]).filter(
        // Every column has the method (column.js); only its declaration lacks it.
        ([, column]) => !column.shouldDisableInsert(),
      );
      target = { columns, list: `(${columns.map(([, column]) => this.#columnName(column)).join(', ')})` };
      this.#targets.set(table, target);
    }
    return target;
  }
}
function writeRows(out, rows, columns) {
  out.text('values ');
  for (let i = 0; i < rows.length; i++) {
    if (i > 0) out.text(', ');
    // `i` is below the length.
    const row = rows[i];
    const cells = [];
    for (const [key, column] of columns) {
      const value = row[key];
      cells.push(value === undefined || isEmptyParam(value) ? defaultOf(column) : value);
    }
    out.chunk(cells);
  }
}
function isEmptyParam(value) {
  // An SQL has no `value`; asking for the member first spares the question for the class.
  return value.value === undefined && chunkKind(value) === 'param';
}
function defaultOf(column) {
  if (column.default !== null && column.default !== undefined) return asChunk(column.default, column);
  if (column.defaultFn !== undefined) return asChunk(column.defaultFn(), column);
  if (column.onUpdateFn !== undefined) return asChunk(column.onUpdateFn(), column);
  return NULL;
}
function asChunk(value, column) {
  const isSql = typeof value === 'object' && value !== null && chunkKind(value) === 'sql';
  // chunkKind has just found it.
  return isSql ? value : sql.param(value, column);
}
