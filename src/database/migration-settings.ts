import type { Connection } from '../engine/engine.js';
import { MigrationError } from '../errors.js';
import type { SqlValue } from '../values.js';
import { only } from './migration-table.js';

/** Settings of a connection that a migration may change and that must be as before when it goes back to the pool. */
const SETTINGS = ['foreign_keys', 'legacy_alter_table', 'ignore_check_constraints', 'recursive_triggers'] as const;

/** A setting that is kept. */
export type Setting = (typeof SETTINGS)[number];

const QUERIES = new Map(SETTINGS.map((name) => [name, only(`PRAGMA ${name}`)]));

/** Values of settings, to be put back. */
export type Settings = ReadonlyMap<Setting, SqlValue | undefined>;

/** The settings as they are now. */
export async function readSettings(connection: Connection): Promise<Settings> {
  const settings = new Map<Setting, SqlValue | undefined>();
  for (const name of SETTINGS) settings.set(name, await readSetting(connection, name));
  return settings;
}

/**
 * Puts settings back. Must be called outside a transaction, where `foreign_keys` would not change.
 *
 * @throws {@link MigrationError} when one does not take its value
 */
export async function restoreSettings(connection: Connection, before: Settings): Promise<void> {
  for (const [name, value] of before) {
    if ((await readSetting(connection, name)) === value) continue;
    await connection.control(`PRAGMA ${name}=${value}`);
    if ((await readSetting(connection, name)) === value) continue;
    throw new MigrationError(`PRAGMA ${name} could not be set back to ${value} after a migration`);
  }
}

/** Turns foreign keys off and tells whether they are; must be called outside a transaction. */
export async function disableForeignKeys(connection: Connection): Promise<boolean> {
  await connection.control('PRAGMA foreign_keys=OFF');
  return (await readSetting(connection, 'foreign_keys')) !== 1;
}

async function readSetting(connection: Connection, name: Setting): Promise<SqlValue | undefined> {
  const query = QUERIES.get(name);
  if (query === undefined) return undefined;
  const { rows } = await connection.execute(query, [], { fetch: 'all' });
  return rows[0]?.[0];
}
