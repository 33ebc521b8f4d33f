import { ParameterError } from '../errors.js';
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
}

/**
 * Asks the schema for a column: rows of kind, name, SQL or declared type, and position in the primary key. One statement,
 * so that it is one round trip. The table's name stands between the parts.
 */
export const DESCRIBE_COLUMN = [
  `SELECT type AS kind, name, coalesce(sql, '') AS text, 0 AS key FROM sqlite_schema
  WHERE type IN ('table', 'index') AND tbl_name = `,
  ` COLLATE NOCASE UNION ALL SELECT 'column', name, type, pk FROM pragma_table_info(`,
  ')',
] as const;

/** A row of {@link DESCRIBE_COLUMN}. */
export interface SchemaRow {
  readonly kind: string;
  readonly name: string;
  readonly text: string;
  readonly key: number | bigint;
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
  return { shape: shapeOf(found.text), indexes, rowKey: rowKeyOf(rows, columns) };
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
