/**
 * Runs every case on one fresh file, prints the ratios and writes them to bench/results/latest.json. Arguments name the groups
 * to run (`remote`, `select` …); without any, all are run.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { hookCases } from './cases/hooks.mjs';
import { insertCases } from './cases/insert.mjs';
import { kyselyCases } from './cases/kysely.mjs';
import { remoteCases } from './cases/remote.mjs';
import { selectCases } from './cases/select.mjs';
import { vectorCases } from './cases/vector.mjs';
import { openAll } from './contenders.mjs';
import { print } from './measure.mjs';

const folder = mkdtempSync(join(tmpdir(), 'turso-dialect-bench-'));
const contenders = await openAll(join(folder, 'bench.db'));
const groups = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
/** Each group is run only if it is wanted. */
const GROUPS = {
  select: () => selectCases(contenders),
  insert: () => insertCases(contenders),
  kysely: () => kyselyCases(contenders),
  remote: () => remoteCases(folder),
  vector: () => vectorCases(folder),
  hooks: () => hookCases(folder),
};
const results = [];
for (const [name, run] of Object.entries(GROUPS)) {
  if (groups.length === 0 || groups.includes(name)) results.push(...(await run()));
}
for (const result of results) print(result);

/** The time of `@libsql/client` that ours may take, over HTTP and over WebSocket. */
const REMOTE = {
  'point select': [0.65, 0.4],
  '1,000 rows': [0.35, 0.6],
  '10,000 rows': [0.4, 0.6],
  'transaction of three statements': [0.8, 0.8],
  '500 statements at once': [0.7, 0.7],
  insert: [1, 1.05],
  'batch of 50': [1, 1.05],
};

/** Each target: the contender takes at least so many times our time, or we at most so many times its time `plus` another's. */
const TARGETS = [
  { title: 'prepared point select (all)', contender: 'drizzle-orm/libsql', atLeast: 4.5 },
  { title: 'prepared point select (all)', contender: 'bare libsql raw().all()', atMost: 1.3 },
  { title: 'unprepared point select', contender: 'drizzle-orm/libsql', atLeast: 1.8 },
  { title: '10,000-row select', contender: 'drizzle-orm/libsql', atLeast: 3.5 },
  { title: '10,000-row select', contender: 'bare libsql raw().all()', atMost: 1.25 },
  { title: 'prepared insert in a transaction', contender: 'drizzle-orm/libsql', atLeast: 5 },
  { title: '10,000-row insert().values([…])', contender: 'drizzle-orm/libsql', atLeast: 2 },
  ...['Kysely: point select', 'Kysely: 10,000-row select'].flatMap((title) => [
    { title, contender: '@libsql/kysely-libsql', atLeast: 2.5 },
    { title, contender: 'bare libsql all()', plus: 'Kysely, compiling only', atMost: 1.5 },
  ]),
  ...Object.entries(REMOTE).flatMap(([title, [http, ws]]) => [
    { title: `http: ${title}`, contender: '@libsql/client', atMost: http },
    { title: `ws: ${title}`, contender: '@libsql/client', atMost: ws },
  ]),
  {
    title: 'vectors: insert 10,000 × 384 in memory',
    contender: 'drizzle-orm/libsql, vector32(json)',
    atLeast: 10,
  },
  {
    title: 'vectors: read 10,000 × 384',
    contender: 'drizzle-orm/libsql, vector_extract and JSON.parse',
    atLeast: 10,
  },
  { title: 'vectors: exact nearest 10 of 10,000 × 384', contender: 'bare libsql with a blob', atMost: 1.2 },
  { title: 'replica: point select', contender: 'a file', atMost: 2.5 },
];

console.log('\ntargets');
const targets = TARGETS.flatMap((target) => {
  const measured = results.find(({ title }) => title === target.title);
  if (measured === undefined) return [];
  const { medians } = measured;
  const slower = (medians[target.contender] + (medians[target.plus] ?? 0)) / medians.ours;
  const value = target.atLeast === undefined ? 1 / slower : slower;
  const reached = target.atLeast === undefined ? value <= target.atMost : value >= target.atLeast;
  const wanted =
    target.atLeast === undefined
      ? `at most ${target.atMost}× the time of`
      : `at least ${target.atLeast}× faster than`;
  console.log(
    `  ${reached ? 'reached' : 'MISSED '}  ${target.title}: ${value.toFixed(2)} (${wanted} ${target.contender})`,
  );
  return { ...target, value, reached };
});

mkdirSync(new URL('results/', import.meta.url), { recursive: true });
const machine = {
  node: process.version,
  platform: `${process.platform}-${process.arch}`,
  cpu: cpus()[0]?.model,
  cores: cpus().length,
};
writeFileSync(
  new URL('results/latest.json', import.meta.url),
  `${JSON.stringify({ machine, results, targets }, null, 2)}\n`,
);
await contenders.ours.$client.close();
rmSync(folder, { recursive: true, force: true });
if (process.argv.includes('--check') && targets.some(({ reached }) => !reached)) process.exitCode = 1;
