/** The same database file through every driver that is compared. */
import { createClient } from '@libsql/client';
import { drizzle as drizzleLibsql } from 'drizzle-orm/libsql';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import Libsql from 'libsql';
import { drizzle } from 'turso-dialect/drizzle';

export const people = sqliteTable('people', {
  id: integer().primaryKey(),
  name: text().notNull(),
  age: integer().notNull(),
});

export const copies = sqliteTable('copies', {
  id: integer().primaryKey(),
  name: text().notNull(),
  age: integer().notNull(),
});

export const ROWS = 10_000;

/** @param {string} path */
export async function openAll(path) {
  const bare = new Libsql(path);
  bare.exec('PRAGMA journal_mode=wal; PRAGMA synchronous=normal');
  for (const table of ['people', 'copies']) {
    bare.exec(`CREATE TABLE ${table} (id INTEGER PRIMARY KEY, name TEXT NOT NULL, age INTEGER NOT NULL)`);
  }
  bare.exec(`
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS})
    INSERT INTO people SELECT i, 'name ' || i, i % 90 FROM n`);
  const client = createClient({ url: `file:${path}` });
  await client.execute('PRAGMA synchronous=normal');
  const theirs = drizzleLibsql({ client });
  const ours = drizzle(`file:${path}`);
  await ours.$client.ready();
  return { path, bare, client, theirs, ours, betterSqlite3: await openBetterSqlite3(path) };
}

/** Undefined where its native module was not built; its install script does not run here by default. */
async function openBetterSqlite3(path) {
  try {
    const { default: BetterSqlite3 } = await import('better-sqlite3');
    const database = new BetterSqlite3(path);
    database.pragma('synchronous=normal');
    const { drizzle: drizzleBetter } = await import('drizzle-orm/better-sqlite3');
    return drizzleBetter(database);
  } catch (error) {
    console.log(`better-sqlite3 is left out: ${String(error).split('\n')[0]}`);
    return undefined;
  }
}
