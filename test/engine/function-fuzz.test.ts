import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { runProgram } from '../support/child.js';
import { temporaryFile } from '../support/database.js';

const CALLS = 100;
const PARTS = 8;

it(`no function of the engine ends the process: ${CALLS} random calls of each`, {
  timeout: 240_000,
}, async () => {
  const seed = process.env['FUZZ_SEED'] ?? String(Date.now());
  const parts = Array.from({ length: PARTS }, (_, part) => part);
  const counts: Record<string, number> = {};
  let subjects = 0;
  const work = async (): Promise<void> => {
    for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
      const log = temporaryFile(`calls-${part}.log`);
      writeFileSync(log, '');
      const args = [log, seed, String(part), String(PARTS), String(CALLS)];
      const { code, signal, stdout, stderr } = await runProgram('function-fuzz.ts', ...args);
      const last = readFileSync(log, 'utf8').split('\n', 1)[0];
      expect({ code, signal, stderr }, `seed ${seed}, part ${part}, after: ${last}`).toEqual({
        ...{ code: 0, signal: null, stderr: '' },
      });
      const outcome = JSON.parse(stdout) as { subjects: number; counts: Record<string, number> };
      subjects = outcome.subjects;
      for (const [name, count] of Object.entries(outcome.counts)) counts[name] = (counts[name] ?? 0) + count;
    }
  };
  await Promise.all([work(), work()]);
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  expect(total).toBe(subjects * CALLS);
  // Half of the calls make sense to the engine.
  expect(counts['ok']).toBeGreaterThan(total / 2);
  expect(Object.keys(counts)).toEqual(expect.arrayContaining(['FUNCTION_REFUSED', 'SQLITE_ERROR', 'ok']));
});
