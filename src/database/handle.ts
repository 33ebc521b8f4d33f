import { ConfigError } from '../errors.js';
import { Executor } from './executor.js';
import { fromClient } from './from-client.js';

/** What a dialect's databases and transactions have in common with our own. */
export type Handle =
  | Executor
  /** Drizzle's; its client may be one that was handed in. */
  | { readonly $client: unknown }
  | KyselyHandle;

/** Kysely's, whose connections know what runs their queries. */
interface KyselyHandle {
  getExecutor(): {
    provideConnection<T>(use: (connection: object) => Promise<T>): Promise<T>;
  };
}

/**
 * The database or transaction that a handle runs its queries on.
 *
 * @throws {@link ConfigError} when it is no handle of ours
 */
export function locateExecutor(handle: Handle): Executor | Promise<Executor> {
  if (isExecutor(handle)) return handle;
  // Of a lazy Proxy nothing can be known but what its properties are.
  const { $client, getExecutor } = (handle ?? {}) as { $client?: unknown; getExecutor?: unknown };
  if ($client !== undefined) return isExecutor($client) ? $client : fromClient($client);
  if (typeof getExecutor !== 'function') throw notOurs();
  return (handle as KyselyHandle).getExecutor().provideConnection(async (connection) => {
    const { executor } = connection as { readonly executor?: unknown };
    if (executor instanceof Executor) return executor;
    throw notOurs();
  });
}

/** Also behind a Proxy, of which `instanceof` knows nothing. */
function isExecutor(value: unknown): value is Executor {
  return value instanceof Executor || typeof (value as Partial<Executor> | null)?.runStatement === 'function';
}

function notOurs(): ConfigError {
  return new ConfigError(
    'target',
    'expected a database or transaction of this package, of Drizzle or of Kysely on it',
  );
}
