import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // The native binding aborts the process when a worker thread ends with a pending call.
    pool: 'forks',
    // At least two: many tests wait for a child process.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
    // Sources are checked by `npm run typecheck`; this reports on the assertions about types only.
    typecheck: { enabled: true, include: ['test/**/*.test-d.ts'], ignoreSourceErrors: true },
    testTimeout: 30_000,
    hookTimeout: 30_000,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text', 'html'],
      thresholds: { lines: 90 },
    },
  },
});
