// The jam of sqld's write lock without any client: plain requests, until a write gets no answer. By hand:
//   node bench/lost-upgrades.mjs [seconds] [runs]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer } from '../scripts/server.mjs';

/** How long a write may take, in ms; the server itself waits 5 s for its lock. */
const STUCK_AFTER = 15_000;

/** @param {string} url @param {string[]} statements @param {{ baton?: string | null, close: boolean }} options */
async function send(url, statements, { baton = null, close }) {
  const requests = statements.map((sql) => ({ type: 'execute', stmt: { sql } }));
  const response = await fetch(`${url}/v3/pipeline`, {
    method: 'POST',
    body: JSON.stringify({ baton, requests: close ? [...requests, { type: 'close' }] : requests }),
    signal: AbortSignal.timeout(STUCK_AFTER),
  });
  const { baton: next, results } = await response.json();
  return {
    baton: next,
    failed: results.some((/** @type {{ type: string }} */ { type }) => type === 'error'),
  };
}

/** @param {string} url @param {number} seconds */
async function load(url, seconds) {
  const end = performance.now() + seconds * 1_000;
  const counts = { lostUpgrades: 0, others: 0, jammed: false };
  await send(url, ['create table t (a)'], { close: true });

  /** @param {() => Promise<unknown>} one */
  const loop = async (one) => {
    while (performance.now() < end && !counts.jammed) {
      try {
        await one();
      } catch {
        counts.jammed = true;
      }
    }
  };
  const upgrade = async () => {
    const { baton } = await send(url, ['begin deferred', 'select count(*) from t'], { close: false });
    const { baton: next, failed } = await send(url, ['insert into t values (1)'], { baton, close: false });
    counts[failed ? 'lostUpgrades' : 'others']++;
    await send(url, [failed ? 'rollback' : 'commit'], { baton: next, close: true });
  };
  const immediate = async () => {
    const { baton } = await send(url, ['begin immediate', 'insert into t values (2)'], { close: false });
    await send(url, ['commit'], { baton, close: true });
    counts.others++;
  };
  /** @param {string} sql */
  const alone = async (sql) => {
    await send(url, [sql], { close: true });
    counts.others++;
  };
  await Promise.all(
    [0, 1, 2, 3].flatMap((i) => [
      loop(upgrade),
      loop(i < 2 ? immediate : () => alone('insert into t values (3)')),
      loop(() => alone('select count(*) from t')),
    ]),
  );
  return counts;
}

const [seconds = '30', runs = '1'] = process.argv.slice(2);
for (let run = 0; run < Number(runs); run++) {
  const folder = mkdtempSync(join(tmpdir(), 'turso-dialect-upgrades-'));
  const server = await startServer(folder);
  console.log(JSON.stringify(await load(server.url, Number(seconds))));
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
