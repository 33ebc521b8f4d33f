import { ConfigError } from '../errors.js';
import { Executor } from './executor.js';
import { fromClient } from './from-client.js';

/** What a dialect's databases and transactions have in common with our own. */
export type Handle =
  | Executor
  /** Drizzle's; its client may be one that was handed in. */
  | { readonly $client: unknown }
  /** Kysely's, whose connections know what runs their queries. */
  | {
      getExecutor(): {
        provideConnection<T>(use: (connection: object) => Promise<T>): Promise<T>;
      };
    };

/**
 * The database or transaction that a handle runs its queries on.
 *
 * @throws {@link ConfigError} when it is no handle of ours
 */
export function locateExecutor(handle: Handle): Executor | Promise<Executor> {
  if (handle instanceof Executor) return handle;
  if ('$client' in handle)
    return handle.$client instanceof Executor ? handle.$client : fromClient(handle.$client);
  if ('getExecutor' in handle) {
    return handle.getExecutor().provideConnection(async (connection) => {
      const { executor } = connection as { readonly executor?: unknown };
      if (executor instanceof Executor) return executor;
      throw notOurs();
    });
  }
  throw notOurs();
}

function notOurs(): ConfigError {
  return new ConfigError(
    'target',
    'expected a database or transaction of this package, of Drizzle or of Kysely on it',
  );
}
