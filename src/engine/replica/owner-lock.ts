import { statSync } from 'node:fs';
import { quoteText } from '../../sql/quote-name.js';
import { toDatabaseError } from '../libsql/failure.js';
import { fetchRows, type NativeDatabase, openNative, openRows } from '../libsql/native.js';

/** Who syncs a replica, and where others ask for a sync. */
export interface OwnerInfo {
  readonly pid: number;
  readonly host: string;
  /** On 127.0.0.1. */
  readonly port: number;
  readonly secret: string;
}

/**
 * The lock that one process (or worker thread) has on a replica, held by SQLite on a small database beside it: the
 * operating system lets go of it when its owner ends, however that happens. Who it is, is in that database.
 */
export class OwnerLock {
  readonly #path: string;
  readonly #native: NativeDatabase;
  readonly #inode: bigint;

  private constructor(path: string, native: NativeDatabase) {
    this.#path = path;
    this.#native = native;
    this.#inode = inodeOf(path);
  }

  /**
   * Takes the lock.
   *
   * @param path - of the database beside the replica
   * @param info - what others shall know
   * @returns the lock; undefined when somebody else has it
   */
  static take(path: string, info: OwnerInfo): OwnerLock | undefined {
    const native = openNative(path);
    try {
      // Nothing in it must outlive a crash of the machine.
      native.exec('PRAGMA synchronous=off; CREATE TABLE IF NOT EXISTS owner (pid, host, port, secret)');
      // It is written in a transaction of its own, after which another may have come first.
      for (;;) {
        native.exec('BEGIN IMMEDIATE');
        if (readOwner(native)?.secret === info.secret) return new OwnerLock(path, native);
        const values = `${info.pid}, ${quoteText(info.host)}, ${info.port}, ${quoteText(info.secret)}`;
        native.exec(`DELETE FROM owner; INSERT INTO owner VALUES (${values}); COMMIT`);
      }
    } catch (thrown) {
      close(native);
      const error = toDatabaseError(thrown);
      if (error.kind === 'busy') return undefined;
      throw error;
    }
  }

  /** Who has the lock, or had it last. */
  static read(path: string): OwnerInfo | undefined {
    const native = openNative(path);
    try {
      return readOwner(native);
    } catch {
      // It is being written.
      return undefined;
    } finally {
      close(native);
    }
  }

  /** Whether the lock is still the one that others would meet; the file may have been deleted. */
  get holds(): boolean {
    return inodeOf(this.#path) === this.#inode;
  }

  release(): void {
    close(this.#native);
  }
}

function readOwner(native: NativeDatabase): OwnerInfo | undefined {
  const statement = native.prepare('SELECT pid, host, port, secret FROM owner').raw(true);
  // More rows than there are: only a statement that has come to its end holds no lock.
  const [row] = fetchRows(openRows(statement.safeIntegers(false), []), 8);
  if (row === undefined) return undefined;
  return { pid: Number(row[0]), host: String(row[1]), port: Number(row[2]), secret: String(row[3]) };
}

function close(native: NativeDatabase): void {
  try {
    if (native.inTransaction) native.exec('ROLLBACK');
  } catch {
    // Closing ends the transaction as well.
  }
  native.close();
}

function inodeOf(path: string): bigint {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino ?? 0n;
}
