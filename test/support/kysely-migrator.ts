import * as kysely from 'kysely';
import type * as migration from 'kysely-029/migration';

/** Kysely's migrator, which moved to another entry in 0.29; its types are those of 0.29. */
export const Migrator = (typeof kysely.Migrator === 'function'
  ? kysely.Migrator
  : (await import('kysely-029/migration')).Migrator) as unknown as typeof migration.Migrator;
