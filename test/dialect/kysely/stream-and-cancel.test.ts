import * as kyselyPackage from 'kysely';
import { sql } from 'kysely';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { canTruncateLog, openFile } from '../../support/database.js';
import { failure } from '../../support/outcome.js';
import { LONGEST_STALL, pause, withStall } from '../../support/time.js';
import { openKysely, USERS } from './scene.js';

/** Kysely 0.28 has no signals. */
const hasSignals = 'AbortedTransactionError' in kyselyPackage;

const MANY = `${USERS}; insert into users (name, age) select 'n' || value, value from generate_series(1, 5000)`;
const endless = sql<{ n: number }>`select count(*) as n from generate_series(1, 1e10)`;

describe('streams', () => {
  it('give every row in order, chunk by chunk', async () => {
    const { db: database } = await openFile(MANY);
    const db = openKysely({ database });
    for (const chunkSize of [1, 7, 100, 9_999]) {
      let expected = 1;
      const query = db.selectFrom('users').select('age').where('age', '<=', 1_000).orderBy('id');
      for await (const { age } of query.stream(chunkSize)) expect(age).toBe(expected++);
      expect(expected).toBe(1_001);
    }
  });

  it('fetch no more than a chunk ahead, and release what they hold when they are left', async () => {
    const { db: database, other } = await openFile(MANY);
    const db = openKysely({ database });
    await db.updateTable('users').set({ age: 0 }).where('id', '=', 5_000).execute();
    for await (const { age } of db.selectFrom('users').select('age').stream(10)) {
      if (age === 3) break;
      expect(canTruncateLog(other)).toBe(false);
    }
    expect(canTruncateLog(other)).toBe(true);
    const chunks = db.getExecutor().stream(db.selectFrom('users').selectAll().compile(), 10);
    expect((await chunks[Symbol.asyncIterator]().next()).value.rows).toHaveLength(10);
  });

  it('are refused a chunk size that is none', async () => {
    const db = openKysely(':memory:');
    const stream = sql
      .raw(USERS)
      .execute(db)
      .then(async () => {
        for await (const _ of db.selectFrom('users').selectAll().stream(0));
      });
    expect(await failure(stream)).toMatchObject({ key: 'batchSize' });
  });

  it('run in transactions and give the rows of RETURNING', async () => {
    const { db: database } = await openFile(MANY);
    const db = openKysely({ database });
    await db.transaction().execute(async (trx) => {
      const removal = trx.deleteFrom('users').where('age', '>', 10).returning('age');
      let n = 0;
      for await (const _ of removal.stream(100)) n++;
      expect(n).toBe(4_990);
      for await (const _ of trx.selectFrom('users').selectAll().stream(3)) n++;
      expect(n).toBe(5_000);
    });
  });
});

function signalTests(): void {
  // What Kysely prints when the query that it no longer waits for ends with an error.
  const quiet = (): void => {
    const spy = vi.spyOn(console, 'error').mockImplementation(() => {});
    onTestFinished(() => spy.mockRestore());
  };

  /** `query.execute(db, options)`, whose options 0.28 does not know. */
  const execute = (query: object, db: unknown, options: object): Promise<unknown> =>
    (query as { execute(db: unknown, options: object): Promise<unknown> }).execute(db, options);

  for (const strategy of ['ignore query', 'cancel query'] as const) {
    it(`stop a running statement with '${strategy}', and the connection is free again`, async () => {
      quiet();
      const db = openKysely({ url: ':memory:', busyTimeout: 1_000 });
      const controller = new AbortController();
      const reason = new Error('enough');
      setTimeout(() => controller.abort(reason), 30);
      const options = { signal: controller.signal, inflightQueryAbortStrategy: strategy };
      const { outcome, stall } = await withStall(() => execute(endless, db, options));
      expect(outcome).toMatchObject({ status: 'rejected', reason });
      expect(stall).toBeLessThan(LONGEST_STALL);
      // The memory database has one connection: this waits for the statement, and would fail if it went on.
      expect((await sql`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }]);
    });
  }

  it('undo a write that they stop', async () => {
    quiet();
    const { db: database, look } = await openFile(USERS);
    const db = openKysely({ database });
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 30);
    const write = sql`insert into users (name) select 'n' || value from generate_series(1, 1e9)`;
    const running = execute(write, db, {
      signal: controller.signal,
      inflightQueryAbortStrategy: 'cancel query',
    });
    await expect(running).rejects.toThrow();
    await db.insertInto('users').values({ name: 'after' }).execute();
    expect(look('select name from users')).toEqual([['after']]);
  });

  it('stop a statement of a transaction, which may go on', async () => {
    quiet();
    const { db: database, look } = await openFile(USERS);
    const db = openKysely({ database });
    await db.transaction().execute(async (trx) => {
      await trx.insertInto('users').values({ name: 'a' }).execute();
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 30);
      const options = { signal: controller.signal, inflightQueryAbortStrategy: 'cancel query' };
      await expect(execute(endless, trx, options)).rejects.toThrow();
      await trx.insertInto('users').values({ name: 'b' }).execute();
    });
    expect(look('select name from users')).toEqual([['a'], ['b']]);
  });

  it('that never happen change nothing, and those that have stop before anything is sent', async () => {
    const db = openKysely(':memory:');
    const run = (signal: AbortSignal) => execute(sql`select 1 as one`, db, { signal });
    expect(await run(new AbortController().signal)).toMatchObject({ rows: [{ one: 1 }] });
    await expect(run(AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
  });

  it('end a stream', async () => {
    quiet();
    const { db: database, other } = await openFile(MANY);
    const db = openKysely({ database });
    const controller = new AbortController();
    const query = db.selectFrom('users').selectAll();
    const withOptions = query.stream as unknown as (options: object) => AsyncIterable<unknown>;
    const stream = withOptions.call(query, { chunkSize: 10, signal: controller.signal });
    let rows = 0;
    const reading = (async () => {
      for await (const _ of stream) if (++rows === 25) controller.abort(new Error('enough'));
    })();
    await expect(reading).rejects.toThrow('enough');
    expect(rows).toBeLessThan(5_000);
    await pause(1);
    expect(canTruncateLog(other)).toBe(true);
  });

  it('stop a stream that has no row yet', async () => {
    quiet();
    const { db: database } = await openFile(MANY);
    const db = openKysely({ database });
    const controller = new AbortController();
    const longQuery = db
      .selectFrom(sql<{ n: number }>`(select count(*) as n from generate_series(1, 1e8))`.as('long'))
      .selectAll();
    const withOptions = longQuery.stream as unknown as (options: object) => AsyncIterable<unknown>;
    const stream = withOptions.call(longQuery, { chunkSize: 10, signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 30);
    const reading = (async () => {
      for await (const _ of stream);
    })();
    await expect(reading).rejects.toThrow('enough');
    // What goes on at its connection keeps this from ending.
    const since = performance.now();
    await db.destroy();
    await database.close();
    expect(performance.now() - since).toBeLessThan(2_000);
  });
}

if (hasSignals) describe('signals (Kysely 0.29)', signalTests);
