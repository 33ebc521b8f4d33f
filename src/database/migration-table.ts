import type { Connection, ExecuteRequest, MaybePromise, RawResult } from '../engine/engine.js';
import { DatabaseError, MigrationError } from '../errors.js';
import { type AnalyzedStatement, analyze } from '../sql/statement.js';
import { encodeParameters, type SqlValue } from '../values.js';
import type { AppliedMigration, IdentifiedMigration } from './migration-plan.js';

/** Runs one statement, on a connection or wherever the database likes. */
type Run = (
  statement: AnalyzedStatement,
  values: readonly SqlValue[],
  request: ExecuteRequest,
) => MaybePromise<RawResult>;

/** The table in which the applied migrations stand; the same that Drizzle's own migrator makes. */
export class MigrationTable {
  readonly #name: string;
  readonly #exists: AnalyzedStatement;
  readonly #select: AnalyzedStatement;
  readonly #create: AnalyzedStatement;
  readonly #insert: AnalyzedStatement;

  constructor(name: string) {
    const table = `"${name.replaceAll('"', '""')}"`;
    this.#name = name;
    this.#exists = only(
      "SELECT 1 FROM sqlite_master WHERE type IN ('table', 'view') AND name = ? COLLATE NOCASE",
    );
    this.#select = only(`SELECT hash, created_at FROM ${table}`);
    // SERIAL means nothing to SQLite, so `id` stays NULL; it is how Drizzle makes the table.
    this.#create = only(
      `CREATE TABLE IF NOT EXISTS ${table} (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at numeric)`,
    );
    this.#insert = only(`INSERT INTO ${table} ("hash", "created_at") VALUES (?, ?)`);
  }

  /** The applied migrations; none while there is no table. Writes nothing. */
  async read(run: Run): Promise<AppliedMigration[]> {
    const { rows } = await run(this.#exists, [this.#name], { fetch: 'first' });
    if (rows.length === 0) return [];
    try {
      const applied = await run(this.#select, [], { fetch: 'all' });
      return applied.rows.map(([hash, when]) => ({ hash: String(hash), when: toMilliseconds(when) }));
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.kind !== 'sql') throw error;
      const problem = `"${this.#name}" is not a table of migrations: ${error.message}`;
      throw new MigrationError(problem, { sql: error.sql, cause: error });
    }
  }

  /** Makes the table if there is none, and notes in it that a migration was applied. */
  async record(connection: Connection, { hash, when }: IdentifiedMigration): Promise<void> {
    await connection.execute(this.#create, [], { fetch: 'none' });
    const values = encodeParameters([hash, when], { nulInText: false });
    await connection.execute(this.#insert, values, { fetch: 'none' });
  }
}

/** The one statement of a text of ours. */
export function only(sql: string): AnalyzedStatement {
  return analyze(sql).statements[0] as AnalyzedStatement;
}

/** Other tools have stored it as text or as a floating-point number. */
function toMilliseconds(value: SqlValue | undefined): number | undefined {
  if (value === null || value === undefined || value instanceof Uint8Array) return undefined;
  const when = Number(value);
  return Number.isFinite(when) ? when : undefined;
}
