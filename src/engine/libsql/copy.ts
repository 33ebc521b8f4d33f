import { constants, existsSync, lstatSync } from 'node:fs';
import { copyFile, link, mkdtemp, open, realpath, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseError } from '../../errors.js';
import { quoteText } from '../../sql/quote-name.js';
import { analyze, type AnalyzedStatement } from '../../sql/statement.js';
import type { Connection } from '../engine.js';
import { collectNow } from './collect.js';
import { rekeyFile } from './encryption.js';
import { toDatabaseError } from './failure.js';
import { fetchRows, type NativeDatabase, openNative, openRowsOffThread } from './native.js';

const [COUNT] = analyze('SELECT count(*) FROM sqlite_schema').statements as [AnalyzedStatement];

/** Shares blocks where the file system can, follows no link and replaces nothing. */
const EXCLUSIVE = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE;

/** What SQLite says of rows that break a rule of their table; the pages that hold them are in order. */
const LOGICAL = /^(?:NULL|NUMERIC|TEXT|non-\w+) value in |^CHECK constraint failed in /;

const TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table'";

/** More rows than a check or a list of tables gives. */
const MOST_ROWS = 100_000;

/** What is copied, where to, and how. */
export interface CopyOrder {
  readonly from: string;
  readonly to: string;
  /** Key of the file. */
  readonly key: string | undefined;
  /** Key of the copy; undefined for one that is not encrypted. */
  readonly newKey: string | undefined;
  /** Gives a connection to the copy what its schema needs, the extensions. */
  readonly prepare?: (native: NativeDatabase) => void;
}

/**
 * Copies a database, as one moment has it. What the open transaction of `connection` sees is neither
 * overwritten in the log nor lost from it, and what is added to the log meanwhile counts only as far as it was committed,
 * see https://www.sqlite.org/wal.html#concurrency. Nothing but the file itself is left: its log is put into it.
 *
 * The copy is made and checked in a new folder beside `to` that nobody else may enter, and moved when it is done.
 *
 * @param connection - reads the database
 * @throws {@link DatabaseError} when there is something at `to`, it can't be written, or the copy is damaged
 */
export async function copyDatabase(
  connection: Connection,
  { from, to, key, newKey, prepare }: CopyOrder,
): Promise<void> {
  assertFree(to);
  let folder: string | undefined;
  try {
    // Absolute, so that the engine reads it as a path too.
    folder = await mkdtemp(`${path.resolve(to)}.draft-`);
    const draft = path.join(folder, 'copy.db');
    const entries = await copySnapshot(connection, from, draft);
    const copy = openNative(draft, key);
    // A prepared statement would keep the file open until it is collected (libsql 0.5.29).
    copy.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    copy.close();
    await collectNow();
    if (newKey !== key) rekeyFile(draft, key, newKey);
    await verify(draft, newKey, entries, prepare);
    await collectNow();
    await syncToDisk(draft);
    assertFree(to);
    await move(draft, to);
  } catch (thrown) {
    throw thrown instanceof DatabaseError ? thrown : failed(`the copy "${to}" can not be made`, thrown);
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

/** Also a log or journal that an older file has left: the copy would be opened with it. */
function assertFree(to: string): void {
  for (const file of [to, `${to}-wal`, `${to}-journal`]) {
    if (lstatSync(file, { throwIfNoEntry: false }) !== undefined) throw failed(`"${file}" exists already`);
  }
}

/** @returns how many entries the schema has in the snapshot */
async function copySnapshot(connection: Connection, from: string, draft: string): Promise<unknown> {
  // Where the path is a link, the log lies beside the file that it leads to.
  const source = await realpath(from);
  await connection.begin('read');
  const { rows } = await connection.execute(COUNT, [], { fetch: 'all' });
  await copyFile(source, draft, EXCLUSIVE);
  if (existsSync(`${source}-wal`)) await copyFile(`${source}-wal`, `${draft}-wal`, EXCLUSIVE);
  await connection.rollback();
  return rows[0]?.[0];
}

/** Looks at the pages of a copy, on another thread. */
async function verify(
  file: string,
  key: string | undefined,
  entries: unknown,
  prepare: ((native: NativeDatabase) => void) | undefined,
): Promise<void> {
  const native = openNative(file, key);
  try {
    prepare?.(native);
    const [[found] = []] = await ask(native, COUNT.text);
    if (found !== entries) throw damaged(`its schema has ${String(found)} entries, not ${String(entries)}`);
    const problem = (await findProblems(native)).find((line) => line !== 'ok' && !LOGICAL.test(line));
    if (problem !== undefined) throw damaged(problem);
  } catch (thrown) {
    throw toDatabaseError(thrown, 'PRAGMA quick_check');
  } finally {
    native.close();
  }
}

async function findProblems(native: NativeDatabase): Promise<string[]> {
  try {
    return (await ask(native, 'PRAGMA quick_check')).map(([line]) => String(line));
  } catch (thrown) {
    if (toDatabaseError(thrown).kind !== 'sql') throw thrown;
  }
  // A table whose function or module is missing, since its extension is not loaded, fails the check of all.
  const problems: string[] = [];
  for (const [table] of await ask(native, TABLES)) {
    try {
      const lines = await ask(native, `PRAGMA quick_check(${quoteText(String(table))})`);
      problems.push(...lines.map(([line]) => String(line)));
    } catch (thrown) {
      if (toDatabaseError(thrown).kind !== 'sql') throw thrown;
    }
  }
  return problems;
}

/** Computes the rows on another thread. */
async function ask(native: NativeDatabase, sql: string): Promise<unknown[][]> {
  const rows = await openRowsOffThread(native.prepare(sql).raw(true), []);
  return fetchRows(rows, MOST_ROWS);
}

/** Puts the file where nothing is; a link can't replace what has come meanwhile, as renaming would. */
async function move(draft: string, to: string): Promise<void> {
  try {
    await link(draft, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw failed(`"${to}" exists already`);
    // Some file systems have no links.
    await rename(draft, to);
  }
}

async function syncToDisk(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function damaged(problem: string): DatabaseError {
  return new DatabaseError(`the copy is damaged, and so may be the file: ${problem}`, {
    code: 'SQLITE_CORRUPT',
    rawCode: 11,
    kind: 'corrupt',
  });
}

function failed(problem: string, cause?: unknown): DatabaseError {
  return new DatabaseError(problem, { code: 'SQLITE_CANTOPEN', kind: 'io', cause });
}
