import { ParameterError } from '../errors.js';
import { quoteName } from '../sql/quote-name.js';
import { parseVectorIndex, type VectorMetric } from './vector-index.js';
import { shapeOf, type VectorShape } from './vector-type.js';

/** A vector index on a column. */
export interface ColumnIndex {
  readonly name: string;
  readonly metric: VectorMetric;
  readonly partial: boolean;
}

/** What the schema tells about a column of vectors. */
export interface VectorColumnInfo {
  /** By its declared type; undefined when that is none for vectors. */
  readonly shape: VectorShape | undefined;
  readonly indexes: readonly ColumnIndex[];
  /** The columns by which a row is found that an index names: the rowid under a name that is free, or the only key. */
  readonly rowKey: string | undefined;
  /** Whether the table has so few rows that a scan is faster than an index, and exact. */
  readonly small: boolean;
}

/**
 * From how many rows on an index is asked. Below, a scan takes no longer (`bench/nearest.mjs`: with 128 dimensions they are
 * even at about this many) and finds every row, also where vectors repeat, of which an index misses many (libsql 0.5.29).
 */
export const FEWEST_FOR_INDEX = 10_000;

/**
 * The parts of the statement that asks the schema for a column, between which the table's name stands as a parameter. It
 * gives rows of kind, name, SQL or declared type, and position in the primary key; and one with the number of rows, of which
 * no more are counted than matter, if the table has a vector index. One statement, so that it is one round trip.
 */
export function describeColumnParts(table: string): readonly [string, string, string, string] {
  return [
    `SELECT type AS kind, name, coalesce(sql, '') AS text, 0 AS key FROM sqlite_schema
      WHERE type IN ('table', 'index') AND tbl_name = `,
    ` COLLATE NOCASE UNION ALL SELECT 'column', name, type, pk FROM pragma_table_info(`,
    `) UNION ALL SELECT 'rows', '', '', CASE WHEN EXISTS (
        SELECT 1 FROM sqlite_schema WHERE type = 'index' AND sql LIKE '%libsql_vector_idx%' AND tbl_name = `,
    ` COLLATE NOCASE) THEN (SELECT count(*) FROM (SELECT 1 FROM ${quoteName(table)} LIMIT ${FEWEST_FOR_INDEX})) END`,
  ];
}

/** A row of {@link describeColumnParts}. */
export interface SchemaRow {
  readonly kind: string;
  readonly name: string;
  readonly text: string;
  readonly key: number | bigint | string | null;
}

/** @throws {@link ParameterError} when the table has no such column */
export function describeColumn(rows: readonly SchemaRow[], table: string, column: string): VectorColumnInfo {
  const same = (name: string): boolean => name.toLowerCase() === column.toLowerCase();
  const columns = rows.filter(({ kind }) => kind === 'column');
  const found = columns.find(({ name }) => same(name));
  if (found === undefined) throw new ParameterError(`the table "${table}" has no column "${column}"`);
  const indexes = rows.flatMap(({ kind, name, text }) => {
    const parsed = kind === 'index' ? parseVectorIndex(text) : undefined;
    return parsed !== undefined && same(parsed.column)
      ? [{ name, metric: parsed.metric, partial: parsed.partial }]
      : [];
  });
  const count = rows.find(({ kind }) => kind === 'rows')?.key;
  return {
    shape: shapeOf(found.text),
    indexes,
    rowKey: rowKeyOf(rows, columns),
    small: Number(count) < FEWEST_FOR_INDEX,
  };
}

function rowKeyOf(rows: readonly SchemaRow[], columns: readonly SchemaRow[]): string | undefined {
  const sql = rows.find(({ kind }) => kind === 'table')?.text ?? '';
  if (/\)[^)]*\bwithout\s+rowid\b[^)]*$/i.test(sql)) {
    const keys = columns.filter(({ key }) => Number(key) > 0);
    return keys.length === 1 ? keys[0]?.name : undefined;
  }
  const taken = new Set(columns.map(({ name }) => name.toLowerCase()));
  return ['rowid', '_rowid_', 'oid'].find((name) => !taken.has(name));
}
