import { DatabaseError, MigrationError } from '../errors.js';
import { analyze } from '../sql/statement.js';
import { encodeParameters } from '../values.js';
/** The table in which the applied migrations stand; the same that Drizzle's own migrator makes. */
export class MigrationTable {
  #name;
  #exists;
  #select;
  #create;
  #insert;
  constructor(name) {
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
  async read(run) {
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
  async record(connection, { hash, when }) {
    await connection.execute(this.#create, [], { fetch: 'none' });
    const values = encodeParameters([hash, when], { nulInText: false });
    await connection.execute(this.#insert, values, { fetch: 'none' });
  }
}
/** The one statement of a text of ours. */
export function only(sql) {
  return analyze(sql).statements[0];
}
/** Other tools have stored it as text or as a floating-point number. */
function toMilliseconds(value) {
  if (value === null || value === undefined || value instanceof Uint8Array) return undefined;
  const when = Number(value);
  return Number.isFinite(when) ? when : undefined;
}
