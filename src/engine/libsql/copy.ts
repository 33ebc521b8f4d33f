import { constants, existsSync } from 'node:fs';
import { copyFile, open, rename, rm } from 'node:fs/promises';
import { DatabaseError } from '../../errors.js';
import { analyze, type AnalyzedStatement } from '../../sql/statement.js';
import type { Connection } from '../engine.js';
import { collectNow } from './collect.js';
import { rekeyFile } from './encryption.js';
import { openNative } from './native.js';

const [READ] = analyze('SELECT 1 FROM sqlite_schema').statements as [AnalyzedStatement];

/**
 * Copies a database, as one moment has it. What the open transaction of `connection` sees is neither
 * overwritten in the log nor lost from it, and what is added to the log meanwhile counts only as far as it was committed,
 * see https://www.sqlite.org/wal.html#concurrency. Nothing but the file itself is left: its log is put into it.
 *
 * @param connection - reads the database
 * @param key - of the file
 * @param newKey - of the copy; undefined for one that is not encrypted
 * @throws {@link DatabaseError} when there is something at `to`, or it can't be written
 */
export async function copyDatabase(
  connection: Connection,
  from: string,
  to: string,
  key: string | undefined,
  newKey: string | undefined,
): Promise<void> {
  if (existsSync(to)) throw failed(`"${to}" exists already`);
  const draft = `${to}.draft`;
  try {
    await connection.begin('read');
    await connection.execute(READ, [], { fetch: 'none' });
    await copyFile(from, draft, constants.COPYFILE_FICLONE);
    if (existsSync(`${from}-wal`)) await copyFile(`${from}-wal`, `${draft}-wal`, constants.COPYFILE_FICLONE);
    await connection.rollback();
    const copy = openNative(draft, key);
    // A prepared statement would keep the file open until it is collected (libsql 0.5.29).
    copy.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    copy.close();
    await collectNow();
    if (newKey !== key) rekeyFile(draft, key, newKey);
    await collectNow();
    await syncToDisk(draft);
    await rename(draft, to);
  } catch (thrown) {
    throw thrown instanceof DatabaseError ? thrown : failed(`the copy "${to}" can not be made`, thrown);
  } finally {
    for (const rest of [draft, `${draft}-wal`, `${draft}-shm`, `${draft}-journal`])
      await rm(rest, { force: true });
  }
}

async function syncToDisk(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function failed(problem: string, cause?: unknown): DatabaseError {
  return new DatabaseError(problem, { code: 'SQLITE_CANTOPEN', kind: 'io', cause });
}
