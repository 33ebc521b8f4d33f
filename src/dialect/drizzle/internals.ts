/**
 * Typed views of what drizzle-orm 0.45.4 has at run time and strips from its declarations as `@internal` or declares
 * `private`. Everything here is read from objects that Drizzle built, so a cast to one of these interfaces is true for
 * that version; the differential tests in `test/dialect/drizzle` fail when a newer version moves a member.
 */
import type { Column, SQL, Table } from 'drizzle-orm';
import * as drizzle from 'drizzle-orm';
import type { SelectedFieldsOrdered, SQLiteSelectConfig } from 'drizzle-orm/sqlite-core';

/** Key of a table's schema name. */
export const TableSchema: unique symbol = Symbol.for('drizzle:Schema');
/** Key of a table's name, which is the alias on an aliased table. */
export const TableName: unique symbol = Symbol.for('drizzle:Name');
/** Key of a table's name before aliasing. */
export const TableOriginalName: unique symbol = Symbol.for('drizzle:OriginalName');
/** Key of a table's name before a table creator changed it. */
export const TableBaseName: unique symbol = Symbol.for('drizzle:BaseName');
/** Key of the mark that a table is an alias. */
export const TableIsAlias: unique symbol = Symbol.for('drizzle:IsAlias');
/** Key of a table's columns. */
export const TableColumns: unique symbol = Symbol.for('drizzle:Columns');

/** A `Table` with its symbol-keyed members. */
export interface TableInternals {
  readonly [TableSchema]: string | undefined;
  readonly [TableName]: string;
  readonly [TableOriginalName]: string;
  readonly [TableBaseName]: string;
  readonly [TableIsAlias]: boolean;
  readonly [TableColumns]: Readonly<Record<string, Column>>;
}

/** The part of a view's description that names it. */
export interface ViewInternals {
  readonly name: string;
  readonly schema: string | undefined;
  readonly isAlias: boolean;
}

/** Decodes one value that is not NULL. */
export interface Decoder {
  mapFromDriverValue(value: unknown): unknown;
}

/** An `SQL` with its members that are not declared. */
export interface SqlInternals {
  readonly decoder: Decoder;
  readonly shouldInlineParams: boolean;
  readonly usedTables: string[];
}

/** An `SQL.Aliased` with its mark of being a reference to a field of a subquery. */
export interface AliasedInternals {
  readonly isSelectionField: boolean;
}

/** A `Column` with the method that says it takes no value in an insert. */
export interface ColumnInternals {
  shouldDisableInsert(): boolean;
}

/** The methods and members of `SQLiteDialect` that a subclass may not name. */
export interface SQLiteDialectInternals {
  readonly casing: { convert(name: string): string };
  buildWithCTE(queries: SQLiteSelectConfig['withList']): SQL | undefined;
}

/** What is known of the members of a table by their symbols. */
export function tableInternals(table: Table): TableInternals {
  // Every table has these members (table.js); only the declarations lack them.
  return table as unknown as TableInternals;
}

/** What is known of an SQL expression beyond its declaration. */
export function sqlInternals(sql: SQL): SqlInternals {
  // Every SQL has these members (sql/sql.js); only the declarations lack them or call them private.
  return sql as unknown as SqlInternals;
}

/** Flattens a selection to its fields in the order in which the query returns them. */
export const orderSelectedFields: (fields: Record<string, unknown>) => SelectedFieldsOrdered =
  // utils.js exports it; the declarations lack it.
  (drizzle as unknown as { orderSelectedFields: (fields: Record<string, unknown>) => SelectedFieldsOrdered })
    .orderSelectedFields;
