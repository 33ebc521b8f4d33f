import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { ConstraintError, open } from '../../src/index.js';
import { runProgram } from '../../test/support/child.js';
import { failure } from '../../test/support/outcome.js';
import { startSqld } from '../../test/support/sqld.js';

it('two processes with replicas, a server and its read replica see the same', {
  timeout: 120_000,
}, async () => {
  const primary = await startSqld();
  const readReplica = await startSqld({ primary });
  const folder = mkdtempSync(path.join(tmpdir(), 'turso-dialect-cluster-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));

  // One node syncs with the server, the other with its read replica, which passes writes on.
  const nodes = await Promise.all(
    [
      ['north', primary.url],
      ['south', readReplica.url],
    ].map(([name = '', url = '']) =>
      runProgram('../../../examples/cluster/main.ts', name, path.join(folder, `${name}.db`), url, '20'),
    ),
  );
  expect(nodes.map(({ stdout, stderr }) => stdout + stderr)).toEqual([
    'north sees 20 entries, 10 of its own\n',
    'south sees 20 entries, 10 of its own\n',
  ]);

  const reader = open(readReplica.url);
  const writer = open(primary.url);
  onTestFinished(async () => {
    await Promise.all([reader.close(), writer.close()]);
  });
  await expect
    .poll(async () => (await reader.execute('select count(*) as n from entries')).rows, { timeout: 10_000 })
    .toEqual([{ n: 20 }]);
  // What a read replica passes on comes back as what it is.
  const error = await failure(
    reader.execute('insert into entries select * from entries where id = 1'),
    ConstraintError,
  );
  expect(error.columns).toEqual(['id']);
  expect((await writer.execute('select count(*) as n from entries')).rows).toEqual([{ n: 20 }]);
});
