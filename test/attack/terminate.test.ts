import { expect, it } from 'vitest';
import { runProgram } from '../support/child.js';

const MODULE = new URL('../../dist/index.js', import.meta.url).href;

it('worker.terminate() waits for a statement without an end, as README says', async () => {
  const { signal, stdout, stderr } = await runProgram('terminate.ts', MODULE);
  expect({ signal, stdout, stderr }).toEqual({ signal: 'SIGKILL', stdout: 'running\nwaits\n', stderr: '' });
});

it('worker.terminate() ends a thread whose statement was interrupted', async () => {
  const { signal, stdout, stderr } = await runProgram('terminate.ts', MODULE, 'stop');
  expect({ signal, stdout, stderr }).toEqual({
    signal: 'SIGKILL',
    stdout: 'SQLITE_INTERRUPT\nended\n',
    stderr: '',
  });
});
