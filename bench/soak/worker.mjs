// One process of the soak. argv: its settings as JSON. Sends what it saw, and ends by itself.
import { readdirSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { open } from 'turso-dialect';
import { Lane } from './lane.mjs';
import { Histogram, Slope } from './measures.mjs';

/** @type {{ url: string, remote: boolean, lanes: number[], seconds: number, seed: number }} */
const { url, remote, lanes: ids, seconds, seed } = JSON.parse(process.argv[2]);

/** Memory and descriptors have settled after this share of the time. */
const WARM_UP = 0.25;
/** How many kinds of errors are told apart; the others count as one. */
const KINDS = 30;
/** A call that has not ended this long after the last one began hangs, in ms. */
const HANGS_AFTER = 60_000;

const operations = {};
const failures = {};
let warnings = 0;
let unhandled = 0;
process.on('warning', ({ name, message }) => {
  warnings++;
  console.error(`${name}: ${message}`);
});
process.on('unhandledRejection', (reason) => {
  unhandled++;
  console.error('unhandled rejection:', reason);
});

const start = performance.now();
const end = start + seconds * 1_000;
const db = open(url);
const lanes = ids.map((id) => new Lane(db, { id, random: randomFrom(seed + id), remote, note }));
const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();
const memory = { heap: new Slope(), rss: new Slope(), heapMb: 0, rssMb: 0 };
const descriptors = { least: Infinity, most: 0 };
const sampling = setInterval(sample, Math.max(1_000, seconds * 10));
const running = Promise.all(lanes.map(run));
const hung = await Promise.race([running.then(() => []), untilHung()]);
clearInterval(sampling);
delay.disable();
const delays = { p50: delay.percentile(50) / 1e6, p99: delay.percentile(99) / 1e6, max: delay.max / 1e6 };
process.send({
  operations,
  failures,
  lanes: lanes.map(({ rows, sum, faults }, i) => ({ id: ids[i], rows, sum, faults })),
  hung,
  warnings,
  unhandled,
  delays,
  memory: { ...memory, heap: memory.heap.perHour, rss: memory.rss.perHour },
  descriptors,
});
if (hung.length > 0) process.exit(1);
await db.close();
process.disconnect();

/** @param {Lane} lane */
async function run(lane) {
  while (performance.now() < end) {
    await lane.step();
    // As where requests come in: between two of them the event loop has its turn.
    await pause(Math.random() * 3);
  }
  // What a server still does for an aborted call is done by then.
  if (remote) await pause(5_000);
  await lane.check();
}

/** Resolves with what hangs, if anything does. */
async function untilHung() {
  for (;;) {
    await pause(1_000, undefined, { ref: false });
    const now = performance.now();
    const stuck = lanes.filter(
      ({ current }) => current.name !== 'nothing' && now - current.since > HANGS_AFTER,
    );
    if (stuck.length > 0 && now > end + HANGS_AFTER) return stuck.map(({ current }) => current.name);
  }
}

function note(name, ms, outcome) {
  (operations[name] ??= new Histogram()).record(ms);
  if (outcome === 'done') return;
  const kind = outcome in failures || Object.keys(failures).length < KINDS ? outcome : 'others';
  failures[kind] = (failures[kind] ?? 0) + 1;
}

function sample() {
  const now = performance.now();
  if (now - start < seconds * 1_000 * WARM_UP) return;
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  const hours = (now - start) / 3_600_000;
  [memory.heapMb, memory.rssMb] = [heapUsed / 1e6, rss / 1e6];
  memory.heap.add(hours, memory.heapMb);
  memory.rss.add(hours, memory.rssMb);
  try {
    const count = readdirSync('/proc/self/fd').length;
    descriptors.least = Math.min(descriptors.least, count);
    descriptors.most = Math.max(descriptors.most, count);
  } catch {
    // Only Linux says.
  }
}

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
function randomFrom(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
