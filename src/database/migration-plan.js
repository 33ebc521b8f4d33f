import { MigrationError } from '../errors.js';
/** Computes what each migration is recorded as. */
export async function identifyMigrations(migrations) {
  const tags = new Set();
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
export function findPending(migrations, applied, onChanged) {
  const whens = new Set(migrations.map(({ when }) => when));
  const unclaimed = [...applied];
  const claim = (matches) => {
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
export function nameOf({ tag, file }) {
  return file === undefined ? `migration ${tag}` : `migration ${tag} (${file})`;
}
async function identify(migration) {
  const { sql } = migration;
  const unix = sql.replaceAll('\r\n', '\n');
  const windows = unix.replaceAll('\n', '\r\n');
  const [computed, ...others] = await Promise.all([sha256(sql), sha256(unix), sha256(windows)]);
  const hash = migration.hash ?? computed;
  return { ...migration, hash, hashes: new Set([hash, computed, ...others]) };
}
function edited(migration) {
  return new MigrationError(
    `${nameOf(migration)} was edited after it was applied to this database; undo the edit and put the change into a ` +
      "new migration, or accept the file as it is with onChanged: 'ignore'",
    { migration: migration.tag },
  );
}
/** WebCrypto, so that bundled migrations need nothing of Node.js. */
async function sha256(text) {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
