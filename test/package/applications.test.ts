import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assertBuilt, installPacked, type Outcome, root, run, runNode } from './support.js';

// Applications on other packages, with nothing but their import specifiers changed, and the adapters that people use.

/** What an application changes. */
const SPECIFIERS: readonly (readonly [from: string, to: string])[] = [
  ["'drizzle-orm/libsql/migrator'", "'turso-dialect/drizzle/migrator'"],
  ["'drizzle-orm/libsql'", "'turso-dialect/drizzle'"],
  ["'@libsql/client'", "'turso-dialect/client'"],
  ["'@libsql/kysely-libsql'", "'turso-dialect/kysely'"],
];

/** Lines of the output that differ, as docs/coming-from.md says, and what they become. */
const DIFFERENCES: Readonly<Record<string, string>> = {
  // `db.values()` gives arrays, as its type says; drizzle-orm/libsql gives rows that are objects.
  values: '[[1,"First"],[2,"Second"],[3,"Third"]]',
  'values raw': '[[1,"First"]]',
  // A whole number is bound as an INTEGER, and not as a REAL.
  division: '{"half":2}',
};

/** 5.4, 5.9 and the project's own, 7. */
const COMPILERS = ['typescript-5.4', 'typescript', 'current'] as const;

let folder: string;

beforeAll(async () => {
  assertBuilt();
  folder = await mkdtemp(path.join(tmpdir(), 'turso-dialect-applications-'));
  const source = path.join(root, 'test/package/applications');
  await cp(source, folder, { recursive: true });
  await cp(source, path.join(folder, 'before'), { recursive: true, filter: isApplication });
  await cp(source, path.join(folder, 'after'), { recursive: true, filter: isApplication });
  for (const name of ['drizzle', 'kysely']) {
    const file = path.join(folder, 'after', name, 'app.ts');
    let text = await readFile(file, 'utf8');
    for (const [from, to] of SPECIFIERS) text = text.replaceAll(from, to);
    await writeFile(file, text);
  }
  await installPacked(folder, []);
}, 240_000);

afterAll(async () => {
  if (folder) await rm(folder, { recursive: true, force: true });
});

describe('an application whose import specifiers are changed', { timeout: 120_000 }, () => {
  it.each(COMPILERS)('compiles without an error under %s', async (compiler) => {
    const files = ['after/drizzle/app.ts', 'after/kysely/app.ts', 'types/interchange.ts'];
    expect(await compile(files, compiler)).toMatchObject({ code: 0, output: '' });
  });

  it('hands configs, clients and results on by type under exactOptionalPropertyTypes too', async () => {
    const outcome = await compile(['types/interchange.ts'], 'current', ['--exactOptionalPropertyTypes']);
    expect(outcome).toMatchObject({ code: 0, output: '' });
  });

  it.each(['drizzle', 'kysely'])(
    'on %s gives the same output, documented differences aside',
    async (name) => {
      const outcomes: string[][] = [];
      for (const state of ['before', 'after']) {
        const program = path.join(folder, state, name, 'app.mjs');
        const entryPoints = [path.join(folder, state, name, 'app.ts')];
        await build({ entryPoints, outfile: program, bundle: true, packages: 'external', format: 'esm' });
        const { code, stdout, output } = await runNode([program], folder);
        expect(code === 0 ? '' : output).toBe('');
        outcomes.push(stdout.trim().split('\n'));
      }
      const [before = [], after = []] = outcomes;
      expect(after).toEqual(before.map(withDifference));
      expect(before.length).toBeGreaterThan(25);
    },
  );
});

describe('an adapter', { timeout: 60_000 }, () => {
  it('@auth/drizzle-adapter signs in', async () => {
    expect(await resultOf('auth.mjs')).toEqual({
      names: ['Ada L.', 'ada@example.com'],
      dates: [1_900_000_000_000, 5],
      used: ['once', null],
      left: { n: 0 },
    });
  });

  it('better-auth signs up and in, on Kysely and on Drizzle', async () => {
    const signedIn = {
      ...{ name: 'Ada', token: 'string', wrong: 'UNAUTHORIZED', twice: 'UNPROCESSABLE_ENTITY' },
    };
    expect(await resultOf('better-auth.mjs')).toEqual({
      pending: 0,
      kysely: signedIn,
      drizzle: signedIn,
      sessions: [2, 2],
    });
  });

  it('drizzle-seed fills and empties tables, and drizzle-zod checks rows', async () => {
    expect(await resultOf('drizzle-tools.mjs')).toEqual({
      seeded: [40, 40],
      orphans: { n: 0 },
      left: [0, 0],
      read: { id: 1, text: 'hello', embedding: [1, 2, 3] },
      refused: true,
    });
  });

  it('kysely-codegen writes the types of tables and views', async () => {
    expect(await resultOf('kysely-codegen.mjs')).toEqual([
      'export interface Names {',
      '  name: string | null;',
      'export interface Users {',
      '  id: Generated<number | null>;',
      '  name: string;',
      '  photo: Buffer | null;',
      '  score: number | null;',
      'export interface DB {',
      '  names: Names;',
      '  users: Users;',
    ]);
  });

  it('kysely-ctl migrates up and down', async () => {
    const ctl = path.join(folder, 'adapters/kysely-ctl');
    const kysely = path.join(folder, 'node_modules/kysely-ctl/dist/bin.mjs');
    const told = [];
    for (const command of ['migrate:latest', 'migrate:down']) {
      const { code, output } = await run('node', [kysely, command, '--no-outdated-check'], ctl);
      expect(code === 0 ? '' : output).toBe('');
      told.push(/Ran 1 migration|Undone 1 migration/.exec(output)?.[0]);
    }
    expect(told).toEqual(['Ran 1 migration', 'Undone 1 migration']);
  });
});

function isApplication(source: string): boolean {
  return !/node_modules|adapters|package\.json/.test(source);
}

function withDifference(line: string): string {
  const label = line.slice(0, line.indexOf(': '));
  const difference = DIFFERENCES[label];
  return difference === undefined ? line : `${label}: ${difference}`;
}

async function resultOf(program: string): Promise<unknown> {
  const { stdout, output } = await runNode([program], path.join(folder, 'adapters'));
  const result = /^RESULT (.*)$/m.exec(stdout)?.[1];
  if (result === undefined) throw new Error(`${program} reported nothing:\n${output}`);
  return JSON.parse(result);
}

function compile(
  files: readonly string[],
  compiler: (typeof COMPILERS)[number],
  more: readonly string[] = [],
): Promise<Outcome> {
  const home = compiler === 'current' ? root : folder;
  const tsc = path.join(home, 'node_modules', compiler === 'current' ? 'typescript' : compiler, 'bin/tsc');
  const options = [
    '--module',
    'nodenext',
    '--moduleResolution',
    'nodenext',
    '--target',
    'es2022',
    '--noEmit',
  ];
  return runNode(
    [tsc, ...options, '--strict', '--skipLibCheck', '--types', 'node', ...more, ...files],
    folder,
  );
}
