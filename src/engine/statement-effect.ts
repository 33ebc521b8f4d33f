import type { AnalyzedStatement } from '../sql/statement.js';

/** Whether the statement may insert rows. */
export function inserts(statement: AnalyzedStatement): boolean {
  return statement.verb === 'INSERT' || statement.verb === 'REPLACE';
}

/** Whether the statement may change rows of a table. */
export function changesRows(statement: AnalyzedStatement): boolean {
  return inserts(statement) || statement.verb === 'UPDATE' || statement.verb === 'DELETE';
}

/** Whether the statement may write to the database file; ATTACH and DETACH do not. */
export function mayWrite(statement: AnalyzedStatement): boolean {
  if (statement.kind === 'write') return true;
  return statement.kind === 'outside' && (statement.pragma !== undefined || statement.verb === 'VACUUM');
}

/** Whether the statement may change the schema or settings of the connection. */
export function changesSchema(statement: AnalyzedStatement): boolean {
  if (statement.kind === 'outside') return true;
  return statement.kind === 'write' && !changesRows(statement);
}
