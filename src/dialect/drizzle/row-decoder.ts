import {
  type BuildRelationalQueryResult,
  type Column,
  is,
  One,
  type TableRelationalConfig,
  type TablesRelationalConfig,
} from 'drizzle-orm';
import type { SelectedFieldsOrdered } from 'drizzle-orm/sqlite-core';
import type { SqlValue } from '../../values.js';
import { chunkKind } from './chunk-kind.js';
import { parseExactJson } from './exact-json.js';
import { compileField, type DecodeOptions, narrow } from './field-decoder.js';
import { TableName, tableInternals } from './internals.js';
import { isSplit, joinParts } from './relational-query.js';
import { type CellDecoder, compileShape, type ShapeCell } from './row-shape.js';

/** Turns one row, as the values in the order of the query, into what the caller of the query gets. */
export type RowDecoder = (row: readonly SqlValue[]) => Record<string, unknown>;

/**
 * Compiles the decoding of the rows of a select or of a `returning` clause: what Drizzle's `mapResultRow` does for each
 * row, worked out once.
 *
 * @param fields - the selected fields in the order of the row
 * @param joinsNotNullableMap - for each table of a query with joins, whether it is there in every row; the object of
 *   another table is `null` in a row without that table
 */
export function compileRowDecoder(
  fields: SelectedFieldsOrdered,
  joinsNotNullableMap: Readonly<Record<string, boolean>> | undefined,
  options: DecodeOptions,
): RowDecoder {
  const root: GroupDraft = { key: '', members: [] };
  for (const [index, { path, field }] of fields.entries()) {
    addField(root, path, {
      key: path.at(-1) ?? '',
      index,
      decode: compileField(field, path.join('.'), options),
    });
  }
  if (joinsNotNullableMap) findNullGroups(root, fields, joinsNotNullableMap);
  return compileShape(root.members);
}

interface GroupDraft {
  readonly key: string;
  readonly members: (GroupDraft | ShapeCell)[];
  nullIndexes?: readonly number[];
}

function addField(root: GroupDraft, path: readonly string[], cell: ShapeCell): void {
  let group = root;
  for (const key of path.slice(0, -1)) {
    let next = groupOf(group, key);
    if (next === undefined) {
      next = { key, members: [] };
      group.members.push(next);
    }
    group = next;
  }
  group.members.push(cell);
}

function groupOf(group: GroupDraft, key: string): GroupDraft | undefined {
  return group.members.find((member): member is GroupDraft => 'members' in member && member.key === key);
}

/**
 * Finds the objects that are `null` when their table has no row: all columns right below are of one table, which may be
 * absent. It is absent when every selected column of it is NULL. Drizzle looks at the first one of the object only, and
 * so loses objects whose first column is NULL.
 */
function findNullGroups(
  root: GroupDraft,
  fields: SelectedFieldsOrdered,
  joinsNotNullableMap: Readonly<Record<string, boolean>>,
): void {
  const columns = new Map<number, Column>();
  for (const [index, { field }] of fields.entries()) {
    // chunkKind finds the column.
    if (chunkKind(field) === 'column') columns.set(index, field as Column);
  }
  const tableOf = (index: number): string | undefined => {
    const column = columns.get(index);
    return column && tableInternals(column.table)[TableName];
  };
  const visit = (group: GroupDraft): number[] => {
    const direct: number[] = [];
    const below: number[] = [];
    for (const member of group.members) {
      if ('members' in member) below.push(...visit(member));
      else if (columns.has(member.index)) direct.push(member.index);
    }
    const [table, ...others] = new Set(direct.map(tableOf));
    if (group !== root && table !== undefined && others.length === 0 && !joinsNotNullableMap[table]) {
      const ofTable = [...columns.keys()].filter((index) => tableOf(index) === table);
      // A column that is never NULL comes first: it decides alone where the table is there.
      ofTable.sort((a, b) => Number(columns.get(b)?.notNull) - Number(columns.get(a)?.notNull));
      group.nullIndexes = [...new Set([...ofTable, ...below])];
    }
    return [...direct, ...below];
  };
  visit(root);
}

/** What Drizzle selects at one level of a relational query. */
export type RelationalSelection = BuildRelationalQueryResult['selection'];

/**
 * Compiles the decoding of the rows of a relational query: what Drizzle's `mapRelationalRow` does for each row, worked
 * out once. Numbers in the JSON of nested relations are never rounded.
 *
 * @param tablesConfig - all tables of the schema
 * @param tableConfig - the table that the query is for
 * @param selection - what the dialect's `buildRelationalQuery` says it selects
 */
export function compileRelationalDecoder(
  tablesConfig: TablesRelationalConfig,
  tableConfig: TableRelationalConfig,
  selection: RelationalSelection,
  options: DecodeOptions,
): RowDecoder {
  const allIntegers = options.intMode !== 'number' && selection.some((item) => hasNestedExpression(item));
  const parse = (text: string): unknown => parseExactJson(text, allIntegers);
  return new LevelCompiler(tablesConfig, options, parse).compile(tableConfig, selection, '');
}

/** Whether a nested level selects an expression, where an INTEGER must be told from a REAL. */
function hasNestedExpression(item: RelationalSelection[number]): boolean {
  return item.selection.some(
    (nested) => hasNestedExpression(nested) || (!nested.isJson && chunkKind(nested.field) !== 'column'),
  );
}

class LevelCompiler {
  readonly #tables: TablesRelationalConfig;
  readonly #options: DecodeOptions;
  readonly #parse: (text: string) => unknown;

  constructor(tables: TablesRelationalConfig, options: DecodeOptions, parse: (text: string) => unknown) {
    this.#tables = tables;
    this.#options = options;
    this.#parse = parse;
  }

  /** @param path - the path of the level with a final dot; empty for the outermost, whose values are not JSON */
  compile(table: TableRelationalConfig, selection: RelationalSelection, path: string): RowDecoder {
    const members = selection.map((item, index) => {
      const key = item.tsKey;
      const decode = item.isJson
        ? this.#relation(table, item, `${path}${key}`)
        : this.#cell(table, item, `${path}${key}`, path !== '');
      return { key, index, decode };
    });
    return compileShape(members);
  }

  #relation(table: TableRelationalConfig, item: RelationalSelection[number], path: string): CellDecoder {
    // The query was built from this configuration, so it has the relation and its table.
    const related = this.#tables[item.relationTableTsKey as string] as TableRelationalConfig;
    const decode = this.compile(related, item.selection, `${path}.`);
    const whole = isSplit(item.selection) ? joinParts : (row: SqlValue[]) => row;
    const read = (value: unknown): unknown => (typeof value === 'string' ? this.#parse(value) : value);
    // `buildRelationalQuery` makes one row an array of its values and many rows an array of these.
    if (is(table.relations[item.tsKey], One)) {
      return (value) => {
        const row = read(value) as SqlValue[] | null;
        return row && decode(whole(row));
      };
    }
    return (value) => (read(value) as SqlValue[][]).map((row) => decode(whole(row)));
  }

  #cell(
    table: TableRelationalConfig,
    item: RelationalSelection[number],
    name: string,
    isJson: boolean,
  ): CellDecoder {
    const isColumn = chunkKind(item.field) === 'column';
    // The selection has an aliased proxy of the column; the column itself decodes the same, and faster.
    const field = (isColumn && table.columns[item.tsKey]) || item.field;
    const decode = compileField(field, name, this.#options);
    if (!isJson) return decode;
    if (isColumn) return (value) => decode(Array.isArray(value) ? bytesOf(value) : value);
    return (value) => decode(typeof value === 'object' ? this.#document(value, name) : value);
  }

  /** A JSON document that an expression gave. Its integers are numbers where they can be. */
  #document(value: unknown, name: string): unknown {
    if (typeof value === 'bigint') {
      const narrowed = narrow(value);
      if (typeof narrowed === 'number' || this.#options.intMode === 'bigint') return narrowed;
      if (this.#options.intMode === 'string') return String(value);
      throw this.#options.onUnsafeInteger(name);
    }
    if (Array.isArray(value)) return value.map((item) => this.#document(item, name));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#document(item, name)]));
  }
}

/** The bytes of a BLOB, which our dialect puts into JSON as an array of its hexadecimal text, in memory of their own. */
function bytesOf(value: readonly unknown[]): Uint8Array {
  // See `makeJsonExact`.
  const hex = value[0] as string;
  // `Buffer.from()` would give a part of memory that others use too.
  const bytes = new Uint8Array(hex.length / 2);
  if (typeof Buffer !== 'undefined') {
    Buffer.from(bytes.buffer).write(hex, 'hex');
  } else {
    for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  }
  return bytes;
}
