import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';

/**
 * The tests that measure how long the event loop stands still, which neighbours would blur, and those whose many processes fill
 * the machine by themselves.
 */
const ALONE = testsIn('test').filter(
  (file) => /^test\/(?:attack|stress|sync)\//.test(file) || readFileSync(file, 'utf8').includes('withStall('),
);

const ALL = ['test/**/*.test.ts', 'examples/**/*.test.ts'];

/** Two files at a time. */
const TOGETHER = { sequence: { groupOrder: 0 }, maxWorkers: 2 };

/** One file at a time. */
const ONE_BY_ONE = { sequence: { groupOrder: 1 }, maxWorkers: 1 };

export default defineConfig({
  test: {
    // The native binding aborts the process when a worker thread ends with a pending call.
    pool: 'forks',
    // Another process on the machine can still hold one up; a real stall fails every time.
    retry: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'all',
          include: ALL,
          exclude: ALONE,
          ...TOGETHER,
          // Sources are checked by `npm run typecheck`; this reports on the assertions about types only.
          typecheck: { enabled: true, include: ['test/**/*.test-d.ts'], ignoreSourceErrors: true },
        },
      },
      { extends: true, test: { name: 'alone', include: ALONE, ...ONE_BY_ONE } },
      kysely029('kysely 0.29', {
        include: [
          ...['test/dialect/kysely/**/*.test.ts', 'test/conformance/**/*.test.ts'],
          'test/differential/**/*.test.ts',
        ],
        exclude: ALONE,
        ...TOGETHER,
        typecheck: {
          enabled: true,
          include: ['test/dialect/kysely/**/*.test-d.ts'],
          tsconfig: 'tsconfig.kysely-029.json',
          ignoreSourceErrors: true,
        },
      }),
      kysely029('kysely 0.29, alone', {
        include: ALONE.filter((file) => file.startsWith('test/dialect/kysely/')),
        ...ONE_BY_ONE,
      }),
    ],
    setupFiles: ['test/support/local.ts'],
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

/** The same tests on the other version of Kysely that is supported. */
function kysely029(
  name: string,
  test: NonNullable<TestProjectInlineConfiguration['test']>,
): TestProjectInlineConfiguration {
  return {
    extends: true,
    resolve: { alias: [{ find: /^kysely$/, replacement: 'kysely-029' }] },
    test: { name, env: { CONFORMANCE_BUILDERS: 'kysely', KYSELY_PACKAGE: 'kysely-029' }, ...test },
  };
}

function testsIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => path.posix.join(folder, ...file.split(path.sep)));
}
