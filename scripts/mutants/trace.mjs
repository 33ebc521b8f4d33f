// A set-up file of vitest: notes which functions of src/ a test file calls, in its own process and in its child processes.
import { mkdirSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import path from 'node:path';
import { afterAll, expect } from 'vitest';

const out = process.env['MUTANTS_TRACE'];
if (out !== undefined) {
  const name = path.relative(process.cwd(), expect.getState().testPath ?? '').replaceAll(path.sep, '~');
  const folder = path.join(out, name);
  mkdirSync(folder, { recursive: true });
  // Node.js writes the coverage of every child process here when that ends.
  process.env['NODE_V8_COVERAGE'] = folder;
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  afterAll(async () => {
    writeFileSync(
      path.join(folder, 'own.json'),
      JSON.stringify(await session.post('Profiler.takePreciseCoverage')),
    );
  });
}
