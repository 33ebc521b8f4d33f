import { CapabilityError, ConfigError } from '../errors.js';
import { Database } from './database.js';

/**
 * The database behind a `client` that a dialect was given.
 *
 * @throws {@link ConfigError} when it is no client
 * @throws {@link CapabilityError} for a client of `@libsql/client`
 */
export function fromClient(client: unknown): Database {
  if (client instanceof Database) return client;
  if (typeof client === 'object' && client !== null && 'executeMultiple' in client) {
    throw new CapabilityError('libsqlClient', 'a client of @libsql/client is not supported by this version');
  }
  throw new ConfigError('client', 'expected a Database, as open() makes it');
}
