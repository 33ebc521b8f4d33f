import type { SqlValue } from '../../values.js';
import type { AnalyzedStatement } from '../../sql/statement.js';
import type { ExecuteRequest, RawResult } from '../engine.js';
import { changesRows, inserts } from '../statement-effect.js';

/** What a client gives for a statement: `@libsql/client` and `@libsql/hrana-client` name the fields differently. */
export interface RemoteResult {
  readonly columns: readonly string[];
  readonly columnTypes: readonly string[];
  readonly rows: readonly ArrayLike<unknown>[];
  readonly rowsAffected: number;
  readonly lastInsertRowid: bigint | undefined;
}

/** Gives a result the form that every engine gives it. Integers come as bigint. */
export function toRawResult(
  { columns, columnTypes, rows, rowsAffected, lastInsertRowid }: RemoteResult,
  statement: AnalyzedStatement,
  request: ExecuteRequest,
): RawResult {
  const wanted = request.fetch === 'all' ? rows : request.fetch === 'first' ? rows.slice(0, 1) : [];
  const changed = changesRows(statement) ? rowsAffected : 0;
  return {
    rows: wanted.map((row) => toRow(row, columns.length, request.exactIntegers === true)),
    columns: request.columns ? columns.map((name, i) => ({ name, type: columnTypes[i] ?? '' })) : undefined,
    rowsAffected: changed,
    lastInsertRowid: changed > 0 && inserts(statement) ? lastInsertRowid : undefined,
  };
}

function toRow(row: ArrayLike<unknown>, width: number, exact: boolean): SqlValue[] {
  const values = new Array<SqlValue>(width);
  for (let i = 0; i < width; i++) values[i] = toValue(row[i], exact);
  return values;
}

/** A value as every engine gives it: safe integers as number unless `exact`, blobs as Uint8Array. */
export function toValue(value: unknown, exact: boolean): SqlValue {
  if (typeof value === 'bigint') {
    const safe = value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER;
    return safe && !exact ? Number(value) : value;
  }
  return value instanceof ArrayBuffer ? new Uint8Array(value) : (value as SqlValue);
}
