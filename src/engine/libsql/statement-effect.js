/** Whether the statement may insert rows. */
export function inserts(statement) {
  return statement.verb === 'INSERT' || statement.verb === 'REPLACE';
}
/** Whether the statement may change rows of a table. */
export function changesRows(statement) {
  return inserts(statement) || statement.verb === 'UPDATE' || statement.verb === 'DELETE';
}
/** Whether the statement may change the schema or settings of the connection. */
export function changesSchema(statement) {
  if (statement.kind === 'outside') return true;
  return statement.kind === 'write' && !changesRows(statement);
}
