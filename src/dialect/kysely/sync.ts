import { type KyselyHandle, withConnection } from './with-connection.js';

/**
 * Brings the local copy of a database up to date.
 *
 * @param db - a Kysely database with the {@link TursoDialect}
 * @throws {@link CapabilityError} when the database is no copy of another
 */
export async function sync<DB>(db: KyselyHandle<DB>): Promise<void> {
  await withConnection(db, (connection) => connection.database.sync());
}
