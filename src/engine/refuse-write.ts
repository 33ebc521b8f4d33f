import { ReadOnlyError } from '../errors.js';
import type { AnalyzedStatement } from '../sql/statement.js';

/**
 * Refuses what is no read, for a `read` transaction that the database does not enforce by itself.
 *
 * @throws {@link ReadOnlyError}
 */
export function refuseWrite(statement: AnalyzedStatement): void {
  if (statement.kind === 'read') return;
  throw new ReadOnlyError('a write in a read transaction', {
    code: 'SQLITE_READONLY',
    rawCode: 8,
    kind: 'readonly',
    sql: statement.text,
  });
}
