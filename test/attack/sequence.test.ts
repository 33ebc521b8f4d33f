import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'vitest';
import { startProgram } from '../support/child.js';
import { startSqld } from '../support/sqld.js';
import type { Kind } from './sequence/plan.js';

/** Another number tries other sequences: `SEQUENCE_SEED=1 npx vitest run test/attack/sequence.test.ts`. */
const SEED = Number(process.env.SEQUENCE_SEED ?? 20_261_128);

/** How many sequences run on what. One child process runs them one after the other. */
const RUNS: readonly (readonly [Kind, number])[] = [
  ['memory', 70],
  ['file', 70],
  ['http', 60],
  ['ws', 60],
  ['replica', 40],
];

/** How long a process may need to end by itself when its last handle is closed, in ms. */
const ENDS_WITHIN = 5_000;

describe('random sequences of calls by several handles, with aborts and closes at random moments', () => {
  // Mostly they wait, so they wait together.
  it.concurrent.for(RUNS)(
    'lose, double and invent no row, never hang, and leave nothing behind: %s, %i times',
    { timeout: 600_000, retry: 0 },
    async ([kind, count], { expect, onTestFinished }) => {
      const folder = mkdtempSync(path.join(tmpdir(), 'turso-dialect-sequence-'));
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
      const local = kind === 'memory' || kind === 'file';
      const url = local ? '-' : (await startSqld({}, onTestFinished)).url;
      const child = await startProgram('sequences.ts', kind, url, folder, String(SEED), String(count));
      onTestFinished(() => child.kill('SIGKILL'));
      // A process that hangs says so before it ends; one that crashes says nothing.
      await child.message().catch(() => {});
      const over = performance.now();
      const { code, signal, stdout, stderr } = await child.ended;
      expect(stdout + stderr).toBe(`${count} sequences, 0 failed\n`);
      expect({ code, signal }).toEqual({ code: 0, signal: null });
      expect(performance.now() - over).toBeLessThan(ENDS_WITHIN);
    },
  );
});
