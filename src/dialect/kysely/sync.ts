import { syncInside } from '../../sync/replica-handle.js';
import type { SyncCallOptions, SyncResult } from '../../sync/status.js';
import { Database } from '../../database/database.js';
import { type KyselyHandle, withConnection } from './with-connection.js';

/**
 * Brings a replica up to date with its server, as {@link Database.sync} does.
 *
 * @param db - a Kysely database with the {@link TursoDialect}
 * @param options - `timeout` (ms, 30000) and `signal` end the wait
 * @throws {@link TransactionError} inside a transaction
 * @throws {@link CapabilityError} when the database is no replica
 */
export async function sync<DB>(db: KyselyHandle<DB>, options?: SyncCallOptions): Promise<SyncResult> {
  return await withConnection(db, async ({ database, executor }) => {
    if (!(executor instanceof Database)) throw syncInside();
    return await database.sync(options);
  });
}
