import { resolveClient } from '../config.js';
import { ConfigError } from '../errors.js';
import { Database } from './database.js';

/**
 * The database behind a `client` that a dialect was given. A client of `@libsql/client` stays its owner's to close.
 *
 * @throws {@link ConfigError} when it is no client
 */
export function fromClient(client: unknown): Database {
  if (client instanceof Database) return client;
  if (typeof client === 'object' && client !== null && 'executeMultiple' in client) {
    return new Database(resolveClient(client));
  }
  throw new ConfigError('client', 'expected a Database, as open() makes it, or a client of @libsql/client');
}
