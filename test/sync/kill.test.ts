import { expect, it } from 'vitest';
import { open } from '../../src/index.js';
import { startProgram } from '../support/child.js';
import { replicaScene } from '../support/replica.js';
import { pause } from '../support/time.js';

const ROUNDS = 8;

it('a process that is killed while it syncs leaves a replica that is whole', {
  timeout: 120_000,
}, async () => {
  const { sqld, folder, outside } = await replicaScene();
  const file = `${folder}/killed.db`;
  const state = { writing: true };
  const rows = Array.from({ length: 20 }, () => ({
    sql: 'insert into items (name) values (?)',
    args: ['x'.repeat(500)],
  }));
  const writing = (async () => {
    while (state.writing) await outside.batch(rows);
  })();
  let count = 0;
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const child = await startProgram('replica-sync-loop.ts', sqld.url, file);
      await child.message();
      await pause(20 + round * 17);
      child.kill('SIGKILL');
      await child.ended;
      await using database = open({ url: file, syncUrl: sqld.url });
      expect((await database.execute('pragma integrity_check')).rows).toEqual([{ integrity_check: 'ok' }]);
      const [row] = (await database.execute('select count(*) as n from items')).rows;
      // Every batch is there as a whole, and none is lost again.
      expect(Number(row?.['n']) % rows.length).toBe(0);
      expect(Number(row?.['n'])).toBeGreaterThanOrEqual(count);
      count = Number(row?.['n']);
    }
  } finally {
    state.writing = false;
    await writing;
  }
  await using database = open({ url: file, syncUrl: sqld.url });
  const counted = 'select count(*) as n from items';
  expect((await database.execute(counted)).rows[0]?.['n']).toBe(
    (await outside.execute(counted)).rows[0]?.['n'],
  );
});
