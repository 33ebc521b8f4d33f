import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { createClient } from '@libsql/client';
import Libsql from 'libsql';
import { type Config, type Database, open } from '../../../src/index.js';
import { type Kind, type Plan, planOf } from '../../attack/sequence/plan.js';
import { leftSince, resources } from '../growth.js';
import { BUSY_TIMEOUT, type Handle, Runner } from '../../attack/sequence/runner.js';
import { pause } from '../time.js';

/**
 * Runs sequences of calls, one after the other. argv: the kind of database, the server's URL or a dash, a folder, the
 * first seed, how many. Prints a line for each that went wrong, and ends by itself.
 */
const [kindName = '', url = '', folder = '', first = '', count = ''] = process.argv.slice(2);
const kind = kindName as Kind;

/** How long sockets that `fetch` keeps for the next request stay open, and the rest, in ms. */
const FREED_WITHIN = 8_000;
const TABLE = 'create table if not exists t (key text not null, ok integer not null check (ok = 1))';

const stray: string[] = [];
process.on('unhandledRejection', (reason) => stray.push(`unhandled rejection: ${String(reason)}`));
process.on('warning', ({ name, message }) => stray.push(`${name}: ${message}`));

/** Rows as somebody else sees them. */
async function look(file: string): Promise<string[]> {
  if (kind === 'file') {
    const native = new Libsql(file);
    const rows = native.prepare('select key from t').raw().all([]) as [string][];
    native.close();
    return rows.flat();
  }
  const client = createClient({ url });
  const { rows } = await client.execute('select key from t');
  client.close();
  return rows.map((row) => row[0] as string);
}

/** Whether no reader keeps the write-ahead log from being emptied. */
function canTruncateLog(file: string): boolean {
  const native = new Libsql(file);
  const [row] = native.prepare('PRAGMA wal_checkpoint(TRUNCATE)').raw().all([]) as [[number]];
  native.close();
  return row[0] === 0;
}

function configOf(own: string, handle: number): Config {
  const shared = { busyTimeout: BUSY_TIMEOUT };
  if (kind === 'memory') return { url: ':memory:', ...shared };
  if (kind === 'file') return { url: path.join(own, 'shared.db'), ...shared };
  if (kind === 'replica') return { url: path.join(own, `${handle}.db`), syncUrl: url, ...shared };
  return { url: kind === 'ws' ? url.replace('http', 'ws') : url, ...shared };
}

async function runSequence(plan: Plan): Promise<string[]> {
  const own = path.join(folder, String(plan.seed));
  mkdirSync(own, { recursive: true });
  const handles = Array.from({ length: plan.handles }, (_, i): Handle => {
    const config = configOf(own, i);
    return { db: open(config), reopen: () => open(config) };
  });
  const [{ db: setup }] = handles as [Handle];
  await setup.execute(TABLE);
  await setup.execute('delete from t');
  if (kind === 'replica') for (const { db } of handles) await db.sync();
  const runner = new Runner(kind, handles);
  await runner.run(plan);
  await runner.settle();
  if (kind === 'memory') {
    runner.model.finish(await keysIn((handles[0] as Handle).db));
    await closeInTheMiddle(plan);
  }
  if (kind === 'replica') await compareReplicas(handles, runner);
  if (kind === 'file' && !canTruncateLog(path.join(own, 'shared.db')))
    runner.model.faults.push('at the end: a snapshot is still held, though nothing is under way');
  for (const { db } of handles) await db.close();
  if (kind !== 'memory') runner.model.finish(await look(path.join(own, 'shared.db')));
  rmSync(own, { recursive: true, force: true });
  return [...runner.model.faults, ...stray.splice(0)];
}

async function keysIn(db: Database): Promise<string[]> {
  return (await db.execute<{ key: string }>('select key from t')).rows.map(({ key }) => key);
}

/** After a sync a replica has what its server has, once the server is done with the calls that were given up. */
async function compareReplicas(handles: readonly Handle[], runner: Runner): Promise<void> {
  for (const [i, { db }] of handles.entries()) {
    let same = false;
    for (let attempt = 0; attempt < 10 && !same; attempt++) {
      if (attempt > 0) await pause(100);
      await db.sync();
      const there = (await look('')).toSorted();
      same = (await keysIn(db)).toSorted().join() === there.join();
    }
    if (!same) runner.model.faults.push(`replica ${i} differs from its server`);
  }
}

/** What is in memory can't be looked at after this, so it stands at the end. */
async function closeInTheMiddle(plan: Plan): Promise<void> {
  const db = open(configOf('', 0));
  await db.execute(TABLE);
  const runner = new Runner(kind, [{ db, reopen: () => db }]);
  await runner.run({ ...plan, calls: plan.calls.slice(0, 6).map((call) => ({ ...call, awaited: false })) });
  await db.close();
  await runner.settle();
}

const warmUp: Database = open(configOf(folder, 0));
await warmUp.execute('select 1');
await warmUp.close();
// The first use of a stream of the process opens it.
process.stdout.write('');
process.stderr.write('');
const before = resources();
let failed = 0;
for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
  const plan = planOf(kind, seed);
  const faults = await runSequence(plan);
  if (faults.length === 0) continue;
  failed++;
  console.log(`${kind}, seed ${seed}:\n  ${faults.join('\n  ')}\n  ${JSON.stringify(plan)}`);
  if (faults.some((fault) => fault.endsWith('hangs'))) process.exit(1);
}
const left = await leftSince(before, FREED_WITHIN);
if (left.length > 0) console.log(`left after the last close: ${left.join(', ')}`);
console.log(`${count} sequences, ${failed} failed`);
process.exitCode = failed + left.length > 0 ? 1 : 0;
process.send?.('over');
// The channel keeps the process alive as well.
process.disconnect?.();
