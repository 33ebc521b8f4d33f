import { type Column, is, Many, type Name, type Relation, SQL, type SQLChunk, sql } from 'drizzle-orm';
import type { SqlValue } from '../../values.js';
import { chunkKind } from './chunk-kind.js';
import { quoteName } from '../../sql/quote-name.js';

// What these hold goes into JSON as it is. Any other column may hold a REAL, which JSON functions round to 15 digits,
// or a BLOB, which they refuse.
const JSON_SAFE = new Set([
  'SQLiteText',
  'SQLiteTextJson',
  'SQLiteInteger',
  'SQLiteTimestamp',
  'SQLiteBoolean',
]);

/** What of a built level of a relational query is needed to make it exact. */
export interface BuiltRelation {
  readonly sql: unknown;
  readonly selection: readonly { readonly field: Column | SQL | SQL.Aliased }[];
}

/** SQLite takes 127 arguments in a call (`SQLITE_MAX_FUNCTION_ARG` of libsql 0.5.29). */
const MOST_ARGUMENTS = 127;

/** Whether a level has more columns than one call takes, so that its rows are arrays of parts. */
export function isSplit(selection: readonly unknown[]): boolean {
  return selection.length > MOST_ARGUMENTS;
}

/** A row that came in parts. */
export function joinParts(row: readonly SqlValue[]): SqlValue[] {
  // The parts are arrays; a value may be one too.
  return (row as unknown as SqlValue[][]).flat(1);
}

/**
 * Makes a nested level of a relational query, which comes back as JSON, give REAL values with all their digits and BLOB
 * values as an array of one hexadecimal text, and any number of columns. Levels without need of that stay as Drizzle built
 * them.
 *
 * @param relation - the relation that the level was built for
 */
export function makeJsonExact(built: BuiltRelation, relation: Relation): void {
  const { selection } = built;
  if (!isSplit(selection) && !selection.some(({ field }) => needsCare(field))) return;
  const cells = jsonCells(built.sql, relation);
  // The cells stand between separators. Anything else is a query that another version of Drizzle builds another way.
  if (cells?.length !== 2 * selection.length - 1) throw unknownShape();
  for (const [i, { field }] of selection.entries()) {
    if (!needsCare(field)) continue;
    const cell = cells[2 * i];
    if (typeof cell !== 'object' || Array.isArray(cell) || chunkKind(cell) !== 'name') throw unknownShape();
    // chunkKind has just found it.
    cells[2 * i] = exactCell(quoteName((cell as Name).value));
  }
  if (isSplit(selection)) split(cells);
}

/** Makes one `json_array()` of many. */
function split(cells: SQLChunk[]): void {
  for (let i = MOST_ARGUMENTS; 2 * i < cells.length; i += MOST_ARGUMENTS) {
    cells[2 * i - 1] = sql.raw('), json_array(');
  }
  cells.unshift(sql.raw('json_array('));
  cells.push(sql.raw(')'));
}

function needsCare(field: Column | SQL | SQL.Aliased): boolean {
  // chunkKind finds the column before its type is asked for.
  return chunkKind(field) === 'column' && !JSON_SAFE.has((field as Column).columnType);
}

/** The arguments of the level's `json_array()`, which is inside a `json_group_array()` for many rows. */
function jsonCells(select: unknown, relation: Relation): SQLChunk[] | undefined {
  const field = firstSql(select);
  return (is(relation, Many) ? firstSql(field) : field)?.queryChunks;
}

function firstSql(expression: unknown): SQL | undefined {
  if (!is(expression, SQL)) return undefined;
  return expression.queryChunks.find((chunk): chunk is SQL => is(chunk, SQL));
}

function exactCell(name: string): SQL {
  return sql.raw(
    `case typeof(${name}) when 'real' then json(printf('%!.17g', ${name})) when 'blob' then json_array(hex(${name})) else ${name} end`,
  );
}

function unknownShape(): Error {
  return new Error(
    'the relational query of this drizzle-orm version is not of the shape that turso-dialect knows; use the version that its peer dependency names',
  );
}
