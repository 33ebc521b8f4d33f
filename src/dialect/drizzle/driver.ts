import {
  createTableRelationsHelpers,
  DefaultLogger,
  type DrizzleConfig,
  type ExtractTablesWithRelations,
  extractTablesRelationalConfig,
  type Logger,
  type RelationalSchemaConfig,
  type TablesRelationalConfig,
} from 'drizzle-orm';
import type { Config } from '../../config.js';
import { knowsFiles } from '../../config/local-config.js';
import { type DatabaseClient, openClient } from '../../client/database-client.js';
import { type Database, open } from '../../database/database.js';
import type { Client } from '../../database/client-api.js';
import { type ForeignClient, fromClient, isClient } from '../../database/from-client.js';
import { CapabilityError, ConfigError } from '../../errors.js';
import { TursoDatabase } from './database.js';
import { TursoSession } from './session.js';
import { TursoSQLiteDialect } from './sql-dialect.js';

/** Config of {@link drizzle} with a client in it. */
export type TursoDrizzleClientConfig<
  TSchema extends Record<string, unknown> = Record<string, never>,
  TClient extends Database | ForeignClient = Database | ForeignClient,
> = DrizzleConfig<TSchema> & {
  /** A database that is open already, or a client with the interface of `@libsql/client`. */
  readonly client: TClient;
  readonly connection?: undefined;
};

/** Config of {@link drizzle} with the connection in it. */
export type TursoDrizzleConnectionConfig<TSchema extends Record<string, unknown> = Record<string, never>> =
  DrizzleConfig<TSchema> & {
    /** A URL, or the config of a database. */
    readonly connection: string | Config;
    readonly client?: undefined;
  };

/** Config of {@link drizzle} with the connection in it: a URL or {@link Config}, or a client that is open already. */
export type TursoDrizzleConfig<TSchema extends Record<string, unknown> = Record<string, never>> =
  | TursoDrizzleConnectionConfig<TSchema>
  | TursoDrizzleClientConfig<TSchema>;

/**
 * Makes a Drizzle database. Takes every form that `drizzle-orm/libsql` takes. `$client` is the client that was given,
 * otherwise our {@link Database} with the methods of a client.
 *
 * @throws {@link ConfigError} naming the key that is wrong
 *
 * @example
 * ```ts
 * import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
 * import { drizzle } from 'turso-dialect/drizzle';
 *
 * const users = sqliteTable('users', { id: integer().primaryKey(), name: text().notNull() });
 * const db = drizzle(':memory:', { schema: { users } });
 * await db.run('create table users (id integer primary key, name text not null)');
 * const [ada] = await db.insert(users).values({ name: 'Ada' }).returning();
 * console.log(ada?.id); // 1
 * await db.$client.close();
 * ```
 */
export function drizzle<
  TSchema extends Record<string, unknown> = Record<string, never>,
  TClient extends Database | ForeignClient = Client,
>(config: TursoDrizzleClientConfig<TSchema, TClient>): TursoDatabase<TSchema, TClient>;
export function drizzle<
  TSchema extends Record<string, unknown> = Record<string, never>,
  TClient extends Database | ForeignClient = Client,
>(client: TClient, config?: DrizzleConfig<TSchema>): TursoDatabase<TSchema, TClient>;
// The compiler shows what the last one finds wrong, so the commonest form of each length comes last.
export function drizzle<TSchema extends Record<string, unknown> = Record<string, never>>(
  url: string,
  config?: DrizzleConfig<TSchema>,
): TursoDatabase<TSchema, DatabaseClient>;
export function drizzle<TSchema extends Record<string, unknown> = Record<string, never>>(
  config: TursoDrizzleConnectionConfig<TSchema>,
): TursoDatabase<TSchema, DatabaseClient>;
export function drizzle<TSchema extends Record<string, unknown>>(
  first: string | Database | ForeignClient | TursoDrizzleConfig<TSchema>,
  config?: DrizzleConfig<TSchema>,
): TursoDatabase<TSchema, unknown> {
  if (typeof first === 'string') return construct(openClient(first), config);
  if (isDrizzleConfig<TSchema>(first)) {
    const { connection, client, ...rest } = first;
    if (client !== undefined && connection !== undefined) {
      throw new ConfigError('client', 'contradicts "connection"; give one of the two');
    }
    return construct(client === undefined ? openClient(connection as Config) : client, rest);
  }
  return construct(first, config);
}

/** The merged namespace of {@link drizzle}. */
export namespace drizzle {
  /**
   * A database for building queries only. Running one fails with a `CapabilityError`.
   */
  export function mock<TSchema extends Record<string, unknown> = Record<string, never>>(
    config?: DrizzleConfig<TSchema>,
  ): TursoDatabase<TSchema, '$client is not available on drizzle.mock()'> {
    // The type says that the client is not to be used: it gets no connection.
    const database = knowsFiles()
      ? open({ url: ':memory:', onConnect: refuseMock })
      : open({ url: 'http://mock.invalid', fetch: refuseMock, networkRetry: 0 });
    return construct(database, config) as never;
  }
}

function refuseMock(): never {
  throw new CapabilityError('mock', 'drizzle.mock() builds queries and runs none');
}

type AnyDrizzleConfig<TSchema extends Record<string, unknown>> = DrizzleConfig<TSchema> & {
  readonly connection?: string | Config;
  readonly client?: unknown;
};

function isDrizzleConfig<TSchema extends Record<string, unknown>>(
  value: unknown,
): value is AnyDrizzleConfig<TSchema> {
  // Not by its prototype: it may come from another realm, or be an object of a class.
  return (
    typeof value === 'object' &&
    value !== null &&
    !isClient(value) &&
    ('connection' in value || 'client' in value)
  );
}

function construct<TSchema extends Record<string, unknown>, TClient>(
  client: TClient,
  config: DrizzleConfig<TSchema> = {},
): TursoDatabase<TSchema, TClient> {
  const dialect = new TursoSQLiteDialect(config.casing === undefined ? {} : { casing: config.casing });
  const schema = relationalSchema(config.schema);
  const options = { logger: resolveLogger(config.logger), cache: config.cache };
  // The schema config was extracted from TSchema, which is what the session's type says.
  const session = new TursoSession<TSchema, ExtractTablesWithRelations<TSchema>>(
    fromClient(client),
    dialect,
    schema as RelationalSchemaConfig<ExtractTablesWithRelations<TSchema>> | undefined,
    options,
  );
  const db = new TursoDatabase<TSchema, TClient>(client, dialect, session, schema);
  const { cache } = config;
  if (cache !== undefined) {
    db.$cache = Object.assign(cache, { invalidate: cache.onMutate.bind(cache) });
  }
  return db;
}

function resolveLogger(logger: boolean | Logger | undefined): Logger | undefined {
  if (logger === true) return new DefaultLogger();
  return logger === false ? undefined : logger;
}

function relationalSchema(
  schema: Record<string, unknown> | undefined,
): RelationalSchemaConfig<TablesRelationalConfig> | undefined {
  if (schema === undefined) return undefined;
  const { tables, tableNamesMap } = extractTablesRelationalConfig(schema, createTableRelationsHelpers);
  return { fullSchema: schema, schema: tables, tableNamesMap };
}
