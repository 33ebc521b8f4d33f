import { MigrationError } from '../errors.js';

/** One migration, as drizzle-kit writes it into a file and a line of its journal. */
export interface Migration {
  /** Its name, for drizzle-kit the file's name without `.sql`. No two have the same one. */
  readonly tag: string;
  /** When it was made, in ms since 1970: `when` of drizzle-kit's journal. */
  readonly when: number;
  /** Its statements; the text of the file. */
  readonly sql: string;
  /** What it is recorded as. @default SHA-256 of `sql` in hexadecimal digits */
  readonly hash?: string | undefined;
  /** Path of its file, for messages. */
  readonly file?: string | undefined;
}

/** A migration with everything that it may have been recorded as. */
export interface IdentifiedMigration extends Migration {
  readonly hash: string;
  /** `hash`, and the hashes of the text with other blank space or without the comment at its beginning. */
  readonly hashes: ReadonlySet<string>;
}

/** A migration that the database says was applied. */
export interface AppliedMigration {
  readonly hash: string;
  /** Undefined where the database does not tell. */
  readonly when: number | undefined;
}

/** What becomes of a migration that was edited after it was applied. */
export type OnChanged = 'error' | 'ignore';

/** Computes what each migration is recorded as. */
export async function identifyMigrations(migrations: readonly Migration[]): Promise<IdentifiedMigration[]> {
  const tags = new Set<string>();
  for (const { tag } of migrations) {
    if (tags.has(tag)) throw new MigrationError(`there are two migrations named ${tag}`, { migration: tag });
    tags.add(tag);
  }
  return await Promise.all(migrations.map(identify));
}

/**
 * Gives the migrations that were not applied, in their order. Each line of the table stands for one migration only:
 * first for the one with the same hash and time, then for one with the same hash (its journal was made anew), and
 * last for one with the same time (it was edited). So a migration that is older than the newest applied one is
 * pending like any other, and so is one whose text repeats that of another.
 *
 * @throws {@link MigrationError} when one was edited after it was applied, unless `onChanged` is `ignore`
 */
export function findPending(
  migrations: readonly IdentifiedMigration[],
  applied: readonly AppliedMigration[],
  onChanged: OnChanged,
): IdentifiedMigration[] {
  const whens = new Set(migrations.map(({ when }) => when));
  const unclaimed = [...applied];
  const claim = (matches: (row: AppliedMigration) => boolean): boolean => {
    const index = unclaimed.findIndex(matches);
    if (index >= 0) unclaimed.splice(index, 1);
    return index >= 0;
  };
  return migrations
    .filter(({ hashes, when }) => !claim((row) => row.when === when && hashes.has(row.hash)))
    .filter(
      ({ hashes }) =>
        !claim((row) => hashes.has(row.hash) && (row.when === undefined || !whens.has(row.when))),
    )
    .filter((migration) => {
      const changed = claim((row) => row.when === migration.when);
      if (changed && onChanged === 'error') throw edited(migration);
      return !changed;
    });
}

/** How a message names a migration. */
export function nameOf({ tag, file }: Migration): string {
  return file === undefined ? `migration ${tag}` : `migration ${tag} (${file})`;
}

async function identify(migration: Migration): Promise<IdentifiedMigration> {
  const computed = await sha256(migration.sql);
  const hash = migration.hash ?? computed;
  const others = await Promise.all(earlierTexts(migration.sql).map(sha256));
  return { ...migration, hash, hashes: new Set([hash, computed, ...others]) };
}

/** Blank space and comments before the first statement. */
const HEAD = /^(?:\s|--(?!>).*(?:\n|$)|\/\*[^]*?\*\/)*/;

/**
 * What a text may have been before somebody changed only line endings, the blank space at its ends or those of its lines, or
 * put a comment before it. Only its hash is known, so what an editor has taken away can't be told.
 */
function earlierTexts(sql: string): string[] {
  const unix = sql.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  const clean = unix.replace(/[ \t]+$/gm, '');
  const texts = [unix, clean].flatMap((text) => [text, text.replace(HEAD, '')]);
  const ends = texts.flatMap((text) => [
    text,
    text.trimEnd(),
    `${text.trimEnd()}\n`,
    `${text.trimEnd()}\n\n`,
  ]);
  return [...new Set(ends.flatMap((text) => [text, text.replaceAll('\n', '\r\n')]))];
}

function edited(migration: Migration): MigrationError {
  return new MigrationError(
    `${nameOf(migration)} was edited after it was applied to this database; undo the edit and put the change into a ` +
      "new migration, or accept the file as it is with onChanged: 'ignore'",
    { migration: migration.tag },
  );
}

/** WebCrypto, so that bundled migrations need nothing of Node.js. */
async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
