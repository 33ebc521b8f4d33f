import { resolveClient } from '../config.js';
import { ConfigError } from '../errors.js';
import { Database } from './database.js';
import { databaseOf } from './database-key.js';

/**
 * A client that an application made: anything with the interface of `@libsql/client`, whatever package or wrapper it comes
 * from. It stays its owner's to close.
 */
export interface ForeignClient {
  execute(...parameters: never[]): unknown;
  batch(...parameters: never[]): unknown;
  transaction(...parameters: never[]): unknown;
  executeMultiple(...parameters: never[]): unknown;
}

/** The database of each client: asking twice gives the same one. */
const known = new WeakMap<object, Database>();

/** What every client has; anything with them is one, whatever package or wrapper it comes from. */
const METHODS = ['execute', 'batch', 'transaction', 'executeMultiple'] as const;

/**
 * The database behind a `client` that a dialect was given. A client stays its owner's to close.
 *
 * @throws {@link ConfigError} when it is no client
 */
export function fromClient(client: unknown): Database {
  if (typeof client === 'object' && client !== null) {
    const own = ownDatabase(client);
    if (own !== undefined) return own;
    if (isClient(client)) return throughMethods(client);
  }
  throw new ConfigError(
    'client',
    'expected a Database, as open() makes it, or a client with the interface of @libsql/client',
  );
}

function ownDatabase(client: object): Database | undefined {
  const database = (client as { readonly [databaseOf]?: unknown })[databaseOf];
  return database instanceof Database ? database : undefined;
}

function throughMethods(client: object): Database {
  const before = known.get(client);
  if (before !== undefined && !before.closed) return before;
  const database = new Database(resolveClient(client));
  known.set(client, database);
  return database;
}

/** Whether something is a client, ours or another. */
export function isClient(client: object): boolean {
  if (ownDatabase(client) !== undefined) return true;
  const methods = client as Record<string, unknown>;
  return METHODS.every((name) => typeof methods[name] === 'function');
}
