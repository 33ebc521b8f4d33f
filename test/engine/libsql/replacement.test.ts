import { closeSync, openSync, readSync, statSync, truncateSync, writeSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { analyze, type AnalyzedStatement } from '../../../src/sql/statement.js';
import { resolveConfig } from '../../../src/config.js';
import { LibsqlEngine } from '../../../src/engine/libsql/engine.js';
import type { RawResult } from '../../../src/engine/engine.js';
import { connectSecond, openDatabase, openFile, temporaryFile } from '../../support/database.js';
import { failure, thrownBy } from '../../support/outcome.js';

const BIG_TABLE = `create table t (id integer primary key, v);
  insert into t select value, randomblob(900) from generate_series(1, 400);`;

function statement(sql: string): AnalyzedStatement {
  return analyze(sql).statements[0] as AnalyzedStatement;
}

describe('a connection', () => {
  it('that met damage is not usable any more', async () => {
    const { db, file } = await openFile(BIG_TABLE, { pragmas: { journal_mode: 'delete' } });
    await db.close();
    damage(file);
    const connection = new LibsqlEngine(resolveConfig({ url: file, pragmas: false })).connect();
    try {
      expect(connection.usable).toBe(true);
      const read = (): unknown =>
        connection.execute(statement('select sum(length(v)) from t'), [], { fetch: 'all' });
      expect(thrownBy(read).kind).toBe('corrupt');
      expect(connection.usable).toBe(false);
    } finally {
      await connection.close();
    }
  });

  it('whose read met a lock is usable again when that read was run', async () => {
    const { file, other } = await openFile(BIG_TABLE, { pragmas: { journal_mode: 'delete' } });
    const connection = new LibsqlEngine(resolveConfig({ url: file, pragmas: false })).connect();
    const read = (): RawResult =>
      connection.execute(statement('select count(*) from t'), [], { fetch: 'all' }) as RawResult;
    expect(read().rows).toEqual([[400]]);
    other.exec('begin exclusive');
    expect(thrownBy(read).code).toBe('SQLITE_BUSY');
    expect(connection.usable).toBe(false);
    other.exec('commit');
    expect(read().rows).toEqual([[400]]);
    expect(connection.usable).toBe(true);
    await connection.close();
  });

  it('that was closed refuses everything and can be closed again', async () => {
    const connection = new LibsqlEngine(resolveConfig(temporaryFile())).connect();
    const select = statement('select 1');
    await Promise.all([connection.close(), connection.close()]);
    const closed = { code: 'DATABASE_CLOSED' };
    expect(connection.usable).toBe(false);
    expect(connection.inTransaction).toBe(false);
    expect(thrownBy(() => connection.execute(select, [], { fetch: 'all' }))).toMatchObject(closed);
    expect(thrownBy(() => connection.openCursor(select, [], {}))).toMatchObject(closed);
    expect(thrownBy(() => connection.control('select 1'))).toMatchObject(closed);
    expect(thrownBy(() => connection.begin('immediate'))).toMatchObject(closed);
    expect(thrownBy(() => connection.commit())).toMatchObject(closed);
    connection.interrupt();
    connection.rollback();
    await connection.close();
  });

  it('ends its transaction and frees its locks when it is closed with open cursors', async () => {
    const file = temporaryFile();
    const other = connectSecond(file);
    other.exec(BIG_TABLE);
    const connection = new LibsqlEngine(resolveConfig(file)).connect();
    connection.begin('immediate');
    await connection.execute(statement('delete from t'), [], { fetch: 'none' });
    const cursor = await connection.openCursor(
      statement('select value from generate_series(1, 500)'),
      [],
      {},
    );
    await cursor.fetch(2);
    await connection.close();
    other.exec('begin immediate; insert into t values (401, 0); commit');
    expect(other.value('select count(*) from t')).toBe(401);
  });
});

describe('a database', () => {
  it('replaces a connection that met damage once the file is whole again', async () => {
    const { db, file } = await openFile(BIG_TABLE, { pragmas: { journal_mode: 'delete' } });
    await db.close();
    const again = openDatabase({ url: file, pragmas: { journal_mode: 'delete' } });
    await again.ready();
    const repair = damage(file);
    const sum = 'select count(*) as n, sum(length(v)) as s from t';
    expect((await failure(again.execute(sum))).kind).toBe('corrupt');
    expect((await failure(again.transaction((tx) => tx.execute(sum)))).kind).toBe('corrupt');
    repair();
    expect((await again.execute(sum)).rows).toEqual([{ n: 400, s: 360_000 }]);
    expect((await again.transaction((tx) => tx.execute(sum))).rows).toEqual([{ n: 400, s: 360_000 }]);
  });

  it('tells that the file was cut off, and does not touch it', async () => {
    const { db, file } = await openFile(BIG_TABLE, { pragmas: { journal_mode: 'delete' } });
    await db.execute('select * from t');
    truncateSync(file, 8192);
    const error = await failure(db.execute('select sum(length(v)) from t where id > 100'));
    expect(['corrupt', 'io']).toContain(error.kind);
    expect(statSync(file).size).toBe(8192);
  });

  it('replaces a connection whose read is stuck, for the next statement', async () => {
    const config = { busyTimeout: 0, pragmas: { journal_mode: 'delete' } } as const;
    const { db, other } = await openFile(BIG_TABLE, config);
    expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: 400 }]);
    other.exec('begin exclusive');
    expect((await failure(db.execute('select count(*) as n from t'))).code).toBe('SQLITE_BUSY');
    other.exec('commit');
    await db.execute('drop table t');
    expect(other.value("select count(*) from sqlite_schema where name = 't'")).toBe(0);
  });
});

/** Overwrites pages in the middle of a file; gives the way to undo it. */
function damage(file: string): () => void {
  const { size } = statSync(file);
  const pages = Math.floor(size / 4096);
  const noise = Buffer.alloc(4096, 0xa5);
  const saved = new Map<number, Buffer>();
  const handle = openSync(file, 'r+');
  for (let page = 2; page < pages; page++) {
    const before = Buffer.alloc(4096);
    readSync(handle, before, 0, 4096, page * 4096);
    saved.set(page, before);
    writeSync(handle, noise, 0, 4096, page * 4096);
  }
  closeSync(handle);
  return () => {
    const again = openSync(file, 'r+');
    for (const [page, bytes] of saved) writeSync(again, bytes, 0, 4096, page * 4096);
    closeSync(again);
  };
}
