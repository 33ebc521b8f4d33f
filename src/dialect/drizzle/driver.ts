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
import { type Database, open } from '../../database/database.js';
import { type ForeignClient, fromClient } from '../../database/from-client.js';
import { CapabilityError, ConfigError } from '../../errors.js';
import { TursoDatabase } from './database.js';
import { TursoSession } from './session.js';
import { TursoSQLiteDialect } from './sql-dialect.js';

/** Config of {@link drizzle} with the connection in it: a URL or {@link Config}, or a database that is open already. */
export type TursoDrizzleConfig<TSchema extends Record<string, unknown> = Record<string, never>> =
  DrizzleConfig<TSchema> &
    ({ readonly connection: string | Config } | { readonly client: Database | ForeignClient });

/**
 * Makes a Drizzle database. Takes every form that `drizzle-orm/libsql` takes; `$client` is our {@link Database}.
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
export function drizzle<TSchema extends Record<string, unknown> = Record<string, never>>(
  ...params:
    | [Database | ForeignClient | string]
    | [Database | ForeignClient | string, DrizzleConfig<TSchema>]
    | [TursoDrizzleConfig<TSchema>]
): TursoDatabase<TSchema> {
  const [first, config] = params;
  if (typeof first === 'string') return construct(open(first), config);
  if (isDrizzleConfig<TSchema>(first)) {
    const { connection, client, ...rest } = first;
    if (client !== undefined && connection !== undefined) {
      throw new ConfigError('client', 'contradicts "connection"; give one of the two');
    }
    return construct(client === undefined ? open(connection as Config) : fromClient(client), rest);
  }
  return construct(fromClient(first), config);
}

/** The merged namespace of {@link drizzle}. */
export namespace drizzle {
  /**
   * A database for building queries only. Running one fails with a `CapabilityError`.
   */
  export function mock<TSchema extends Record<string, unknown> = Record<string, never>>(
    config?: DrizzleConfig<TSchema>,
  ): TursoDatabase<TSchema> & { $client: '$client is not available on drizzle.mock()' } {
    // The type says that the client is not to be used: it gets no connection.
    return construct(open({ url: ':memory:', onConnect: refuseMock }), config) as never;
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
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return (
    (prototype === Object.prototype || prototype === null) && ('connection' in value || 'client' in value)
  );
}

function construct<TSchema extends Record<string, unknown>>(
  client: Database,
  config: DrizzleConfig<TSchema> = {},
): TursoDatabase<TSchema> {
  const dialect = new TursoSQLiteDialect(config.casing === undefined ? {} : { casing: config.casing });
  const schema = relationalSchema(config.schema);
  const options = { logger: resolveLogger(config.logger), cache: config.cache };
  // The schema config was extracted from TSchema, which is what the session's type says.
  const session = new TursoSession<TSchema, ExtractTablesWithRelations<TSchema>>(
    client,
    dialect,
    schema as RelationalSchemaConfig<ExtractTablesWithRelations<TSchema>> | undefined,
    options,
  );
  const db = new TursoDatabase<TSchema>(client, dialect, session, schema);
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
