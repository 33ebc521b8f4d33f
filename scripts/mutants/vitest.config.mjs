// The tests as the mutants meet them: files chosen by scripts/mutants.mjs, one project, no assertions about types.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    // See vitest.config.ts.
    pool: 'forks',
    maxWorkers: Number(process.env['MUTANTS_WORKERS'] ?? 1),
    include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
    // Whatever passes the second time would have passed without the mutant.
    retry: 1,
    setupFiles: [fileURLToPath(new URL('trace.mjs', import.meta.url))],
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
