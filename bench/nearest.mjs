/**
 * From how many rows on an index finds the nearest vectors faster than a scan: the row count below which `nearest` scans.
 * Run `node bench/nearest.mjs [dimensions …]` after `npm run build`. Vectors are random; the second part repeats few of them.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { open } from '../dist/index.js';

const STEPS = (process.env.BENCH_ROWS ?? '500,1000,2000,4000,8000').split(',').map(Number);
const SEARCHES = 20;
const K = 10;

let state = 7;
const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
const randomVector = (dimensions) => Float32Array.from({ length: dimensions }, () => random() * 2 - 1);

const INDEX =
  "select id, vector_distance_cos(e, ?1) as d from t where id in (select id from vector_top_k('i', ?1, 10)) order by d";
const SCAN = `select id, vector_distance_cos(e, ?1) as d from t where e is not null order by d limit ${K}`;
const COUNT = (rows) => `select count(*) from (select 1 from t limit ${rows})`;

async function timed(run) {
  const times = [];
  for (let i = 0; i < SEARCHES; i++) {
    const start = performance.now();
    await run(i);
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return times[SEARCHES >> 1].toFixed(2);
}

async function measure(title, dimensions, make) {
  const folder = mkdtempSync(path.join(tmpdir(), 'turso-bench-'));
  const db = open(path.join(folder, 'bench.db'));
  await db.script(
    `create table t (id integer primary key, e f32_blob(${dimensions})); create index i on t (libsql_vector_idx(e))`,
  );
  let rows = 0;
  for (const step of STEPS) {
    await db.transaction(async (tx) => {
      for (; rows < step; rows++) await tx.execute('insert into t (e) values (?)', [make()]);
    });
    const queries = Array.from({ length: SEARCHES }, make);
    const byIndex = await timed((i) => db.execute(INDEX, [queries[i]]));
    const byScan = await timed((i) => db.execute(SCAN, [queries[i]]));
    const count = await timed(() => db.execute(COUNT(rows)));
    let found = 0;
    let wanted = 0;
    for (const query of queries) {
      const scan = (await db.execute(SCAN, [query])).rows;
      const limit = scan.at(-1).d + 1e-6;
      found += (await db.execute(INDEX, [query])).rows.filter(({ d }) => d <= limit).length;
      wanted += scan.length;
    }
    console.log(
      `${title}, ${dimensions} dimensions, ${rows} rows: index ${byIndex} ms, scan ${byScan} ms, count ${count} ms, recall ${(found / wanted).toFixed(3)}`,
    );
  }
  await db.close();
  rmSync(folder, { recursive: true, force: true });
}

for (const dimensions of (process.argv.slice(2).length > 0 ? process.argv.slice(2) : ['128', '768']).map(
  Number,
)) {
  await measure('random', dimensions, () => randomVector(dimensions));
  const few = Array.from({ length: 35 }, () => randomVector(dimensions));
  await measure('35 different', dimensions, () => few[Math.floor(random() * few.length)]);
}
