import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { open } from '../../src/index.js';
import { namesIn, replicaScene } from '../support/replica.js';

const PROGRAM = `
const { parentPort, workerData } = require('node:worker_threads');
(async () => {
  const { open } = await import(workerData.module);
  const db = open({ url: workerData.url, syncUrl: workerData.syncUrl });
  let wrong = 0;
  for (let i = 0; i < workerData.rows; i++) {
    const name = workerData.name + ' ' + i;
    await db.execute('insert into items (name) values (?)', [name]);
    const { rows } = await db.execute('select 1 from items where name = ?', [name]);
    if (rows.length !== 1) wrong++;
  }
  await db.close();
  parentPort.postMessage(wrong);
})().catch((error) => parentPort.postMessage(String(error)));
`;

it('worker threads that share a file have one that syncs it', { timeout: 60_000 }, async () => {
  const scene = await replicaScene();
  const url = `${scene.folder}/shared.db`;
  const module = new URL('../../dist/index.js', import.meta.url).href;
  await using database = open({ url, syncUrl: scene.sqld.url, syncInterval: 0.02 });
  const run = async (name: string): Promise<unknown> => {
    const workerData = { module, url, syncUrl: scene.sqld.url, name, rows: 40 };
    const worker = new Worker(PROGRAM, { eval: true, workerData });
    const message = await new Promise((resolve) => worker.once('message', resolve));
    await new Promise((resolve) => worker.once('exit', resolve));
    return message;
  };
  await database.ready();
  expect(await Promise.all([run('a'), run('b')])).toEqual([0, 0]);
  await database.sync();
  expect((await namesIn(database)).length).toBe(80);
  expect((await database.execute('pragma integrity_check')).rows).toEqual([{ integrity_check: 'ok' }]);
});
