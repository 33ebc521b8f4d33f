// Whether it pays to ask a server for compressed answers: 3 MB over HTTP, on loopback, over a line with 50 ms and 10 MB/s, and
// over that line with a proxy before the server that compresses as proxies do: `npm run build && node bench/compression.mjs`.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, request } from 'node:http';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createGzip } from 'node:zlib';
import { open } from 'turso-dialect';
import { startServer } from '../scripts/server.mjs';

const DELAY = 25;
const BYTES_PER_MS = 10_000;
const ROUNDS = 5;

const folder = mkdtempSync(path.join(tmpdir(), 'turso-dialect-compression-'));
const server = await startServer(path.join(folder, 'server'));
const sqldPort = Number(new URL(server.url).port);
const compressing = await listen(compressingProxy(sqldPort));
const closers = [compressing.close];
try {
  const setup = open(server.url);
  await setup.script('create table t (id integer primary key, a integer, b text, c text)');
  await setup.execute(`with recursive n (i) as (select 1 union all select i + 1 from n where i < 15000)
    insert into t (a, b, c) select i * 7, 'name ' || i, 'a longer text in column c with number ' || i from n`);
  await setup.close();
  await compare('sqld, loopback', sqldPort);
  await compare('sqld, 50 ms and 10 MB/s', (await slowLine(sqldPort)).port);
  await compare('a proxy that compresses, 50 ms and 10 MB/s', (await slowLine(compressing.port)).port);
} finally {
  for (const close of closers) close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function compare(name, port) {
  const url = `http://127.0.0.1:${port}`;
  const times = { plain: [], compressed: [] };
  const handles = { plain: open(url), compressed: open({ url, compression: true }) };
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [by, db] of Object.entries(handles)) {
      const start = performance.now();
      const { rows } = await db.execute('select * from t');
      if (rows.length !== 15_000) throw new Error('the answer is not whole');
      if (round > 0) times[by].push(performance.now() - start);
    }
  }
  for (const db of Object.values(handles)) await db.close();
  const median = (by) => times[by].toSorted((a, b) => a - b)[ROUNDS >> 1];
  const ratio = (median('compressed') / median('plain')).toFixed(2);
  console.log(`${name}: compressed ${ratio} times the ${median('plain').toFixed(0)} ms of plain`);
}

/** A line with a delay in each direction and a rate towards the client. */
async function slowLine(target) {
  const line = await listen(
    createServer((client) => {
      const upstream = connect(target, '127.0.0.1');
      pass(client, upstream, Infinity);
      pass(upstream, client, BYTES_PER_MS);
    }),
  );
  closers.push(line.close);
  return line;
}

function pass(from, to, rate) {
  let free = 0;
  // Timers of different lengths may end in another order.
  const waiting = [];
  from.on('data', (bytes) => {
    free = Math.max(free, performance.now()) + bytes.length / rate;
    waiting.push(bytes);
    setTimeout(() => to.write(waiting.shift()), free - performance.now() + DELAY);
  });
  from.on('close', () => setTimeout(() => to.destroy(), Math.max(0, free - performance.now()) + DELAY));
  for (const socket of [from, to]) socket.on('error', () => {});
}

function compressingProxy(target) {
  return createHttpServer((incoming, outgoing) => {
    const headers = { ...incoming.headers, 'accept-encoding': 'identity' };
    const options = { host: '127.0.0.1', port: target, path: incoming.url, method: incoming.method, headers };
    const upstream = request(options, (answer) => {
      const wanted = /gzip/.test(incoming.headers['accept-encoding'] ?? '');
      const { 'content-length': _, ...rest } = answer.headers;
      outgoing.writeHead(answer.statusCode ?? 502, wanted ? { ...rest, 'content-encoding': 'gzip' } : rest);
      if (wanted) answer.pipe(createGzip({ level: 5 })).pipe(outgoing);
      else answer.pipe(outgoing);
    });
    incoming.pipe(upstream);
  });
}

async function listen(listener) {
  const sockets = new Set();
  listener.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const close = () => {
    listener.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: listener.address().port, close };
}
