import type { MigrateConfig, Migration, MigrationOptions, MigrationReport } from './migrator.js';

export type { MigrateConfig, Migration, MigrationOptions, MigrationReport };

/**
 * Applies the migrations that a database has not seen, in the order of drizzle-kit's journal.
 *
 * - A migration is known by its hash and time, so one that came with a merged branch is applied even if it is older
 *   than the newest applied one. One that was edited after it was applied is an error, before anything is run.
 * - Each is a transaction of its own, all or nothing. Its statements are found without breakpoints too. Statements
 *   that can't be part of a transaction (BEGIN, VACUUM, ATTACH, most pragmas that set something) are refused.
 * - Foreign keys are off meanwhile, so that rebuilding a table keeps the rows that reference it; before the commit
 *   every reference is checked. The setting is put back as it was; a migration's own `PRAGMA foreign_keys` is skipped.
 * - When several processes migrate at once, one applies a migration and the others wait and find it applied.
 *
 * The applied migrations are noted in the table and form of Drizzle's own migrator: each goes on where the other left
 * off.
 *
 * @param db - the Drizzle database; only its `$client` is used
 * @throws {@link MigrationError} with `migration`, `statementIndex`, `position`, `sql` and `cause`, as far as they apply
 * @throws {@link BusyError} when a lock could not be acquired within `lockTimeout`
 * @throws {@link ConfigError} naming the option that is wrong
 *
 * @example
 * ```ts
 * import { drizzle, migrate } from 'turso-dialect/drizzle';
 *
 * const db = drizzle('file:app.db');
 * const { applied, skipped } = await migrate(db, { migrationsFolder: './drizzle' });
 * console.log(`applied ${applied.length}, had ${skipped} already`);
 * ```
 */
export async function migrate(
  db: { readonly $client: unknown },
  config: MigrateConfig,
): Promise<MigrationReport> {
  // A program migrates once, if at all.
  const migrator = await import('./migrator.js');
  return await migrator.migrate(db, config);
}
