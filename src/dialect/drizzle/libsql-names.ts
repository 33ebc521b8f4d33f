import { TursoDatabase } from './database.js';

// The names of `drizzle-orm/libsql`, so that an application changes its import and nothing else.

/**
 * {@link TursoDatabase} under the name that `drizzle-orm/libsql` has for it, whatever its `$client` is.
 *
 * @example
 * ```ts
 * import { drizzle, type LibSQLDatabase } from 'turso-dialect/drizzle';
 *
 * const count = async (db: LibSQLDatabase): Promise<unknown> => await db.get('select 1 as one');
 * console.log(await count(drizzle(':memory:'))); // { one: 1 }
 * ```
 */
export type LibSQLDatabase<TSchema extends Record<string, unknown> = Record<string, never>> = TursoDatabase<
  TSchema,
  unknown
>;
/** The class {@link TursoDatabase} under the name that `drizzle-orm/libsql` has for it. */
export const LibSQLDatabase: typeof TursoDatabase = TursoDatabase;
