import { readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { connectSecond, openDatabase, type SecondConnection } from '../support/database.js';
import { root, run, temporaryProject, writeFiles } from './support.js';

// What docs/drizzle-kit.md says of drizzle-kit itself.

const WITH_VECTORS = `
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { vector, vectorIndex } from ${JSON.stringify(path.join(root, 'dist/dialect/drizzle/index.js'))};
export const notes = sqliteTable('notes', {
  id: integer().primaryKey(),
  text: text(),
  embedding: vector({ dimensions: 3 }).notNull(),
}, (table) => [vectorIndex('notes_embedding').on(table.embedding)]);
`;
const WITHOUT_VECTORS = `
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
export const users = sqliteTable('users', { id: integer().primaryKey(), name: text(), age: integer() });
`;
const TABLES = `
  create table notes (id integer primary key, text text, embedding F32_BLOB(3));
  create index notes_embedding on notes (libsql_vector_idx(embedding));
  insert into notes values (1, 'a', vector32('[1,2,3]'));
  create virtual table notes_fts using fts5(text);
  create table users (id integer primary key not null, name text);
`;

interface Project {
  readonly folder: string;
  kit(command: 'push' | 'pull', config: object): Promise<{ code: number; output: string }>;
  look(): SecondConnection;
}

function project(): Project {
  const folder = temporaryProject({ 'schema.ts': WITH_VECTORS, 'other.ts': WITHOUT_VECTORS });
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  return {
    folder,
    kit: async (command, config) => {
      const all = { schema: './schema.ts', out: './out', dbCredentials: { url: 'file:kit.db' }, ...config };
      writeFiles(folder, { 'drizzle.config.ts': `export default ${JSON.stringify(all)};` });
      const args = command === 'push' ? ['push', '--force'] : ['pull'];
      return await run(path.join(root, 'node_modules/.bin/drizzle-kit'), args, folder);
    },
    look: () => connectSecond(path.join(folder, 'kit.db')),
  };
}

describe('drizzle-kit', { timeout: 90_000 }, () => {
  it.each([
    ['sqlite', 0],
    ['turso', 1],
  ] as const)('pushes vectors with dialect %s once, and not again', async (dialect, indexes) => {
    const { kit, look } = project();
    expect((await kit('push', { dialect })).output).toContain('Changes applied');
    const { output } = await kit('push', { dialect });
    expect(output).toContain('SQLITE_ERROR');
    expect(look().value("select count(*) from sqlite_master where name = 'notes_embedding'")).toBe(indexes);
  });

  it('pushes other tables when those of vectors and words are hidden', async () => {
    const { folder, kit, look } = project();
    await openDatabase({ url: path.join(folder, 'kit.db') }).script(TABLES);
    const config = {
      dialect: 'turso',
      schema: './other.ts',
      tablesFilter: ['!notes', '!notes_*', '!*_shadow'],
    };
    expect((await kit('push', config)).output).toContain('Changes applied');
    expect((await kit('push', config)).output).toContain('No changes detected');
    const database = look();
    expect(database.rows("select name from pragma_table_info('users')")).toEqual([['id'], ['name'], ['age']]);
    expect(database.rows("select id from vector_top_k('notes_embedding', vector32('[1,2,3]'), 1)")).toEqual([
      [1],
    ]);
  });

  it('pulls without the tables of the engine when they are hidden', async () => {
    const { folder, kit } = project();
    await openDatabase({ url: path.join(folder, 'kit.db') }).script(TABLES);
    const tablesFilter = ['!*_shadow', '!*_fts', '!*_fts_*'];
    const { code, output } = await kit('pull', { dialect: 'turso', tablesFilter });
    expect(code === 0 ? '' : output).toBe('');
    const schema = readFileSync(path.join(folder, 'out/schema.ts'), 'utf8');
    expect([...schema.matchAll(/sqliteTable\("(\w+)"/g)].map(([, name]) => name)).toEqual(['notes', 'users']);
    expect(schema).toContain('embedding: numeric()');
    expect(schema).toContain('index("notes_embedding").on()');
  });
});
