import * as drizzle from 'drizzle-orm';
/** Key of a table's schema name. */
export const TableSchema = Symbol.for('drizzle:Schema');
/** Key of a table's name, which is the alias on an aliased table. */
export const TableName = Symbol.for('drizzle:Name');
/** Key of a table's name before aliasing. */
export const TableOriginalName = Symbol.for('drizzle:OriginalName');
/** Key of a table's name before a table creator changed it. */
export const TableBaseName = Symbol.for('drizzle:BaseName');
/** Key of the mark that a table is an alias. */
export const TableIsAlias = Symbol.for('drizzle:IsAlias');
/** Key of a table's columns. */
export const TableColumns = Symbol.for('drizzle:Columns');
/** What is known of the members of a table by their symbols. */
export function tableInternals(table) {
  // Every table has these members (table.js); only the declarations lack them.
  return table;
}
/** What is known of an SQL expression beyond its declaration. */
export function sqlInternals(sql) {
  // Every SQL has these members (sql/sql.js); only the declarations lack them or call them private.
  return sql;
}
/** Flattens a selection to its fields in the order in which the query returns them. */
export const orderSelectedFields =
  // utils.js exports it; the declarations lack it.
  drizzle.orderSelectedFields;
