import { existsSync, statSync } from 'node:fs';
import { SyncError } from '../../errors.js';

/** The file beside a replica in which the binding notes how far it is synced. */
export function indexPath(path: string): string {
  return `${path}-client_wal_index`;
}

/** Whether the file was synced before, by what lies in its folder. */
export function isReplica(path: string): boolean {
  return sizeOf(path) > 0 && existsSync(indexPath(path));
}

/**
 * Refuses files that the binding (libsql 0.5.29) would ruin: it opens a replica whose database was deleted as an empty
 * one without a word, and its sync replaces what a database of its own contains.
 *
 * @throws {@link SyncError} with code `NOT_A_REPLICA`
 */
export function checkFiles(path: string): void {
  const database = sizeOf(path) > 0;
  const index = existsSync(indexPath(path));
  if (database && !index) {
    throw notReplica(`"${path}" is a database of its own, and no replica`);
  }
  if (!database && (index || sizeOf(`${path}-wal`) > 0)) {
    throw notReplica(
      `what is left of the replica "${path}" lacks the database itself; delete "${path}", "${indexPath(path)}", ` +
        `"${path}-wal" and "${path}-shm" to sync it anew`,
    );
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function notReplica(problem: string): SyncError {
  return new SyncError(problem, { code: 'NOT_A_REPLICA' });
}
