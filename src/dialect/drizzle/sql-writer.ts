import type {
  Column,
  Name,
  Param,
  Query,
  SQL,
  SQLWrapper,
  StringChunk,
  Subquery,
  Table,
  View,
} from 'drizzle-orm';
import { isSQLWrapper, ViewBaseConfig } from 'drizzle-orm';
import { quoteName, quoteText } from '../../sql/quote-name.js';
import { chunkKind } from './chunk-kind.js';
import {
  sqlInternals,
  TableIsAlias,
  TableName,
  TableSchema,
  tableInternals,
  type ViewInternals,
} from './internals.js';

/**
 * Turns an SQL expression into text and parameters: the same as Drizzle's `SQL.toQuery`, appended to one string and one
 * array instead of being merged from an object for every chunk.
 */
export class SqlWriter implements Query {
  sql = '';
  readonly params: unknown[] = [];
  readonly #columnName: (column: Column) => string;
  readonly #forIndex: boolean;

  /**
   * @param columnName - gives the quoted name of a column in the casing of the dialect
   * @param forIndex - whether columns are named without their table, as an index definition needs
   */
  constructor(columnName: (column: Column) => string, forIndex: boolean) {
    this.#columnName = columnName;
    this.#forIndex = forIndex;
  }

  /** Appends an expression. Its values are written into the text when `inline` or when the expression says so. */
  write(expression: SQL, inline: boolean): void {
    const inlined = inline || sqlInternals(expression).shouldInlineParams;
    const chunks = expression.queryChunks;
    for (let i = 0; i < chunks.length; i++) this.#chunk(chunks[i], inlined);
  }

  #chunk(chunk: unknown, inline: boolean): void {
    if (chunk === undefined) return;
    if (typeof chunk !== 'object' || chunk === null) {
      this.#bareValue(chunk, inline);
    } else if (Array.isArray(chunk)) {
      this.#list(chunk, inline);
    } else {
      this.#object(chunk, inline);
    }
  }

  // Each cast below is what `chunkKind` has just found.
  #object(chunk: object, inline: boolean): void {
    switch (chunkKind(chunk)) {
      case 'text':
        return this.#text(chunk as StringChunk);
      case 'param':
        return this.#param(chunk as Param, inline);
      case 'sql':
        return this.write(chunk as SQL, inline);
      case 'column':
        return this.#column(chunk as Column);
      case 'name':
        return this.#name((chunk as Name).value);
      case 'table':
        return this.#table(chunk as Table);
      case 'view':
        return this.#view(chunk as View);
      case 'placeholder':
        return this.#bind(chunk);
      case 'aliased':
        return this.#aliased(chunk as SQL.Aliased, inline);
      case 'subquery':
        return this.#subquery(chunk as Subquery, inline);
      case 'other':
        return this.#bareValue(chunk, inline);
    }
  }

  #text({ value }: StringChunk): void {
    this.sql += value.length === 1 ? value[0] : value.join('');
  }

  #name(name: string): void {
    this.sql += quoteName(name);
  }

  #bind(value: unknown): void {
    this.sql += '?';
    this.params.push(value);
  }

  #list(items: readonly unknown[], inline: boolean): void {
    this.sql += '(';
    for (let i = 0; i < items.length; i++) {
      if (i > 0) this.sql += ', ';
      this.#chunk(items[i], inline);
    }
    this.sql += ')';
  }

  #param(param: Param, inline: boolean): void {
    const { value } = param;
    if (typeof value === 'object' && value !== null && chunkKind(value) === 'placeholder') {
      this.#bind(param);
      return;
    }
    const encoded: unknown = value === null ? null : param.encoder.mapToDriverValue(value);
    if (typeof encoded === 'object' && encoded !== null && chunkKind(encoded) === 'sql') {
      this.write(encoded as SQL, inline);
    } else {
      this.#value(encoded, inline);
    }
  }

  #column(column: Column): void {
    if (!this.#forIndex) {
      this.#table(column.table);
      this.sql += '.';
    }
    this.sql += this.#columnName(column);
  }

  #table(table: Table): void {
    const { [TableSchema]: schema, [TableName]: name, [TableIsAlias]: isAlias } = tableInternals(table);
    this.#qualified(isAlias ? undefined : schema, name);
  }

  #view(view: View): void {
    // Every view has its description (sql/sql.js); only the declarations lack it.
    const { schema, name, isAlias } = (view as View & Record<typeof ViewBaseConfig, ViewInternals>)[
      ViewBaseConfig
    ];
    this.#qualified(isAlias ? undefined : schema, name);
  }

  #qualified(schema: string | undefined, name: string): void {
    if (schema !== undefined) this.sql += `${quoteName(schema)}.`;
    this.sql += quoteName(name);
  }

  #aliased(aliased: SQL.Aliased, inline: boolean): void {
    if (aliased.fieldAlias === undefined) this.#wrapper(aliased, inline);
    else this.#name(aliased.fieldAlias);
  }

  #subquery(subquery: Subquery, inline: boolean): void {
    const { sql, alias, isWith } = subquery._;
    if (!isWith) {
      this.sql += '(';
      this.#chunk(sql, inline);
      this.sql += ') ';
    }
    this.#name(alias);
  }

  #bareValue(chunk: unknown, inline: boolean): void {
    if (isSQLWrapper(chunk)) this.#wrapper(chunk, inline);
    else this.#value(chunk, inline);
  }

  #wrapper(wrapper: SQLWrapper, inline: boolean): void {
    if (wrapper.shouldOmitSQLParens?.()) return this.#chunk(wrapper.getSQL(), inline);
    this.sql += '(';
    this.#chunk(wrapper.getSQL(), inline);
    this.sql += ')';
  }

  #value(value: unknown, inline: boolean): void {
    if (inline) this.sql += literal(value);
    else this.#bind(value);
  }
}

/** A value as Drizzle writes it into the text of a view or of an expression with `inlineParams()`. */
function literal(value: unknown): string {
  switch (typeof value) {
    case 'number':
    case 'boolean':
      return String(value);
    case 'string':
      return quoteText(value);
    case 'object': {
      if (value === null) return 'null';
      // oxlint-disable-next-line typescript/no-base-to-string -- Drizzle's own rule, '[object Object]' included
      const text = String(value);
      return quoteText(text === '[object Object]' ? JSON.stringify(value) : text);
    }
    default:
      throw new Error(
        `a ${typeof value} can't be written into SQL text; pass a number, a string, a boolean or null`,
      );
  }
}
