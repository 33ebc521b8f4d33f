import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Database } from '../../../src/database/database.js';
import { openMemory, temporaryFile } from '../../support/database.js';
import { collect, rejection } from '../../support/outcome.js';

/** Every way in which a text reaches the engine. */
const WAYS: readonly [string, (db: Database, sql: string) => Promise<unknown>][] = [
  ['execute', (db, sql) => db.execute(sql)],
  ['execute with a timeout', (db, sql) => db.execute(sql, [], { timeout: 9_000 })],
  ['prepare', async (db, sql) => db.prepare(sql).all()],
  ['stream', (db, sql) => collect(db.stream(sql))],
  ['batch', (db, sql) => db.batch(['select 1', sql])],
  [
    'independent batch',
    async (db, sql) => ((await db.batch([sql], { atomic: false }))[0] as { reason: unknown }).reason,
  ],
  ['script', (db, sql) => db.script(`select 1; ${sql}`)],
  ['atomic script', (db, sql) => db.script(`select 1; ${sql}`, { atomic: true })],
  ['transaction', (db, sql) => db.transaction((tx) => tx.execute(sql))],
  ['batch in a transaction', (db, sql) => db.transaction((tx) => tx.batch([sql]))],
  ['script in a transaction', (db, sql) => db.transaction((tx) => tx.script(sql))],
  [
    'nested transaction',
    (db, sql) => db.transaction((tx) => tx.transaction((nested) => nested.execute(sql))),
  ],
];

describe.each(WAYS)('a file function through %s', (_name, run) => {
  it('is refused and does nothing', async () => {
    const file = temporaryFile('written.txt');
    const db = await openMemory('create table ran (a)');
    const calls = [
      ["select readfile('/etc/hostname')", 'readfile'],
      [`select WriteFile('${file}', 'x')`, 'writefile'],
      [`select "writefile"('${file}', 'x')`, 'writefile'],
      [`select [writefile] /* c */ ('${file}', 'x')`, 'writefile'],
      [`insert into ran values (writefile('${file}', 'x'))`, 'writefile'],
      [`create trigger r after insert on ran begin select writefile('${file}', 'x'); end`, 'writefile'],
      [`create view v as select writefile('${file}', 'x')`, 'writefile'],
      ["select * from fsdir('/')", 'fsdir'],
      ['select * from fsdir', 'fsdir'],
      ["select load_extension('/nowhere.so')", 'load_extension'],
      [`select sha3_query('select writefile(''${file}'', 1)')`, 'sha3_query'],
    ] as const;
    for (const [sql, name] of calls) {
      const outcome = await run(db, sql).then(
        (value) => value,
        (error: unknown) => error,
      );
      expect(outcome).toMatchObject({ code: 'FUNCTION_REFUSED', kind: 'sql' });
      expect((outcome as Error).message).toContain(`${name}()`);
    }
    expect(existsSync(file)).toBe(false);
    expect((await db.execute('select count(*) as n from sqlite_schema')).rows).toEqual([{ n: 1 }]);
  });
});

describe('the names of file functions', () => {
  it.each([
    "select 'readfile(1)' as a",
    'select 1 as readfile',
    'select 1 as "writefile" -- writefile(1)',
    'select a as fsdir from (select 1 as a)',
    "select 'x' as load_extension /* load_extension('x') */",
  ])('may stand where nothing is called: %s', async (sql) => {
    const db = await openMemory();
    expect((await db.execute(sql)).rows).toHaveLength(1);
  });
});

describe('config.allowFileFunctions', () => {
  it('lets SQL read, write and list files', async () => {
    const file = temporaryFile('data.txt');
    const db = await openMemory('', { allowFileFunctions: true });
    await db.execute('select writefile(?, ?)', [file, 'hello']);
    expect((await db.execute('select cast(readfile(?) as text) as text', [file])).rows).toEqual([
      { text: 'hello' },
    ]);
    mkdirSync(path.join(path.dirname(file), 'sub'));
    writeFileSync(path.join(path.dirname(file), 'sub', 'b'), '');
    const { rows } = await db.execute('select name from fsdir(?) order by name', [path.dirname(file)]);
    expect(rows.map((row) => path.basename(String(row.name)))).toEqual([
      path.basename(path.dirname(file)),
      'data.txt',
      'sub',
      'b',
    ]);
  });

  it('does not let SQL load native code, which the driver itself refuses', async () => {
    const db = await openMemory('', { allowFileFunctions: true });
    expect(String(await rejection(db.execute("select load_extension('/nowhere.so')")))).toContain(
      'not authorized',
    );
  });
});

describe('settings that the package rests on', () => {
  it.each([
    'explain pragma query_only = on',
    'explain query plan PRAGMA main.query_only(1)',
    'explain pragma busy_timeout = 5',
  ])('can not be set by EXPLAIN: %s', async (sql) => {
    const db = await openMemory('create table t (a)');
    for (const [, run] of WAYS) {
      const outcome = await run(db, sql).then(
        (value) => value,
        (error: unknown) => error,
      );
      expect(outcome).toMatchObject({ code: 'NOT_SUPPORTED', kind: 'capability' });
    }
    await db.execute('insert into t values (1)');
    expect((await db.execute('pragma busy_timeout')).rows).toEqual([{ timeout: 5_000 }]);
  });

  it.each([
    "pragma key = 's3cret'",
    "PRAGMA main.rekey('s3cret')",
    "pragma hexkey = 's3cret'",
    "explain pragma rekey = 's3cret'",
  ])('take no key by SQL, and show none: %s', async (sql) => {
    const db = await openMemory();
    for (const [, run] of WAYS) {
      const outcome = await run(db, sql).then(
        (value) => value,
        (error: unknown) => error,
      );
      expect(outcome).toMatchObject({ code: 'NOT_SUPPORTED', kind: 'capability' });
      expect(inspect(outcome, { depth: 9, showHidden: true })).not.toContain('s3cret');
    }
  });

  it('can be read by SQL', async () => {
    const db = await openMemory();
    expect((await db.execute('pragma query_only')).rows).toEqual([{ query_only: 0 }]);
  });
});
