import { createHash } from 'node:crypto';
import path from 'node:path';
import Libsql from 'libsql';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Config } from '../../src/config.js';
import { type Database, open } from '../../src/database/database.js';
import { type MigrationOptions, type MigrationReport, runMigrations } from '../../src/database/migrate.js';
import type { Migration } from '../../src/database/migration-plan.js';
import type { Connection } from '../../src/engine/engine.js';
import { BusyError, ConfigError, DatabaseError, MigrationError } from '../../src/errors.js';
import { temporaryProject } from '../package/support.js';

const USERS = migration('0000_users', 1_000, 'CREATE TABLE users (id integer PRIMARY KEY, name text);');
const POSTS = migration(
  '0001_posts',
  2_000,
  'CREATE TABLE posts (id integer PRIMARY KEY, userId integer NOT NULL REFERENCES users(id) ON DELETE CASCADE);',
);
const SEED = migration(
  '0002_seed',
  3_000,
  "INSERT INTO users VALUES (1, 'Ada'), (2, 'Bob');--> statement-breakpoint\nINSERT INTO posts VALUES (1, 1), (2, 1), (3, 2);",
);
const CREATE_INDEX = 'CREATE INDEX i ON users (name);';
const DROP_INDEX = 'DROP INDEX i;';
const BLOG = [USERS, POSTS, SEED];

/** As drizzle-kit 0.31 writes it. */
const REBUILD = migration(
  '0003_rebuild',
  4_000,
  `PRAGMA foreign_keys=OFF;--> statement-breakpoint
CREATE TABLE \`__new_users\` (
	\`id\` integer PRIMARY KEY NOT NULL,
	\`name\` text NOT NULL
);
--> statement-breakpoint
INSERT INTO \`__new_users\`("id", "name") SELECT "id", "name" FROM \`users\`;--> statement-breakpoint
DROP TABLE \`users\`;--> statement-breakpoint
ALTER TABLE \`__new_users\` RENAME TO \`users\`;--> statement-breakpoint
PRAGMA foreign_keys=ON;`,
);

describe('migrations', () => {
  it('are applied in order and noted as Drizzle notes them', async () => {
    const { db, look } = openFile();
    const report = await runMigrations(db, BLOG);
    expect(report).toEqual({
      applied: ['0000_users', '0001_posts', '0002_seed'],
      skipped: 0,
      durationMs: expect.any(Number),
    });
    expect(look('SELECT * FROM users')).toEqual([
      [1, 'Ada'],
      [2, 'Bob'],
    ]);
    expect(look('SELECT id, hash, created_at FROM __drizzle_migrations')).toEqual(
      BLOG.map(({ sql, when }) => [null, sha256(sql), when]),
    );
  });

  it('are applied to a memory database', async () => {
    await using db = open(':memory:');
    expect(await applied(db, [...BLOG, REBUILD])).toHaveLength(4);
    expect(await applied(db, [...BLOG, REBUILD])).toEqual([]);
    expect((await db.execute('SELECT count(*) AS n FROM posts')).rows).toEqual([{ n: 3 }]);
    await expect(db.execute('INSERT INTO posts VALUES (9, 9)')).rejects.toThrow('FOREIGN KEY');
  });

  it('are seen by the statements that are prepared already', async () => {
    const { db } = openFile();
    await runMigrations(db, BLOG);
    const users = db.prepare('SELECT * FROM users ORDER BY id');
    expect(await users.get()).toEqual({ id: 1, name: 'Ada' });
    await runMigrations(db, [
      ...BLOG,
      migration('0003_age', 4_000, 'ALTER TABLE users ADD age integer DEFAULT 7'),
    ]);
    expect(await users.get()).toEqual({ id: 1, name: 'Ada', age: 7 });
  });

  it('are not applied twice, and then nothing is written or locked', async () => {
    const { db, bare, look } = openFile();
    await runMigrations(db, BLOG);
    const [before] = look('PRAGMA data_version');
    bare.exec('BEGIN IMMEDIATE');
    const again = await runMigrations(db, BLOG, { lockTimeout: 0 });
    bare.exec('ROLLBACK');
    expect(again).toMatchObject({ applied: [], skipped: 3 });
    expect(look('PRAGMA data_version')).toEqual([before]);
  });

  it('are applied even if older than the newest applied one', async () => {
    const { db, look } = openFile();
    const merged = migration('0001_merged', 1_500, 'CREATE TABLE merged (a);');
    await runMigrations(db, BLOG);
    expect(await applied(db, [USERS, merged, POSTS, SEED])).toEqual(['0001_merged']);
    expect(look('SELECT name FROM sqlite_master WHERE name = ?', 'merged')).toEqual([['merged']]);
  });

  it('are applied once each even if their texts are the same', async () => {
    const { db, look } = openFile();
    const first = [USERS, migration('1', 10, CREATE_INDEX), migration('2', 20, DROP_INDEX)];
    expect(await applied(db, first)).toEqual(['0000_users', '1', '2']);
    expect(await applied(db, [...first, migration('3', 30, CREATE_INDEX)])).toEqual(['3']);
    expect(look("SELECT count(*) FROM sqlite_master WHERE name = 'i'")).toEqual([[1]]);
  });

  it('may have been made at the same moment', async () => {
    const { db } = openFile();
    const twin = migration('0001_twin', USERS.when, 'CREATE TABLE twin (a);');
    expect(await applied(db, [USERS])).toEqual(['0000_users']);
    expect(await applied(db, [USERS, twin])).toEqual(['0001_twin']);
    expect(await applied(db, [USERS, twin])).toEqual([]);
  });

  it('count as applied when their journal was made anew with other times', async () => {
    const { db } = openFile();
    await runMigrations(db, BLOG);
    expect(
      await applied(
        db,
        BLOG.map((each) => ({ ...each, when: each.when + 77 })),
      ),
    ).toEqual([]);
  });

  it('that the database knows and the program does not are no concern', async () => {
    const { db } = openFile();
    await runMigrations(db, BLOG);
    expect(await applied(db, [USERS])).toEqual([]);
  });

  it('are recognised however the table stores their times', async () => {
    const { db, bare } = openFile();
    await runMigrations(db, BLOG);
    bare.exec(`
      CREATE TABLE other (id integer PRIMARY KEY, hash text, created_at);
      INSERT INTO other SELECT NULL, hash, CAST(created_at AS TEXT) FROM __drizzle_migrations WHERE created_at = 1000;
      INSERT INTO other SELECT NULL, hash, CAST(created_at AS REAL) FROM __drizzle_migrations WHERE created_at = 2000;
      INSERT INTO other SELECT NULL, hash, NULL FROM __drizzle_migrations WHERE created_at = 3000;
      INSERT INTO other SELECT NULL, hash, created_at FROM other;
    `);
    expect(await applied(db, BLOG, { migrationsTable: 'other' })).toEqual([]);
    const edited = { ...USERS, sql: 'CREATE TABLE people (a);' };
    await expect(applied(db, [edited], { migrationsTable: 'other' })).rejects.toThrow(MigrationError);
  });

  it('may be recorded under a hash of the caller', async () => {
    const { db, look } = openFile();
    await runMigrations(db, [{ ...USERS, hash: 'users-1' }]);
    expect(look('SELECT hash FROM __drizzle_migrations')).toEqual([['users-1']]);
    expect(await applied(db, [{ ...USERS, sql: 'SELECT 1', hash: 'users-1' }])).toEqual([]);
  });

  it('may have no statements', async () => {
    const { db, look } = openFile();
    const texts = [
      '',
      '-- Custom SQL migration file, put your code below! --',
      '--> statement-breakpoint\n;;',
    ];
    expect(
      await applied(
        db,
        texts.map((sql, index) => migration(`${index}`, index, sql)),
      ),
    ).toHaveLength(3);
    expect(look('SELECT count(*) FROM __drizzle_migrations')).toEqual([[3]]);
  });

  it('may hold triggers, several statements without breakpoints and a byte order mark', async () => {
    const { db, look } = openFile();
    const sql = `\uFEFFCREATE TABLE a (x); CREATE TABLE log (line text);
      CREATE TRIGGER a_log AFTER INSERT ON a BEGIN
        INSERT INTO log VALUES ('a; b');
        UPDATE a SET x = CASE x WHEN 1 THEN 2 END;
      END;
      INSERT INTO a VALUES (1) -- no semicolon
      --> statement-breakpoint
      INSERT INTO a VALUES (1);`;
    await runMigrations(db, [migration('0', 1, sql)]);
    expect(look('SELECT * FROM log')).toEqual([['a; b'], ['a; b']]);
  });

  it('must have names of their own', async () => {
    const { db } = openFile();
    await expect(runMigrations(db, [USERS, { ...POSTS, tag: USERS.tag }])).rejects.toThrow(
      'two migrations named',
    );
  });
});

describe('an edited migration', () => {
  const edited = { ...POSTS, sql: `${POSTS.sql} CREATE TABLE extra (a);`, file: 'drizzle/0001_posts.sql' };
  const later = migration('0004_later', 5_000, 'CREATE TABLE later (a);');

  it('is an error, and nothing is run', async () => {
    const { db, bare, look } = openFile();
    await runMigrations(db, BLOG);
    const [before] = look('PRAGMA data_version');
    const error = await failure(runMigrations(db, [USERS, edited, SEED, later]));
    expect(error.migration).toBe('0001_posts');
    expect(error.message).toMatch(
      /^migration 0001_posts \(drizzle\/0001_posts\.sql\) was edited after it was applied/,
    );
    expect(look('PRAGMA data_version')).toEqual([before]);
    expect(bare.inTransaction).toBe(false);
  });

  it("counts as applied with onChanged: 'ignore'", async () => {
    const { db, look } = openFile();
    await runMigrations(db, BLOG);
    expect(await applied(db, [USERS, edited, SEED, later], { onChanged: 'ignore' })).toEqual(['0004_later']);
    expect(look("SELECT name FROM sqlite_master WHERE name = 'extra'")).toEqual([]);
  });

  it('is found though another one now has the text that it had', async () => {
    const { db } = openFile();
    const empty = migration('0000_custom', 10, '-- Put your code below!');
    await runMigrations(db, [empty]);
    const filled = { ...empty, sql: 'CREATE TABLE a (x);' };
    const error = await failure(runMigrations(db, [filled, { ...empty, tag: '0001_custom', when: 20 }]));
    expect(error.migration).toBe('0000_custom');
  });

  it.each<[string, (sql: string) => string]>([
    ['a last line break', (sql) => `${sql}\n`],
    ['no last line break', (sql) => sql.trimEnd()],
    ['a licence', (sql) => `/* s\n * MIT */\n-- (c)\n\n${sql}`],
    ['spaces at the ends of lines', (sql) => sql.replaceAll('\n', '  \n')],
    ['a byte order mark and other line endings', (sql) => `\uFEFF${sql.replaceAll('\n', '\r\n')}`],
  ])('is not one that only got %s', async (_what, edit) => {
    const { db } = await openFile();
    const migration = { tag: '0000', when: 1, sql: 'create table t (\n  a\n);\n-- end\n' };
    await runMigrations(db, [migration]);
    const changed = { ...migration, sql: edit(migration.sql) };
    expect(await runMigrations(db, [changed])).toMatchObject({ applied: [], skipped: 1 });
    const other = { ...migration, sql: edit(migration.sql.replace('a', 'b')) };
    expect(await failure(runMigrations(db, [other]))).toBeInstanceOf(MigrationError);
  });

  it('is not one whose line endings changed', async () => {
    const { db } = openFile();
    const unix = [migration('0', 1, 'CREATE TABLE a (x);\n\nCREATE TABLE b (x);\n')];
    const windows = unix.map((each) => ({ ...each, sql: each.sql.replaceAll('\n', '\r\n') }));
    expect(await applied(db, windows)).toEqual(['0']);
    expect(await applied(db, unix)).toEqual([]);
    const { db: second } = openFile();
    expect(await applied(second, unix)).toEqual(['0']);
    expect(await applied(second, windows)).toEqual([]);
  });
});

describe('a failing migration', () => {
  const broken = {
    ...migration(
      '0003_broken',
      4_000,
      'CREATE TABLE half (a);--> statement-breakpoint\n\n  INSERT INTO nowhere VALUES (42);\n',
    ),
    file: 'drizzle/0003_broken.sql',
  };

  it('leaves nothing of itself, and those before it', async () => {
    const { db, look } = openFile();
    await failure(runMigrations(db, [...BLOG, broken]));
    expect(look("SELECT name FROM sqlite_master WHERE name = 'half'")).toEqual([]);
    expect(look('SELECT count(*) FROM __drizzle_migrations')).toEqual([[3]]);
    expect(await applied(db, [...BLOG, { ...broken, sql: 'CREATE TABLE half (a);' }])).toEqual([
      '0003_broken',
    ]);
  });

  it('is an error that names the file, the statement and its SQL', async () => {
    const { db } = openFile();
    const error = await failure(runMigrations(db, [...BLOG, broken]));
    expect(error.message).toBe(
      'migration 0003_broken (drizzle/0003_broken.sql), statement 2 of 2 (line 3, column 3): no such table: nowhere\n' +
        'INSERT INTO nowhere VALUES (42)',
    );
    expect(error).toMatchObject({
      name: 'MigrationError',
      code: 'MIGRATION_FAILED',
      kind: 'migration',
      migration: '0003_broken',
      statementIndex: 1,
      position: { offset: broken.sql.indexOf('INSERT'), line: 3, column: 3 },
      sql: 'INSERT INTO nowhere VALUES (42)',
      retryable: false,
      cause: { code: 'SQLITE_ERROR' },
    });
    expect(error.cause).toBeInstanceOf(DatabaseError);
  });

  it('leaves no table of migrations either, if it was the first', async () => {
    const { db, look } = openFile();
    await failure(runMigrations(db, [broken]));
    expect(look('SELECT name FROM sqlite_master')).toEqual([]);
  });

  it('leaves the database usable for others at once', async () => {
    const { db, bare } = openFile();
    await failure(runMigrations(db, [USERS, broken]));
    bare.exec("INSERT INTO users VALUES (7, 'other process')");
    const { rowsAffected } = await db.execute("INSERT INTO users VALUES (8, 'this one')");
    expect(rowsAffected).toBe(1);
  });

  it.each([
    ['a constraint', 'CREATE TABLE a (x UNIQUE); INSERT INTO a VALUES (1), (1);'],
    [
      'a constraint that ends the transaction',
      'CREATE TABLE a (x UNIQUE); INSERT OR ROLLBACK INTO a VALUES (1), (1);',
    ],
    ['a syntax error', 'CREATE TABLE a (x); CREATE TABEL b (x);'],
  ])('is undone when it meets %s', async (_what, sql) => {
    const { db, look } = openFile();
    expect(await failure(runMigrations(db, [USERS, migration('1', 2_000, sql)]))).toMatchObject({
      statementIndex: 1,
    });
    expect(look("SELECT name FROM sqlite_master WHERE name = 'a'")).toEqual([]);
  });

  it.each([
    ['a BEGIN with its COMMIT', 'PRAGMA foreign_keys=OFF; BEGIN; %; COMMIT; PRAGMA foreign_keys=ON'],
    ['BEGIN IMMEDIATE with END', 'BEGIN IMMEDIATE; %; END TRANSACTION; BEGIN; SELECT 1; COMMIT'],
    ['a pause in the middle', 'BEGIN; SELECT 1; COMMIT; PRAGMA foreign_keys=OFF; BEGIN; %; COMMIT'],
  ])('leaves out %s, which say what is done anyway', async (_what, text) => {
    const { db, look } = openFile();
    const sql = (create: string): string => text.replace('%', create);
    await runMigrations(db, [USERS, migration('1', 2_000, sql('CREATE TABLE a (x)'))]);
    expect(look("SELECT name FROM sqlite_master WHERE name = 'a'")).toEqual([['a']]);
    const broken2 = migration('2', 3_000, `${sql('CREATE TABLE b (x)')}; CREATE TABEL c (x)`);
    await failure(runMigrations(db, [USERS, migration('1', 2_000, sql('CREATE TABLE a (x)')), broken2]));
    expect(look("SELECT name FROM sqlite_master WHERE name = 'b'")).toEqual([]);
  });

  it('runs the savepoints that it ends itself', async () => {
    const { db, look } = openFile();
    const sql = `SAVEPOINT a; CREATE TABLE kept (x); SAVEPOINT "B"; CREATE TABLE undone (x); ROLLBACK TO SAVEPOINT b;
      RELEASE b; RELEASE SAVEPOINT A;`;
    await runMigrations(db, [USERS, migration('1', 2_000, sql)]);
    expect(look("SELECT name FROM sqlite_master WHERE name IN ('kept', 'undone')")).toEqual([['kept']]);
  });

  it('skips what other migrators need to turn foreign keys off', async () => {
    const { db, look } = openFile();
    const pause = (value: string): string => `COMMIT; PRAGMA foreign_keys=${value}; BEGIN IMMEDIATE;`;
    const sql = `${pause('OFF')}
      CREATE TABLE new_users (id integer PRIMARY KEY, name text NOT NULL);
      INSERT INTO new_users SELECT * FROM users; DROP TABLE users; ALTER TABLE new_users RENAME TO users;
      END TRANSACTION;--> statement-breakpoint
      PRAGMA foreign_keys=ON;--> statement-breakpoint
      BEGIN;`;
    const { applied } = await runMigrations(db, [...BLOG, migration('0003_by_hand', 4_000, sql)]);
    expect(applied).toHaveLength(4);
    expect(look('SELECT count(*) FROM posts')).toEqual([[3]]);
    expect(String(look("SELECT sql FROM sqlite_master WHERE name = 'users'"))).toContain('NOT NULL');
    const failing = migration('0004_fails', 5_000, `CREATE TABLE a (x); ${pause('OFF')} CREATE TABEL b (x);`);
    await failure(runMigrations(db, [...BLOG, migration('0003_by_hand', 4_000, sql), failing]));
    // It is one transaction all the same.
    expect(look("SELECT name FROM sqlite_master WHERE name = 'a'")).toEqual([]);
  });

  it.each([
    ['BEGIN', 'BEGIN controls a transaction'],
    ['COMMIT', 'COMMIT controls a transaction'],
    ['COMMIT; CREATE TABLE x (a); BEGIN', 'COMMIT controls a transaction'],
    ['ROLLBACK; BEGIN', 'ROLLBACK controls a transaction'],
    ['BEGIN; CREATE TABLE x (a); ROLLBACK', 'ROLLBACK controls a transaction'],
    ['BEGIN; CREATE TABLE x (a); COMMIT; CREATE TABLE y (a); COMMIT', 'COMMIT controls a transaction'],
    ['BEGIN; BEGIN; COMMIT', 'BEGIN controls a transaction'],
    ['SAVEPOINT a', 'SAVEPOINT controls a transaction'],
    ['SAVEPOINT a; RELEASE b', 'SAVEPOINT controls a transaction'],
    ['ROLLBACK TO a', 'ROLLBACK controls a transaction'],
    ['RELEASE a', 'RELEASE controls a transaction'],
    ['VACUUM', 'VACUUM can not be part of a transaction'],
    ["ATTACH ':memory:' AS other", 'ATTACH can not be part of a transaction'],
    ['PRAGMA journal_mode=delete', 'PRAGMA journal_mode can not be part of a migration'],
    ['PRAGMA synchronous=off', 'PRAGMA synchronous can not be part of a migration'],
    ['PRAGMA query_only=1', 'PRAGMA query_only can not be part of a migration'],
    ['EXPLAIN PRAGMA user_version=1', 'PRAGMA user_version can not be part of a migration'],
    ['INSERT INTO users VALUES (?, ?)', 'takes no parameters'],
    ["SELECT readfile('/etc/passwd')", 'readfile() is refused'],
    ['SELECT 1\0', 'the character U+0000'],
  ])('is refused before any is run when it holds %s', async (sql, message) => {
    const { db, look } = openFile();
    const error = await failure(runMigrations(db, [USERS, migration('0001_bad', 2_000, `SELECT 1; ${sql}`)]));
    expect(error.message).toContain(message);
    expect(error.migration).toBe('0001_bad');
    expect(look('SELECT name FROM sqlite_master')).toEqual([]);
  });
});

describe('pragmas in a migration', () => {
  it('that are stored in the database are kept or undone with it', async () => {
    const { db, look } = openFile();
    await runMigrations(db, [migration('0', 1, 'PRAGMA user_version=7; PRAGMA defer_foreign_keys=ON;')]);
    expect(look('PRAGMA user_version')).toEqual([[7]]);
    await failure(runMigrations(db, [migration('1', 2, 'PRAGMA user_version=8; SELECT nothing;')]));
    expect(look('PRAGMA user_version')).toEqual([[7]]);
  });

  it('that are settings of the connection end with it', async () => {
    await using db = open(':memory:');
    const legacy =
      'PRAGMA legacy_alter_table=ON; PRAGMA recursive_triggers=ON; CREATE TABLE t (a CHECK (a > 0));';
    const unchecked = 'PRAGMA ignore_check_constraints=ON; INSERT INTO t VALUES (-1);';
    await runMigrations(db, [migration('0', 1, legacy), migration('1', 2, unchecked)]);
    expect(await values(db, 'PRAGMA legacy_alter_table')).toEqual([[0]]);
    expect(await values(db, 'PRAGMA recursive_triggers')).toEqual([[0]]);
    await expect(db.execute('INSERT INTO t VALUES (-2)')).rejects.toThrow('CHECK');
    await failure(runMigrations(db, [migration('2', 3, 'PRAGMA legacy_alter_table=ON; SELECT nothing;')]));
    expect(await values(db, 'PRAGMA legacy_alter_table')).toEqual([[0]]);
  });
});

describe('foreign keys', () => {
  it('let a table be rebuilt without loss of the rows that reference it', async () => {
    const { db, look } = openFile();
    await runMigrations(db, BLOG);
    expect(await applied(db, [...BLOG, REBUILD])).toEqual(['0003_rebuild']);
    expect(look('SELECT id, userId FROM posts')).toEqual([
      [1, 1],
      [2, 1],
      [3, 2],
    ]);
    expect(look('SELECT sql FROM sqlite_master WHERE name = ?', 'posts')).toEqual([
      [expect.stringContaining('REFERENCES users(id)')],
    ]);
  });

  it('that a migration would break undo it and are listed', async () => {
    const { db, look } = openFile();
    await runMigrations(db, BLOG);
    const orphaning = migration('0003_orphans', 4_000, 'DELETE FROM users WHERE id = 1;');
    const error = await failure(runMigrations(db, [...BLOG, orphaning]));
    expect(error.violations).toEqual([
      { table: 'posts', rowid: 1, parent: 'users' },
      { table: 'posts', rowid: 2, parent: 'users' },
    ]);
    expect(error.message).toContain('migration 0003_orphans was undone');
    expect(error.message).toContain('\nposts, rowid 1: no row in users\nposts, rowid 2: no row in users');
    expect(look('SELECT count(*) FROM users')).toEqual([[2]]);
    expect(look('SELECT count(*) FROM __drizzle_migrations')).toEqual([[3]]);
  });

  it('that are broken many times are listed twenty times', async () => {
    const { db } = openFile();
    const many = migration(
      '0003_many',
      4_000,
      'INSERT INTO posts (userId) SELECT value + 100 FROM generate_series(1, 50)',
    );
    const error = await failure(runMigrations(db, [...BLOG, many]));
    expect(error.violations).toHaveLength(20);
    expect(error.message).toMatch(/and 30 more$/);
  });

  it('of a table without rowids are listed too', async () => {
    const { db } = openFile();
    const sql =
      'CREATE TABLE tags (name text PRIMARY KEY, userId REFERENCES users(id)) WITHOUT ROWID; INSERT INTO tags VALUES (1, 9)';
    const error = await failure(runMigrations(db, [...BLOG, migration('3', 4_000, sql)]));
    expect(error.violations).toEqual([{ table: 'tags', rowid: undefined, parent: 'users' }]);
  });

  it("are not looked at with foreignKeyCheck: 'off'", async () => {
    const { db, look } = openFile();
    const orphaning = migration('0003_orphans', 4_000, 'DELETE FROM users WHERE id = 1;');
    expect(await applied(db, [...BLOG, orphaning], { foreignKeyCheck: 'off' })).toHaveLength(4);
    expect(look('PRAGMA foreign_key_check')).toHaveLength(2);
  });

  it('that were broken before do not stand in the way', async () => {
    const { db, bare, look } = openFile();
    await runMigrations(db, BLOG);
    breakReferences(bare, 'INSERT INTO posts VALUES (90, 90), (91, 91)');
    expect(await applied(db, [...BLOG, REBUILD])).toEqual(['0003_rebuild']);
    expect(look('PRAGMA foreign_key_check')).toHaveLength(2);
    const swap = migration('4', 5_000, 'DELETE FROM posts WHERE id = 90; INSERT INTO posts VALUES (92, 92);');
    const error = await failure(runMigrations(db, [...BLOG, REBUILD, swap]));
    expect(error.violations).toEqual([{ table: 'posts', rowid: 92, parent: 'users' }]);
  });

  it('that were broken before are recognised when a rebuild numbers the rows anew', async () => {
    const { db, bare, look } = openFile();
    const marks = migration(
      '3',
      4_000,
      'CREATE TABLE marks (code text PRIMARY KEY, userId REFERENCES users(id)); INSERT INTO marks VALUES (1, 1), (2, 1)',
    );
    const rebuild = (tag: string, select: string): Migration =>
      migration(
        tag,
        5_000,
        `CREATE TABLE n (code text PRIMARY KEY, userId REFERENCES users(id)); INSERT INTO n ${select};
         DROP TABLE marks; ALTER TABLE n RENAME TO marks`,
      );
    await runMigrations(db, [...BLOG, marks]);
    breakReferences(bare, "DELETE FROM marks WHERE code = '1'; INSERT INTO marks VALUES ('9', 9)");
    const sorted = rebuild('4', 'SELECT * FROM marks ORDER BY code DESC');
    const worse = rebuild('5', "SELECT * FROM marks UNION ALL SELECT 'x', 99 ORDER BY code DESC");
    expect(await failure(runMigrations(db, [...BLOG, marks, worse]))).toMatchObject({ violations: [{}] });
    expect(look('PRAGMA foreign_key_check')).toMatchObject([['marks', 3, 'users', 0]]);
    expect(await applied(db, [...BLOG, marks, sorted])).toEqual(['4']);
    expect(look('PRAGMA foreign_key_check')).toMatchObject([['marks', 1, 'users', 0]]);
  });

  it.each([
    ['two integers', 'a INTEGER, code text, userId REFERENCES users(id), PRIMARY KEY (a, code)'],
    ['an INT', 'a INT PRIMARY KEY, code text, userId REFERENCES users(id)'],
  ])(
    'that were broken before are recognised where the key is %s, which no rowid is',
    async (_name, columns) => {
      const { db, bare, look } = openFile();
      const marks = migration(
        '3',
        4_000,
        `CREATE TABLE marks (${columns}); INSERT INTO marks VALUES (1, 'x', 1), (2, 'y', 1)`,
      );
      const rebuild = migration(
        '4',
        5_000,
        `CREATE TABLE n (${columns}); INSERT INTO n SELECT * FROM marks ORDER BY a DESC;
       DROP TABLE marks; ALTER TABLE n RENAME TO marks`,
      );
      await runMigrations(db, [...BLOG, marks]);
      breakReferences(bare, 'INSERT INTO marks VALUES (9, NULL, 9)');
      expect(await applied(db, [...BLOG, marks, rebuild])).toEqual(['4']);
      expect(look('PRAGMA foreign_key_check')).toMatchObject([['marks', 1, 'users', expect.any(Number)]]);
    },
  );

  it('that reference a missing table count as broken where there are rows', async () => {
    const { db } = openFile();
    const empty = migration('3', 4_000, 'CREATE TABLE a (b REFERENCES missing(id));');
    const filled = migration('4', 5_000, 'INSERT INTO a VALUES (1);');
    expect(await applied(db, [...BLOG, empty])).toContain('3');
    const error = await failure(runMigrations(db, [...BLOG, empty, filled]));
    expect(error.violations).toEqual([{ table: 'a', rowid: 1, parent: 'missing' }]);
  });

  it('that SQLite can not check are an error, but not if they were there before', async () => {
    const { db, bare } = openFile();
    const mismatch = migration('3', 4_000, 'CREATE TABLE a (b REFERENCES users(name));');
    const orphaning = migration('4', 5_000, 'DELETE FROM users WHERE id = 1;');
    const error = await failure(runMigrations(db, [...BLOG, mismatch]));
    expect(error.message).toContain('foreign key mismatch - "a" referencing "users"');
    expect(error.violations).toEqual([]);
    bare.exec('CREATE TABLE z (b REFERENCES users(name))');
    expect(await applied(db, [...BLOG, REBUILD])).toEqual(['0003_rebuild']);
    expect((await failure(runMigrations(db, [...BLOG, REBUILD, orphaning]))).violations).toHaveLength(2);
  });

  it.each([0, 1])('are put back to %i, also after a failure', async (setting) => {
    const config: Config = { url: ':memory:', pragmas: { foreign_keys: setting } };
    await using db = open(config);
    await runMigrations(db, [...BLOG, REBUILD]);
    expect(await values(db, 'PRAGMA foreign_keys')).toEqual([[setting]]);
    await failure(
      runMigrations(db, [...BLOG, REBUILD, migration('9', 9_000, 'PRAGMA foreign_keys=ON; SELECT nothing')]),
    );
    expect(await values(db, 'PRAGMA foreign_keys')).toEqual([[setting]]);
    const { db: file } = openFile({ pragmas: { foreign_keys: setting } });
    await runMigrations(file, [...BLOG, REBUILD]);
    expect(await lentSetting(file)).toBe(setting);
  });

  it('that can not be turned off forbid to drop a table', async () => {
    const { db, look } = openFile();
    const added = migration('3', 3_500, 'ALTER TABLE users ADD age integer; DROP INDEX IF EXISTS none;');
    await runMigrations(db, BLOG);
    ignoring(db, 'PRAGMA foreign_keys=OFF');
    const error = await failure(runMigrations(db, [...BLOG, added, REBUILD]));
    expect(error).toMatchObject({ migration: '0003_rebuild', statementIndex: 3, sql: 'DROP TABLE `users`' });
    expect(error.message).toContain('foreign keys could not be turned off');
    expect(look('SELECT count(*) FROM posts')).toEqual([[3]]);
    expect(look('SELECT count(*) FROM __drizzle_migrations')).toEqual([[4]]);
  });

  it('that can not be put back retire the connection', async () => {
    const { db } = openFile();
    ignoring(db, 'PRAGMA foreign_keys=1');
    await expect(runMigrations(db, BLOG)).rejects.toThrow('PRAGMA foreign_keys could not be set back to 1');
    expect(await lentSetting(db)).toBe(1);
    expect(await applied(db, [USERS])).toEqual([]);
  });
});

describe('several who migrate', () => {
  it('wait for whoever holds the lock', async () => {
    const { db, bare } = openFile({ busyTimeout: 0 });
    bare.exec('BEGIN IMMEDIATE');
    setTimeout(() => bare.exec('COMMIT'), 40);
    expect(await applied(db, BLOG)).toHaveLength(3);
  });

  it('give up after lockTimeout', async () => {
    const { db, bare, look } = openFile();
    await db.ready();
    bare.exec('BEGIN IMMEDIATE');
    await expect(runMigrations(db, BLOG, { lockTimeout: 20 })).rejects.toThrow(BusyError);
    bare.exec('COMMIT');
    expect(look('SELECT name FROM sqlite_master')).toEqual([]);
    expect(await lentSetting(db)).toBe(1);
  });

  it('find applied what another did while they waited', async () => {
    const { db, file, bare, look } = openFile();
    await runMigrations(db, [USERS]);
    bare.exec('BEGIN IMMEDIATE');
    const waiting = runMigrations(db, BLOG);
    await new Promise((resolve) => setTimeout(resolve, 20));
    bare.exec(
      `${POSTS.sql}; INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('${sha256(POSTS.sql)}', 2000)`,
    );
    bare.exec('COMMIT');
    expect(await waiting).toMatchObject({ applied: ['0002_seed'], skipped: 2 });
    expect(look('SELECT count(*) FROM __drizzle_migrations')).toEqual([[3]]);
    await using other = open(file);
    expect(await applied(other, BLOG)).toEqual([]);
  });

  it.each(['file', 'memory'])('in one process on a %s database apply each migration once', async (kind) => {
    const { file } = openFile();
    const first = open(kind === 'file' ? { url: file, busyTimeout: 1 } : ':memory:');
    const second = kind === 'file' ? open({ url: file, busyTimeout: 1 }) : first;
    const reports = await Promise.all([first, second, first, second].map((db) => runMigrations(db, BLOG)));
    expect(reports.flatMap((report) => report.applied).toSorted()).toEqual(BLOG.map(({ tag }) => tag));
    expect(reports.map(({ applied: tags, skipped }) => tags.length + skipped)).toEqual([3, 3, 3, 3]);
    await Promise.all([first.close(), second.close()]);
  });

  it('do not hang inside a transaction of their own', async () => {
    const { db } = openFile();
    await expect(db.transaction(() => runMigrations(db, BLOG))).rejects.toMatchObject({
      code: 'TRANSACTION_MISUSE',
    });
  });
});

describe('the table of migrations', () => {
  it.each(['my migrations', 'with "quotes"', "it's", 'select', 'dots.and[brackets]', 'ключ', '?'])(
    'may be called %s',
    async (migrationsTable) => {
      const { db, look } = openFile();
      expect(await applied(db, BLOG, { migrationsTable })).toHaveLength(3);
      expect(await applied(db, BLOG, { migrationsTable })).toEqual([]);
      expect(look('SELECT name FROM sqlite_master WHERE name = ?', migrationsTable)).toEqual([
        [migrationsTable],
      ]);
    },
  );

  it('must be one', async () => {
    const { db } = openFile();
    await runMigrations(db, BLOG);
    const error = await failure(runMigrations(db, BLOG, { migrationsTable: 'users' }));
    expect(error.message).toContain('"users" is not a table of migrations');
  });
});

describe('the options', () => {
  it.each([
    ['migrationTable', { migrationTable: 'a' }],
    ['migrationsTable', { migrationsTable: '' }],
    ['foreignKeyCheck', { foreignKeyCheck: true }],
    ['onChanged', { onChanged: 'warn' }],
    ['lockTimeout', { lockTimeout: -1 }],
  ])('are checked: %s', async (key, options) => {
    const { db } = openFile();
    const error: unknown = await runMigrations(db, BLOG, options as MigrationOptions).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ key });
  });
});

function migration(tag: string, when: number, sql: string): Migration {
  return { tag, when, sql };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A database in a file of its own, and a bare connection that looks at it from outside. */
function openFile(config: Omit<Config, 'url'> = {}) {
  const file = path.join(temporaryProject({}), 'test.db');
  const db = open({ url: file, ...config });
  const bare = new Libsql(file);
  onTestFinished(async () => {
    await db.close();
    bare.close();
  });
  const look = (sql: string, ...args: unknown[]): unknown[] =>
    bare
      .prepare(sql)
      .raw()
      .all(...args);
  return { db, file, bare, look };
}

async function applied(
  db: Database,
  migrations: readonly Migration[],
  options?: MigrationOptions,
): Promise<readonly string[]> {
  const report: MigrationReport = await runMigrations(db, migrations, options);
  return report.applied;
}

async function failure(run: Promise<unknown>): Promise<MigrationError> {
  const error: unknown = await run.then(
    () => new Error('it did not fail'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(MigrationError);
  return error as MigrationError;
}

async function values(db: Database, sql: string): Promise<unknown[][]> {
  return (await db.execute(sql, [], { rowMode: 'array' })).rows;
}

function breakReferences(bare: Libsql.Database, sql: string): void {
  bare.exec(`PRAGMA foreign_keys=OFF; ${sql}; PRAGMA foreign_keys=ON`);
}

/** What the connection that is lent next says about foreign keys. */
async function lentSetting(db: Database): Promise<unknown> {
  return await db.withConnection(async (connection) => {
    const [statement] = db.statements.all('PRAGMA foreign_keys');
    if (statement === undefined) throw new Error('no statement');
    return (await connection.execute(statement, [], { fetch: 'all' })).rows[0]?.[0];
  });
}

/** Makes the connections that are lent from now on behave as a server that ignores a pragma. */
function ignoring(db: Database, pragma: string): void {
  const withConnection = db.withConnection.bind(db);
  vi.spyOn(db, 'withConnection').mockImplementationOnce((use, abort) =>
    withConnection((connection: Connection) => {
      const control = connection.control.bind(connection);
      const spy = vi.spyOn(connection, 'control').mockImplementation((sql) => {
        if (sql !== pragma) return control(sql);
      });
      return use(connection).finally(() => spy.mockRestore());
    }, abort),
  );
}
