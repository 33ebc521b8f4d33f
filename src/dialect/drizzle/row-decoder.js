import { is, One } from 'drizzle-orm';
import { chunkKind } from './chunk-kind.js';
import { parseExactJson } from './exact-json.js';
import { compileField, narrow } from './field-decoder.js';
import { TableName, tableInternals } from './internals.js';
import { compileShape } from './row-shape.js';
/**
 * Compiles the decoding of the rows of a select or of a `returning` clause: what Drizzle's `mapResultRow` does for each
 * row, worked out once.
 *
 * @param fields - the selected fields in the order of the row
 * @param joinsNotNullableMap - for each table of a query with joins, whether it is there in every row; the object of
 *   another table is `null` when its first column is
 *
 * @example
 * ```ts
 * import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
 *
 * const users = sqliteTable('users', { id: integer(), name: text() });
 * const decode = compileRowDecoder(
 *   [
 *     { path: ['id'], field: users.id },
 *     { path: ['name'], field: users.name },
 *   ],
 *   undefined,
 *   { intMode: 'number', onUnsafeInteger: (name) => new RangeError(name) },
 * );
 * decode([1, 'Ada']); // { id: 1, name: 'Ada' }
 * ```
 */
export function compileRowDecoder(fields, joinsNotNullableMap, options) {
  const root = { key: '', members: [] };
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
function addField(root, path, cell) {
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
function groupOf(group, key) {
  return group.members.find((member) => 'members' in member && member.key === key);
}
/**
 * Finds the objects that are `null` when their table has no row: all columns right below are of one table, which may be
 * absent. The first of them decides, as in Drizzle.
 */
function findNullGroups(root, fields, joinsNotNullableMap) {
  const firsts = new Map();
  for (const [index, { path, field }] of fields.entries()) {
    const key = path[0];
    if (key === undefined || path.length !== 2 || chunkKind(field) !== 'column') continue;
    // chunkKind has just found it.
    const table = tableInternals(field.table)[TableName];
    const first = firsts.get(key);
    if (first === undefined) firsts.set(key, { index, table, isMixed: false });
    else first.isMixed ||= first.table !== table;
  }
  for (const [key, { index, table, isMixed }] of firsts) {
    const group = groupOf(root, key);
    if (group !== undefined && !isMixed && !joinsNotNullableMap[table]) group.nullIndex = index;
  }
}
/**
 * Compiles the decoding of the rows of a relational query: what Drizzle's `mapRelationalRow` does for each row, worked
 * out once. Numbers in the JSON of nested relations are never rounded.
 *
 * @param tablesConfig - all tables of the schema
 * @param tableConfig - the table that the query is for
 * @param selection - what the dialect's `buildRelationalQuery` says it selects
 */
export function compileRelationalDecoder(tablesConfig, tableConfig, selection, options) {
  const allIntegers = options.intMode !== 'number' && selection.some((item) => hasNestedExpression(item));
  const parse = (text) => parseExactJson(text, allIntegers);
  return new LevelCompiler(tablesConfig, options, parse).compile(tableConfig, selection, '');
}
/** Whether a nested level selects an expression, where an INTEGER must be told from a REAL. */
function hasNestedExpression(item) {
  return item.selection.some(
    (nested) => hasNestedExpression(nested) || (!nested.isJson && chunkKind(nested.field) !== 'column'),
  );
}
class LevelCompiler {
  #tables;
  #options;
  #parse;
  constructor(tables, options, parse) {
    this.#tables = tables;
    this.#options = options;
    this.#parse = parse;
  }
  /** @param path - the path of the level with a final dot; empty for the outermost, whose values are not JSON */
  compile(table, selection, path) {
    const members = selection.map((item, index) => {
      const key = item.tsKey;
      const decode = item.isJson
        ? this.#relation(table, item, `${path}${key}`)
        : this.#cell(table, item, `${path}${key}`, path !== '');
      return { key, index, decode };
    });
    return compileShape(members);
  }
  #relation(table, item, path) {
    // The query was built from this configuration, so it has the relation and its table.
    const related = this.#tables[item.relationTableTsKey];
    const decode = this.compile(related, item.selection, `${path}.`);
    const read = (value) => (typeof value === 'string' ? this.#parse(value) : value);
    // `buildRelationalQuery` makes one row an array of its values and many rows an array of these.
    if (is(table.relations[item.tsKey], One)) {
      return (value) => {
        const row = read(value);
        return row && decode(row);
      };
    }
    return (value) => read(value).map(decode);
  }
  #cell(table, item, name, isJson) {
    const isColumn = chunkKind(item.field) === 'column';
    // The selection has an aliased proxy of the column; the column itself decodes the same, and faster.
    const field = (isColumn && table.columns[item.tsKey]) || item.field;
    const decode = compileField(field, name, this.#options);
    if (!isJson) return decode;
    if (isColumn) return (value) => decode(Array.isArray(value) ? bytesOf(value) : value);
    return (value) => decode(typeof value === 'object' ? this.#document(value, name) : value);
  }
  /** A JSON document that an expression gave. Its integers are numbers where they can be. */
  #document(value, name) {
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
/** The bytes of a BLOB, which our dialect puts into JSON as an array of its hexadecimal text. */
function bytesOf(value) {
  // See `makeJsonExact`.
  const hex = value[0];
  if (typeof Buffer !== 'undefined') return Buffer.from(hex, 'hex');
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) =>
    Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16),
  );
}
