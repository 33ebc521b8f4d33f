import type * as FileSystem from 'node:fs/promises';
import { toPath } from '../../config/path.js';
import { fromClient } from '../../database/from-client.js';
import { type MigrationOptions, type MigrationReport, runMigrations } from '../../database/migrate.js';
import type { Migration } from '../../database/migration-plan.js';
import { CapabilityError, ConfigError, MigrationError } from '../../errors.js';
import { nodeModule } from '../../runtime.js';

export type { Migration, MigrationOptions, MigrationReport };

/** Where the migrations are: in drizzle-kit's folder, or in the program itself. */
export type MigrateConfig = MigrationOptions &
  (
    | {
        /**
         * drizzle-kit's `out` (a path or a `file:` URL): the folder with `meta/_journal.json` and the SQL files, or in the
         * layout of drizzle-kit 1.0 with a folder for each migration.
         */
        readonly migrationsFolder: string;
        readonly migrations?: undefined;
      }
    | {
        /** The migrations themselves, in the order in which they are applied, where there is no file system. */
        readonly migrations: readonly Migration[];
        readonly migrationsFolder?: undefined;
      }
  );

/** A line of drizzle-kit's journal. */
interface JournalEntry {
  readonly tag: string;
  readonly when: number;
}

/** What `migrate()` of migrate.ts does, which loads this file. */
export async function migrate(
  db: { readonly $client: unknown },
  config: MigrateConfig,
): Promise<MigrationReport> {
  const { migrationsFolder, migrations, ...options } = config;
  const database = fromClient(db.$client);
  if ((migrationsFolder === undefined) === (migrations === undefined)) {
    throw new ConfigError('migrationsFolder', 'give either this or "migrations"');
  }
  if (migrations !== undefined) return await runMigrations(database, checkMigrations(migrations), options);
  const folder = toPath(
    migrationsFolder,
    (problem, cause) => new ConfigError('migrationsFolder', problem, cause),
  );
  return await runMigrations(database, await readFolder(folder), options);
}

function checkMigrations(migrations: unknown): readonly Migration[] {
  if (!Array.isArray(migrations)) throw new ConfigError('migrations', 'expected an array');
  for (const [index, migration] of (migrations as Partial<Migration>[]).entries()) {
    const { sql, hash } = migration ?? {};
    const valid =
      isEntry(migration) && typeof sql === 'string' && (hash === undefined || typeof hash === 'string');
    if (!valid)
      throw new ConfigError(`migrations[${index}]`, 'expected { tag, when, sql } and perhaps a hash');
  }
  return migrations as Migration[];
}

async function readFolder(folder: string): Promise<Migration[]> {
  const dated = await readDatedFolders(folder);
  if (dated !== undefined) return dated;
  const entries = await readJournal(folder);
  return await Promise.all(
    entries.map(async ({ tag, when }) => {
      const file = `${folder}/${tag}.sql`;
      const sql = await readText(file, `the journal lists migration ${tag}, but its file ${file}`, tag);
      return { tag, when, sql, file };
    }),
  );
}

/** A folder of one migration in the layout of drizzle-kit 1.0, `20251129013000_brave_wasp`: its time in UTC, and a name. */
const DATED = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:_.*)?$/;

/** The migrations of a folder in the layout of drizzle-kit 1.0; undefined where there is a journal, or nothing like it. */
async function readDatedFolders(folder: string): Promise<Migration[] | undefined> {
  const { readdir, stat } = fileSystem();
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const tags = entries
    .filter((entry) => entry.isDirectory() && DATED.test(entry.name))
    .map(({ name }) => name);
  if (tags.length === 0 || (await stat(`${folder}/meta/_journal.json`).catch(() => undefined)))
    return undefined;
  tags.sort();
  return await Promise.all(
    tags.map(async (tag) => {
      const file = `${folder}/${tag}/migration.sql`;
      const [year = 0, month = 1, ...rest] = DATED.exec(tag)?.slice(1).map(Number) ?? [];
      const [day, hour, minute, second] = rest;
      const when = Date.UTC(year, month - 1, day, hour, minute, second);
      return {
        tag,
        when,
        file,
        sql: await readText(file, `migration ${tag} has no SQL: its file ${file}`, tag),
      };
    }),
  );
}

async function readJournal(folder: string): Promise<readonly JournalEntry[]> {
  const file = `${folder}/meta/_journal.json`;
  const text = await readText(
    file,
    `${folder} is no folder of drizzle-kit's migrations: its journal ${file}`,
  );
  let journal: { readonly entries?: unknown } | null;
  try {
    journal = JSON.parse(text) as typeof journal;
  } catch (cause) {
    throw new MigrationError(`the journal ${file} is not JSON: ${(cause as Error).message}`, { cause });
  }
  const entries = journal?.entries;
  if (!Array.isArray(entries)) throw new MigrationError(`the journal ${file} has no "entries"`);
  for (const [index, entry] of entries.entries()) {
    if (!isEntry(entry))
      throw new MigrationError(`entry ${index} of the journal ${file} has no "tag" or no "when"`);
  }
  return entries as JournalEntry[];
}

function isEntry(value: unknown): value is JournalEntry {
  if (typeof value !== 'object' || value === null) return false;
  const { tag, when } = value as Partial<JournalEntry>;
  return typeof tag === 'string' && tag !== '' && Number.isFinite(when);
}

/** Not imported: migrations that are given as an array need no file system. */
function fileSystem(): typeof FileSystem {
  const module = nodeModule('fs/promises') as typeof FileSystem | undefined;
  if (module !== undefined) return module;
  throw new CapabilityError(
    'file',
    'this runtime has no file system: give "migrations" in the place of "migrationsFolder"',
  );
}

/** @param what - the beginning of the message if the file can't be read */
async function readText(file: string, what: string, migration?: string): Promise<string> {
  const { readFile } = fileSystem();
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const problem = missing ? 'is missing' : `can't be read: ${(cause as Error).message}`;
    throw new MigrationError(`${what} ${problem}`, { migration, cause });
  }
}
