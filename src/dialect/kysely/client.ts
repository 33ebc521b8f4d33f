import type { ControlledTransaction, Kysely, Transaction } from 'kysely';
import type { Database } from '../../database/database.js';
import type { Transaction as CoreTransaction } from '../../database/transaction.js';
import { type KyselyHandle, withConnection } from './with-connection.js';

/**
 * What a Kysely database or transaction runs its queries on: our {@link Database}, or its open transaction. Pragmas,
 * metadata, change events, explain and the like are there.
 *
 * @throws {@link ConfigError} when it is not on our dialect
 *
 * @example
 * ```ts
 * import { Kysely } from 'kysely';
 * import { clientOf, TursoDialect } from 'turso-dialect/kysely';
 *
 * const db = new Kysely<{ users: { id: number } }>({ dialect: new TursoDialect(':memory:') });
 * const client = await clientOf(db);
 * await client.pragma.setUserVersion(3);
 * await db.destroy();
 * ```
 */
export async function clientOf<DB>(
  // oxlint-disable-next-line typescript/no-explicit-any -- whatever savepoints it has
  trx: Transaction<DB> | ControlledTransaction<DB, any>,
): Promise<CoreTransaction>;
export async function clientOf<DB>(db: Kysely<DB>): Promise<Database>;
export async function clientOf<DB>(db: KyselyHandle<DB>): Promise<Database | CoreTransaction> {
  return await withConnection(db, async ({ executor }) => executor as Database | CoreTransaction);
}
