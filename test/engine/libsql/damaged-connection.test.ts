import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Database, DatabaseError } from '../../../src/index.js';
import { openDatabase, temporaryFile } from '../../support/database.js';
import { collect, failure } from '../../support/outcome.js';

const SETUP = 'create table t (v); insert into t select hex(randomblob(500)) from generate_series(1, 2000)';

/** Has every descriptor that leads to a file or its log lead there for reading only. */
function breakDescriptors(file: string): void {
  for (const name of readdirSync('/proc/self/fd')) {
    const descriptor = Number(name);
    let target = '';
    try {
      target = readlinkSync(`/proc/self/fd/${name}`);
    } catch {
      // That of the folder itself.
    }
    if (target !== file && target !== `${file}-wal`) continue;
    closeSync(descriptor);
    const spare: number[] = [];
    for (;;) {
      const got = openSync(target, 'r');
      if (got === descriptor) break;
      spare.push(got);
    }
    spare.forEach((one) => closeSync(one));
  }
}

/** Each connection that there was may fail once: that of statements, and one of transactions. */
async function soon(call: () => Promise<unknown>): Promise<void> {
  for (let connections = 2; ; connections--) {
    try {
      await call();
      return;
    } catch (error) {
      if (connections === 0) throw error;
    }
  }
}

const WRITE = 'update t set v = v || 1';

const WAYS: [string, (db: Database) => Promise<unknown>][] = [
  ['a statement', (db) => db.execute(WRITE)],
  ['a statement with a timeout', (db) => db.execute(WRITE, [], { timeout: 9_000 })],
  ['a prepared statement', (db) => db.prepare(WRITE).run()],
  ['a statement with rows', (db) => collect(db.stream(`${WRITE} returning 1 as one`))],
  ['a batch', (db) => db.batch([WRITE])],
  ['a transaction', (db) => db.transaction((tx) => tx.execute(WRITE))],
  ['a script', (db) => db.script(`begin; ${WRITE}; commit`)],
];

describe.each([
  ['the commit', 20_000],
  ['the statement, whose pages find no room in the cache,', 5],
])('a connection on which %s can not be written', (_what, cacheSize) => {
  it.each(WAYS)('is used no more after %s', async (_name, run) => {
    const file = temporaryFile();
    let opened = 0;
    const db = openDatabase({
      url: file,
      concurrency: 1,
      pragmas: { cache_size: cacheSize },
      onConnect: () => void opened++,
    });
    await db.script(SETUP);
    await run(db);
    breakDescriptors(file);
    const before = opened;
    expect((await failure(run(db), DatabaseError)).kind).toBe('io');
    await soon(() => run(db));
    await soon(() => db.transaction((tx) => tx.execute("insert into t values ('last')")));
    expect((await db.execute("select v from t where v = 'last'")).rows).toEqual([{ v: 'last' }]);
    expect(opened).toBeGreaterThan(before);
  });
});
