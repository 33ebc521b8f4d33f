import { chmodSync, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { open } from '../../src/database/database.js';
import { CapabilityError, DatabaseError, ReadOnlyError } from '../../src/errors.js';
import { runProgram } from '../support/child.js';
import { connectSecond, openDatabase, temporaryFile } from '../support/database.js';
import { failure } from '../support/outcome.js';

describe('the mode in the URL of a file', () => {
  it('ro reads and never writes, nor makes a file', async () => {
    const directory = dirname(temporaryFile());
    await using writer = open(`file:${directory}/a.db`);
    await writer.script('create table t (a); insert into t values (1)');
    await using reader = open({ url: `file:${directory}/a.db?mode=ro`, timeout: 60_000 });
    expect((await reader.execute('select a from t')).rows).toEqual([{ a: 1 }]);
    expect(
      await reader.transaction((tx) => tx.execute('select a from t'), { behavior: 'deferred' }),
    ).toBeTruthy();
    await failure(reader.execute('insert into t values (2)'), ReadOnlyError);
    await failure(reader.script('insert into t values (3)'), ReadOnlyError);
    await failure(reader.pragma.setUserVersion(3), ReadOnlyError);
    await failure(reader.rekey('k'.repeat(32)), CapabilityError);
    expect((await writer.execute('select count(*) as n from t')).rows).toEqual([{ n: 1 }]);

    await using missing = open(`file:${directory}/b.db?mode=ro`);
    const error = await failure(missing.execute('select 1'), DatabaseError);
    expect(error.message).toContain(`${directory}/b.db`);
    expect(existsSync(`${directory}/b.db`)).toBe(false);
  });

  it.each(['delete', 'truncate', 'persist', 'wal'])(
    'ro opens a file whose journal mode is %s, and leaves it so',
    async (mode) => {
      const file = temporaryFile();
      const bare = connectSecond(file);
      bare.rows(`pragma journal_mode = ${mode}`);
      bare.exec('create table t (a); insert into t values (1)');
      // Only WAL is noted in the file.
      const noted = mode === 'wal' ? 'wal' : 'delete';
      const db = openDatabase({ url: `file:${file}?mode=ro` });
      expect((await db.execute('select a from t')).rows).toEqual([{ a: 1 }]);
      expect(await db.transaction((tx) => tx.prepare('select a from t').get(), { behavior: 'read' })).toEqual(
        { a: 1 },
      );
      expect(await db.pragma.journalMode()).toBe(noted);
      await failure(db.execute('insert into t values (2)'), ReadOnlyError);
      expect(bare.value('pragma journal_mode')).toBe(mode);
    },
  );

  it('rw writes what is there and makes nothing, rwc makes it', async () => {
    const directory = dirname(temporaryFile());
    const url = `file:${directory}/c.db`;
    await failure(open(`${url}?mode=rw`).execute('select 1'), DatabaseError);
    expect(existsSync(`${directory}/c.db`)).toBe(false);
    await using made = open(`${url}?mode=rwc`);
    await made.execute('create table t (a)');
    await using writer = open(`${url}?mode=rw`);
    await writer.execute('insert into t values (1)');
    expect((await made.execute('select a from t')).rows).toEqual([{ a: 1 }]);
  });

  it('memory with a shared cache is one database for all who name it, and no file', async () => {
    await using one = open('file:shared-by-name?mode=memory&cache=shared');
    await using two = open('file:shared-by-name?mode=memory&cache=shared');
    await using other = open('file:another-name?mode=memory&cache=shared');
    await one.script('create table t (a); insert into t values (1)');
    expect((await two.execute('select a from t')).rows).toEqual([{ a: 1 }]);
    await failure(other.execute('select a from t'), DatabaseError);
    expect(existsSync('shared-by-name')).toBe(false);
  });
});

describe('a file that can not be opened', () => {
  it('is named by the error', async () => {
    const directory = dirname(temporaryFile());
    await using missing = open(`${directory}/no/such/x.db`);
    const error = await failure(missing.execute('select 1'), DatabaseError);
    expect(error).toMatchObject({ code: 'SQLITE_CANTOPEN' });
    expect(error.message).toContain(`${directory}/no/such/x.db`);
    await using folder = open(directory);
    expect((await failure(folder.execute('select 1'), DatabaseError)).message).toContain(directory);
  });
});

it('a file that may only be read is opened, whatever its journal mode', async () => {
  const file = temporaryFile();
  const bare = connectSecond(file);
  bare.exec('create table t (a); insert into t values (1)');
  bare.close();
  chmodSync(file, 0o444);
  chmodSync(dirname(file), 0o555);
  const { stdout, stderr } = await runProgram('read-only.ts', file);
  chmodSync(dirname(file), 0o755);
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual({ rows: [{ a: 1 }], mode: 'delete', refused: 'ReadOnlyError' });
});
