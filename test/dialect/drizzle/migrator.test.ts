import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { drizzle } from 'drizzle-orm/libsql';
import { migrate as migrateByDrizzle } from 'drizzle-orm/libsql/migrator';
import { build } from 'esbuild';
import Libsql from 'libsql';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Database, open } from '../../../src/database/database.js';
import { type MigrateConfig, type Migration, migrate } from '../../../src/dialect/drizzle/migrator.js';
import { ConfigError, MigrationError } from '../../../src/errors.js';
import { root, run, runNode, temporaryProject, writeFiles } from '../../package/support.js';

/** drizzle-kit's folder: two tables, a rebuild of the parent as drizzle-kit writes it, and one written by hand. */
const BLOG = path.join(root, 'test/fixtures/migrations/blog');
const TAGS = ['0000_tables', '0001_rebuild', '0002_by_hand'];
const JOURNAL = 'meta/_journal.json';

describe("migrate() with drizzle-kit's folder", () => {
  it('applies what the database has not seen, and tells what it did', async () => {
    const { db, look } = openFile();
    expect(await migrate(db, { migrationsFolder: BLOG })).toEqual({
      applied: TAGS,
      skipped: 0,
      durationMs: expect.any(Number),
    });
    expect(await migrate(db, { migrationsFolder: BLOG })).toMatchObject({ applied: [], skipped: 3 });
    expect(look("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite%' ORDER BY name")).toEqual(
      ['__drizzle_migrations', 'log', 'posts', 'posts_title', 'users', 'users_log'].map((name) => [name]),
    );
  });

  it('keeps the rows that reference a table that is rebuilt', async () => {
    const { db, look } = openFile();
    const { folder, entries } = copyOfBlog();
    writeJournal(folder, entries.slice(0, 1));
    await migrate(db, { migrationsFolder: folder });
    await db.$client.script(
      "INSERT INTO users VALUES (1, 'Ada'); INSERT INTO posts VALUES (1, 1, 'a'), (2, 1, 'b')",
    );
    writeJournal(folder, entries);
    await migrate(db, { migrationsFolder: folder });
    expect(look('SELECT id, userId FROM posts')).toEqual([
      [1, 1],
      [2, 1],
    ]);
    expect(look('SELECT * FROM users')).toEqual([[1, 'Ada', 0]]);
    await expect(db.$client.execute('INSERT INTO posts VALUES (3, 99, NULL)')).rejects.toThrow('FOREIGN KEY');
  });

  it('applies a migration that a merge put before the newest applied one', async () => {
    const { db } = openFile();
    const { folder, entries } = copyOfBlog();
    writeJournal(
      folder,
      entries.filter(({ tag }) => tag !== '0001_rebuild'),
    );
    writeFiles(folder, { '0002_by_hand.sql': 'CREATE TABLE log (line text);' });
    expect((await migrate(db, { migrationsFolder: folder })).applied).toEqual([
      '0000_tables',
      '0002_by_hand',
    ]);
    writeJournal(folder, entries);
    expect((await migrate(db, { migrationsFolder: folder })).applied).toEqual(['0001_rebuild']);
  });

  it('reports an edited file by its path', async () => {
    const { db } = openFile();
    const { folder } = copyOfBlog();
    await migrate(db, { migrationsFolder: folder });
    writeFiles(folder, { '0001_rebuild.sql': 'SELECT 1;' });
    const error = await failure(migrate(db, { migrationsFolder: folder }));
    expect(error.message).toContain(`(${folder}/0001_rebuild.sql) was edited`);
    expect(await migrate(db, { migrationsFolder: folder, onChanged: 'ignore' })).toMatchObject({
      skipped: 3,
    });
  });

  it('takes a checkout with other line endings for the same', async () => {
    const { db } = openFile();
    const { folder } = copyOfBlog();
    await migrate(db, { migrationsFolder: folder });
    for (const tag of TAGS) {
      const file = path.join(folder, `${tag}.sql`);
      writeFileSync(file, readFileSync(file, 'utf8').replaceAll('\n', '\r\n'));
    }
    expect(await migrate(db, { migrationsFolder: folder })).toMatchObject({ applied: [], skipped: 3 });
    const { db: second } = openFile();
    expect(await migrate(second, { migrationsFolder: folder })).toMatchObject({ applied: TAGS });
    expect(await migrate(second, { migrationsFolder: BLOG })).toMatchObject({ applied: [], skipped: 3 });
  });

  it('says which file is missing or wrong', async () => {
    const { db, look } = openFile();
    const { folder, entries } = copyOfBlog();
    const message = async (): Promise<string> =>
      (await failure(migrate(db, { migrationsFolder: folder }))).message;
    writeJournal(folder, [...entries, { tag: '0003_lost', when: 1 }]);
    expect(await message()).toBe(
      `the journal lists migration 0003_lost, but its file ${folder}/0003_lost.sql is missing`,
    );
    writeJournal(folder, [...entries, { tag: '0003_timeless' }]);
    expect(await message()).toContain('entry 3 of the journal');
    writeFiles(folder, { [JOURNAL]: '{' });
    const broken = await failure(migrate(db, { migrationsFolder: folder }));
    expect(broken.message).toContain('is not JSON');
    expect(broken.cause).toBeInstanceOf(SyntaxError);
    writeFiles(folder, { [JOURNAL]: 'null' });
    expect(await message()).toContain('has no "entries"');
    const empty = temporaryProject({});
    const error = await failure(migrate(db, { migrationsFolder: empty }));
    expect(error.message).toBe(
      `${empty} is no folder of drizzle-kit's migrations: its journal ${empty}/${JOURNAL} is missing`,
    );
    expect(error.cause).toMatchObject({ code: 'ENOENT' });
    expect(look('SELECT name FROM sqlite_master')).toEqual([]);
  });
});

describe('migrate() with migrations of the program', () => {
  const migrations: Migration[] = readBlog();

  it('applies them, also to a memory database', async () => {
    await using client = open(':memory:');
    expect(await migrate({ $client: client }, { migrations })).toMatchObject({ applied: TAGS });
    expect((await client.execute('SELECT count(*) AS n FROM __drizzle_migrations')).rows).toEqual([{ n: 3 }]);
  });

  it("knows what was applied from drizzle-kit's folder", async () => {
    const { db } = openFile();
    await migrate(db, { migrationsFolder: BLOG });
    expect(await migrate(db, { migrations })).toMatchObject({ applied: [], skipped: 3 });
  });

  it.each([
    ['migrationsFolder', {}],
    ['migrationsFolder', { migrationsFolder: BLOG, migrations: [] }],
    ['migrationsFolder', { migrationsFolder: '' }],
    ['migrations', { migrations: {} }],
    ['migrations[0]', { migrations: [null] }],
    ['migrations[1]', { migrations: [migrations[0], { tag: 'a', when: NaN, sql: '' }] }],
    ['migrations[0]', { migrations: [{ tag: 'a', when: 1 }] }],
    ['migrationFolder', { migrations: [], migrationFolder: BLOG }],
  ])('refuses a wrong %s: %j', async (key, config) => {
    const { db } = openFile();
    const error: unknown = await migrate(db, config as MigrateConfig).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ key });
  });
});

describe("together with Drizzle's own migrator", () => {
  it('goes on where that left off', async () => {
    const { db, file, look } = openFile();
    const { folder, entries } = copyOfBlog();
    writeJournal(folder, entries.slice(0, 2));
    await byDrizzle(file, folder);
    writeJournal(folder, entries);
    expect(await migrate(db, { migrationsFolder: folder })).toMatchObject({
      applied: ['0002_by_hand'],
      skipped: 2,
    });
    expect(look('SELECT id, created_at FROM __drizzle_migrations')).toEqual(
      entries.map(({ when }) => [null, when]),
    );
  });

  it('lets that go on, with the same table', async () => {
    const { db, file, look } = openFile();
    const { folder, entries } = copyOfBlog();
    writeFiles(folder, { '0002_by_hand.sql': 'CREATE TABLE log (line text);' });
    writeJournal(folder, entries.slice(0, 2));
    await migrate(db, { migrationsFolder: folder });
    writeJournal(folder, entries);
    await byDrizzle(file, folder);
    const { file: other, look: lookAtOther } = openFile();
    await byDrizzle(other, folder);
    const rows = 'SELECT * FROM __drizzle_migrations';
    expect(look(rows)).toEqual(lookAtOther(rows));
    const columns =
      'SELECT name, upper(type), pk, dflt_value, "notnull" FROM pragma_table_info(\'__drizzle_migrations\')';
    expect(look(columns)).toEqual(lookAtOther(columns));
    expect(await migrate(db, { migrationsFolder: folder })).toMatchObject({ applied: [], skipped: 3 });
  });

  it('applies what that passed over', async () => {
    const { db, file } = openFile();
    const { folder, entries } = copyOfBlog();
    writeFiles(folder, { '0002_by_hand.sql': 'CREATE TABLE log (line text);' });
    writeJournal(
      folder,
      entries.filter(({ tag }) => tag !== '0001_rebuild'),
    );
    await byDrizzle(file, folder);
    writeJournal(folder, entries);
    await byDrizzle(file, folder);
    expect(await migrate(db, { migrationsFolder: folder })).toMatchObject({ applied: ['0001_rebuild'] });
  });
});

describe('several processes that start together', () => {
  it('apply each migration once and all succeed', { timeout: 60_000 }, async () => {
    const { file, look } = openFile();
    const child = await buildChild();
    const start = Date.now() + 700;
    const outcomes = await Promise.all(
      Array.from({ length: 5 }, () => runNode([child, file, BLOG, String(start)])),
    );
    expect(outcomes.map(({ code, output }) => (code === 0 ? 'ok' : output))).toEqual(Array(5).fill('ok'));
    const reports = outcomes.map(
      ({ stdout }) => JSON.parse(stdout) as { applied: string[]; skipped: number },
    );
    expect(reports.flatMap(({ applied }) => applied).toSorted()).toEqual(TAGS);
    expect(reports.map(({ applied, skipped }) => applied.length + skipped)).toEqual(Array(5).fill(3));
    expect(look('SELECT created_at FROM __drizzle_migrations')).toHaveLength(3);
  });
});

describe('a folder in the layout of drizzle-kit 1.0', () => {
  it('is read in the order of its times', async () => {
    const { db, look } = openFile();
    const project = temporaryProject({});
    writeFiles(project, {
      'drizzle/20251130000000_second/migration.sql': 'insert into t values (1)',
      'drizzle/20251129013000_first/migration.sql': 'create table t (a)',
      'drizzle/20251129013000_first/snapshot.json': '{}',
    });
    const migrationsFolder = path.join(project, 'drizzle');
    const report = await migrate(db, { migrationsFolder });
    expect(report).toMatchObject({ applied: ['20251129013000_first', '20251130000000_second'] });
    expect(look('select a from t')).toEqual([[1]]);
    expect(look('select created_at from __drizzle_migrations order by 1')).toEqual([
      [Date.UTC(2025, 10, 29, 1, 30)],
      [Date.UTC(2025, 10, 30)],
    ]);
    expect(await migrate(db, { migrationsFolder })).toMatchObject({ applied: [], skipped: 2 });
    writeFiles(project, { 'drizzle/20251201000000_third/snapshot.json': '{}' });
    await expect(migrate(db, { migrationsFolder })).rejects.toThrow(/20251201000000_third has no SQL/);
  });
});

describe('what drizzle-kit generates', () => {
  it.each(['sqlite', 'turso'])(
    'is applied step by step (dialect %s)',
    { timeout: 120_000 },
    async (dialect) => {
      const { db, look } = openFile();
      const project = temporaryProject({});
      symlinkSync(path.join(root, 'node_modules'), path.join(project, 'node_modules'));
      const migrationsFolder = path.join(project, 'drizzle');
      const generate = async (name: string, users: string): Promise<readonly string[]> => {
        writeFiles(project, { 'schema.ts': schemaWith(users) });
        const args = [
          'generate',
          '--dialect',
          dialect,
          '--schema',
          './schema.ts',
          '--out',
          './drizzle',
          '--name',
          name,
        ];
        const { code, output } = await run(path.join(root, 'node_modules/.bin/drizzle-kit'), args, project);
        expect(code === 0 ? 'ok' : output).toBe('ok');
        return (await migrate(db, { migrationsFolder })).applied;
      };

      expect(await generate('first', 'name: text().notNull()')).toEqual(['0000_first']);
      await db.$client.script("INSERT INTO users VALUES (1, 'Ada'); INSERT INTO posts VALUES (1, 1), (2, 1)");
      // One change at a time: drizzle-kit 0.31 makes SQL that no database takes of some that come together.
      expect(await generate('nullable', 'name: text()')).toEqual(['0001_nullable']);
      expect(await generate('age', 'name: text(), age: integer().notNull().default(3)')).toEqual([
        '0002_age',
      ]);
      expect(await generate('unique', 'name: text().unique(), age: integer().notNull().default(3)')).toEqual([
        '0003_unique',
      ]);
      const rebuilt = readFileSync(path.join(migrationsFolder, '0001_nullable.sql'), 'utf8').includes(
        'DROP TABLE',
      );
      expect(rebuilt).toBe(dialect === 'sqlite');
      expect(look('SELECT * FROM users')).toEqual([[1, 'Ada', 3]]);
      expect(look('SELECT * FROM posts')).toEqual([
        [1, 1],
        [2, 1],
      ]);
      expect(look('PRAGMA foreign_key_check')).toEqual([]);
      await expect(db.$client.execute("INSERT INTO users VALUES (2, 'Ada', 0)")).rejects.toThrow('UNIQUE');
      await expect(db.$client.execute('INSERT INTO posts VALUES (3, 9)')).rejects.toThrow('FOREIGN KEY');
    },
  );
});

interface Entry {
  readonly tag: string;
  readonly when?: number;
}

/** A database in a file of its own, and a bare connection that looks at it from outside. */
function openFile() {
  const file = path.join(temporaryProject({}), 'test.db');
  const client: Database = open(file);
  const bare = new Libsql(file);
  onTestFinished(async () => {
    await client.close();
    bare.close();
  });
  const look = (sql: string): unknown[] => bare.prepare(sql).raw().all();
  return { db: { $client: client }, file, look };
}

function copyOfBlog(): { folder: string; entries: readonly Entry[] } {
  const folder = temporaryProject({});
  cpSync(BLOG, folder, { recursive: true });
  return { folder, entries: readJournal() };
}

function readJournal(): Required<Entry>[] {
  const journal = JSON.parse(readFileSync(path.join(BLOG, JOURNAL), 'utf8')) as {
    entries: Required<Entry>[];
  };
  return journal.entries;
}

function readBlog(): Migration[] {
  return readJournal().map(({ tag, when }) => ({
    tag,
    when,
    sql: readFileSync(path.join(BLOG, `${tag}.sql`), 'utf8'),
  }));
}

function writeJournal(folder: string, entries: readonly Entry[]): void {
  writeFiles(folder, { [JOURNAL]: JSON.stringify({ version: '7', dialect: 'sqlite', entries }) });
}

async function byDrizzle(file: string, migrationsFolder: string): Promise<void> {
  const db = drizzle(`file:${file}`);
  try {
    await migrateByDrizzle(db, { migrationsFolder });
  } finally {
    db.$client.close();
  }
}

function schemaWith(users: string): string {
  return `
    import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
    export const users = sqliteTable('users', { id: integer().primaryKey(), ${users} });
    export const posts = sqliteTable('posts', {
      id: integer().primaryKey(),
      userId: integer().notNull().references(() => users.id, { onDelete: 'cascade' }),
    });`;
}

/** A program that migrates a file at a given time and prints the report. */
async function buildChild(): Promise<string> {
  const folder = temporaryProject({});
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  const outfile = path.join(folder, 'child.mjs');
  const contents = `
    import { open } from './src/index.ts';
    import { migrate } from './src/dialect/drizzle/migrator.ts';
    const [file, migrationsFolder, start] = process.argv.slice(2);
    await new Promise((resolve) => setTimeout(resolve, Number(start) - Date.now()));
    const client = open(file);
    console.log(JSON.stringify(await migrate({ $client: client }, { migrationsFolder })));
    await client.close();`;
  await build({
    stdin: { contents, resolveDir: root, loader: 'ts' },
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'silent',
  });
  return outfile;
}

async function failure(running: Promise<unknown>): Promise<MigrationError> {
  const error: unknown = await running.then(
    () => new Error('it did not fail'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(MigrationError);
  return error as MigrationError;
}
