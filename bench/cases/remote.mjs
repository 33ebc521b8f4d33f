import { createClient } from '@libsql/client';
import { join } from 'node:path';
import { open } from 'turso-dialect';
import { startServer } from '../../scripts/server.mjs';
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
  const server = await startServer(join(folder, 'server'));
  try {
    const setup = open(server.url);
    await setup.script(`
      create table people (id integer primary key, name text not null, age integer not null, city text not null);
      create table writes (id integer primary key, name text not null);
      with recursive n(i) as (select 1 union all select i + 1 from n where i < ${ROWS})
      insert into people select i, 'name ' || i, i % 90, 'city ' || i from n;`);
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
  // The two rounds that warm up are too few requests for the compiler.
  for (const run of [(i) => ours.execute(BY_ID, [i]), (i) => bare.execute({ sql: BY_ID, args: [i] })]) {
    await each(run, 5 * REQUESTS);
  }
  const results = [
    await measure(`${protocol}: point select`, REQUESTS, {
      ours: () => each((i) => ours.execute(BY_ID, [i])),
      '@libsql/client': () => each((i) => bare.execute({ sql: BY_ID, args: [i] })),
    }),
    ...(await rowCases(protocol, ours, bare)),
    await measure(`${protocol}: 500 statements at once`, 500, {
      ours: () => Promise.all(repeat(500, (i) => ours.execute(BY_ID, [i]))),
      '@libsql/client': () => Promise.all(repeat(500, (i) => bare.execute({ sql: BY_ID, args: [i] }))),
    }),
    await measure(`${protocol}: insert`, REQUESTS, {
      ours: () => each((i) => ours.execute(INSERT, [`n${i}`])),
      '@libsql/client': () => each((i) => bare.execute({ sql: INSERT, args: [`n${i}`] })),
    }),
    await measure(`${protocol}: transaction of three statements`, REQUESTS, {
      ours: () =>
        each(() =>
          ours.transaction(async (tx) => {
            for (let n = 0; n < 3; n++) await tx.execute(INSERT, [`n${n}`]);
          }),
        ),
      '@libsql/client': () =>
        each(async () => {
          const tx = await bare.transaction('write');
          for (let n = 0; n < 3; n++) await tx.execute({ sql: INSERT, args: [`n${n}`] });
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

/**
 * Results of different sizes, four columns wide.
 *
 * @param {'http' | 'ws'} protocol
 */
async function rowCases(protocol, ours, bare) {
  const results = [];
  for (const [rows, runs] of [
    [100, 50],
    [1_000, 10],
    [10_000, 2],
  ]) {
    const sql = `select * from people limit ${rows}`;
    results.push(
      await measure(`${protocol}: ${rows.toLocaleString('en')} rows`, runs, {
        ours: () => each(() => ours.execute(sql), runs),
        '@libsql/client': () => each(() => bare.execute(sql), runs),
      }),
    );
  }
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

/** @template T @param {(i: number) => T} make @returns {T[]} */
function repeat(count, make) {
  return Array.from({ length: count }, (_, i) => make(i));
}

function fifty() {
  return Array.from({ length: 50 }, (_, i) => ({ sql: INSERT, args: [`n${i}`] }));
}

/** @param {(i: number) => Promise<unknown>} run */
async function each(run, times = REQUESTS) {
  for (let i = 0; i < times; i++) await run(i);
}
