import type { ControlledTransaction, Kysely, Transaction } from 'kysely';
import { ConfigError } from '../../errors.js';
import { TursoConnection } from './connection.js';

/** A Kysely database whose tables play no part; it is what Kysely's own signatures say. */
// oxlint-disable-next-line typescript/no-explicit-any -- tables are not looked at, and `unknown` takes no database
export type AnyKysely = Kysely<any>;

/** A database or a transaction; said apart, since TypeScript does not infer `DB` of a base class of the argument. */
// oxlint-disable-next-line typescript/no-explicit-any -- whatever savepoints it has
export type KyselyHandle<DB> = Kysely<DB> | Transaction<DB> | ControlledTransaction<DB, any>;

/**
 * Calls back with the connection that a Kysely database or transaction runs its queries on.
 *
 * @throws {@link ConfigError} when it is not on our dialect
 */
export async function withConnection<DB, T>(
  db: KyselyHandle<DB>,
  callback: (connection: TursoConnection) => Promise<T>,
): Promise<T> {
  return await db.getExecutor().provideConnection(async (connection) => {
    if (connection instanceof TursoConnection) return await callback(connection);
    throw notOurs();
  });
}

/** The error for a database of another dialect. */
export function notOurs(): ConfigError {
  return new ConfigError('db', 'expected a Kysely database with the TursoDialect');
}
