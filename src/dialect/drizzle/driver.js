import { createTableRelationsHelpers, DefaultLogger, extractTablesRelationalConfig } from 'drizzle-orm';
import { Database, open } from '../../database/database.js';
import { CapabilityError, ConfigError } from '../../errors.js';
import { TursoDatabase } from './database.js';
import { TursoSession } from './session.js';
import { TursoSQLiteDialect } from './sql-dialect.js';
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
export function drizzle(...params) {
  const [first, config] = params;
  if (typeof first === 'string') return construct(open(first), config);
  if (isDrizzleConfig(first)) {
    const { connection, client, ...rest } = first;
    if (client !== undefined && connection !== undefined) {
      throw new ConfigError('client', 'contradicts "connection"; give one of the two');
    }
    return construct(client === undefined ? open(connection) : ownClient(client), rest);
  }
  return construct(ownClient(first), config);
}
/** The merged namespace of {@link drizzle}. */
(function (drizzle) {
  /** A database for building queries only; running one fails. */
  function mock(config) {
    // The type says that the client, which is a database that was never opened, is not to be used.
    return construct(open(':memory:'), config);
  }
  drizzle.mock = mock;
})(drizzle || (drizzle = {}));
function isDrizzleConfig(value) {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return (
    (prototype === Object.prototype || prototype === null) && ('connection' in value || 'client' in value)
  );
}
function ownClient(client) {
  if (client instanceof Database) return client;
  if (typeof client === 'object' && client !== null && 'executeMultiple' in client) {
    throw new CapabilityError('libsqlClient', 'a client of @libsql/client is not supported by this version');
  }
  throw new ConfigError('client', 'expected a Database, as open() makes it');
}
function construct(client, config = {}) {
  const dialect = new TursoSQLiteDialect(config.casing === undefined ? {} : { casing: config.casing });
  const schema = relationalSchema(config.schema);
  const options = { logger: resolveLogger(config.logger), cache: config.cache };
  // The schema config was extracted from TSchema, which is what the session's type says.
  const session = new TursoSession(client, dialect, schema, options);
  const db = new TursoDatabase(client, dialect, session, schema);
  const { cache } = config;
  if (cache !== undefined) {
    db.$cache = Object.assign(cache, { invalidate: cache.onMutate.bind(cache) });
  }
  return db;
}
function resolveLogger(logger) {
  if (logger === true) return new DefaultLogger();
  return logger === false ? undefined : logger;
}
function relationalSchema(schema) {
  if (schema === undefined) return undefined;
  const { tables, tableNamesMap } = extractTablesRelationalConfig(schema, createTableRelationsHelpers);
  return { fullSchema: schema, schema: tables, tableNamesMap };
}
