import { count, eq } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { drizzle } from 'turso-dialect/drizzle';

const entries = sqliteTable('entries', {
  id: integer().primaryKey({ autoIncrement: true }),
  node: text().notNull(),
  words: text().notNull(),
});

/** A guest book that every node of the cluster reads from its own disk. */
export interface Guestbook {
  /** Writes an entry at the server; when it is done this node sees it. */
  sign(words: string): Promise<void>;
  /** How many entries this node sees, its own and those of others. */
  size(): Promise<{ all: number; own: number }>;
  close(): Promise<void>;
}

/**
 * Opens the guest book of a node.
 *
 * @param node - its name
 * @param file - where its replica is kept
 * @param syncUrl - the server; for Turso Cloud `libsql://<database>-<organization>.turso.io`
 * @param authToken - not needed by a server that everybody may use
 */
export async function openGuestbook(
  node: string,
  file: string,
  syncUrl: string,
  authToken?: string,
): Promise<Guestbook> {
  const db = drizzle({
    connection: {
      url: file,
      syncUrl,
      ...(authToken === undefined ? {} : { authToken }),
      // What others write is here after a tenth of a second; what this node writes, at once.
      syncInterval: 0.1,
      afterWrite: 'await',
      // A node that starts while the server is away serves what it has.
      startup: 'serve-stale',
      onSyncError: (error) => console.error(`${node}: ${error.message}`),
    },
  });
  await db.$client.script(
    'create table if not exists entries (id integer primary key autoincrement, node text not null, words text not null)',
  );
  return {
    sign: async (words) => {
      await db.insert(entries).values({ node, words });
    },
    size: async () => {
      const [all] = await db.select({ n: count() }).from(entries);
      const [own] = await db.select({ n: count() }).from(entries).where(eq(entries.node, node));
      return { all: all?.n ?? 0, own: own?.n ?? 0 };
    },
    close: () => db.$client.close(),
  };
}
