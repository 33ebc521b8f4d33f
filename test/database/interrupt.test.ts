import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/index.js';
import { openDatabase, openFile, openMemory } from '../support/database.js';
import { failure } from '../support/outcome.js';
import { startSqld } from '../support/sqld.js';
import { gate } from '../support/time.js';

const ENDLESS = 'with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n';
const INTERRUPTED = { code: 'SQLITE_INTERRUPT', kind: 'interrupted', retryable: false };

const later = (ms = 20): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const kinds: [string, () => Promise<Database>][] = [
  ['memory', () => openMemory()],
  ['file', async () => (await openFile()).db],
  ['server', async () => openDatabase({ url: (await startSqld()).url })],
];

describe.each(kinds)('interrupt() in %s', (kind, openOne) => {
  it('stops what runs, again and again, and the handle works on at once', async () => {
    const db = await openOne();
    await db.execute('create table t (a)');
    for (let round = 0; round < 3; round++) {
      const running = failure(db.execute(ENDLESS, [], { timeout: 25_000 }));
      await later(30);
      db.interrupt();
      // Comes before the other has noticed.
      const next = db.execute('insert into t values (1)');
      expect(await running).toMatchObject(INTERRUPTED);
      expect((await next).rowsAffected).toBe(1);
    }
    expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: 3 }]);
  });

  it('does nothing to what comes later when nothing runs', async () => {
    const db = await openOne();
    await db.ready();
    for (let i = 0; i < 5; i++) db.interrupt();
    expect((await db.execute('select 1 as one')).rows).toEqual([{ one: 1 }]);
    expect((await db.execute('select 1 as one', [], { timeout: 9_000 })).rows).toEqual([{ one: 1 }]);
  });

  it('ends the wait for a lock that a transaction of the same handle holds', async () => {
    const db = await openOne();
    await db.execute('create table t (a)');
    const begun = gate();
    // Called from outside the transaction.
    const waiting = [1, 2, 3].map(async (n) => {
      await begun.opened;
      return await failure(db.execute('insert into t values (?)', [n + 10]));
    });
    await db.transaction(async (tx) => {
      await tx.execute('insert into t values (1)');
      begun.open();
      await later(60);
      db.interrupt();
      for (const one of waiting) expect(await one).toMatchObject(INTERRUPTED);
      await tx.execute('insert into t values (2)');
    });
    // A server may go on with what has reached it.
    const limit = kind === 'server' ? 10 : 99;
    expect((await db.execute('select a from t where a < ?', [limit])).rows).toEqual([{ a: 1 }, { a: 2 }]);
  });

  it('ends a stream', async () => {
    const db = await openOne();
    const rows = db.stream('select value from generate_series(1, 100000)', [], { batchSize: 10 });
    expect((await rows.next()).done).toBe(false);
    db.interrupt();
    const rest = async (): Promise<void> => {
      for await (const row of rows) expect(row).toBeDefined();
    };
    expect(await failure(rest())).toMatchObject(INTERRUPTED);
    expect((await db.execute('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  it('stops a statement in a transaction, which can be rolled back', async () => {
    const db = await openOne();
    await db.execute('create table t (a)');
    const error = await failure(
      db.transaction(async (tx) => {
        await tx.execute('insert into t values (1)');
        const running = tx.execute(ENDLESS, [], { timeout: 25_000 });
        running.catch(() => {});
        await later();
        db.interrupt();
        await running;
      }),
    );
    expect(error).toMatchObject(INTERRUPTED);
    expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: 0 }]);
    await db.transaction((tx) => tx.execute('insert into t values (2)'));
  });
});

describe('interrupt()', () => {
  it('leaves other handles on the same file alone', async () => {
    const { db, file } = await openFile();
    const other = openDatabase({ url: file });
    const finite =
      'with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000000) select max(i) m from n';
    const theirs = other.execute(finite, [], { timeout: 25_000 });
    const ours = failure(db.execute(ENDLESS, [], { timeout: 25_000 }));
    await later();
    db.interrupt();
    expect(await ours).toMatchObject(INTERRUPTED);
    expect((await theirs).rows).toEqual([{ m: 3_000_000 }]);
  });

  it('ends the wait for a lock of another process, and for a connection', async () => {
    const { db, other } = await openFile('create table t (a)', { concurrency: 1 });
    other.exec('begin immediate');
    const waiting = failure(db.execute('insert into t values (1)'));
    const inTransaction = failure(db.transaction((tx) => tx.execute('insert into t values (1)')));
    await later();
    db.interrupt();
    expect(await waiting).toMatchObject(INTERRUPTED);
    expect(await inTransaction).toMatchObject(INTERRUPTED);
    other.exec('rollback');
    const reader = db.stream('select value from generate_series(1, 1000)', [], { batchSize: 10 });
    await reader.next();
    const noRoom = failure(db.transaction((tx) => tx.execute('select 1'), { behavior: 'read' }));
    await later();
    db.interrupt();
    expect(await noRoom).toMatchObject(INTERRUPTED);
    await reader.return();
    await db.transaction((tx) => tx.execute('insert into t values (2)'));
    expect(other.value('select count(*) from t')).toBe(1);
  });

  it('stops a script between two statements, and what it began is rolled back', async () => {
    const { db } = await openFile('create table t (a)');
    const inserts = 'insert into t select value from generate_series(1, 2000);'.repeat(200);
    const running = failure(db.script(`begin; ${inserts} commit`));
    await later(30);
    db.interrupt();
    expect(await running).toMatchObject({ code: 'SQLITE_INTERRUPT' });
    expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: 0 }]);
  });

  it('stops requests to a server for good, and none that come after', async () => {
    const sqld = await startSqld();
    const db = openDatabase({ url: sqld.url, networkRetry: 3 });
    await db.ready();
    const running = [1, 2, 3].map(() => failure(db.execute(ENDLESS)));
    await later(60);
    db.interrupt();
    const next = db.execute('select 1 as one');
    for (const one of running) expect(await one).toMatchObject(INTERRUPTED);
    expect((await next).rows).toEqual([{ one: 1 }]);
  });

  it('is refused after close()', async () => {
    const db = await openMemory();
    await db.close();
    expect(() => db.interrupt()).toThrow(/closed/);
  });
});
