import { readdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { integer, sqliteTable } from 'drizzle-orm/sqlite-core';
import { expect, it } from 'vitest';
import { drizzle, migrate, nearest, vector } from '../../../src/dialect/drizzle/index.js';
import { openDatabase } from '../../support/database.js';
import { root, run, temporaryProject, writeFiles } from '../../package/support.js';

function schemaWith(options: string): string {
  return `
import { integer, sqliteTable } from 'drizzle-orm/sqlite-core';
import { vector, vector1bit, vector8, vector16, vector64, vectorb16, vectorIndex } from ${JSON.stringify(path.join(root, 'dist/dialect/drizzle/index.js'))};
export const notes = sqliteTable('notes', {
  id: integer().primaryKey(),
  embedding: vector({ dimensions: 3 }).notNull(),
  large: vector64('large_one', { dimensions: 2 }),
  half: vector16({ dimensions: 2 }),
  brain: vectorb16({ dimensions: 2 }),
  small: vector8({ dimensions: 2 }),
  bits: vector1bit({ dimensions: 9 }),
}, (table) => [vectorIndex('notes_embedding').on(table.embedding, ${options})]);
`;
}

it('drizzle-kit writes the columns and the index, which migrate and work', { timeout: 120_000 }, async () => {
  const project = temporaryProject({});
  symlinkSync(path.join(root, 'node_modules'), path.join(project, 'node_modules'));
  const migrationsFolder = path.join(project, 'drizzle');
  const database = openDatabase({ url: path.join(project, 'notes.db') });
  const db = drizzle({ client: database });
  const generate = async (options: string): Promise<string> => {
    writeFiles(project, { 'schema.ts': schemaWith(options) });
    const args = ['generate', '--dialect', 'sqlite', '--schema', './schema.ts', '--out', './drizzle'];
    const { code, output } = await run(path.join(root, 'node_modules/.bin/drizzle-kit'), args, project);
    expect(code === 0 ? 'ok' : output).toBe('ok');
    const [last] = readdirSync(migrationsFolder)
      .filter((name) => name.endsWith('.sql'))
      .toSorted()
      .slice(-1);
    return readFileSync(path.join(migrationsFolder, last ?? ''), 'utf8');
  };

  const options =
    "{ metric: 'l2', compressNeighbors: 'float8', maxNeighbors: 32, searchL: 100, insertL: 50, alpha: 1.5 }";
  const first = await generate(options);
  for (const type of [
    'F32_BLOB(3) NOT NULL',
    'F64_BLOB(2)',
    'F16_BLOB(2)',
    'FB16_BLOB(2)',
    'F8_BLOB(2)',
    'F1BIT_BLOB(9)',
  ]) {
    expect(first).toContain(type);
  }
  expect(first).toContain(
    `(libsql_vector_idx("embedding",'metric=l2','compress_neighbors=float8','max_neighbors=32','search_l=100','insert_l=50','alpha=1.5'))`,
  );
  expect((await migrate(db, { migrationsFolder })).applied).toHaveLength(1);

  const notes = sqliteTable('notes', {
    id: integer().primaryKey(),
    embedding: vector({ dimensions: 3 }).notNull(),
  });
  await db.insert(notes).values([
    { id: 1, embedding: Float32Array.of(1, 0, 0) },
    { id: 2, embedding: Float32Array.of(0, 1, 0) },
  ]);
  const search = { index: 'notes_embedding', k: 1, include: { id: notes.id } };
  expect(await nearest(db, notes.embedding, [0, 0.9, 0.1], search)).toMatchObject([{ id: 2 }]);

  // Nothing has changed, so nothing is written.
  await generate(options);
  expect(readdirSync(migrationsFolder).filter((name) => name.endsWith('.sql'))).toHaveLength(1);
  const second = await generate("{ metric: 'cosine' }");
  expect(second).toContain('DROP INDEX `notes_embedding`');
  expect((await migrate(db, { migrationsFolder })).applied).toHaveLength(1);
  expect(await nearest(db, notes.embedding, [0, 0.9, 0.1], { ...search, metric: 'cosine' })).toMatchObject([
    { id: 2 },
  ]);
});
