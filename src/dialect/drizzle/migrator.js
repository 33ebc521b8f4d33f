import { runMigrations } from '../../database/migrate.js';
import { ConfigError, MigrationError } from '../../errors.js';
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
 * @throws {@link BusyError} when a lock was not to be had in `lockTimeout`
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
export async function migrate(db, config) {
  const { migrationsFolder, migrations, ...options } = config;
  if ((migrationsFolder === undefined) === (migrations === undefined)) {
    throw new ConfigError('migrationsFolder', 'give either this or "migrations"');
  }
  if (migrations !== undefined) return await runMigrations(db.$client, checkMigrations(migrations), options);
  if (typeof migrationsFolder !== 'string' || migrationsFolder === '') {
    throw new ConfigError('migrationsFolder', 'expected the path of a folder');
  }
  return await runMigrations(db.$client, await readFolder(migrationsFolder), options);
}
function checkMigrations(migrations) {
  if (!Array.isArray(migrations)) throw new ConfigError('migrations', 'expected an array');
  for (const [index, migration] of migrations.entries()) {
    const { sql, hash } = migration ?? {};
    const valid =
      isEntry(migration) && typeof sql === 'string' && (hash === undefined || typeof hash === 'string');
    if (!valid)
      throw new ConfigError(`migrations[${index}]`, 'expected { tag, when, sql } and perhaps a hash');
  }
  return migrations;
}
async function readFolder(folder) {
  const entries = await readJournal(folder);
  return await Promise.all(
    entries.map(async ({ tag, when }) => {
      const file = `${folder}/${tag}.sql`;
      const sql = await readText(file, `the journal lists migration ${tag}, but its file ${file}`, tag);
      return { tag, when, sql, file };
    }),
  );
}
async function readJournal(folder) {
  const file = `${folder}/meta/_journal.json`;
  const text = await readText(
    file,
    `${folder} is no folder of drizzle-kit's migrations: its journal ${file}`,
  );
  let journal;
  try {
    journal = JSON.parse(text);
  } catch (cause) {
    throw new MigrationError(`the journal ${file} is not JSON: ${cause.message}`, { cause });
  }
  const entries = journal?.entries;
  if (!Array.isArray(entries)) throw new MigrationError(`the journal ${file} has no "entries"`);
  for (const [index, entry] of entries.entries()) {
    if (!isEntry(entry))
      throw new MigrationError(`entry ${index} of the journal ${file} has no "tag" or no "when"`);
  }
  return entries;
}
function isEntry(value) {
  if (typeof value !== 'object' || value === null) return false;
  const { tag, when } = value;
  return typeof tag === 'string' && tag !== '' && Number.isFinite(when);
}
/** @param what - the beginning of the message if the file can't be read */
async function readText(file, what, migration) {
  // Loaded here, so that bundled migrations need no file system.
  const { readFile } = await import('node:fs/promises');
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const missing = cause.code === 'ENOENT';
    const problem = missing ? 'is missing' : `can't be read: ${cause.message}`;
    throw new MigrationError(`${what} ${problem}`, { migration, cause });
  }
}
