import type { Config as OpenConfig } from '../config.js';
import { ConfigError } from '../errors.js';
import { TursoClient } from './client.js';
import { toLibsqlError } from './errors.js';

/**
 * What {@link createClient} takes: the config of `@libsql/client`, and every key of `open()` besides. `timeout` is what it is
 * there, the wait for a lock of a file, and not the longest time of a statement.
 */
export interface ClientConfig extends Omit<OpenConfig, 'timeout'> {
  /** How long a statement or transaction waits for a lock, in ms, as `busyTimeout`. @default 5000 */
  readonly timeout?: number;
}

/**
 * A config as `@libsql/client` 0.18 declares it, with the keys of {@link ClientConfig} besides: a function that asks for the
 * `Config` of that package takes it.
 *
 * @example
 * ```ts
 * import { type Config, createClient } from 'turso-dialect/client';
 *
 * const config: Config = { url: ':memory:', intMode: 'bigint' };
 * createClient(config).close();
 * ```
 */
export interface Config extends Omit<ClientConfig, 'url' | 'syncUrl' | 'authToken'> {
  /** A `file:` URL, a plain path, `:memory:`, or a server. */
  url: string;
  /** Address of the server that the file is a replica of. */
  syncUrl?: string;
  /** Token for the server. */
  authToken?: string;
}

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

function toConfig(given: ClientConfig): OpenConfig {
  if (typeof given !== 'object' || given === null) throw new ConfigError('url', 'expected { url, … }');
  const { timeout, ...config } = given;
  if (timeout !== undefined && config.busyTimeout !== undefined) {
    throw new ConfigError('timeout', 'means the same as "busyTimeout" here; give one of the two');
  }
  return timeout === undefined ? given : { ...config, busyTimeout: timeout };
}
