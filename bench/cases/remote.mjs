import { createClient } from '@libsql/client';
import { createServer } from 'node:net';
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { join, dirname } from 'node:path';
import { open } from 'turso-dialect';
import { measure } from '../measure.mjs';

const ROWS = 10_000;
const REQUESTS = 100;
const POINTS = 2_000;
const INSERT = 'insert into writes (name) values (?)';
const BY_ID = 'select * from people where id = ?';

/**
 * The same statements on one server, by us and by the bare client under us; and a replica against a file with the same
 * rows.
 *
 * @param {string} folder
 */
export async function remoteCases(folder) {
  const server = await startServer(folder);
  try {
    const setup = open(server.url);
    await setup.script(`
      create table people (id integer primary key, name text not null, age integer not null);
      create table writes (id integer primary key, name text not null);
      with recursive n(i) as (select 1 union all select i + 1 from n where i < ${ROWS})
      insert into people select i, 'name ' || i, i % 90 from n;`);
    await setup.close();
    const results = [];
    for (const protocol of ['http', 'ws']) results.push(...(await requestCases(protocol, server)));
    results.push(await replicaCase(folder, server));
    return results;
  } finally {
    await server.stop();
  }
}

/** @param {'http' | 'ws'} protocol */
async function requestCases(protocol, server) {
  const url = server.url.replace('http', protocol);
  const ours = open(url);
  const bare = createClient({ url });
  const results = [
    await measure(`${protocol}: point select`, REQUESTS, {
      ours: () => each((i) => ours.execute(BY_ID, [i])),
      '@libsql/client': () => each((i) => bare.execute({ sql: BY_ID, args: [i] })),
    }),
    await measure(`${protocol}: insert`, REQUESTS, {
      ours: () => each((i) => ours.execute(INSERT, [`n${i}`])),
      '@libsql/client': () => each((i) => bare.execute({ sql: INSERT, args: [`n${i}`] })),
    }),
    await measure(`${protocol}: transaction of five statements`, REQUESTS, {
      ours: () =>
        each(() =>
          ours.transaction(async (tx) => {
            for (let n = 0; n < 5; n++) await tx.execute(INSERT, [`n${n}`]);
          }),
        ),
      '@libsql/client': () =>
        each(async () => {
          const tx = await bare.transaction('write');
          for (let n = 0; n < 5; n++) await tx.execute({ sql: INSERT, args: [`n${n}`] });
          await tx.commit();
        }),
    }),
    await measure(`${protocol}: batch of 50`, REQUESTS / 10, {
      ours: () => each(() => ours.batch(fifty()), REQUESTS / 10),
      '@libsql/client': () => each(() => bare.batch(fifty(), 'write'), REQUESTS / 10),
    }),
  ];
  await ours.close();
  bare.close();
  return results;
}

async function replicaCase(folder, server) {
  const replica = open({ url: join(folder, 'replica.db'), syncUrl: server.url });
  const file = open(join(folder, 'file.db'));
  await replica.ready();
  await file.script(`
    create table people (id integer primary key, name text not null, age integer not null);
    with recursive n(i) as (select 1 union all select i + 1 from n where i < ${ROWS})
    insert into people select i, 'name ' || i, i % 90 from n;`);
  const points = (db) => () => each((i) => db.execute(BY_ID, [((i * 7919) % ROWS) + 1]), POINTS);
  const result = await measure('replica: point select', POINTS, {
    ours: points(replica),
    'a file': points(file),
  });
  await replica.close();
  await file.close();
  return result;
}

function fifty() {
  return Array.from({ length: 50 }, (_, i) => ({ sql: INSERT, args: [`n${i}`] }));
}

/** @param {(i: number) => Promise<unknown>} run */
async function each(run, times = REQUESTS) {
  for (let i = 0; i < times; i++) await run(i);
}

/** @param {string} folder */
async function startServer(folder) {
  const require = createRequire(createRequire(import.meta.url).resolve('sqld/package.json'));
  const manifest = require.resolve(`@sqld/${process.platform}-${process.arch}/package.json`);
  const [port, grpc] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(
    join(dirname(manifest), 'sqld'),
    [
      ...['--no-welcome', '--db-path', join(folder, 'server')],
      ...['--http-listen-addr', `127.0.0.1:${port}`, '--grpc-listen-addr', `127.0.0.1:${grpc}`],
    ],
    { stdio: 'ignore' },
  );
  const closed = new Promise((resolve) => child.once('close', resolve));
  for (;;) {
    const healthy = await fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (healthy) break;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return {
    url,
    stop: async () => {
      child.kill('SIGKILL');
      await closed;
    },
  };
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
