import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
  openSync,
  writeSync,
  closeSync,
} from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { getLoadablePath } from 'sqlite-vec';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Database } from '../../src/database/database.js';
import { drizzle, migrate } from '../../src/dialect/drizzle/index.js';
import { openDatabase, openFile, temporaryFile } from '../support/database.js';
import { failure } from '../support/outcome.js';
import { replicaScene } from '../support/replica.js';

const ROWS = 'create table t (a); insert into t values (1), (2)';

async function rowsIn(file: string): Promise<unknown> {
  const copy = openDatabase({ url: file });
  return (await copy.execute('select count(*) as n from t')).rows[0]?.['n'];
}

/** The files beside one, in order. */
function beside(file: string): string[] {
  return readdirSync(path.dirname(file)).toSorted();
}

/** Works in the folder of a file until the test ends. */
function workBeside(file: string): void {
  const before = process.cwd();
  process.chdir(path.dirname(file));
  onTestFinished(() => process.chdir(before));
}

describe('the path of a copy', () => {
  it('may be a file URL, as in config.url', async () => {
    const { db, file } = await openFile(ROWS);
    workBeside(file);
    await db.copyTo('file:relative.db');
    await db.copyTo(pathToFileURL(`${file} with space.db`).href);
    await db.copyTo('file:file%3Ax.db');
    await db.copyTo('./file:y.db');
    await db.copyTo('plain#name?.db');
    for (const name of ['relative.db', 'test.db with space.db', 'file:x.db', 'file:y.db', 'plain#name?.db']) {
      expect(statSync(name).isFile()).toBe(true);
      expect(await rowsIn(`./${name}`)).toBe(2);
    }
    expect(beside(file).some((name) => name.includes('draft'))).toBe(false);
  });

  it('may be a file URL for freeze()', async () => {
    const { open, folder, add } = await replicaScene();
    await add('a');
    const replica = open();
    await replica.sync();
    await replica.freeze(pathToFileURL(path.join(folder, 'frozen.db')).href);
    const copy = openDatabase({ url: path.join(folder, 'frozen.db') });
    expect((await copy.execute('select name from items')).rows).toEqual([{ name: 'a' }]);
    for (const bad of ['', ':memory:', 'http://a/b', 'file:x?mode=ro', 7 as never])
      expect((await failure(replica.freeze(bad))).kind).toBe('parameter');
  });

  it('is refused where it means no file', async () => {
    const { db, file } = await openFile(ROWS);
    workBeside(file);
    for (const bad of [
      '',
      ':memory:',
      'file:',
      'file:x?mode=ro',
      'file:x#y',
      'libsql://a/b',
      'file:%ff',
      'file:a%00b',
      7 as never,
    ])
      expect((await failure(db.copyTo(bad))).kind).toBe('parameter');
    expect(beside(file).every((name) => name.startsWith('test.db'))).toBe(true);
  });

  it('is a file URL for extensions and migrations too', async () => {
    const extension = pathToFileURL(getLoadablePath()).href;
    const db = openDatabase({ url: ':memory:', extensions: [extension] });
    expect((await db.execute('select vec_version() as v')).rows).toHaveLength(1);
    const file = temporaryFile();
    mkdirSync(path.join(path.dirname(file), 'meta'));
    const journal = { entries: [{ idx: 0, when: 1, tag: 'one', breakpoints: true }] };
    writeFileSync(path.join(path.dirname(file), 'meta/_journal.json'), JSON.stringify(journal));
    writeFileSync(path.join(path.dirname(file), 'one.sql'), 'create table t (a)');
    const migrated = drizzle(':memory:');
    onTestFinished(() => migrated.$client.close());
    const migrationsFolder = pathToFileURL(path.dirname(file)).href;
    expect(await migrate(migrated, { migrationsFolder })).toMatchObject({ applied: ['one'] });
  });
});

describe('the file that is copied', () => {
  it('is the one that was opened, where its path is a link', async () => {
    const { file } = await openFile(ROWS);
    const link = temporaryFile('link.db');
    symlinkSync(file, link);
    const db = openDatabase({ url: link });
    await db.execute('insert into t values (3)');
    expect(statSync(`${file}-wal`).size).toBeGreaterThan(0);
    await db.copyTo(`${link}.copy`);
    expect(await rowsIn(`${link}.copy`)).toBe(3);
  });

  it('is the one that was opened, whatever the folder of the process is later', async () => {
    const file = temporaryFile();
    workBeside(file);
    const db = openDatabase({ url: 'here.db' });
    await db.script(ROWS);
    workBeside(temporaryFile());
    await db.copyTo(path.join(path.dirname(file), 'copy.db'));
    expect(await rowsIn(path.join(path.dirname(file), 'copy.db'))).toBe(2);
    // A transaction has a connection of its own.
    await db.transaction(async (tx) => {
      expect((await tx.execute('select a from t')).rows).toHaveLength(2);
    });
    expect(existsSync('here.db')).toBe(false);
  });
});

describe('a copy on its way', () => {
  it('leaves alone what lies beside it, and follows no link', async () => {
    const { db, file } = await openFile(ROWS);
    const to = `${file}.copy`;
    const victim = `${file}.victim`;
    writeFileSync(victim, 'precious');
    symlinkSync(victim, `${to}.draft`);
    for (const suffix of ['-wal', '-shm', '-journal']) writeFileSync(`${to}.draft${suffix}`, 'precious');
    await db.copyTo(to);
    expect(await rowsIn(to)).toBe(2);
    for (const one of [victim, `${to}.draft-wal`, `${to}.draft-shm`, `${to}.draft-journal`])
      expect(readFileSync(one, 'utf8')).toBe('precious');
  });

  it('replaces nothing: no dangling link, no log of an older file', async () => {
    const { db, file } = await openFile(ROWS);
    symlinkSync(`${file}.nowhere`, `${file}.link`);
    writeFileSync(`${file}.old-wal`, 'an old log');
    const before = beside(file);
    for (const to of [`${file}.link`, `${file}.old`]) {
      const error = await failure(db.copyTo(to));
      expect(error.kind).toBe('io');
      expect(error.message).toMatch(/exists already/);
    }
    expect(beside(file)).toEqual(before);
  });

  it('replaces nothing that came while it was made', async () => {
    const { db, file } = await openFile(ROWS);
    const copying = db.copyTo(`${file}.copy`);
    writeFileSync(`${file}.copy`, 'mine');
    expect((await failure(copying)).message).toMatch(/exists already/);
    expect(readFileSync(`${file}.copy`, 'utf8')).toBe('mine');
    expect(beside(file).some((name) => name.includes('draft'))).toBe(false);
  });

  it('is made twice at a time for one path, and one of them is kept', async () => {
    const { db, file } = await openFile(ROWS);
    const results = await Promise.allSettled([db.copyTo(`${file}.copy`), db.copyTo(`${file}.copy`)]);
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(await rowsIn(`${file}.copy`)).toBe(2);
    expect(beside(file).some((name) => name.includes('draft'))).toBe(false);
  });
});

describe('a copy is checked', () => {
  it('and is none when a page of the file is damaged', async () => {
    const { db, file } = await openFile(
      'create table t (a); insert into t select randomblob(2000) from generate_series(1, 200)',
      { pragmas: { journal_mode: 'delete' } },
    );
    const descriptor = openSync(file, 'r+');
    writeSync(descriptor, Buffer.alloc(4096, 0xee), 0, 4096, 4096 * 20);
    closeSync(descriptor);
    const error = await failure(db.copyTo(`${file}.copy`));
    expect(error.kind).toBe('corrupt');
    expect(beside(file).some((name) => name.startsWith('test.db.copy'))).toBe(false);
  });

  it('but not for what rows may hold', async () => {
    const { db, file } = await openFile('create table t (a integer check (a > 0)); insert into t values (1)');
    await db.script('pragma ignore_check_constraints = on; insert into t values (-1)');
    await db.copyTo(`${file}.copy`);
    expect(await rowsIn(`${file}.copy`)).toBe(2);
  });

  it('with the extensions that its schema needs, and as far as it goes without them', async () => {
    const extended = { extensions: [getLoadablePath()] };
    const schema = `create table t (a, l as (vec_length(a))); create index i on t (vec_length(a));
      insert into t (a) values ('[1,2]'); create virtual table v using vec0(e float[2])`;
    const { db, file } = await openFile(schema, extended);
    await db.copyTo(`${file}.copy`);
    const without: Database = openDatabase({ url: file });
    await without.copyTo(`${file}.other`);
    for (const url of [`${file}.copy`, `${file}.other`]) {
      const copy = openDatabase({ url, ...extended });
      expect((await copy.execute('select l from t')).rows).toEqual([{ l: 2 }]);
    }
  });
});
