import { ReadOnlyError } from '../errors.js';
import type { AnalyzedStatement } from '../sql/statement.js';

/**
 * Refuses what is no read, for a `read` transaction that the database does not enforce by itself. The error is that of a
 * file, where SQLite refuses it.
 *
 * @param statementIndex - place in a batch
 * @throws {@link ReadOnlyError}
 */
export function refuseWrite(statement: AnalyzedStatement, statementIndex?: number): void {
  if (statement.kind === 'read') return;
  throw new ReadOnlyError('attempt to write a readonly database', {
    code: 'SQLITE_READONLY',
    extendedCode: 'SQLITE_READONLY',
    rawCode: 8,
    kind: 'readonly',
    sql: statement.text,
    statementIndex,
  });
}
