import { describe, expect, it, onTestFinished } from 'vitest';
import { type Database, open } from '../../src/index.js';
import { type Child, startProgram } from '../support/child.js';
import { temporaryFile } from '../support/database.js';
import { failure } from '../support/outcome.js';

const ROWS = 100;

/** A file, a handle on it and a process with another SQLite on it. */
async function setUp(
  journal: 'wal' | 'delete',
  waits: { readonly ours?: number; readonly theirs?: number } = {},
): Promise<{ db: Database; other: Child; ask(sql: string): Promise<unknown> }> {
  const file = temporaryFile();
  const db = open({ url: file, busyTimeout: waits.ours ?? 5_000, pragmas: { journal_mode: journal } });
  await db.execute('create table t (writer text, n integer)');
  const other = await startProgram('other-sqlite.ts', file, String(waits.theirs ?? 5_000), String(ROWS));
  expect(await other.message()).toBe('ready');
  onTestFinished(async () => {
    await db.close();
    other.kill('SIGKILL');
    await other.ended;
  });
  const ask = (sql: string): Promise<unknown> => {
    other.send(sql);
    return other.message();
  };
  return { db, other, ask };
}

describe.each(['wal', 'delete'] as const)('beside another SQLite in another process (%s)', (journal) => {
  it('no row is lost or doubled, and the file stays whole', async () => {
    const { db, ask } = await setUp(journal);
    expect(await ask('select sqlite_version()')).not.toBe(
      (await db.execute<{ v: string }>('select sqlite_version() as v')).rows[0]?.v,
    );
    const theirs = ask('write');
    for (let n = 0; n < ROWS; n += 4) {
      await db.execute("insert into t values ('ours', ?)", [n]);
      await db.batch([n + 1, n + 2].map((m) => ({ sql: "insert into t values ('ours', ?)", args: [m] })));
      await db.transaction(async (tx) => {
        await tx.execute('select count(*) from t');
        await tx.execute("insert into t values ('ours', ?)", [n + 3]);
      });
    }
    expect(await theirs).toBe('written');
    const counts =
      'select writer, count(*) as rows, count(distinct n) as numbers from t group by 1 order by 1';
    expect((await db.execute(counts)).rows).toEqual([
      { writer: 'other', rows: ROWS * 0.9, numbers: ROWS * 0.9 },
      { writer: 'ours', rows: ROWS, numbers: ROWS },
    ]);
    expect(await ask('pragma integrity_check')).toBe('ok');
    expect(await ask("select count(*) from t where writer = 'ours'")).toBe(ROWS);
  });

  it('its locks are waited for, and then refused', async () => {
    const { db, ask } = await setUp(journal, { ours: 250 });
    await ask('begin immediate');
    const late = await failure(db.execute("insert into t values ('ours', 1)"));
    expect(late).toMatchObject({ name: 'BusyError', code: 'SQLITE_BUSY', retryable: true });
    const waiting = db.execute("insert into t values ('ours', 2)");
    await new Promise((resolve) => setTimeout(resolve, 30));
    await ask("insert into t values ('other', 1)");
    await ask('commit');
    await waiting;
    expect((await db.execute('select writer from t order by rowid')).rows).toEqual([
      { writer: 'other' },
      { writer: 'ours' },
    ]);
  });

  it('it meets the lock of a transaction, and what it writes is noticed', async () => {
    const { db, ask } = await setUp(journal, { theirs: 0 });
    await db.transaction(
      async (tx) => {
        await tx.execute("insert into t values ('ours', 1)");
        expect(await ask("insert into t values ('other', 1)")).toBe('database is locked');
      },
      { behavior: 'immediate' },
    );
    let noticed = (): void => {};
    const seen = new Promise<void>((resolve) => {
      noticed = resolve;
    });
    const stop = await db.watch(() => noticed(), { interval: 20 });
    await ask("insert into t values ('other', 2)");
    await seen;
    await stop();
    expect((await db.execute('select writer from t')).rows).toHaveLength(2);
    await ask('create table theirs as select 7 as seven');
    expect((await db.execute('select seven from theirs')).rows).toEqual([{ seven: 7 }]);
  });
});
