import { eq, ne } from 'drizzle-orm';
import { insertMany, nearest, recall, type TursoDatabase } from 'turso-dialect/drizzle';
import { vectorIndexSql } from 'turso-dialect/vector';
import { words } from './schema.js';

/** A word with its embedding. */
export interface Word {
  readonly word: string;
  readonly embedding: Float32Array;
}

/** Creates the table; in an application drizzle-kit does it, with the index of `schema.ts`. */
export async function createTable(db: TursoDatabase): Promise<void> {
  await db.run(
    'create table words (id integer primary key, word text not null, embedding F32_BLOB(100) not null)',
  );
}

/** Builds the index after the rows are there, which takes as long as to fill it row by row, but later. */
export async function createIndex(db: TursoDatabase): Promise<void> {
  await db.run(vectorIndexSql('words_embedding', 'words', 'embedding', { compressNeighbors: 'float8' }));
}

export async function load(
  db: TursoDatabase,
  given: Iterable<Word>,
  onProgress?: (done: number) => void,
): Promise<number> {
  return await insertMany(db, words, given, onProgress === undefined ? {} : { onProgress });
}

/** The words whose meaning is nearest to that of a word, which is not among them. */
export async function similar(
  db: TursoDatabase,
  word: string,
  options: { k?: number; index?: 'auto' | false } = {},
): Promise<{ word: string; distance: number }[]> {
  const [found] = await db.select().from(words).where(eq(words.word, word));
  if (found === undefined) return [];
  return await nearest(db, words.embedding, found.embedding, {
    ...options,
    where: ne(words.word, word),
    include: { word: words.word },
  });
}

/** How many of the true ten nearest the index finds, and how long a search takes with it and without, in ms. */
export async function quality(db: TursoDatabase, queries: number): ReturnType<typeof recall> {
  return await recall(db, words.embedding, { k: 10, queries });
}
