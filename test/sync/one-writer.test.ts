import { mkdirSync, symlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { InterruptedError, open, SyncError } from '../../src/index.js';
import { startProgram } from '../support/child.js';
import { failure } from '../support/outcome.js';
import { namesIn, type ReplicaScene, replicaScene } from '../support/replica.js';
import { type PartyReport, party } from '../support/replica-party.js';

/** How long two fight for a file, in ms; longer by hand. */
const FIGHT = Number(process.env['REPLICA_FIGHT_MS'] ?? 6_000);
/** Between two writes of each, in ms; none finds a damage soonest. */
const PAUSE = Number(process.env['REPLICA_FIGHT_PAUSE'] ?? 0);
const LONG = { timeout: FIGHT + 60_000 };

async function expectWhole(
  scene: ReplicaScene,
  file: string,
  reports: readonly PartyReport[],
): Promise<void> {
  for (const { wrong, written, reads } of reports) {
    expect(wrong).toEqual([]);
    expect(Math.min(written, reads)).toBeGreaterThan(10);
  }
  await using database = open({ url: file, syncUrl: scene.sqld.url });
  expect((await database.execute('pragma integrity_check')).rows).toEqual([{ integrity_check: 'ok' }]);
  const expected = await scene.outside.execute('select name from items order by id');
  expect(await namesIn(database)).toEqual(expected.rows.map((row) => row['name']));
  const written = reports.reduce((sum, report) => sum + report.written, 0);
  expect(expected.rows.length).toBe(written);
}

describe('a file that several use', () => {
  it('is whole with two handles of one process', LONG, async () => {
    const scene = await replicaScene();
    const url = `${scene.folder}/shared.db`;
    const reports = await Promise.all(
      ['a', 'b'].map((name) =>
        party({ url, syncUrl: scene.sqld.url, syncInterval: 0.05 }, { name, ms: FIGHT, pause: PAUSE }),
      ),
    );
    await expectWhole(scene, url, reports);
  });

  it('is whole when one of them takes the way over a link', LONG, async () => {
    const scene = await replicaScene();
    mkdirSync(`${scene.folder}/real`);
    symlinkSync(`${scene.folder}/real`, `${scene.folder}/link`);
    const urls = ['real', 'link'].map((folder) => `${scene.folder}/${folder}/shared.db`);
    const reports = await Promise.all(
      urls.map((url, i) =>
        party({ url, syncUrl: scene.sqld.url }, { name: `${i}`, ms: FIGHT, pause: PAUSE }),
      ),
    );
    await expectWhole(scene, urls[0] ?? '', reports);
  });

  it('is whole with processes that come and go', LONG, async () => {
    const scene = await replicaScene();
    const url = `${scene.folder}/shared.db`;
    const run = async (name: string, ms: number): Promise<PartyReport> => {
      const config = JSON.stringify({ syncInterval: 0.05 });
      const child = await startProgram(
        'replica-party.ts',
        scene.sqld.url,
        url,
        name,
        `${ms}`,
        `${PAUSE}`,
        config,
      );
      const report = (await child.message()) as PartyReport;
      expect((await child.ended).code).toBe(0);
      return report;
    };
    const own = party({ url, syncUrl: scene.sqld.url }, { name: 'own', ms: FIGHT, pause: PAUSE });
    const others = [run('first', FIGHT / 2), run('second', FIGHT)];
    const third = others[0]?.then(() => run('third', FIGHT / 2));
    const reports = await Promise.all([own, ...others, third as Promise<PartyReport>]);
    await expectWhole(scene, url, reports);
  });

  it('is synced by the next when its owner is killed', async () => {
    const scene = await replicaScene();
    const url = `${scene.folder}/shared.db`;
    const owner = await startProgram('replica-sync-loop.ts', scene.sqld.url, url);
    await owner.message();
    await using follower = open({ url, syncUrl: scene.sqld.url });
    await scene.add('a');
    await follower.sync();
    expect(await namesIn(follower)).toEqual(['a']);
    owner.kill('SIGKILL');
    await owner.ended;
    await scene.add('b');
    await follower.sync();
    expect(await namesIn(follower)).toEqual(['a', 'b']);
    await follower.execute("insert into items (name) values ('c')");
    expect(await namesIn(follower)).toEqual(['a', 'b', 'c']);
  });

  it('tells who has it when its owner does not answer, and goes on when it does', {
    timeout: 60_000,
  }, async () => {
    const scene = await replicaScene();
    const url = `${scene.folder}/shared.db`;
    const owner = await startProgram('replica-sync-loop.ts', scene.sqld.url, url);
    await owner.message();
    await using follower = open({ url, syncUrl: scene.sqld.url });
    await follower.ready();
    // First, or its next sync might bring the row.
    owner.kill('SIGSTOP');
    await scene.add('a');
    await failure(follower.sync({ timeout: 500 }), InterruptedError);
    expect(await namesIn(follower)).toEqual([]);
    owner.kill('SIGCONT');
    await follower.sync();
    expect(await namesIn(follower)).toEqual(['a']);
    owner.kill('SIGKILL');
    await owner.ended;
  });

  it('is the replica of one server', async () => {
    const scene = await replicaScene();
    const other = await replicaScene();
    const url = `${scene.folder}/shared.db`;
    await using database = open({ url, syncUrl: scene.sqld.url });
    await database.ready();
    await using wrong = open({ url, syncUrl: other.sqld.url });
    const error = await failure(wrong.ready(), SyncError);
    expect(error.code).toBe('REPLICA_IN_USE');
    await database.close();
    await wrong.ready();
  });

  it('is whole when it is closed during a slow sync and opened again', { timeout: 60_000 }, async () => {
    const scene = await replicaScene();
    const url = `${scene.folder}/shared.db`;
    const state = { writing: true };
    const writing = (async () => {
      for (let i = 0; state.writing; i++) await scene.add(`${i} ${'x'.repeat(2_000)}`);
    })();
    await scene.proxy.delay(20);
    for (let round = 0; round < 12; round++) {
      const database = open({ url, syncUrl: scene.proxy.url });
      await database.ready();
      const syncing = database.sync().catch(() => {});
      await sleep(5 + round * 7);
      await database.close();
      await syncing;
    }
    state.writing = false;
    await writing;
    await scene.proxy.heal();
    await using database = open({ url, syncUrl: scene.proxy.url });
    expect((await database.execute('pragma integrity_check')).rows).toEqual([{ integrity_check: 'ok' }]);
    const expected = await scene.outside.execute('select name from items order by id');
    expect(await namesIn(database)).toEqual(expected.rows.map((row) => row['name']));
  });
});
