import { expect, it } from 'vitest';
import { open, SyncError } from '../../src/index.js';
import { failure } from '../support/outcome.js';
import { namesIn, replicaScene } from '../support/replica.js';

it('two copies of this package in one process share a file', { timeout: 60_000 }, async () => {
  const scene = await replicaScene();
  const other = await replicaScene();
  // The sources and what was built of them are two.
  const copy = (await import('../../dist/index.js' as string)) as { readonly open: typeof open };
  const url = `${scene.folder}/shared.db`;
  await using one = open({ url, syncUrl: scene.sqld.url });
  await using two = copy.open({ url, syncUrl: scene.sqld.url });
  const write = async (database: typeof one, name: string): Promise<void> => {
    for (let i = 0; i < 60; i++) {
      await database.execute('insert into items (name) values (?)', [`${name} ${i}`]);
      expect(await namesIn(database)).toContain(`${name} ${i}`);
    }
  };
  await Promise.all([write(one, 'one'), write(two, 'two')]);
  await Promise.all([one.sync(), two.sync()]);
  expect((await namesIn(one)).length).toBe(120);
  expect((await namesIn(two)).length).toBe(120);
  const shared = (globalThis as unknown as Record<symbol, Map<string, unknown>>)[
    Symbol.for('turso-dialect.replicas.1')
  ];
  expect([...(shared?.keys() ?? [])].filter((path) => path === url).length).toBe(1);
  // A failure is of the copy that asks.
  await two.close();
  await using wrong = open({ url: `${scene.folder}/shared.db`, syncUrl: other.sqld.url });
  expect((await failure(wrong.ready(), SyncError)).code).toBe('REPLICA_IN_USE');
});
