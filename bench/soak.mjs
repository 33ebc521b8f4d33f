// A mixed load for minutes, on a file with two processes and then on a server over HTTP and WebSocket.
//
//   npm run soak -- 20              20 minutes in all, half of them on the file
//   npm run soak -- 20 7 server     all 20 minutes on the server, with 7 as the seed
//
// Prints latencies, delays of the event loop, memory, descriptors and the size of the log. Fails when a row was lost,
// doubled, half written, or there although its write was refused, when a call hung or was interrupted by nobody, and when
// anything warned. docs/reliability.md says more.
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from '@libsql/client';
import Libsql from 'libsql';
import { open } from 'turso-dialect';
import { startServer } from '../scripts/server.mjs';
import { spawnTied } from '../scripts/spawn-tied.mjs';
import { SCHEMA } from './soak/lane.mjs';
import { Histogram } from './soak/measures.mjs';
import { ServerWatch } from './soak/server-watch.mjs';

const minutes = Number(process.argv[2] ?? 2);
if (!(minutes > 0)) throw new Error('expected a number of minutes');
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
const only = process.argv[4];
if (![undefined, 'file', 'server'].includes(only)) throw new Error('expected "file" or "server"');
const seconds = (minutes * 60) / (only === undefined ? 2 : 1);
/** The last process may need this long to end by itself, in ms. */
const ENDS_WITHIN = 60_000 + 30_000;

const folder = mkdtempSync(join(tmpdir(), 'turso-dialect-soak-'));
let failed = false;
console.log(`${minutes} minutes, seed ${seed}, Node ${process.version}`);
try {
  if (only !== 'server') await soakFile();
  if (only !== 'file') await soakServer();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failed ? 1 : 0;

async function soakFile() {
  const file = join(folder, 'soak.db');
  const setup = open(file);
  await setup.script(SCHEMA);
  await setup.close();
  const workers = [
    { title: 'file, process 1', url: file, lanes: [0, 1, 2, 3] },
    { title: 'file, process 2', url: file, lanes: [4, 5, 6, 7] },
  ];
  const look = async (sql) => {
    const outside = new Libsql(file);
    const rows = outside.prepare(sql).raw().all([]);
    outside.close();
    return rows;
  };
  await soak('a file, two processes', workers, { remote: false, look, data: folder });
}

async function soakServer() {
  const data = join(folder, 'server');
  const server = await startServer(data);
  const client = createClient({ url: server.url });
  try {
    await client.executeMultiple(SCHEMA);
    const workers = [
      { title: 'http', url: server.url, lanes: [0, 1, 2, 3] },
      { title: 'ws', url: server.url.replace('http', 'ws'), lanes: [4, 5, 6, 7] },
    ];
    const look = async (sql) => (await client.execute(sql)).rows.map((row) => Array.from(row));
    const watch = new ServerWatch(server);
    await soak('a server', workers, { remote: true, look, data });
    const problem = await watch.end();
    if (problem === undefined) return;
    console.log(`FAILED: ${problem}`);
    failed = true;
  } finally {
    client.close();
    await server.stop();
  }
}

async function soak(title, workers, { remote, look, data }) {
  console.log(`\n## ${title}, ${seconds} s`);
  let log = 0;
  const watching = setInterval(() => {
    log = Math.max(log, walSize(data));
  }, 500);
  const reports = await Promise.all(
    workers.map(async (worker) => ({ title: worker.title, ...(await runWorker({ ...worker, remote })) })),
  );
  clearInterval(watching);
  for (const report of reports) print(report);
  const problems = [...reports.flatMap(problemsOf), ...(await compare(reports, look))];
  console.log(`log (WAL): at most ${(log / 1e6).toFixed(1)} MB`);
  console.log(
    problems.length === 0
      ? 'lost, doubled, half written or phantom rows: 0'
      : `FAILED: ${problems.join('; ')}`,
  );
  if (problems.length > 0) failed = true;
}

/** Runs one process to its end, which it must reach by itself. */
function runWorker({ url, lanes, remote, title }) {
  const settings = JSON.stringify({ url, lanes, remote, seconds, seed });
  const program = fileURLToPath(new URL('soak/worker.mjs', import.meta.url));
  const child = spawnTied(process.execPath, ['--expose-gc', program, settings], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    let report;
    const late = setTimeout(() => child.kill('SIGKILL'), seconds * 1_000 + ENDS_WITHIN + 60_000);
    child.once('message', (message) => {
      report = message;
    });
    child.once('close', (code, signal) => {
      clearTimeout(late);
      if (report === undefined) reject(new Error(`${title}: ended with ${code ?? signal} and no report`));
      else resolve({ ...report, end: code ?? signal });
    });
  });
}

function print({ title, operations, failures, delays, memory, descriptors, lanes }) {
  console.log(`\n| ${title} | calls | p50 ms | p99 | p99.9 | max |\n|---|---|---|---|---|---|`);
  const all = new Histogram();
  for (const [name, counts] of Object.entries(operations)) {
    const times = new Histogram(counts);
    all.add(times);
    console.log(lineOf(name, times));
  }
  console.log(lineOf('all', all));
  const rows = lanes.reduce((sum, lane) => sum + lane.rows, 0);
  console.log(`\nrows: ${rows}; failed: ${JSON.stringify(failures)}`);
  const { p50, p99, max } = delays;
  console.log(
    `event loop delay, timer of 10 ms: p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, max ${max.toFixed(0)} ms`,
  );
  const slope = (perHour) => (perHour === undefined ? 'too short to tell' : `${perHour.toFixed(1)} MB/h`);
  console.log(
    `heap ${memory.heapMb.toFixed(1)} MB, ${slope(memory.heap)}; RSS ${memory.rssMb.toFixed(0)} MB, ${slope(memory.rss)}`,
  );
  console.log(`descriptors: ${descriptors.least} to ${descriptors.most}`);
}

function lineOf(name, times) {
  const cells = [0.5, 0.99, 0.999].map((share) => times.quantile(share).toFixed(2));
  return `| ${name} | ${times.count} | ${cells.join(' | ')} | ${times.max.toFixed(0)} |`;
}

function problemsOf({ title, lanes, hung, warnings, unhandled, end }) {
  const counts = { [`hung (${hung.join(', ')})`]: hung.length, warnings, 'unhandled rejections': unhandled };
  for (const { faults } of lanes)
    for (const [kind, count] of Object.entries(faults)) counts[kind] = (counts[kind] ?? 0) + count;
  const problems = Object.entries(counts).flatMap(([kind, count]) =>
    count > 0 ? [`${title}: ${count} ${kind}`] : [],
  );
  return end === 0 ? problems : [...problems, `${title}: ended with ${end}`];
}

/** Compares the whole table with what the processes found in it, and looks into the file. */
async function compare(reports, look) {
  const found = new Map(
    (await look('select lane, count(*), sum(n + part) from log group by lane')).map(([lane, ...rest]) => [
      lane,
      rest,
    ]),
  );
  const problems = [];
  // What hangs can't be compared.
  for (const { lanes, hung } of reports)
    for (const { id, rows, sum } of hung.length > 0 ? [] : lanes) {
      const [count = 0, total = 0] = found.get(id) ?? [];
      if (count !== rows || total !== sum)
        problems.push(`lane ${id}: ${count} rows at the end, ${rows} expected`);
    }
  const [[integrity]] = await look('pragma integrity_check');
  if (integrity !== 'ok') problems.push(`integrity_check: ${integrity}`);
  return problems;
}

function walSize(data) {
  try {
    const logs = readdirSync(data, { recursive: true }).filter((name) => String(name).endsWith('-wal'));
    return Math.max(0, ...logs.map((name) => statSync(join(data, String(name))).size));
  } catch {
    // A file has gone meanwhile.
    return 0;
  }
}
