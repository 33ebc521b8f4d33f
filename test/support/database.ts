import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Libsql from 'libsql';
import { onTestFinished } from 'vitest';
import type { Config } from '../../src/config.js';
import { type Database, open } from '../../src/database/database.js';

/** A connection of the bare driver, beside those of the package. */
export interface SecondConnection {
  exec(sql: string): void;
  /** All rows as arrays. */
  rows(sql: string, ...args: unknown[]): unknown[][];
  /** The first value of the first row. */
  value(sql: string, ...args: unknown[]): unknown;
  close(): void;
}

/** A database file that was opened for one test. */
export interface OpenFile {
  readonly db: Database;
  readonly file: string;
  /** Rows as a connection that was opened just for this question sees them. */
  look(sql: string, ...args: unknown[]): unknown[][];
  /** A second connection that stays open until the test ends. */
  readonly other: SecondConnection;
}

/** A file name in a folder of its own, which is removed after the test. */
export function temporaryFile(name = 'test.db'): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'turso-dialect-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return path.join(folder, name);
}

/** Opens a new database file, closed when the test ends; `setup` is a script that is run first. */
export async function openFile(setup = '', config: Partial<Config> = {}): Promise<OpenFile> {
  const file = temporaryFile();
  const db = openDatabase({ url: file, ...config });
  if (setup !== '') await db.script(setup);
  let other: SecondConnection | undefined;
  return {
    db,
    file,
    look: (sql, ...args) => lookInto(file, sql, ...args),
    get other() {
      return (other ??= connectSecond(file));
    },
  };
}

/** Opens a memory database, closed when the test ends. */
export async function openMemory(setup = '', config: Partial<Config> = {}): Promise<Database> {
  const db = openDatabase({ url: ':memory:', ...config });
  if (setup !== '') await db.script(setup);
  return db;
}

/** Opens a database that is closed when the test ends. */
export function openDatabase(config: Config): Database {
  const db = open(config);
  onTestFinished(() => db.close());
  return db;
}

/** A connection of the bare driver, closed when the test ends. It does not wait for locks. */
export function connectSecond(file: string): SecondConnection {
  const native = new Libsql(file);
  let closed = false;
  const close = (): void => {
    if (!closed) native.close();
    closed = true;
  };
  onTestFinished(close);
  const rows = (sql: string, ...args: unknown[]): unknown[][] =>
    native.prepare(sql).raw().all(args) as unknown[][];
  return {
    exec: (sql) => void native.exec(sql),
    rows,
    value: (sql, ...args) => rows(sql, ...args)[0]?.[0],
    close,
  };
}

/** Whether somebody else holds the write lock of the database at this moment. */
export function isWriteLocked(other: SecondConnection): boolean {
  try {
    other.exec('BEGIN IMMEDIATE');
  } catch (error) {
    if ((error as { code?: unknown }).code === 'SQLITE_BUSY') return true;
    throw error;
  }
  other.exec('ROLLBACK');
  return false;
}

/** Whether no reader keeps the write-ahead log from being emptied. */
export function canTruncateLog(other: SecondConnection): boolean {
  const [row] = other.rows('PRAGMA wal_checkpoint(TRUNCATE)');
  return row?.[0] === 0;
}

function lookInto(file: string, sql: string, ...args: unknown[]): unknown[][] {
  const native = new Libsql(file);
  try {
    return native.prepare(sql).raw().all(args) as unknown[][];
  } finally {
    native.close();
  }
}
