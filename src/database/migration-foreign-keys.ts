import type { Connection } from '../engine/engine.js';
import { DatabaseError, type ForeignKeyViolation, MigrationError } from '../errors.js';
import type { AnalyzedStatement } from '../sql/statement.js';
import type { SqlValue } from '../values.js';
import { only } from './migration-table.js';

/** What is wrong with the foreign keys of a database. */
export interface ForeignKeyProblems {
  readonly violations: readonly ForeignKeyViolation[];
  /** SQLite's messages about references to columns without a unique index, which it can't check. */
  readonly mismatches: readonly string[];
}

const CHECK = only('SELECT "table", rowid, parent FROM pragma_foreign_key_check');
const CHECK_TABLE = only('SELECT "table", rowid, parent FROM pragma_foreign_key_check(?)');
const TABLES = only(
  "SELECT name FROM sqlite_master WHERE type = 'table' AND EXISTS (SELECT 1 FROM pragma_foreign_key_list(name))",
);
const KEY_COLUMNS = only('SELECT upper(type) FROM pragma_table_info(?) WHERE pk > 0');

/** What is checked, for messages. */
export interface CheckedMigration {
  readonly name: string;
  readonly tag?: string | undefined;
  /** Whether the name stands for several. */
  readonly plural?: boolean;
}

const MOST_LISTED = 20;

/** @throws {@link MigrationError} when they can't be checked */
export async function inspectForeignKeys(
  connection: Connection,
  { name, tag }: CheckedMigration,
): Promise<ForeignKeyProblems> {
  try {
    return await checkForeignKeys(connection);
  } catch (cause) {
    if (!(cause instanceof DatabaseError)) throw cause;
    throw new MigrationError(`${name}: the foreign keys can't be checked: ${cause.message}`, {
      migration: tag,
      cause,
    });
  }
}

/** @throws {@link MigrationError} when there are problems that were not there `before` */
export async function refuseNewProblems(
  connection: Connection,
  checked: CheckedMigration,
  before: ForeignKeyProblems,
): Promise<void> {
  const { name, tag, plural = false } = checked;
  const undone = `${name} ${plural ? 'were' : 'was'} undone: ${plural ? 'they' : 'it'} would leave`;
  const after = await inspectForeignKeys(connection, checked);
  const { violations, mismatches } = await findNewProblems(connection, before, after);
  if (mismatches.length > 0) {
    throw new MigrationError(
      `${undone} a reference to columns that have no unique index: ` +
        mismatches.slice(0, MOST_LISTED).join('; '),
      { migration: tag },
    );
  }
  if (violations.length === 0) return;
  const listed = violations.slice(0, MOST_LISTED);
  const lines = listed.map(
    ({ table, rowid, parent }) => `\n${table}, rowid ${rowid ?? 'none'}: no row in ${parent}`,
  );
  const rest = violations.length > listed.length ? `\nand ${violations.length - listed.length} more` : '';
  throw new MigrationError(
    `${undone} rows without the row they reference (foreign keys are off while ` +
      `a migration runs, so ON DELETE and ON UPDATE don't act):${lines.join('')}${rest}`,
    { migration: tag, violations: listed },
  );
}

/** Looks at every reference of the database. Reads all tables that have foreign keys. */
async function checkForeignKeys(connection: Connection): Promise<ForeignKeyProblems> {
  try {
    return { violations: await readViolations(connection, CHECK, []), mismatches: [] };
  } catch (error) {
    if (!isMismatch(error)) throw error;
  }
  // One such reference makes SQLite give up on the whole database, so the tables are looked at one by one.
  const violations: ForeignKeyViolation[] = [];
  const mismatches: string[] = [];
  const { rows } = await connection.execute(TABLES, [], { fetch: 'all' });
  for (const [table] of rows) {
    try {
      violations.push(...(await readViolations(connection, CHECK_TABLE, [table as string])));
    } catch (error) {
      if (!isMismatch(error)) throw error;
      mismatches.push(error.message);
    }
  }
  return { violations, mismatches };
}

/** What is wrong in `after` and was not in `before`. A row is known by its rowid, or counted where that is no identity. */
async function findNewProblems(
  connection: Connection,
  before: ForeignKeyProblems,
  after: ForeignKeyProblems,
): Promise<ForeignKeyProblems> {
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

async function readViolations(
  connection: Connection,
  statement: AnalyzedStatement,
  values: readonly SqlValue[],
): Promise<ForeignKeyViolation[]> {
  const { rows } = await connection.execute(statement, values, { fetch: 'all' });
  return rows.map(([table, rowid, parent]) => ({
    table: String(table),
    rowid: typeof rowid === 'number' || typeof rowid === 'bigint' ? rowid : undefined,
    parent: String(parent),
  }));
}

/** The tables in which a rebuild gives the rows other rowids: those without an INTEGER PRIMARY KEY. */
async function findMovable(
  connection: Connection,
  violations: readonly ForeignKeyViolation[],
): Promise<ReadonlySet<string>> {
  const movable = new Set<string>();
  for (const table of new Set(violations.map((violation) => violation.table))) {
    const { rows } = await connection.execute(KEY_COLUMNS, [table], { fetch: 'all' });
    const stable = rows.length === 1 && rows[0]?.[0] === 'INTEGER';
    if (!stable) movable.add(table);
  }
  return movable;
}

function isMismatch(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && error.message.startsWith('foreign key mismatch');
}

function rowKey({ table, rowid, parent }: ForeignKeyViolation): string {
  return JSON.stringify([table, parent, String(rowid)]);
}

function pairKey({ table, parent }: ForeignKeyViolation): string {
  return JSON.stringify([table, parent]);
}

/** Counts equal things. */
class Tally {
  readonly #counts = new Map<string, number>();

  constructor(keys: readonly string[] = []) {
    for (const key of keys) this.add(key);
  }

  add(key: string): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** Takes one away, if there is one. */
  take(key: string): boolean {
    const count = this.#counts.get(key) ?? 0;
    if (count > 0) this.#counts.set(key, count - 1);
    return count > 0;
  }
}
