import type { TablesRelationalConfig } from 'drizzle-orm';
import type { TursoSession } from './session.js';

/**
 * The session of a database or transaction, which Drizzle's base class keeps (sqlite-core/db.js) and does not declare. A
 * `#private` member could not be read through a Proxy or a copy of the object.
 */
export function sessionOf<
  TFullSchema extends Record<string, unknown>,
  TSchema extends TablesRelationalConfig,
>(db: object): TursoSession<TFullSchema, TSchema> {
  return (db as { readonly session: TursoSession<TFullSchema, TSchema> }).session;
}
