import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Database, EncryptionKeyError, open } from '../../src/index.js';
import { startProgram } from '../support/child.js';
import { openDatabase, openFile, temporaryFile } from '../support/database.js';
import { failure } from '../support/outcome.js';
import { pause } from '../support/time.js';

const KEY = 'the first key, of more than 32 characters';
const OTHER = 'the second key, with a \' and a " and a \\ in it';
const ROUNDS = 10;

async function isWhole(database: Database, rows: number): Promise<void> {
  expect(await database.pragma.integrityCheck()).toEqual([]);
  expect((await database.execute('select count(*) as n from t')).rows).toEqual([{ n: rows }]);
}

describe('rekey()', () => {
  it('leaves a file that is whole when its process is killed, under the old key or the new one', {
    timeout: 120_000,
  }, async () => {
    const file = temporaryFile();
    const first = open({ url: file, encryptionKey: KEY });
    await first.script(
      'create table t (a); insert into t select randomblob(2000) from generate_series(1, 8000)',
    );
    await first.close();
    let [olds, news] = [0, 0];
    for (let round = 0; round < ROUNDS; round++) {
      const copy = `${file}.${round}`;
      copyFileSync(file, copy);
      const child = await startProgram('rekey.ts', copy, KEY, OTHER);
      await child.message();
      // From before it has begun to after it is done.
      await pause(round * 40);
      child.kill('SIGKILL');
      await child.ended;
      const old = open({ url: copy, encryptionKey: KEY });
      const opened = await old.ready().then(
        () => true,
        () => false,
      );
      if (opened) await isWhole(old, 8_000);
      await old.close();
      if (opened) olds++;
      else {
        const changed = open({ url: copy, encryptionKey: OTHER });
        await isWhole(changed, 8_000);
        await changed.close();
        news++;
      }
    }
    expect(olds + news).toBe(ROUNDS);
    expect(olds).toBeGreaterThan(0);
  });

  it('waits for streams and transactions, and gives up after busyTimeout', async () => {
    const { db, file } = await openFile('create table t (a); insert into t values (1), (2), (3)', {
      busyTimeout: 60,
    });
    const stream = db.stream('select * from t', [], { batchSize: 1 });
    await stream.next();
    const error = await failure(db.rekey(KEY));
    expect(error).toMatchObject({ kind: 'busy' });
    expect(error.message).toContain('1 connections were in use');
    await stream.return();
    await db.rekey(KEY);
    await isWhole(db, 3);
    await db.transaction((tx) => tx.execute('insert into t values (4)'));
    await isWhole(db, 4);
    const plain = openDatabase({ url: file });
    expect(await failure(plain.ready())).toBeInstanceOf(EncryptionKeyError);
  });

  it('finds no handle of its own left, whatever was done before', async () => {
    const { db, file } = await openFile('create table t (a); insert into t values (1)', {
      busyTimeout: 1_000,
    });
    const stop = db.onChange('all', () => {});
    await db.transaction((tx) => tx.execute('insert into t values (2)'));
    await db.execute('insert into t values (3)', [], { timeout: 9_000 });
    await db.execute('insert into t values (4)');
    await failure(db.restricted([]).execute('select * from t'));
    await db.prepare('select * from t').columns();
    for await (const row of db.stream('select * from t')) expect(row).toBeDefined();
    await db.copyTo(`${file}.copy`);
    await db.rekey(KEY);
    await db.execute('insert into t values (5)');
    await isWhole(db, 5);
    await db.pragma.setJournalMode('delete');
    stop();
  });
});

describe('a key', () => {
  it('encrypts what is written on the way: the log, and the journal of other modes', async () => {
    const mark = 'words that must not be readable';
    for (const mode of ['wal', 'delete', 'truncate', 'persist'] as const) {
      const file = temporaryFile();
      const db = openDatabase({ url: file, encryptionKey: KEY, pragmas: { journal_mode: mode } });
      await db.execute('create table t (a)');
      await db.execute('insert into t values (?)', [mark]);
      await db.transaction(async (tx) => {
        await tx.execute('update t set a = a || ?', [mark]);
        for (const suffix of ['', '-wal', '-journal']) {
          if (existsSync(file + suffix)) expect(readFileSync(file + suffix).includes(mark)).toBe(false);
        }
      });
      await db.copyTo(`${file}.copy`);
      expect(readFileSync(`${file}.copy`).includes(mark)).toBe(false);
    }
  });

  it('is not to blame for a file that is no database', async () => {
    const file = temporaryFile();
    writeFileSync(file, 'this is no database at all, but long enough to be taken for one. '.repeat(20));
    for (const config of [{ url: file }, { url: file, encryptionKey: KEY }]) {
      const error = await failure(openDatabase(config).ready());
      expect(error).not.toBeInstanceOf(EncryptionKeyError);
      expect(error.kind).toBe('corrupt');
    }
  });

  it('is not to blame for a damaged file whose header says that it is not encrypted', async () => {
    const { db, file } = await openFile('create table t (a)', { pragmas: { journal_mode: 'delete' } });
    await db.close();
    const bytes = readFileSync(file);
    // The page size.
    bytes.writeUInt16BE(12_345, 16);
    writeFileSync(file, bytes);
    const error = await failure(openDatabase({ url: file }).ready());
    expect(error).not.toBeInstanceOf(EncryptionKeyError);
    expect(error.kind).toBe('corrupt');
    expect(await failure(openDatabase({ url: file, encryptionKey: KEY }).ready())).toBeInstanceOf(
      EncryptionKeyError,
    );
  });

  it('makes an empty file an encrypted one', async () => {
    const file = temporaryFile();
    writeFileSync(file, '');
    const db = openDatabase({ url: file, encryptionKey: KEY });
    await db.script('create table t (a); insert into t values (1)');
    await isWhole(db, 1);
    const plain = openDatabase({ url: file });
    expect(await failure(plain.execute('select 1'))).toBeInstanceOf(EncryptionKeyError);
  });

  it('is of no database that is attached without one, and its own where KEY says so', async () => {
    const plain = temporaryFile('plain.db');
    await openDatabase({ url: plain }).script('create table p (a); insert into p values (9)');
    const db = openDatabase({ url: temporaryFile(), encryptionKey: KEY });
    await db.execute(`attach '${plain}' as other key ''`);
    expect((await db.execute('select a from other.p')).rows).toEqual([{ a: 9 }]);
  });
});

describe('copyTo()', () => {
  it('copies one moment while others write', async () => {
    const { db, file } = await openFile('create table t (a)');
    const writing = { on: true };
    const writer = (async () => {
      while (writing.on) {
        await db.batch(['insert into t values (1)', 'insert into t values (2)']);
        await pause(0);
      }
    })();
    for (let i = 0; i < 5; i++) {
      await pause(5);
      await db.copyTo(`${file}.${i}`, { encryptionKey: i % 2 ? KEY : null });
    }
    writing.on = false;
    await writer;
    let last = -1;
    for (let i = 0; i < 5; i++) {
      const copy = openDatabase({ url: `${file}.${i}`, ...(i % 2 && { encryptionKey: KEY }) });
      const [row] = (await copy.execute('select count(*) as n from t')).rows;
      expect(Number(row?.['n']) % 2).toBe(0);
      expect(Number(row?.['n'])).toBeGreaterThanOrEqual(last);
      expect(await copy.pragma.integrityCheck()).toEqual([]);
      last = Number(row?.['n']);
    }
  });

  it('keeps vector indexes as they are', async () => {
    const { db, file } = await openFile(
      `create table v (id integer primary key, e F32_BLOB(2)); create index i on v (libsql_vector_idx(e));
      insert into v values (1, vector32('[1,0]')), (2, vector32('[0,1]'))`,
    );
    await db.copyTo(`${file}.copy`, { encryptionKey: OTHER });
    const copy = openDatabase({ url: `${file}.copy`, encryptionKey: OTHER });
    expect(await copy.pragma.integrityCheck()).toEqual([]);
    const top = "select id from vector_top_k('i', vector32('[1,0.1]'), 1)";
    expect((await copy.execute(top)).rows).toEqual([{ id: 1 }]);
  });

  it('refuses what is no path, what is there, and what can not be written', async () => {
    const { db, file } = await openFile('create table t (a)');
    for (const bad of ['', 'a\0b', 7 as never])
      expect((await failure(db.copyTo(bad))).kind).toBe('parameter');
    expect((await failure(db.copyTo(file))).kind).toBe('io');
    expect((await failure(db.copyTo('/no/such/folder/x.db'))).kind).toBe('io');
    expect((await failure(db.copyTo(`${file}.x`, { encryptionKey: 'short' }))).kind).toBe('config');
    expect(existsSync(`${file}.x`)).toBe(false);
  });
});
