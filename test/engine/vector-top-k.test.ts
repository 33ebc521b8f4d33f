import { expect, it } from 'vitest';
import { runProgram } from '../support/child.js';
import { temporaryFile } from '../support/database.js';
import { startSqld } from '../support/sqld.js';

const COUNTS = '1 1 3 3 3 1 1 1 1 3 2 1\n';

it('no number of rows ends the process, in SQL of any kind', async () => {
  expect(await runProgram('top-k.ts', temporaryFile())).toMatchObject({ code: 0, stdout: COUNTS });
});

it.each(['http', 'ws'] as const)('nor the server, over %s', async (protocol) => {
  const sqld = await startSqld();
  const url = protocol === 'http' ? sqld.url : sqld.wsUrl;
  expect(await runProgram('top-k.ts', url)).toMatchObject({ code: 0, stdout: COUNTS });
  expect((await fetch(`${sqld.url}/health`)).ok).toBe(true);
});
