import type { Connection } from '../engine/engine.js';
import { DatabaseError, MigrationError } from '../errors.js';
import type { Features } from '../features.js';
import { only } from './migration-table.js';

/** Settings of a connection that a migration may change and that must be as before when it goes back to the pool. */
const SETTINGS = [
  'foreign_keys',
  'legacy_alter_table',
  'ignore_check_constraints',
  'recursive_triggers',
] as const;

type Setting = (typeof SETTINGS)[number];

/** Values of settings, to be put back; what the engine does not know is left out. */
export type Settings = ReadonlyMap<Setting, number>;

/** The settings as they are now. */
export async function readSettings(connection: Connection): Promise<Settings> {
  const settings = new Map<Setting, number>();
  for (const name of SETTINGS) {
    const value = await readSetting(connection, name);
    if (value !== undefined) settings.set(name, value);
  }
  return settings;
}

/**
 * Leaves the connection as it was, or out of use.
 *
 * @param features - of the database: the pool replaces a closed connection, but with the only one the data would be lost
 */
export async function leaveAsBefore(
  connection: Connection,
  before: Settings,
  { connections }: Features,
): Promise<void> {
  const replaceable = connections === 'many';
  if (replaceable && !connection.usable) return;
  try {
    await restoreSettings(connection, before);
  } catch (error) {
    if (replaceable) await connection.close();
    throw error;
  }
}

/**
 * Puts settings back. Must be called outside a transaction, where `foreign_keys` would not change.
 *
 * @throws {@link MigrationError} when one does not take its value
 */
async function restoreSettings(connection: Connection, before: Settings): Promise<void> {
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

async function readSetting(connection: Connection, name: Setting): Promise<number | undefined> {
  try {
    const { rows } = await connection.execute(only(`PRAGMA ${name}`), [], { fetch: 'all' });
    const value = rows[0]?.[0];
    return typeof value === 'number' ? value : undefined;
  } catch (error) {
    // A server refuses pragmas that it does not know, and knows few (sqld 0.24).
    if (error instanceof DatabaseError && error.kind === 'sql') return undefined;
    throw error;
  }
}
