import type { Connection } from '../engine/engine.js';
import { quoteName } from '../sql/quote-name.js';
import { only } from './migration-table.js';
import { CONNECTION_SETTINGS } from './pragma/catalogue.js';
import type { SqlValue } from '../values.js';

const ATTACHED = only('SELECT name FROM pragma_database_list WHERE seq > 1');
/** Triggers and views come before the tables that they are of. */
const TEMPORARY = only(
  "SELECT type, name FROM temp.sqlite_master WHERE type IN ('trigger', 'view', 'table') " +
    "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type DESC",
);
/** Begins the names of what records the changed rows for `onChange()`. */
const RECORDER = '__turso_dialect';

/**
 * What a connection has of its own: settings, attached databases, temporary tables, views and triggers. For the only
 * connection of a database in memory, which can't be replaced by another. All of it is there at once.
 */
export class ConnectionState {
  readonly #connection: Connection;
  readonly #settings: ReadonlyMap<string, SqlValue>;
  readonly #attached: ReadonlySet<string>;
  readonly #temporary: ReadonlySet<string>;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#settings = settingsOf(connection);
    this.#attached = new Set(rowsOf(connection, ATTACHED).map(([name]) => String(name)));
    this.#temporary = new Set(rowsOf(connection, TEMPORARY).map((row) => row.join(' ')));
  }

  /** Removes what was added and puts the settings back; what was dropped, or changed within a table, stays so. */
  restore(): void {
    const connection = this.#connection;
    // `query_only` would refuse the rest.
    const now = settingsOf(connection);
    for (const [name, value] of this.#settings) {
      if (now.get(name) !== value) connection.applyPragma?.(name, value as string | number);
    }
    for (const row of rowsOf(connection, TEMPORARY)) {
      const [type, name] = row.map(String) as [string, string];
      if (this.#temporary.has(row.join(' ')) || name.startsWith(RECORDER)) continue;
      void connection.control(`DROP ${type} IF EXISTS temp.${quoteName(name)}`);
    }
    for (const [name] of rowsOf(connection, ATTACHED)) {
      if (!this.#attached.has(String(name))) void connection.control(`DETACH ${quoteName(String(name))}`);
    }
  }
}

function settingsOf(connection: Connection): Map<string, SqlValue> {
  const settings = new Map<string, SqlValue>();
  for (const name of CONNECTION_SETTINGS) {
    const value = rowsOf(connection, only(`PRAGMA ${name}`))[0]?.[0];
    if (value !== undefined && value !== null) settings.set(name, value);
  }
  return settings;
}

function rowsOf(connection: Connection, statement: Parameters<Connection['execute']>[0]): SqlValue[][] {
  const result = connection.execute(statement, [], { fetch: 'all' });
  return result instanceof Promise ? [] : result.rows;
}
