import { existsSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { SyncError } from '../../errors.js';
import type { LogTail } from './history-check.js';

/** The file beside a replica in which the binding notes how far it is synced. */
export function indexPath(path: string): string {
  return `${path}-client_wal_index`;
}

/** The database beside a replica that the process holds which syncs it. */
export function ownerPath(path: string): string {
  return `${path}-owner`;
}

/** Whether the file was synced before, by what lies in its folder. */
export function isReplica(path: string): boolean {
  return sizeOf(path) > 0 && existsSync(indexPath(path));
}

/** The one name of a file, whatever links lead to it, also before it exists. */
export function canonicalPath(path: string): string {
  const full = resolve(path);
  try {
    return realpathSync(full);
  } catch {
    try {
      return join(realpathSync(dirname(full)), basename(full));
    } catch {
      return full;
    }
  }
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
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw notReplica(`"${path}" is a folder, and no replica`);
  }
  if (database && !index) {
    throw notReplica(`"${path}" is a database of its own, and no replica`);
  }
  if (!database && (index || sizeOf(`${path}-wal`) > 0)) {
    throw notReplica(
      `what is left of the replica "${path}" lacks the database itself; ${HOW_TO_REBUILD}, or delete ${names(path)}`,
    );
  }
}

/** Whether what lies there is what is left of a replica, and no database of its own. */
export function isRemains(path: string): boolean {
  return existsSync(indexPath(path)) || sizeOf(path) === 0;
}

/** What makes a replica whole again. */
export const HOW_TO_REBUILD = 'open it with startup: "rebuild"';

/** The files of a replica, for messages. */
export function names(path: string): string {
  return `"${path}", "${indexPath(path)}", "${path}-wal" and "${path}-shm"`;
}

/** Deletes a replica; nothing may have it open for writing. */
export function removeFiles(path: string): void {
  // Without its index a database is none of ours, so that goes last.
  for (const file of [tailPath(path), `${path}-wal`, `${path}-shm`, path, indexPath(path)]) {
    rmSync(file, { force: true });
  }
}

/** What tells a file from another in its place. */
export interface FileMark {
  readonly database: bigint;
  readonly index: bigint;
  readonly log: bigint;
}

/** Marks the files of a replica; undefined when one of them is missing or the database is empty. */
export function markFiles(path: string): FileMark | undefined {
  const database = statSync(path, { bigint: true, throwIfNoEntry: false });
  const index = statSync(indexPath(path), { bigint: true, throwIfNoEntry: false });
  const log = statSync(`${path}-wal`, { bigint: true, throwIfNoEntry: false });
  if (database === undefined || index === undefined || log === undefined) return undefined;
  if (database.size === 0n) return undefined;
  return { database: database.ino, index: index.ino, log: log.ino };
}

/** The id of the log that a replica was made from: the first 16 bytes of its index (libsql 0.5.29). */
export function logId(path: string): string | undefined {
  try {
    const bytes = readFileSync(indexPath(path));
    return bytes.length >= 24 ? bytes.subarray(0, 16).toString('hex') : undefined;
  } catch {
    return undefined;
  }
}

/** How far a replica is: the number after the id (libsql 0.5.29). */
export function syncedFrame(path: string): number | undefined {
  try {
    const bytes = readFileSync(indexPath(path));
    if (bytes.length < 24) return undefined;
    const frame = bytes.readBigUInt64LE(16);
    return frame > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(frame);
  } catch {
    return undefined;
  }
}

/**
 * The file beside a replica that has its last frame: the number, the checksum, the one before it, the page, whether the
 * one before is known, and the id of the log.
 */
function tailPath(path: string): string {
  return `${path}-tail`;
}

/** The last frame that a replica has; undefined when what was noted is of another one. */
export function loadTail(path: string): LogTail | undefined {
  try {
    const bytes = readFileSync(tailPath(path));
    const frameNo = bytes.readBigUInt64LE(0);
    // A sync that was cut off has gone further, or has begun another log.
    if (Number(frameNo) !== syncedFrame(path)) return undefined;
    if (bytes.toString('hex', 32) !== logId(path)) return undefined;
    const before = bytes.readUInt32LE(28) === 1 ? bytes.readBigUInt64LE(16) : undefined;
    return { frameNo, checksum: bytes.readBigUInt64LE(8), before, page: bytes.readUInt32LE(24) };
  } catch {
    return undefined;
  }
}

/** Notes the last frame that a replica has. */
export function saveTail(path: string, { frameNo, checksum, before, page }: LogTail): void {
  const bytes = Buffer.alloc(32);
  bytes.writeBigUInt64LE(frameNo, 0);
  bytes.writeBigUInt64LE(checksum, 8);
  bytes.writeBigUInt64LE(before ?? 0n, 16);
  bytes.writeUInt32LE(page, 24);
  bytes.writeUInt32LE(before === undefined ? 0 : 1, 28);
  try {
    writeFileSync(tailPath(path), Buffer.concat([bytes, Buffer.from(logId(path) ?? '', 'hex')]));
  } catch {
    // A disk that is full has no say in whether the sync succeeded.
  }
}

/** Size of the log of a replica, which grows while a sync writes. */
export function logSize(path: string): number {
  return sizeOf(`${path}-wal`);
}

/** Number of a file in its file system; 0 when it is not there. */
export function inodeOf(path: string): bigint {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino ?? 0n;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function notReplica(problem: string): SyncError {
  return new SyncError(problem, { code: 'NOT_A_REPLICA' });
}
