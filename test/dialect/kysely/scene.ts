import { type Generated, Kysely, type KyselyConfig } from 'kysely';
import { onTestFinished } from 'vitest';
import { TursoDialect, type TursoDialectConfig } from '../../../src/dialect/kysely/index.js';

/** The tables of these tests. */
export interface Tables {
  users: { id: Generated<number>; name: string; age: number | null };
}

export const USERS = 'create table users (id integer primary key, name text not null unique, age integer)';

/** A Kysely database that is destroyed when the test ends. */
export function openKysely<DB = Tables>(
  config: TursoDialectConfig,
  options: Omit<KyselyConfig, 'dialect'> = {},
): Kysely<DB> {
  const db = new Kysely<DB>({ ...options, dialect: new TursoDialect(config) });
  onTestFinished(() => db.destroy());
  return db;
}
