// Writers and readers of every behavior on one server, over HTTP and WebSocket. By hand, after `npm run build`:
//   node bench/mixed-load.mjs ours|libsql-client [seconds] [runs]
// The tests run a short version of it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * @typedef {object} Handle What a contender opens.
 * @property {(sql: string, args?: (string | number)[]) => Promise<{ rows: ArrayLike<unknown>[] }>} execute
 * @property {(behavior: 'deferred' | 'immediate', run: (execute: Handle['execute']) => Promise<void>) => Promise<void>} transaction
 * @property {() => unknown} close
 */

/** How long one operation may take, and a fresh writer after the load, in ms. */
const STUCK_AFTER = 20_000;
const FREE_WITHIN = 2_000;

const WRITERS = 2;
const READERS = 2;

/**
 * Runs the load.
 *
 * @param {string} address of the server, without a scheme
 * @param {(url: string) => Handle} open
 * @param {number} seconds
 */
export async function mixedLoad(address, open, seconds) {
  const outside = open(`http://${address}`);
  await outside.execute('create table if not exists load (worker integer, n integer)');
  await outside.execute('delete from load');
  const handles = ['http', 'ws'].map((scheme) => open(`${scheme}://${address}`));
  const end = performance.now() + seconds * 1_000;
  const counts = { operations: 0, conflicts: 0, unknown: 0, stuck: 0 };
  /** @type {Map<number, Set<number>>} rows that were acknowledged, by worker */
  const done = new Map();
  let worker = 0;
  const loops = handles.flatMap((handle) => [
    ...Array.from({ length: WRITERS }, () => write(handle, ++worker, immediate)),
    ...Array.from({ length: WRITERS }, () => write(handle, ++worker, upgrade)),
    ...Array.from({ length: READERS }, () => read(handle)),
  ]);
  await Promise.all(loops);

  const start = performance.now();
  const fresh = open(`http://${address}`);
  const got = await within(fresh.execute('insert into load values (0, 0)'), FREE_WITHIN);
  const freeAfter = performance.now() - start;
  const jammed = got === LATE || counts.stuck > 0;
  const { lost, doubled } = jammed ? { lost: 0, doubled: 0 } : await compare();
  for (const handle of [...handles, outside, fresh]) handle.close();
  return { ...counts, jammed, freeAfter, lost, doubled };

  /**
   * @param {Handle} handle
   * @param {number} id
   * @param {(handle: Handle, id: number, n: number) => Promise<void>} one
   */
  async function write(handle, id, one) {
    const acknowledged = new Set();
    done.set(id, acknowledged);
    for (let n = 0; performance.now() < end; n++) {
      if (await attempt(one(handle, id, n))) acknowledged.add(n);
    }
  }

  /** @param {Handle} handle */
  async function read(handle) {
    while (performance.now() < end) await attempt(handle.execute('select count(*) from load'));
  }

  /** @param {Promise<unknown>} work */
  async function attempt(work) {
    try {
      if ((await within(work, STUCK_AFTER)) === LATE) {
        counts.stuck++;
        return false;
      }
      counts.operations++;
      return true;
    } catch (error) {
      const { code } = /** @type {{ code?: unknown }} */ (error);
      // A connection may break on a machine that has too much to do: then nobody knows whether it was done.
      if (/BUSY|TRANSACTION|STREAM/.test(String(code))) counts.conflicts++;
      else if (/NETWORK|SERVER|HRANA|ECONN/.test(String(code))) counts.unknown++;
      else throw error;
      return false;
    }
  }

  async function compare() {
    const { rows } = await outside.execute(
      'select worker, n, count(*) from load where worker > 0 group by 1, 2',
    );
    const seen = new Set(rows.map((row) => `${String(row[0])} ${String(row[1])}`));
    let missing = 0;
    for (const [id, acknowledged] of done) {
      for (const n of acknowledged) if (!seen.has(`${id} ${n}`)) missing++;
    }
    return { lost: missing, doubled: rows.filter((row) => Number(row[2]) > 1).length };
  }
}

/** @type {(handle: Handle, id: number, n: number) => Promise<void>} */
async function immediate(handle, id, n) {
  if (n % 2 === 0) await handle.execute('insert into load values (?, ?)', [id, n]);
  else await handle.transaction('immediate', async (execute) => void (await execute(INSERT, [id, n])));
}

/** Reads, then writes: whoever writes in between makes it fail. @type {(handle: Handle, id: number, n: number) => Promise<void>} */
async function upgrade(handle, id, n) {
  await handle.transaction('deferred', async (execute) => {
    await execute('select count(*) from load');
    await execute(INSERT, [id, n]);
  });
}

const INSERT = 'insert into load values (?, ?)';
const LATE = Symbol('late');

/**
 * @template T
 * @param {Promise<T>} work
 * @param {number} ms
 * @returns {Promise<T | typeof LATE>}
 */
async function within(work, ms) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  work.catch(() => {});
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, ms, LATE);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** @param {typeof import('turso-dialect').open} open @returns {(url: string) => Handle} */
export const ours = (open) => (url) => {
  const database = open(url);
  const array = /** @type {const} */ ({ rowMode: 'array' });
  return {
    execute: (sql, args = []) => database.execute(sql, args, array),
    transaction: (behavior, run) =>
      database.transaction((tx) => run((sql, args = []) => tx.execute(sql, args, array)), { behavior }),
    close: () => database.close(),
  };
};

/** @param {typeof import('@libsql/client').createClient} createClient @returns {(url: string) => Handle} */
export const libsqlClient = (createClient) => (url) => {
  const client = createClient({ url });
  return {
    execute: (sql, args = []) => client.execute({ sql, args }),
    transaction: async (behavior, run) => {
      const transaction = await client.transaction(behavior === 'deferred' ? 'deferred' : 'write');
      try {
        await run((sql, args = []) => transaction.execute({ sql, args }));
        await transaction.commit();
      } finally {
        transaction.close();
      }
    },
    close: () => client.close(),
  };
};

async function main([name = 'ours', seconds = '15', runs = '1'] = process.argv.slice(2)) {
  const { startServer } = await import('../scripts/server.mjs');
  const open =
    name === 'ours'
      ? ours((await import('turso-dialect')).open)
      : libsqlClient((await import('@libsql/client')).createClient);
  for (let run = 0; run < Number(runs); run++) {
    const folder = mkdtempSync(join(tmpdir(), 'turso-dialect-load-'));
    const server = await startServer(folder);
    const { host } = new URL(server.url);
    console.log(name, JSON.stringify(await mixedLoad(host, open, Number(seconds))));
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
