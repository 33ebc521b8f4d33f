import { CapabilityError } from '../errors.js';
import type { RawResult } from '../engine/engine.js';
import { type AnalyzedStatement, analyze } from '../sql/statement.js';

/** What a connection knows about what was done on it. */
export interface Metadata {
  /** Rowid of the last row that an INSERT has inserted; 0 if none has. */
  readonly lastInsertRowid: bigint;
  /** How many rows the last INSERT, UPDATE or DELETE has changed. */
  readonly changes: number;
  /**
   * How many rows were changed since the connection was opened, by triggers and foreign keys too, and by the recording of
   * changes while `onChange()` has listeners.
   */
  readonly totalChanges: number;
  /** Whether no transaction is open. */
  readonly autocommit: boolean;
}

/** Gives, run so, the one row that {@link toMetadata} takes. */
export const [METADATA] = analyze('SELECT last_insert_rowid(), changes(), total_changes()').statements as [
  AnalyzedStatement,
];
export const METADATA_REQUEST = { fetch: 'first', exactIntegers: true } as const;

export function toMetadata({ rows }: Pick<RawResult, 'rows'>, autocommit: boolean): Metadata {
  const [row = []] = rows;
  return {
    lastInsertRowid: row[0] as bigint,
    changes: Number(row[1]),
    totalChanges: Number(row[2]),
    autocommit,
  };
}

/** @throws {@link CapabilityError} in a restricted view: it would tell what others wrote on the same connection */
export function assertUnrestricted(authorizer: object | undefined): void {
  if (authorizer === undefined) return;
  throw new CapabilityError(
    'restricted',
    'metadata() is not for a restricted view of a database; take lastInsertRowid and rowsAffected from the result of the statement',
  );
}
