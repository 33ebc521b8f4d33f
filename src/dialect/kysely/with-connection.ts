import type { Kysely } from 'kysely';
import { ConfigError } from '../../errors.js';
import { TursoConnection } from './connection.js';

/**
 * Calls back with the connection that a Kysely database or transaction runs its queries on.
 *
 * @throws {@link ConfigError} when it is not on our dialect
 */
export async function withConnection<DB, T>(
  db: Kysely<DB>,
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
