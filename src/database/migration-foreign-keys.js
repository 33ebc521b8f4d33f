import { DatabaseError } from '../errors.js';
import { only } from './migration-table.js';
const CHECK = only('SELECT "table", rowid, parent FROM pragma_foreign_key_check');
const CHECK_TABLE = only('SELECT "table", rowid, parent FROM pragma_foreign_key_check(?)');
const TABLES = only(
  "SELECT name FROM sqlite_master WHERE type = 'table' AND EXISTS (SELECT 1 FROM pragma_foreign_key_list(name))",
);
const KEY_COLUMNS = only('SELECT upper(type) FROM pragma_table_info(?) WHERE pk > 0');
/** Looks at every reference of the database. Reads all tables that have foreign keys. */
export async function checkForeignKeys(connection) {
  try {
    return { violations: await readViolations(connection, CHECK, []), mismatches: [] };
  } catch (error) {
    if (!isMismatch(error)) throw error;
  }
  // One such reference makes SQLite give up on the whole database, so the tables are looked at one by one.
  const violations = [];
  const mismatches = [];
  const { rows } = await connection.execute(TABLES, [], { fetch: 'all' });
  for (const [table] of rows) {
    try {
      violations.push(...(await readViolations(connection, CHECK_TABLE, [table])));
    } catch (error) {
      if (!isMismatch(error)) throw error;
      mismatches.push(error.message);
    }
  }
  return { violations, mismatches };
}
/** What is wrong in `after` and was not in `before`. A row is known by its rowid, or counted where that is no identity. */
export async function findNewProblems(connection, before, after) {
  const known = new Tally(before.violations.map(rowKey));
  const gone = new Tally();
  const unknown = after.violations.filter((violation) => !known.take(rowKey(violation)));
  if (unknown.length > 0) {
    for (const violation of before.violations)
      if (known.take(rowKey(violation))) gone.add(pairKey(violation));
  }
  const movable = await findMovable(connection, unknown);
  return {
    violations: unknown.filter(
      (violation) => !(movable.has(violation.table) && gone.take(pairKey(violation))),
    ),
    mismatches: after.mismatches.filter((message) => !before.mismatches.includes(message)),
  };
}
async function readViolations(connection, statement, values) {
  const { rows } = await connection.execute(statement, values, { fetch: 'all' });
  return rows.map(([table, rowid, parent]) => ({
    table: String(table),
    rowid: typeof rowid === 'number' || typeof rowid === 'bigint' ? rowid : undefined,
    parent: String(parent),
  }));
}
/** The tables in which a rebuild gives the rows other rowids: those without an INTEGER PRIMARY KEY. */
async function findMovable(connection, violations) {
  const movable = new Set();
  for (const table of new Set(violations.map((violation) => violation.table))) {
    const { rows } = await connection.execute(KEY_COLUMNS, [table], { fetch: 'all' });
    const stable = rows.length === 1 && rows[0]?.[0] === 'INTEGER';
    if (!stable) movable.add(table);
  }
  return movable;
}
function isMismatch(error) {
  return error instanceof DatabaseError && error.message.startsWith('foreign key mismatch');
}
function rowKey({ table, rowid, parent }) {
  return JSON.stringify([table, parent, String(rowid)]);
}
function pairKey({ table, parent }) {
  return JSON.stringify([table, parent]);
}
/** Counts equal things. */
class Tally {
  #counts = new Map();
  constructor(keys = []) {
    for (const key of keys) this.add(key);
  }
  add(key) {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }
  /** Takes one away, if there is one. */
  take(key) {
    const count = this.#counts.get(key) ?? 0;
    if (count > 0) this.#counts.set(key, count - 1);
    return count > 0;
  }
}
