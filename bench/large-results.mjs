// CPU time of large results from a server, against a bare fetch of the same answer without compression that only parses it:
// `npm run build && node bench/large-results.mjs`. CPU and not wall time, so that neighbours matter little.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { open } from 'turso-dialect';
import { startServer } from '../scripts/server.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'turso-dialect-large-'));
const server = await startServer(path.join(folder, 'server'));
const http = open(server.url);
const ws = open(server.url.replace('http', 'ws'));
try {
  await http.script('create table t (id integer primary key, a integer, b text, c text)');
  await fill(15_000);
  await compare('3 MB, at once', bareResult, (db) => db.execute('select * from t'), 9);
  await compare('3 MB, as a stream', bareCursor, readStream, 9);
  await fill(285_000);
  // The server sends no more than 10 MB at once.
  await compare('60 MB, as a stream', bareCursor, readStream, 5);
} finally {
  await http.close();
  await ws.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function fill(rows) {
  await http.execute(`with recursive n (i) as (select 1 union all select i + 1 from n where i < ${rows})
    insert into t (a, b, c) select i * 7, 'name ' || i, 'a longer text in column c with number ' || i from n`);
}

async function bareResult() {
  const requests = [{ type: 'execute', stmt: { sql: 'select * from t' } }, { type: 'close' }];
  JSON.parse(await post('/v3/pipeline', { baton: null, requests }));
}

async function bareCursor() {
  const text = await post('/v3/cursor', {
    baton: null,
    batch: { steps: [{ stmt: { sql: 'select * from t' } }] },
  });
  for (const line of text.split('\n')) if (line !== '') JSON.parse(line);
}

async function post(address, body) {
  const headers = { 'accept-encoding': 'identity' };
  const answer = await fetch(server.url + address, { method: 'POST', headers, body: JSON.stringify(body) });
  return await answer.text();
}

async function readStream(db) {
  for await (const row of db.stream('select * from t')) void row;
}

async function compare(name, bare, run, rounds) {
  const calls = { bare, http: () => run(http), ws: () => run(ws) };
  const times = { bare: [], http: [], ws: [] };
  for (let round = 0; round <= rounds; round++) {
    for (const [by, call] of Object.entries(calls)) {
      const before = process.cpuUsage();
      await call();
      const { user, system } = process.cpuUsage(before);
      if (round > 0) times[by].push((user + system) / 1_000);
    }
  }
  const median = (by) => times[by].toSorted((a, b) => a - b)[rounds >> 1];
  const ratio = (by) => (median(by) / median('bare')).toFixed(2);
  console.log(
    `${name}: bare fetch ${median('bare').toFixed(0)} ms; http ${ratio('http')}, ws ${ratio('ws')} times that`,
  );
}
