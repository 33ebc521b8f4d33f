import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { vector, vectorIndex } from 'turso-dialect/drizzle';

export const DIMENSIONS = 100;

export const words = sqliteTable(
  'words',
  {
    id: integer().primaryKey(),
    word: text().notNull(),
    embedding: vector({ dimensions: DIMENSIONS }).notNull(),
  },
  // A quarter of the size of an index that is not compressed, and finds as much.
  (table) => [vectorIndex('words_embedding').on(table.embedding, { compressNeighbors: 'float8' })],
);
