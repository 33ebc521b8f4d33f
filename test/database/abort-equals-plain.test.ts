import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.js';
import { openFile, openMemory } from '../support/database.js';
import { collect } from '../support/outcome.js';
import { randomFrom } from '../support/random.js';

const SETUP = `
  create table t(a integer primary key, b integer, c real, d text, e, f blob);
  insert into t values
    (1, 9007199254740993, 0.5, '1', 7, x'00'), (2, 5, 2, 'x', 2.0, null), (3, -3, null, null, 'y', x''),
    (4, null, 1e300, '2.50', x'01', x'ff'), (5, 9007199254740992, -0.0, 'é', null, null);
  create table j(a integer primary key, b text);
  insert into j values (1, '{"x":1}'), (2, '[2]'), (3, 'bad'), (4, 'bad'), (5, '5');
  create table w(k text primary key, v int, r real) without rowid;
  insert into w values ('p', 1, 1), ('q', 2, 3.5);
  create view compound as select c as v from t union all select b from t;
  create view two as select json(b) v from j order by +a limit 2;
  create index t_b on t(b);`;

const SIGNAL = new AbortController().signal;
const TIMEOUT = { timeout: 60_000 };

type Outcome = { columns?: readonly string[]; types?: readonly string[]; rows?: unknown; error?: string };

async function outcome(run: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await run();
  } catch (error) {
    return { error: `${(error as Error).name}: ${(error as Error).message}` };
  }
}

const all = (db: Database, sql: string, options?: object): Promise<Outcome> =>
  outcome(async () => {
    const { columns, columnTypes, rows } = await db.execute(sql, [], { rowMode: 'array', ...options });
    return { columns, types: columnTypes, rows };
  });

const streamed = (db: Database, sql: string, options?: object): Promise<Outcome> =>
  outcome(async () => ({ rows: await collect(db.stream(sql, [], { rowMode: 'array', ...options })) }));

async function assertSame(places: readonly Database[], sql: string): Promise<void> {
  for (const db of places) {
    const plain = await all(db, sql);
    const rows = plain.error === undefined ? { rows: plain.rows } : plain;
    expect(await all(db, sql, TIMEOUT), `timeout: ${sql}`).toEqual(plain);
    expect(await all(db, sql, { signal: SIGNAL }), `signal: ${sql}`).toEqual(plain);
    expect(await streamed(db, sql), `stream: ${sql}`).toEqual(rows);
    expect(await streamed(db, sql, TIMEOUT), `stream with a timeout: ${sql}`).toEqual(rows);
    const first = (options: object): Promise<Outcome> =>
      outcome(async () => ({ rows: await db.prepare(sql).get([], options) }));
    expect(await first(TIMEOUT), `get with a timeout: ${sql}`).toEqual(await first({}));
  }
}

async function places(): Promise<Database[]> {
  const { db } = await openFile(SETUP, { intMode: 'bigint' });
  return [db, await openMemory(SETUP, { intMode: 'bigint' })];
}

describe('a query that can be stopped gives what it gives otherwise', () => {
  it.each([
    // Values of a compound keep their class, whatever the first SELECT has.
    'select c as v from t union all select b from t',
    'select b as v from t union all select c from t',
    'select c, d from t union select b, a from t order by 1, 2 limit 4 offset 1',
    'select c from t intersect select e from t',
    'select c from t except select b from t order by c desc',
    'with x as (select c from t), y(v) as (select b from t) select * from x union all select * from y',
    'values ((select c from t limit 1)), ((select b from t limit 1))',
    'select v from compound limit 3',
    'select (select c from t where 0 union all select b from t) as v',
    'select distinct (select b from t where a = 1 union all select c from t where 0) v, a from t order by a',
    'select (select b from t where a = 1 union all select c from t where 0), 1 as one from t limit 1',
    "select (select b from t where a = 1 union all select c from t where 0) || 'x' from t limit 2",
    // What a LIMIT leaves out is not computed.
    'select json(b) j from j order by +a limit 2',
    'select json(b) j from j order by +a limit 1 offset 1',
    'select json(b) j from j order by +a limit 3',
    'select j.a, json(j.b) from j join t on t.a <= j.a order by +j.a limit 2',
    'select a, (select json(x.b) from j x where x.a = j.a) from j order by +a limit 2',
    'with q as (select json(b) v, a from j) select v from q order by +a limit 2',
    'select json(b), sum(a) over () from j order by +a limit 2',
    'select json(b), count(*) from j group by a order by +a limit 2',
    'select json(b) from j limit 2',
    'select json(b) from j where a < 3 union all select json(b) from j limit 3',
    'select * from (select json(b) from j order by +a limit 2)',
    'select * from two',
    'select json(b) from (select b, a from j limit 2) order by a',
    'with q as (select json(b) from j order by +a limit 2) select * from q',
    // Errors and names are those of the statement itself.
    'select 1 +',
    'select 1) , x as (select 2',
    'select * frm t',
    'select nothing from t',
    'select a, b from t union select a from t',
    'select a from t order by nothing limit 1',
    'select a from t limit (select d from t where a = 2)',
    'select abs(-9223372036854775807 - 1)',
    'select a, a, a + 1, "a", count(*), t.a as "x y" from t group by a limit 2 -- end',
    'select t.*, w.* from t join w on w.v = t.a',
    "select -0.0, 1e400, -1e400, 9007199254740993, 1.0, null, x'', ''",
    'select 1 /* open',
  ])('%s', async (sql) => {
    await assertSame(await places(), sql);
  });

  it('sorts by what it gives, also by values that are different each time', async () => {
    const setup = 'create table n(a); insert into n select value from generate_series(1, 50)';
    const { db } = await openFile(setup, { intMode: 'bigint' });
    for (const limit of ['', ' limit 20', ' limit 20 offset 5']) {
      const sql = `select random() r from n order by r${limit}`;
      const { rows } = await db.execute<{ r: bigint }>(sql, [], TIMEOUT);
      const numbers = rows.map(({ r }) => r);
      expect(numbers).toEqual(numbers.toSorted((x, y) => (x < y ? -1 : 1)));
    }
  });

  it('computes no more rows than it gives', async () => {
    const { db } = await openFile(`create table n(a integer primary key, b text);
      insert into n select value, '[1]' from generate_series(1, 20);
      insert into n select value, 'bad' from generate_series(21, 4000);`);
    const sql = 'select a, json(b) from n order by +a limit 20';
    for (const options of [{}, TIMEOUT, { signal: SIGNAL }])
      expect((await db.execute(sql, [], options)).rows).toHaveLength(20);
  });

  it('also for queries that are put together at random', async () => {
    const bases = await places();
    const seed = Number(process.env['SEED'] ?? Date.now() % 1e9);
    const random = randomFrom(seed);
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
    const maybe = (text: string, chance = 0.5): string => (random() < chance ? text : '');
    const columns = [
      'a',
      'b',
      'c',
      'd',
      'e',
      'f',
      'b + 0',
      'c || 1',
      'cast(d as real)',
      'json(d)',
      'typeof(e)',
      'abs(b)',
    ];
    const expression = (): string =>
      random() < 0.15
        ? `(select ${pick(columns)} from t where a = ${pick([1, 2, 3])} ${maybe(`union all select ${pick(columns)} from t where 0`)})`
        : pick(columns);
    const core = (width: number): string => {
      const list = Array.from({ length: width }, (_, i) => `${expression()}${maybe(` as x${i}`)}`).join(', ');
      const from = pick([
        't',
        't',
        't',
        '(select * from t where a > 1)',
        't cross join w',
        '(select * from t order by a limit 3)',
      ]);
      const where = maybe(
        ` where ${pick(['a > 1', 'c is not null', "d <> 'x'", 'b between 0 and 9e15'])}`,
        0.4,
      );
      return `select ${maybe('distinct ', 0.15)}${list} from ${from}${where}`;
    };
    const query = (): string => {
      const width = pick([1, 2, 3]);
      let sql = core(width);
      let compound = false;
      for (; random() < 0.35; compound = true) {
        sql += ` ${pick(['union all', 'union', 'except', 'intersect'])} ${core(width)}`;
      }
      if (!compound && random() < 0.2) sql += ` group by ${pick(['a', 'd', '1'])}`;
      sql += maybe(
        ` order by ${compound ? pick(['1', '1 desc', String(width)]) : pick(['1', '+a', 'a desc', 'b, a', String(width)])}`,
        0.6,
      );
      sql += maybe(` limit ${pick([0, 1, 2, 3, 10, -1])}${maybe(` offset ${pick([0, 1, 2])}`)}`);
      return random() < 0.1 ? `with q as (${sql}) select * from q${maybe(' limit 2')}` : sql;
    };
    for (let i = 0; i < 100; i++) {
      const sql = query();
      await assertSame([pick(bases)], sql).catch((error: unknown) => {
        throw new Error(`SEED=${seed}`, { cause: error });
      });
    }
  });
});
