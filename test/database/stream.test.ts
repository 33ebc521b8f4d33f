import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.js';
import { ConfigError } from '../../src/errors.js';
import { canTruncateLog, isWriteLocked, openFile, openMemory } from '../support/database.js';
import { collect, failure } from '../support/outcome.js';
import { turn } from '../support/time.js';

const SETUP = `create table t (id integer primary key, v);
  insert into t select value, value * 10 from generate_series(1, 1000);`;
const ROWS = 'select id from t order by id';

const PLACES: readonly [string, () => Promise<Database>][] = [
  ['a file', async () => (await openFile(SETUP)).db],
  ['memory', () => openMemory(SETUP)],
];

describe.each(PLACES)('a stream from %s', (_place, openPlace) => {
  it.each([
    {},
    { batchSize: 1 },
    { batchSize: 7 },
    { batchSize: 1000 },
    { batchSize: 1001 },
    { timeout: 9_000 },
  ])('gives every row once and in order: %j', async (options) => {
    const db = await openPlace();
    const rows = await collect(db.stream<{ id: number }>(ROWS, [], options));
    expect(rows.map((row) => row.id)).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
  });

  it('takes parameters and a row mode', async () => {
    const db = await openPlace();
    const rows = db.stream(
      'select id, v from t where id between :a and :b',
      { a: 2, b: 3 },
      { rowMode: 'array' },
    );
    expect(await collect(rows)).toEqual([
      [2, 20],
      [3, 30],
    ]);
  });

  it('of no rows ends at once', async () => {
    const db = await openPlace();
    expect(await collect(db.stream('select * from t where id < 0'))).toEqual([]);
  });

  it('does nothing before the first row is asked for', async () => {
    const db = await openPlace();
    const rows = db.stream('insert into t values (5000, 0) returning id');
    await turn();
    expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: 1000 }]);
    expect(await collect(rows)).toEqual([{ id: 5000 }]);
  });

  it('does not see what is written after its first row', async () => {
    const db = await openPlace();
    const rows = db.stream<{ id: number }>(ROWS, [], { batchSize: 10 });
    const ids = [(await rows.next()).value?.id];
    await db.execute('insert into t values (2000, 0)');
    await db.execute('delete from t where id > 500');
    await db.transaction((tx) => tx.execute('update t set id = -id where id = 400'));
    for await (const row of rows) ids.push(row.id);
    expect(ids).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
    expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: 500 }]);
  });

  it('goes on when its table is dropped, which works', async () => {
    const db = await openPlace();
    const rows = db.stream<{ id: number }>(ROWS, [], { batchSize: 10 });
    let sum = (await rows.next()).value?.id ?? 0;
    await db.execute('drop table t');
    await db.execute('create table t (other)');
    for await (const row of rows) sum += row.id;
    expect(sum).toBe((1000 * 1001) / 2);
    expect((await db.execute('select * from t')).rows).toEqual([]);
  });

  it('may be read in another one, and several at once', async () => {
    const db = await openPlace();
    let pairs = 0;
    for await (const outer of db.stream<{ id: number }>('select id from t where id <= 20', [], {
      batchSize: 3,
    })) {
      for await (const inner of db.stream<{ id: number }>('select id from t where id <= ?', [outer.id], {
        batchSize: 2,
      })) {
        pairs += inner.id > 0 ? 1 : 0;
      }
      await db.execute('update t set v = v + 1 where id = ?', [outer.id]);
    }
    expect(pairs).toBe((20 * 21) / 2);
    const sums = await Promise.all([1, 2, 3, 4].map(() => collect(db.stream(ROWS, [], { batchSize: 17 }))));
    expect(sums.map((rows) => rows.length)).toEqual([1000, 1000, 1000, 1000]);
  });

  it('that is left early lets everything else go on', async () => {
    const db = await openPlace();
    for (let run = 0; run < 30; run++) {
      for await (const row of db.stream(ROWS, [], { batchSize: 5 })) {
        expect(row.id).toBe(1);
        break;
      }
    }
    await db.execute('drop table t');
    await db.execute('create table t (id)');
    await db.execute('vacuum');
    expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: 0 }]);
  });

  it('that is left early beside one that is read does not end that one', async () => {
    const db = await openPlace();
    const [kept, left] = [db.stream(ROWS, [], { batchSize: 3 }), db.stream(ROWS, [], { batchSize: 3 })];
    await kept.next();
    await left.next();
    await left.return();
    expect(await collect(kept)).toHaveLength(999);
  });

  it('that is left by an error of its reader is freed', async () => {
    const db = await openPlace();
    const problem = new Error('mine');
    const reading = async (): Promise<void> => {
      for await (const row of db.stream(ROWS)) if (row.id === 3) throw problem;
    };
    await expect(reading()).rejects.toBe(problem);
    await db.execute('drop table t');
    expect((await db.execute("select count(*) as n from sqlite_schema where name = 't'")).rows).toEqual([
      { n: 0 },
    ]);
  });

  it('fails with the first row where its statement is wrong', async () => {
    const db = await openPlace();
    expect((await failure(db.stream('select * from missing').next())).message).toContain('no such table');
    expect((await failure(db.stream('select 1; select 2').next())).code).toBe('MULTIPLE_STATEMENTS');
    expect((await failure(db.stream('begin').next())).code).toBe('TRANSACTION_CONTROL');
    expect((await failure(db.stream(ROWS, [], { batchSize: 0 }).next(), ConfigError)).key).toBe('batchSize');
    expect(await collect(db.stream('select 1 as a'))).toEqual([{ a: 1 }]);
  });

  it('fails in the middle where a row can not be computed, and is freed', async () => {
    const db = await openPlace();
    const sql = 'select case when id < 500 then id else abs(-9223372036854775808) end as x from t';
    expect((await failure(collect(db.stream(sql, [], { batchSize: 10 })))).message).toContain(
      'integer overflow',
    );
    await db.execute('drop table t');
  });

  it('ends for good', async () => {
    const db = await openPlace();
    const rows = db.stream('select 1 as a');
    expect(await collect(rows)).toEqual([{ a: 1 }]);
    expect(await rows.next()).toEqual({ done: true, value: undefined });
    await rows.return();
  });

  it('of a write carries it out as a whole', async () => {
    const db = await openPlace();
    for await (const row of db.stream('update t set v = 0 returning id', [], { batchSize: 2 })) {
      expect(row.id).toBe(1);
      break;
    }
    expect((await db.execute('select count(*) as n from t where v = 0')).rows).toEqual([{ n: 1000 }]);
  });

  it('of EXPLAIN, VALUES and a pragma works as well', async () => {
    const db = await openPlace();
    expect(await collect(db.stream('values (1), (2)', [], { rowMode: 'array', batchSize: 1 }))).toEqual([
      [1],
      [2],
    ]);
    expect((await collect(db.stream('explain select 1'))).length).toBeGreaterThan(2);
    expect((await collect(db.stream('pragma table_info(t)'))).map((row) => row.name)).toEqual(['id', 'v']);
    await db.execute('drop table t');
  });
});

describe('a stream in a transaction', () => {
  it.each(PLACES)('of %s sees its own writes and ends with it', async (_place, openPlace) => {
    const db = await openPlace();
    const left = await db.transaction(async (tx) => {
      await tx.execute('delete from t where id > 300');
      expect(await collect(tx.stream(ROWS, [], { batchSize: 7 }))).toHaveLength(300);
      const rows = tx.stream(ROWS, [], { batchSize: 7 });
      await rows.next();
      await tx.execute('insert into t values (9000, 1)');
      return rows;
    });
    expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: 301 }]);
    expect((await failure(collect(left))).code).toBe('TRANSACTION_CLOSED');
    await db.execute('drop table t');
  });

  it.each(PLACES)(
    'of %s that is open does not stop the rollback or a schema change',
    async (_place, openPlace) => {
      const db = await openPlace();
      const undone = db.transaction(async (tx) => {
        const rows = tx.stream(ROWS, [], { batchSize: 7 });
        await rows.next();
        await tx.execute('create table u (a)');
        await tx.execute('drop table t');
        expect(await collect(rows)).toHaveLength(999);
        const more = tx.stream('select value from generate_series(1, 999)', [], { batchSize: 2 });
        await more.next();
        throw new Error('undo');
      });
      await expect(undone).rejects.toThrow('undo');
      expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: 1000 }]);
      expect((await failure(db.execute('select * from u'))).message).toContain('no such table');
    },
  );

  it.each(PLACES)('of %s lives on after a savepoint is undone', async (_place, openPlace) => {
    const db = await openPlace();
    await db.transaction(async (tx) => {
      const rows = tx.stream(ROWS, [], { batchSize: 7 });
      await rows.next();
      const nested = tx.transaction(async (inner) => {
        await inner.execute('create table u (a)');
        throw new Error('undo');
      });
      await expect(nested).rejects.toThrow('undo');
      expect(await collect(rows)).toHaveLength(999);
    });
  });
});

describe('a stream that is stopped before its first row', () => {
  it.each(PLACES)('leaves %s and an open transaction as they were', async (_place, openPlace) => {
    const db = await openPlace();
    await db.transaction(async (tx) => {
      for (let turns = 0; turns < 10; turns++) {
        const controller = new AbortController();
        const stopped = tx.stream(ROWS, [], { signal: controller.signal });
        const first = stopped.next();
        for (let i = 0; i < turns; i++) await turn();
        const since = performance.now();
        while (performance.now() - since < 5);
        controller.abort();
        await first.catch(() => {});
        await stopped.return();
        expect(await collect(tx.stream(ROWS, [], { timeout: 9_000 }))).toHaveLength(1000);
      }
      await tx.execute('insert into t values (2000, 1)');
    });
    expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: 1001 }]);
  });
});

describe('a transaction that is stopped while it opens a stream', () => {
  it.each(PLACES)('is rolled back, and %s keeps what is written next', async (_place, openPlace) => {
    const db = await openPlace();
    for (let turns = 0; turns < 20; turns++) {
      const controller = new AbortController();
      const stopped = db.transaction(
        async (tx) => {
          await tx.execute('insert into t values (?, 0)', [5_000 + turns]);
          await collect(tx.stream(ROWS));
          throw new Error('undo');
        },
        { signal: controller.signal },
      );
      stopped.catch(() => {});
      for (let i = 0; i < turns; i++) await turn();
      const since = performance.now();
      while (performance.now() - since < 3);
      controller.abort();
      await expect(stopped).rejects.toThrow(/stopped by its signal|undo/);
      await db.execute('insert into t values (?, 0)', [6_000 + turns], { timeout: 9_000 });
    }
    const { rows } = await db.execute('select count(*) as n, min(id) as first from t where id >= 5000');
    expect(rows).toEqual([{ n: 20, first: 6_000 }]);
  });
});

describe('the snapshot of a stream', () => {
  it('is held while it is read and given up when it is left', async () => {
    const { db, other } = await openFile(SETUP);
    const rows = db.stream(ROWS, [], { batchSize: 5 });
    await rows.next();
    other.exec('insert into t values (5000, 1)');
    expect(canTruncateLog(other)).toBe(false);
    await rows.return();
    expect(canTruncateLog(other)).toBe(true);
    other.exec('drop table t');
  });

  it('is given up at the end, after an error, and by 25 streams that were left', async () => {
    const { db, other } = await openFile(SETUP);
    await collect(db.stream(ROWS));
    expect(canTruncateLog(other)).toBe(true);
    await failure(
      collect(db.stream('select abs(-9223372036854775808 + id - 900) from t', [], { batchSize: 3 })),
    );
    expect(canTruncateLog(other)).toBe(true);
    const streams = Array.from({ length: 15 }, () => db.stream(ROWS, [], { batchSize: 2 }));
    await Promise.all(streams.map((rows) => rows.next()));
    await Promise.all(streams.map((rows) => rows.return()));
    for (let i = 0; i < 10; i++) for await (const _row of db.stream(ROWS, [], { batchSize: 2 })) break;
    expect(canTruncateLog(other)).toBe(true);
    expect(isWriteLocked(other)).toBe(false);
  });

  it('is given up by a stream that can be aborted and is left', async () => {
    const { db, other } = await openFile(SETUP);
    for await (const _row of db.stream(ROWS, [], { batchSize: 2, timeout: 9_000 })) break;
    expect(canTruncateLog(other)).toBe(true);
    other.exec('drop table t');
  });

  it.each(['signal', 'interrupt()'])(
    'is given up by a stream that %s stops before its first row',
    async (how) => {
      const { db, other } = await openFile(SETUP);
      let failed = 0;
      for (let turns = 0; turns < 10; turns++) {
        const controller = new AbortController();
        const stopped = db.stream(ROWS, [], { signal: controller.signal, timeout: 9_000 });
        const first = stopped.next();
        // One of these moments is between the end of the first step, on another thread, and the first row.
        for (let i = 0; i < turns; i++) await turn();
        const since = performance.now();
        while (performance.now() - since < 5);
        if (how === 'signal') controller.abort();
        else db.interrupt();
        await first.then(
          () => {},
          () => failed++,
        );
        await stopped.return();
        // An interrupt lasts as long as a statement of its connection is open.
        expect(await collect(db.stream(ROWS, [], { timeout: 9_000 }))).toHaveLength(1000);
      }
      expect(failed).toBeGreaterThan(0);
      await db.execute('insert into t values (2000, 1)');
      expect(canTruncateLog(other)).toBe(true);
    },
  );

  it('does not keep anybody from writing', async () => {
    const { db, other, look } = await openFile(SETUP);
    const rows = db.stream(ROWS, [], { batchSize: 5 });
    await rows.next();
    other.exec('delete from t where id = 1');
    await db.execute('delete from t where id = 2');
    expect(look('select count(*) from t')).toEqual([[998]]);
    expect(await collect(rows)).toHaveLength(999);
  });
});
