import type { Column, SQL, Subquery, Table } from 'drizzle-orm';
import { ViewBaseConfig } from 'drizzle-orm';
import type {
  SelectedFieldsOrdered,
  SQLiteSelectConfig,
  SQLiteSelectJoinConfig,
} from 'drizzle-orm/sqlite-core';
import { chunkKind } from './chunk-kind.js';
import {
  type AliasedInternals,
  type Decoder,
  orderSelectedFields,
  sqlInternals,
  TableBaseName,
  TableIsAlias,
  TableName,
  TableOriginalName,
  TableSchema,
  tableInternals,
  type ViewInternals,
} from './internals.js';
import { SqlText } from './sql-text.js';
import { quoteName } from '../../sql/quote-name.js';

/** Gives the quoted name of a column in the casing of the dialect. */
export type ColumnNamer = (column: Column) => string;

/**
 * Builds a select statement up to its set operators.
 *
 * @param withSql - the `with` clause, if there is one
 * @throws Error when a selected column belongs to a table that the query does not read
 */
export function buildSelect(
  config: SQLiteSelectConfig,
  withSql: SQL | undefined,
  columnName: ColumnNamer,
): SQL {
  const { table, joins } = config;
  const fields = config.fieldsFlat ?? orderSelectedFields(config.fields);
  checkTables(fields, table, joins);
  const isSingleTable = joins === undefined || joins.length === 0;

  const out = new SqlText();
  out.chunk(withSql).text(config.distinct ? 'select distinct ' : 'select ');
  writeSelection(out, fields, isSingleTable, columnName);
  writeFrom(out.text(' from '), table);
  if (!isSingleTable) writeJoins(out, joins);
  if (config.where) out.text(' where ').chunk(config.where);
  if (config.groupBy?.length) out.text(' group by ').join(config.groupBy, ', ');
  if (config.having) out.text(' having ').chunk(config.having);
  if (config.orderBy?.length) out.text(' order by ').join(config.orderBy, ', ');
  const { limit, offset } = config;
  if (typeof limit === 'object' || (typeof limit === 'number' && limit >= 0))
    out.text(' limit ').chunk(limit);
  // SQLite takes no offset without a limit; Drizzle's own text would be refused.
  else if (offset) out.text(' limit -1');
  if (offset) out.text(' offset ').chunk(offset);
  return out.toSQL();
}

/**
 * Writes what a statement selects or returns.
 *
 * @param isSingleTable - whether columns go without the name of their table
 */
export function writeSelection(
  out: SqlText,
  fields: SelectedFieldsOrdered,
  isSingleTable: boolean,
  columnName: ColumnNamer,
): void {
  for (let i = 0; i < fields.length; i++) {
    if (i > 0) out.text(', ');
    // `i` is below the length.
    const { field } = fields[i] as SelectedFieldsOrdered[number];
    // Each cast below is what `chunkKind` has just found.
    switch (chunkKind(field)) {
      case 'column':
        writeColumn(out, field as Column, isSingleTable, columnName);
        break;
      case 'sql':
        writeExpression(out, field as SQL, isSingleTable, columnName);
        break;
      case 'aliased':
        writeAliased(out, field as SQL.Aliased & AliasedInternals, isSingleTable, columnName);
        break;
      case 'subquery':
        takeDecoderOfOnlyField(field as Subquery);
        out.chunk(field);
        break;
      default:
      // Drizzle writes nothing for anything else.
    }
  }
}

function writeColumn(out: SqlText, column: Column, isSingleTable: boolean, columnName: ColumnNamer): void {
  const name = isSingleTable
    ? columnName(column)
    : `${quoteName(tableInternals(column.table)[TableName])}.${columnName(column)}`;
  // Drivers that read integers as numbers would round it.
  out.text(column.columnType === 'SQLiteNumericBigInt' ? `cast(${name} as text)` : name);
}

function writeAliased(
  out: SqlText,
  aliased: SQL.Aliased & AliasedInternals,
  isSingleTable: boolean,
  columnName: ColumnNamer,
): void {
  if (!aliased.isSelectionField) {
    writeExpression(out, aliased.sql, isSingleTable, columnName);
    out.text(' as ');
  }
  out.text(quoteName(aliased.fieldAlias));
}

/** With one table, the columns that an expression names itself (not those in a nested one) go without their table. */
function writeExpression(
  out: SqlText,
  expression: SQL,
  isSingleTable: boolean,
  columnName: ColumnNamer,
): void {
  if (!isSingleTable) {
    out.chunk(expression);
    return;
  }
  for (const chunk of expression.queryChunks) {
    if (
      typeof chunk === 'object' &&
      !Array.isArray(chunk) &&
      chunk !== null &&
      chunkKind(chunk) === 'column'
    ) {
      // chunkKind has just found it.
      out.text(columnName(chunk as Column));
    } else {
      out.chunk(chunk);
    }
  }
}

/** A subquery that selects one field is read as that field is. */
function takeDecoderOfOnlyField(subquery: Subquery): void {
  const { sql, selectedFields } = subquery._;
  const decoder = onlyFieldDecoder(Object.values(selectedFields));
  if (decoder) Object.assign(sql, { decoder });
}

function onlyFieldDecoder(fields: readonly unknown[]): Decoder | undefined {
  const field = fields[0];
  if (fields.length !== 1 || typeof field !== 'object' || field === null) return undefined;
  // Each cast is what `chunkKind` has just found; what is left is an `SQL.Aliased`.
  switch (chunkKind(field)) {
    case 'sql':
      return sqlInternals(field as SQL).decoder;
    case 'column':
      return { mapFromDriverValue: (value) => (field as Column).mapFromDriverValue(value) };
    default:
      return sqlInternals((field as SQL.Aliased).sql).decoder;
  }
}

function writeFrom(out: SqlText, table: SQLiteSelectConfig['table']): void {
  if (chunkKind(table) !== 'table') {
    out.chunk(table);
    return;
  }
  // chunkKind has just found it.
  const source = table as Table;
  const names = tableInternals(source);
  if (!names[TableIsAlias]) {
    out.table(source);
    return;
  }
  writeSchema(out, names[TableSchema]);
  out.text(`${quoteName(names[TableOriginalName])} ${quoteName(names[TableName])}`);
}

function writeJoins(out: SqlText, joins: readonly SQLiteSelectJoinConfig[]): void {
  for (const { table, alias, joinType, on } of joins) {
    out.text(` ${joinType} join `);
    if (chunkKind(table) === 'table') {
      // chunkKind has just found it.
      const names = tableInternals(table as Table);
      writeSchema(out, names[TableSchema]);
      out.text(quoteName(names[TableOriginalName]));
      if (alias !== undefined && names[TableName] !== names[TableOriginalName])
        out.text(` ${quoteName(alias)}`);
    } else {
      out.chunk(table);
    }
    if (on) out.text(' on ').chunk(on);
  }
}

function writeSchema(out: SqlText, schema: string | undefined): void {
  if (schema) out.text(`${quoteName(schema)}.`);
}

/** Finds a selected column whose table is neither the one selected from nor joined. */
function checkTables(
  fields: SelectedFieldsOrdered,
  table: SQLiteSelectConfig['table'],
  joins: SQLiteSelectConfig['joins'],
): void {
  const source = sourceName(table);
  for (const { path, field } of fields) {
    if (chunkKind(field) !== 'column') continue;
    // chunkKind has just found it.
    const column = field as Column;
    const names = tableInternals(column.table);
    const name = names[TableName];
    if (name === source) continue;
    const joinedAs = names[TableIsAlias] ? name : names[TableBaseName];
    if (joins?.some(({ alias }) => alias === joinedAs)) continue;
    throw new Error(
      `Your "${path.join('->')}" field references a column "${name}"."${column.name}", but the table "${name}" is not part of the query! Did you forget to join it?`,
    );
  }
}

function sourceName(table: SQLiteSelectConfig['table']): string | undefined {
  // Each cast is what `chunkKind` has just found.
  switch (chunkKind(table)) {
    case 'subquery':
      return (table as Subquery)._.alias;
    case 'view':
      return (table as unknown as Record<typeof ViewBaseConfig, ViewInternals>)[ViewBaseConfig].name;
    case 'sql':
      return undefined;
    default:
      return tableInternals(table as Table)[TableName];
  }
}
