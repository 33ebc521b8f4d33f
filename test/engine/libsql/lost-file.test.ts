import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Database } from '../../../src/index.js';
import { openDatabase, openFile, temporaryFile } from '../../support/database.js';
import { failure } from '../../support/outcome.js';
import { pause } from '../../support/time.js';

const SETUP = 'create table t (a); insert into t values (1)';
const ALL = ['', '-wal', '-shm', '-journal'];

/** What may become of a file that is open. */
const losses: Record<string, (file: string) => Promise<void>> = {
  'is removed': async (file) => rmSync(file),
  'is removed with its log': async (file) => {
    for (const suffix of ALL) rmSync(file + suffix, { force: true });
  },
  'is removed with its folder': async (file) => rmSync(path.dirname(file), { recursive: true }),
  'is moved away': async (file) => renameSync(file, `${file}.old`),
  'is replaced': async (file) => {
    const other = temporaryFile();
    const db = openDatabase({ url: other });
    await db.script('create table t (a); insert into t values (7), (8)');
    await db.copyTo(`${file}.new`);
    for (const suffix of ALL) rmSync(file + suffix, { force: true });
    renameSync(`${file}.new`, file);
  },
};

const writes: Record<string, (db: Database) => Promise<unknown>> = {
  'execute()': (db) => db.execute('insert into t values (2)'),
  'execute() off-thread': (db) => db.execute('insert into t values (2)', [], { timeout: 9_000 }),
  'transaction()': (db) => db.transaction((tx) => tx.execute('insert into t values (2)')),
  'a deferred transaction': (db) =>
    db.transaction((tx) => tx.execute('insert into t values (2)'), { behavior: 'deferred' }),
  'batch()': (db) => db.batch(['insert into t values (2)']),
  'script()': (db) => db.script('begin; insert into t values (2); commit'),
  'create table if not exists': (db) => db.execute('create table if not exists t (a)'),
};

describe.each(Object.entries(losses))('a file that %s while it is open', (_how, lose) => {
  it.each(Object.entries(writes))(
    'fails what is written by %s, and is not made again',
    async (_by, write) => {
      const { db, file } = await openFile(SETUP);
      await write(db);
      await lose(file);
      await pause(10);
      const before = existsSync(file) ? readFileSync(file) : undefined;
      for (let i = 0; i < 2; i++) {
        const error = await failure(write(db));
        expect(error).toMatchObject({ kind: 'io', retryable: false });
        expect(error.message).toMatch(/was (?:removed|replaced)/);
      }
      expect(existsSync(file) ? readFileSync(file) : undefined).toEqual(before);
      expect((await failure(db.rekey('x'.repeat(40)))).kind).toBe('io');
      expect((await failure(db.copyTo(`${temporaryFile()}.copy`))).kind).toBe('io');
      expect((await failure(db.execute('select a from t'))).kind).toBe('io');
      await db.close();
      // Opened again it is what is there now.
      mkdirSync(path.dirname(file), { recursive: true });
      await openDatabase({ url: file }).script('create table if not exists t (a); insert into t values (3)');
    },
  );
});

describe('a file that is lost in a transaction', () => {
  it('fails its COMMIT', async () => {
    const { db, file } = await openFile(SETUP);
    const writing = db.transaction(async (tx) => {
      await tx.execute('insert into t values (2)');
      rmSync(file);
      await pause(10);
    });
    expect((await failure(writing)).message).toMatch(/was removed/);
  });
});

describe('a file that stays the same', () => {
  it('may be re-encrypted, vacuumed, opened by a link and have any name', async () => {
    const { db } = await openFile(SETUP);
    const file = temporaryFile('odd name?#%41&mode=ro.db');
    await db.copyTo(file);
    const odd = openDatabase({ url: file });
    await odd.rekey('k'.repeat(40));
    await odd.execute('vacuum');
    await odd.transaction((tx) => tx.execute('insert into t values (2)'));
    await odd.rekey(null);
    await pause(10);
    await odd.execute('insert into t values (3)');
    expect((await odd.execute('select count(*) as n from t', [], { timeout: 9_000 })).rows).toEqual([
      { n: 3 },
    ]);
  });
});
