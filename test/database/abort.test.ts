import { describe, expect, it } from 'vitest';
import type { AbortOptions } from '../../src/database/abort.js';
import type { Database } from '../../src/database/database.js';
import { InterruptedError } from '../../src/errors.js';
import { isWriteLocked, openFile, openMemory } from '../support/database.js';
import { holdLock } from '../support/lock.js';
import { collect, failure } from '../support/outcome.js';
import { gate, LONGEST_STALL, pause, turn, withStall } from '../support/time.js';

const SETUP = 'create table t (a); insert into t values (1)';

/** A billion rows: far more than any machine computes while a test runs. */
const NUMBERS = 'with recursive c(x) as (select 1 union all select x + 1 from c limit 1000000000)';
const LONG_READ = `${NUMBERS} select count(*) as n from c`;
const LONG_WRITE = `${NUMBERS} insert into t select x from c`;

const PLACES: readonly [string, () => Promise<Database>][] = [
  ['a file', async () => (await openFile(SETUP)).db],
  ['memory', () => openMemory(SETUP)],
];

/** Everything that can be aborted, with a statement that takes very long. */
const LONG_CALLS: readonly [string, (db: Database, options: AbortOptions) => Promise<unknown>][] = [
  ['a read', (db, options) => db.execute(LONG_READ, [], options)],
  [
    'a read whose rows come slowly',
    (db, options) => db.execute(`${NUMBERS} select x from c where x % 5000000 = 0`, [], options),
  ],
  ['a sort', (db, options) => db.execute(`${NUMBERS} select x from c order by -x limit 3`, [], options)],
  ['a write', (db, options) => db.execute(LONG_WRITE, [], options)],
  ['a write with RETURNING', (db, options) => db.execute(`${LONG_WRITE} returning a`, [], options)],
  ['a new table', (db, options) => db.execute(`create table u as ${NUMBERS} select x from c`, [], options)],
  ['all() of a statement', (db, options) => db.prepare(LONG_READ).all([], options)],
  [
    'get() of a statement',
    (db, options) => db.prepare(`${NUMBERS} select x from c where x < 0`).get([], options),
  ],
  [
    'a stream',
    (db, options) => collect(db.stream(`${NUMBERS} select x from c where x % 5000000 = 0`, [], options)),
  ],
  ['iterate() of a statement', (db, options) => collect(db.prepare(LONG_READ).iterate([], options))],
  ['a batch', (db, options) => db.batch(['insert into t values (2)', LONG_READ], options)],
  [
    'a deferred batch',
    (db, options) => db.batch(['select 1', LONG_WRITE], { ...options, behavior: 'deferred' }),
  ],
  ['a script', (db, options) => db.script(`select 1; ${LONG_WRITE}`, options)],
  ['a script with a transaction', (db, options) => db.script(`begin; ${LONG_WRITE}; commit`, options)],
  [
    'an atomic script',
    (db, options) => db.script(`insert into t values (2); ${LONG_WRITE}`, { ...options, atomic: true }),
  ],
  ['a transaction', (db, options) => db.transaction((tx) => tx.execute(LONG_WRITE), options)],
  [
    'a statement of a transaction',
    (db, options) => db.transaction((tx) => tx.execute(LONG_WRITE, [], options)),
  ],
  [
    'a nested transaction',
    (db, options) => db.transaction((tx) => tx.transaction((nested) => nested.execute(LONG_WRITE)), options),
  ],
  [
    'a stream in a transaction',
    (db, options) => db.transaction((tx) => collect(tx.stream(LONG_READ)), options),
  ],
];

async function expectUsable(db: Database): Promise<void> {
  expect((await db.execute('select a from t')).rows).toEqual([{ a: 1 }]);
  await db.execute('insert into t values (2)');
  await db.transaction((tx) => tx.execute('delete from t where a = 2'));
  expect((await db.execute('select count(*) as n from t', [], { timeout: 9_000 })).rows).toEqual([{ n: 1 }]);
  expect((await db.execute("select count(*) as n from sqlite_schema where name = 'u'")).rows).toEqual([
    { n: 0 },
  ]);
}

describe.each(PLACES)('on %s', (_place, openPlace) => {
  it.each(LONG_CALLS)('a signal stops %s, with the event loop free', async (_name, call) => {
    const db = await openPlace();
    const controller = new AbortController();
    const reason = new Error('the user left');
    const { outcome, stall, ticks } = await withStall(() => {
      setTimeout(() => controller.abort(reason), 40);
      return failure(call(db, { signal: controller.signal }), InterruptedError);
    });
    expect(outcome).toMatchObject({
      status: 'fulfilled',
      value: { code: 'ABORTED', kind: 'interrupted', cause: reason },
    });
    expect(stall).toBeLessThan(LONGEST_STALL);
    expect(ticks).toBeGreaterThan(5);
    await expectUsable(db);
  });

  it.each(LONG_CALLS)('a timeout stops %s, with the event loop free', async (_name, call) => {
    const db = await openPlace();
    const { outcome, stall } = await withStall(() => failure(call(db, { timeout: 30 }), InterruptedError));
    expect(outcome).toMatchObject({ status: 'fulfilled', value: { code: 'TIMEOUT', kind: 'interrupted' } });
    expect(outcome).toHaveProperty(
      'value.message',
      expect.stringContaining('stopped after the timeout of 30 ms'),
    );
    expect(stall).toBeLessThan(LONGEST_STALL);
    await expectUsable(db);
  });

  it.each(LONG_CALLS)('an aborted signal keeps %s from beginning', async (_name, call) => {
    const db = await openPlace();
    const options = { signal: AbortSignal.abort() };
    expect((await failure(call(db, options), InterruptedError)).code).toBe('ABORTED');
    await expectUsable(db);
  });

  it.each(LONG_CALLS)('a signal that comes at the same moment stops %s', async (_name, call) => {
    const db = await openPlace();
    await db.execute('select 1', [], { timeout: 9_000 });
    for (const turns of [0, 1, 2, 3, 5, 8, 13, 21]) {
      const controller = new AbortController();
      const stopped = failure(call(db, { signal: controller.signal }), InterruptedError);
      for (let i = 0; i < turns; i++) await Promise.resolve();
      controller.abort();
      expect((await stopped).code).toBe('ABORTED');
    }
    await expectUsable(db);
  });

  it('a signal that comes later does nothing', async () => {
    const db = await openPlace();
    const controller = new AbortController();
    const { signal } = controller;
    await db.execute('select 1', [], { signal, timeout: 9_000 });
    await db.transaction((tx) => tx.execute('select 1'), { signal });
    await db.batch(['select 1'], { signal });
    await collect(db.stream('select 1', [], { signal }));
    controller.abort();
    await turn();
    await expectUsable(db);
  });

  it('a timeout that is not reached does nothing', async () => {
    const db = await openPlace();
    expect((await db.execute('select a from t', [], { timeout: 20 })).rows).toEqual([{ a: 1 }]);
    await pause(30);
    await expectUsable(db);
  });

  it('one call is stopped and the others go on', async () => {
    const db = await openPlace();
    const stopped = failure(db.execute(LONG_READ, [], { timeout: 30 }), InterruptedError);
    const others = [
      db.execute('select a from t'),
      db.execute('select a from t', [], { timeout: 9_000 }),
      db.transaction((tx) => tx.execute('select a from t'), { behavior: 'read' }),
    ];
    for (const { rows } of await Promise.all(others)) expect(rows).toEqual([{ a: 1 }]);
    expect((await stopped).code).toBe('TIMEOUT');
  });

  it('a transaction ends on time although its callback waits for something else', async () => {
    const db = await openPlace();
    const never = gate();
    for (const options of [{ timeout: 30 }, { signal: AbortSignal.timeout(30) }]) {
      const stopped = db.transaction(async (tx) => {
        await tx.execute('insert into t values (2)');
        await never.opened;
      }, options);
      expect(['TIMEOUT', 'ABORTED']).toContain((await failure(stopped, InterruptedError)).code);
      await expectUsable(db);
    }
  });

  it('a transaction that was stopped runs nothing more', async () => {
    const db = await openPlace();
    const later = gate();
    let late: unknown;
    const stopped = db.transaction(
      async (tx) => {
        await later.opened;
        late = await failure(tx.execute('insert into t values (2)'));
      },
      { timeout: 20 },
    );
    await failure(stopped, InterruptedError);
    later.open();
    await turn();
    expect(late).toMatchObject({ code: 'TRANSACTION_CLOSED' });
    await expectUsable(db);
  });

  it('a statement of a transaction is stopped and the transaction goes on, if it only read', async () => {
    const db = await openPlace();
    await db.transaction(async (tx) => {
      await tx.execute('insert into t values (2)');
      expect((await failure(tx.execute(LONG_READ, [], { timeout: 20 }), InterruptedError)).code).toBe(
        'TIMEOUT',
      );
      await tx.execute('insert into t values (3)');
    });
    expect((await db.execute('select a from t')).rows).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }]);
  });

  it('a write of a transaction that is stopped ends the transaction, and nothing of it is kept', async () => {
    const db = await openPlace();
    const error = await failure(
      db.transaction(async (tx) => {
        await tx.execute('insert into t values (2)');
        await failure(tx.execute(LONG_WRITE, [], { timeout: 20 }), InterruptedError);
        await tx.execute('insert into t values (3)');
      }),
    );
    expect(error.code).toBe('TRANSACTION_LOST');
    await expectUsable(db);
  });

  it('config.timeout bounds every statement that has none of its own', async () => {
    const db = await openMemory(SETUP, { timeout: 25 });
    expect((await failure(db.execute(LONG_READ), InterruptedError)).code).toBe('TIMEOUT');
    expect((await failure(db.prepare(LONG_READ).all(), InterruptedError)).code).toBe('TIMEOUT');
    expect((await failure(db.batch([LONG_READ]), InterruptedError)).code).toBe('TIMEOUT');
    expect((await failure(db.script(LONG_READ), InterruptedError)).code).toBe('TIMEOUT');
    expect((await failure(db.script(LONG_READ, { atomic: true }), InterruptedError)).code).toBe('TIMEOUT');
    expect((await failure(collect(db.stream(LONG_READ)), InterruptedError)).code).toBe('TIMEOUT');
    expect(
      (
        await failure(
          db.transaction((tx) => tx.execute(LONG_READ)),
          InterruptedError,
        )
      ).code,
    ).toBe('TIMEOUT');
    expect((await db.execute('select a from t')).rows).toEqual([{ a: 1 }]);
    expect(
      (await db.execute(`${NUMBERS} select x from c limit 100`, [], { timeout: 9_000 })).rows,
    ).toHaveLength(100);
  });
});

describe('a call that waits for a lock', () => {
  const calls: readonly [string, (db: Database, options: AbortOptions) => Promise<unknown>][] = [
    ['a write', (db, options) => db.execute('insert into t values (2)', [], options)],
    ['a batch', (db, options) => db.batch(['insert into t values (2)'], options)],
    ['a script', (db, options) => db.script('insert into t values (2)', options)],
    [
      'an atomic script',
      (db, options) => db.script('insert into t values (2)', { ...options, atomic: true }),
    ],
    [
      'a transaction',
      (db, options) => db.transaction((tx) => tx.execute('insert into t values (2)'), options),
    ],
    [
      'a deferred transaction',
      (db, options) =>
        db.transaction((tx) => tx.execute('insert into t values (2)'), { ...options, behavior: 'deferred' }),
    ],
    [
      'a statement of a deferred transaction',
      (db, options) =>
        db.transaction((tx) => tx.execute('insert into t values (2)', [], options), { behavior: 'deferred' }),
    ],
    ['a stream', (db, options) => collect(db.stream('insert into t values (2) returning a', [], options))],
  ];

  it.each(calls)('of another process is stopped: %s', async (_name, call) => {
    const { db, file, look, other } = await openFile(SETUP, { busyTimeout: 25_000 });
    const lock = await holdLock(file);
    expect((await failure(call(db, { timeout: 30 }), InterruptedError)).code).toBe('TIMEOUT');
    const controller = new AbortController();
    const stopped = failure(call(db, { signal: controller.signal }), InterruptedError);
    await pause(20);
    controller.abort();
    expect((await stopped).code).toBe('ABORTED');
    await lock.release();
    expect(isWriteLocked(other)).toBe(false);
    expect(look('select a from t')).toEqual([[1]]);
    await call(db, { timeout: 20_000 });
    expect(look('select a from t')).toEqual([[1], [2]]);
  });

  it.each(calls)('of this process is stopped: %s', async (name, call) => {
    const config = { busyTimeout: 25_000 } as const;
    const databases = [(await openFile(SETUP, config)).db];
    // In memory it is the beginning of a transaction that waits, which a statement's options do not bound.
    if (name !== 'a statement of a deferred transaction') databases.push(await openMemory(SETUP, config));
    for (const db of databases) {
      const inside = gate();
      const holding = db.transaction(() => inside.opened);
      await turn();
      expect((await failure(call(db, { timeout: 20 }), InterruptedError)).code).toBe('TIMEOUT');
      const controller = new AbortController();
      const stopped = failure(call(db, { signal: controller.signal }), InterruptedError);
      await turn();
      controller.abort();
      expect((await stopped).code).toBe('ABORTED');
      inside.open();
      await holding;
      expect((await db.execute('select a from t')).rows).toEqual([{ a: 1 }]);
      await call(db, { timeout: 20_000 });
      expect((await db.execute('select a from t')).rows).toEqual([{ a: 1 }, { a: 2 }]);
    }
  });

  it('for one of all connections is stopped', async () => {
    const { db } = await openFile(SETUP, { concurrency: 1, busyTimeout: 25_000 });
    const rows = db.stream('select value from generate_series(1, 99)', [], { batchSize: 1 });
    await rows.next();
    expect(
      (
        await failure(
          db.transaction(() => 1, { timeout: 20 }),
          InterruptedError,
        )
      ).code,
    ).toBe('TIMEOUT');
    expect((await failure(db.execute('select 1', [], { timeout: 20 }), InterruptedError)).code).toBe(
      'TIMEOUT',
    );
    await rows.return();
    expect(await db.transaction(() => 1, { timeout: 9_000 })).toBe(1);
  });

  it('for its turn in a transaction is stopped', async () => {
    const db = await openMemory(SETUP, { busyTimeout: 25_000 });
    await db.transaction(async (tx) => {
      const inside = gate();
      const nested = tx.transaction(() => inside.opened);
      await turn();
      let stopped: Promise<InterruptedError> | undefined;
      setTimeout(() => {
        stopped = failure(tx.execute('insert into t values (2)', [], { timeout: 10 }), InterruptedError);
      }, 1);
      await pause(5);
      expect((await stopped)?.code).toBe('TIMEOUT');
      inside.open();
      await nested;
    });
    expect((await db.execute('select a from t')).rows).toEqual([{ a: 1 }]);
  });
});
