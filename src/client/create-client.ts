import type { Config } from '../config.js';
import { ConfigError } from '../errors.js';
import { TursoClient } from './client.js';
import { toLibsqlError } from './errors.js';

/**
 * Config of {@link createClient}: that of `@libsql/client`, and every key of {@link Config} besides. `timeout` is what it
 * is there, the wait for a lock of a file, and not the longest time of a statement.
 */
export interface ClientConfig extends Omit<Config, 'timeout'> {
  /**
   * How many statements run at a time; those beyond it wait, and 0 sets no limit but that of the engine.
   * @default 20
   */
  readonly concurrency?: number;
  /** How long a statement or transaction waits for a lock, in ms, as `busyTimeout`. @default 5000 */
  readonly timeout?: number;
}

/** The most that `concurrency` takes; at a server it is lowered to what servers bear. */
const UNLIMITED = 10_000;

/**
 * Makes a client with the interface of `@libsql/client` 0.18, on the engine of this package. What takes a client of
 * `@libsql/client` takes it, `drizzle({ client })` and `new TursoDialect({ client })` too. Connects when it is first used.
 *
 * @throws {@link LibsqlError} with code `URL_INVALID`, `URL_SCHEME_NOT_SUPPORTED` or `CONFIG_INVALID`
 *
 * @example
 * ```ts
 * import { createClient } from 'turso-dialect/client';
 *
 * const client = createClient({ url: ':memory:' });
 * await client.batch(['create table users (name text)', ['insert into users values (?)', ['Ada']]], 'write');
 * const { rows } = await client.execute({ sql: 'select name from users where name = ?', args: ['Ada'] });
 * console.log(rows[0]?.name, rows[0]?.[0]); // Ada Ada
 * client.close();
 * ```
 */
export function createClient(config: ClientConfig): TursoClient {
  try {
    return new TursoClient(toConfig(config));
  } catch (error) {
    throw toLibsqlError(error);
  }
}

function toConfig(given: ClientConfig): Config {
  if (typeof given !== 'object' || given === null) throw new ConfigError('url', 'expected { url, … }');
  const { timeout, concurrency, ...config } = given;
  if (timeout !== undefined && config.busyTimeout !== undefined) {
    throw new ConfigError('timeout', 'means the same as "busyTimeout" here; give one of the two');
  }
  return {
    ...config,
    ...(timeout !== undefined && { busyTimeout: timeout }),
    ...(concurrency !== undefined && { concurrency: concurrency === 0 ? UNLIMITED : concurrency }),
  };
}
