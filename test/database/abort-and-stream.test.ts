import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, InterruptedError, open } from '../../src/index.js';

const ENDLESS = 'with recursive c(x) as (select 1 union all select x + 1 from c) select count(*) from c';
const SPARSE =
  'with recursive c(x) as (select 1 union all select x + 1 from c) select x from c where x % 100000000 = 0';
const LONGEST_STALL = 100;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'turso-dialect-abort-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;

async function openKind(kind: string): Promise<{ db: Database; path: string }> {
  const path = kind === 'memory' ? ':memory:' : join(folder, `${++files}.db`);
  const db = open(path);
  await db.execute('create table t (n integer primary key, x text)');
  return { db, path };
}

async function longestStall(run: () => Promise<unknown>): Promise<number> {
  let last = performance.now();
  let stall = 0;
  const interval = setInterval(() => {
    const now = performance.now();
    stall = Math.max(stall, now - last - 5);
    last = now;
  }, 5);
  await run();
  clearInterval(interval);
  return stall;
}

describe.each(['memory', 'file'])('a statement that is stopped, on %s', (kind) => {
  it.each([ENDLESS, SPARSE])('leaves the event loop free and the connection usable: %s', async (sql) => {
    const { db } = await openKind(kind);
    // Litter of earlier statements must not be collected while the other thread runs.
    for (let i = 0; i < 300; i++) await db.execute(`select ${i} from t`);
    const stall = await longestStall(async () => {
      await expect(db.execute(sql, [], { timeout: 150 })).rejects.toMatchObject({ code: 'TIMEOUT' });
      await expect(db.execute(sql, [], { signal: AbortSignal.timeout(100) })).rejects.toMatchObject({
        code: 'ABORTED',
      });
      const stream = db.stream(sql, [], { timeout: 100 });
      await expect(stream.next()).rejects.toBeInstanceOf(InterruptedError);
    });
    expect(stall).toBeLessThan(LONGEST_STALL);
    await db.execute('insert into t (x) values (1)');
    expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: 1 }]);
    await db.close();
  });

  it('is not run at all when it was aborted before', async () => {
    const { db } = await openKind(kind);
    const options = { signal: AbortSignal.abort() };
    await expect(db.execute('insert into t (x) values (1)', [], options)).rejects.toMatchObject({
      code: 'ABORTED',
    });
    await expect(db.batch(['insert into t (x) values (1)'], options)).rejects.toMatchObject({
      code: 'ABORTED',
    });
    expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: 0 }]);
    await db.close();
  });

  it('leaves nothing of a write, and no lock', async () => {
    const { db } = await openKind(kind);
    const endless =
      'insert into t (x) with recursive c(x) as (select 1 union all select x + 1 from c) select x from c';
    await expect(db.execute(endless, [], { timeout: 100 })).rejects.toMatchObject({ code: 'TIMEOUT' });
    await db.execute('insert into t (x) values (1)');
    expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: 1 }]);
    await db.close();
  });

  it('gives the same as without a limit when it is in time', async () => {
    const { db } = await openKind(kind);
    const limit = { timeout: 20_000 };
    const insert = 'insert into t (x) values (?), (?)';
    expect(await db.execute(insert, ['a', 'b'], limit)).toMatchObject({
      rowsAffected: 2,
      lastInsertRowid: 2n,
    });
    expect(await db.execute("insert into t (x) values ('c') returning n", [], limit)).toMatchObject({
      rows: [{ n: 3 }],
      lastInsertRowid: 3n,
    });
    const twice = 'select n, x, n from t where n > ? order by n desc -- the end';
    expect(await db.execute(twice, [1], limit)).toEqual(await db.execute(twice, [1]));
    expect(await db.execute('explain query plan select 1', [], limit)).toEqual(
      await db.execute('explain query plan select 1'),
    );
    await db.close();
  });

  it('stops a transaction, also while its callback waits for something else', async () => {
    const { db } = await openKind(kind);
    let later: unknown;
    const hanging = db.transaction(
      async (tx) => {
        await tx.execute("insert into t (x) values ('x')");
        await new Promise((resolve) => setTimeout(resolve, 150));
        later = await tx.execute('select 1').catch((error: unknown) => error);
      },
      { timeout: 50 },
    );
    await expect(hanging).rejects.toMatchObject({ code: 'TIMEOUT' });
    await db.execute("insert into t (x) values ('y')");
    expect((await db.execute('select x from t')).rows).toEqual([{ x: 'y' }]);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(later).toMatchObject({ code: 'TRANSACTION_CLOSED' });
    await expect(db.transaction((tx) => tx.execute(ENDLESS), { timeout: 50 })).rejects.toMatchObject({
      code: 'TIMEOUT',
    });
    await db.close();
  });
});

describe.each(['memory', 'file'])('a stream on %s', (kind) => {
  it('sees what was there when it began, and frees everything when it is left', async () => {
    const { db, path } = await openKind(kind);
    await db.execute('insert into t (x) select value from generate_series(1, 3000)');
    const rows: unknown[] = [];
    for await (const { n } of db.stream<{ n: number }>('select n from t', [], { batchSize: 7 })) {
      rows.push(n);
      await db.execute('insert into t (x) values (0)');
      if (rows.length === 500) break;
    }
    expect(rows).toEqual(Array.from({ length: 500 }, (_, i) => i + 1));
    await db.execute('drop table t');
    if (kind === 'file') {
      const outside = new Libsql(path);
      expect(outside.prepare('pragma wal_checkpoint(truncate)').raw().get([])).toEqual([0, 0, 0]);
      outside.close();
    }
    await db.close();
  });

  it('nests in a transaction and sees its changes', async () => {
    const { db } = await openKind(kind);
    await db.transaction(async (tx) => {
      await tx.execute('insert into t (x) select value from generate_series(1, 300)');
      let pairs = 0;
      for await (const outer of tx.stream<{ n: number }>('select n from t')) {
        for await (const inner of tx.stream<{ n: number }>('select n from t where n >= ?', [outer.n])) {
          expect(inner.n).toBe(outer.n);
          pairs++;
          break;
        }
      }
      expect(pairs).toBe(300);
      await tx.execute('delete from t');
    });
    expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: 0 }]);
    await db.close();
  });

  it('gives the rows of a write that returns', async () => {
    const { db } = await openKind(kind);
    const rows: unknown[] = [];
    for await (const row of db.stream("insert into t (x) values ('a'), ('b') returning x")) rows.push(row);
    expect(rows).toEqual([{ x: 'a' }, { x: 'b' }]);
    await db.close();
  });

  it('ends with an error when the database is closed', async () => {
    const { db } = await openKind(kind);
    await db.execute('insert into t (x) select value from generate_series(1, 3000)');
    const stream = db.stream('select n from t', [], { batchSize: 1 });
    await stream.next();
    await db.close();
    await expect(stream.next()).rejects.toMatchObject({ code: 'DATABASE_CLOSED' });
  });
});

describe('EXPLAIN', () => {
  it('leaves no snapshot behind', async () => {
    const { db, path } = await openKind('file');
    await db.execute('explain select * from t where n = ?', [1]);
    await db.execute('select * from t');
    const outside = new Libsql(path);
    outside.exec("insert into t (x) values ('x')");
    expect(outside.prepare('pragma wal_checkpoint(truncate)').raw().get([])).toEqual([0, 0, 0]);
    outside.close();
    await db.close();
  });
});
