import { Transaction } from 'kysely';
import { Database } from '../../database/database.js';
import type { TransactionOptions } from '../../database/session.js';
import type { Transaction as CoreTransaction } from '../../database/transaction.js';
import type { TursoConnection } from './connection.js';
import { deriveFrom } from './derived.js';
import { type KyselyHandle, withConnection } from './with-connection.js';

/**
 * Runs a callback in a transaction, as `db.transaction().execute()` does, with what Kysely's own has no options for: the
 * behavior, repetition after a lock, a signal and a timeout. In a transaction it is a savepoint.
 *
 * @param db - a Kysely database or transaction with the {@link TursoDialect}
 * @param callback - is given the transaction; everything in it must go through that, not through `db`
 * @param options - `behavior`, `retry`, and `signal` and `timeout` (ms) for the transaction as a whole; a nested one can
 *   have none of its own
 * @throws what the callback throws; else as {@link Database.transaction}
 *
 * @example
 * ```ts
 * import { Kysely } from 'kysely';
 * import { transaction, TursoDialect } from 'turso-dialect/kysely';
 *
 * const db = new Kysely<{ counter: { value: number } }>({ dialect: new TursoDialect(':memory:') });
 * await db.schema.createTable('counter').addColumn('value', 'integer').execute();
 * await transaction(db, (trx) => trx.insertInto('counter').values({ value: 1 }).execute(), {
 *   behavior: 'immediate',
 *   retry: 3,
 * });
 * await db.destroy();
 * ```
 */
export async function transaction<DB, T>(
  db: KyselyHandle<DB>,
  callback: (trx: Transaction<DB>) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  const props = deriveFrom(db);
  const runOn = async (connection: TursoConnection): Promise<T> => {
    const run = async (core: CoreTransaction): Promise<T> => {
      const inner = connection.within(core);
      const executor = props.executor.withConnectionProvider({ provideConnection: (use) => use(inner) });
      return await callback(new Transaction<DB>({ ...props, executor }));
    };
    const executor = await connection.forSeveral();
    if (executor instanceof Database) return await executor.transaction(run, options);
    connection.transaction.checkNested(options);
    return await connection.transaction.transaction(run);
  };
  // Kysely lets one query at a time have the connection of a transaction. Queries of `db` in the callback have it too.
  if (db.isTransaction) return await runOn(await withConnection(db, async (connection) => connection));
  return await withConnection(db, runOn);
}
