import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../package/support.js';
import { runProgram } from '../support/child.js';
import { startSqld } from '../support/sqld.js';
import { ALLOWED } from './allowed.js';

/** Another number asks other statements: `DIFFERENTIAL_SEED=2 npx vitest run test/differential`. */
const SEED = Number(process.env.DIFFERENTIAL_SEED ?? 1);

/** Kysely 0.29 is asked in a project of its own, where nothing but its own tests has to run again. */
const KYSELY_029 = process.env.KYSELY_PACKAGE !== undefined;

const STATEMENTS = KYSELY_029 ? 2_000 : 8_000;

/** The process itself ends when libsql aborts, so the run is a child. */
describe('SQLite itself and every way to it', () => {
  it('give the same rows, names, counters, errors and databases', { timeout: 600_000, retry: 0 }, async ({
    onTestFinished,
  }) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'turso-dialect-differential-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const [http, ws, primary] = await Promise.all([startSqld(), startSqld(), startSqld()]);
    const given = {
      ...{ seed: SEED, statements: STATEMENTS, folder, patience: 20_000, shown: 1 },
      servers: { http: http.url, ws: ws.url, primary: primary.url },
      ...(KYSELY_029 && { builder: 'kysely' }),
    };
    const { code, signal, stdout, stderr } = await runProgram('differential.ts', JSON.stringify(given));
    const underWay = signal === null ? '' : readFileSync(path.join(folder, 'under-way'), 'utf8');
    const differences = stdout
      .split('\n')
      .filter((line) => !/^(?:allowed|known|statements| {2}\d+ ×)/.test(line));
    expect({ differences, stderr, underWay, code, signal }).toEqual({
      differences: [expect.stringMatching(/^\d+ statements in \d+ cases, 0 differences$/), ''],
      ...{ stderr: '', underWay: '', code: 0, signal: null },
    });
  });

  it('differ in 15 points at most, each of them documented', () => {
    expect(ALLOWED.length).toBeLessThanOrEqual(15);
    for (const {
      docs: [file, words],
    } of ALLOWED) {
      expect(readFileSync(path.join(root, file), 'utf8').replaceAll(/\s+/g, ' ')).toContain(words);
    }
  });
});
