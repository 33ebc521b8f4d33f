import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { execOffThread, type NativeDatabase } from './native.js';

/** Where the wal-index says how far the log and its checkpoint are, see https://www.sqlite.org/walformat.html. */
const LAST_FRAME = 16;
const CHECKPOINTED = 96;

/** What the file system says of a write-ahead log. */
export interface LogFile {
  /** In bytes; 0 where there is none, or none that can be looked at. */
  readonly size: number;
  /** When it was changed, in ms since 1970. */
  readonly changed: number;
}

/** The size of the log of a file, and when it was changed. */
export function lookAtLog(path: string): LogFile {
  try {
    const { size, mtimeMs: changed } = statSync(`${path}-wal`);
    return { size, changed };
  } catch {
    return { size: 0, changed: 0 };
  }
}

/**
 * How many frames the log has, and how many of them are in the database file; undefined without a wal-index. Only read:
 * takes no lock and no connection, so both may be a moment old.
 */
export function readFrames(path: string): { frames: number; checkpointed: number } | undefined {
  let index: number | undefined;
  try {
    index = openSync(`${path}-shm`, 'r');
    const words = new Uint32Array(CHECKPOINTED / 4 + 1);
    if (readSync(index, words, 0, words.byteLength, 0) < words.byteLength) return undefined;
    // It is in the byte order of the machine.
    return { frames: words[LAST_FRAME / 4] ?? 0, checkpointed: words[CHECKPOINTED / 4] ?? 0 };
  } catch {
    return undefined;
  } finally {
    if (index !== undefined) closeSync(index);
  }
}

/**
 * Puts the log of a file into its database and cuts it to nothing, on another thread. It waits for nobody: while somebody
 * reads what is only in the log, or has a lock, the log keeps its size, which is no error. Writers are locked out only for
 * the moment in which the log is cut, since the pages are in the file by then.
 *
 * By `exec()`, since a prepared statement keeps its connection open until it is collected (libsql 0.5.29).
 */
export async function cutLog(native: NativeDatabase, goOn: () => boolean = () => true): Promise<void> {
  await execOffThread(native, 'PRAGMA wal_checkpoint(PASSIVE)');
  if (goOn()) await execOffThread(native, 'PRAGMA wal_checkpoint(TRUNCATE)');
}
