import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // The native binding aborts the process when a worker thread ends with a pending call.
    pool: 'forks',
    // One file at a time: tests measure how long the event loop stands still, which neighbours would blur.
    maxWorkers: 1,
    // Another process on the machine can still hold one up; a real stall fails every time.
    retry: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'all',
          include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
          // Sources are checked by `npm run typecheck`; this reports on the assertions about types only.
          typecheck: { enabled: true, include: ['test/**/*.test-d.ts'], ignoreSourceErrors: true },
        },
      },
      {
        extends: true,
        // The same tests on the other version that is supported.
        resolve: { alias: [{ find: /^kysely$/, replacement: 'kysely-029' }] },
        test: {
          name: 'kysely 0.29',
          env: { CONFORMANCE_BUILDERS: 'kysely', KYSELY_PACKAGE: 'kysely-029' },
          include: [
            ...['test/dialect/kysely/**/*.test.ts', 'test/conformance/**/*.test.ts'],
            'test/differential/**/*.test.ts',
          ],
          typecheck: {
            enabled: true,
            include: ['test/dialect/kysely/**/*.test-d.ts'],
            tsconfig: 'tsconfig.kysely-029.json',
            ignoreSourceErrors: true,
          },
        },
      },
    ],
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
