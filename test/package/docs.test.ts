import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkBlocks } from '../../scripts/check-docs.mjs';
import { findBlocks } from '../../scripts/find-doc-blocks.mjs';
import { assertBuilt, root, temporaryProject } from './support.js';

beforeAll(assertBuilt);

describe('the documentation', () => {
  it('compiles and runs', { timeout: 600_000 }, async () => {
    const { blocks, problems } = findBlocks(root);
    expect([...problems, ...(await checkBlocks(blocks))]).toEqual([]);
  });

  it('begins with a README of 200 lines at most', () => {
    const lines = readFileSync(path.join(root, 'README.md'), 'utf8').trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(200);
  });
});

describe('the documentation check', { timeout: 120_000 }, () => {
  it('accepts a project without documentation', async () => {
    expect(await check({})).toEqual([]);
  });

  it('runs a block against the built package, in an empty folder', async () => {
    const readme = markdown([
      "import { readdirSync } from 'node:fs';",
      "import { open } from 'turso-dialect';",
      "if (typeof open !== 'function' || readdirSync('.').length > 0) throw new Error('wrong');",
    ]);
    expect(await check({ 'README.md': readme })).toEqual([]);
  });

  it('reports a type error with its place in the document', async () => {
    const readme = `# Title\n\n${markdown(['const one = 1;', "export const two: number = 'two';"])}`;
    expect(await check({ 'docs/guide/a.md': readme })).toEqual([
      { file: 'docs/guide/a.md', line: 5, message: expect.stringContaining('TS2322') },
    ]);
  });

  it('reports a block that throws, with the line of the document', async () => {
    const [problem] = await check({ 'README.md': `text\n\n${markdown(['', "throw new Error('broken');"])}` });
    expect(problem).toMatchObject({ file: 'README.md', line: 4 });
    expect(problem?.message).toMatch(/failed when run[^]*README\.md[^]4\.ts:5[^]*broken/);
  });

  it('reports a block that does not end', async () => {
    const readme = markdown(['setInterval(() => {}, 1000);']);
    expect(await check({ 'README.md': readme }, 2_000)).toEqual([
      { file: 'README.md', line: 2, message: expect.stringContaining('still running after 2000 ms') },
    ]);
  });

  it('reports a name of the package that does not exist', async () => {
    const [problem] = await check({
      'README.md': markdown(["import { missing } from 'turso-dialect';", 'missing();']),
    });
    expect(problem?.message).toContain('TS2305');
  });

  it('appends a block that continues the one before it', async () => {
    const first = markdown(['const greeting = `hello`;']);
    const second = markdown(["if (greeting !== 'hello') throw new Error(greeting);", 'missing();']);
    expect(await check({ 'README.md': `${first}\n<!-- continues -->\n\n${second}` })).toEqual([
      { file: 'README.md', line: 9, message: expect.stringContaining("'missing'") },
    ]);
  });

  it('reports a block that continues nothing', async () => {
    expect(await check({ 'README.md': `<!-- continues -->\n${markdown(['1;'])}` })).toEqual([
      { file: 'README.md', line: 3, message: expect.stringContaining('none before it') },
    ]);
  });

  it('does not run a block marked no-run, but checks its types', async () => {
    const quiet = markdown(["throw new Error('not run');"], 'ts no-run');
    expect(await check({ 'README.md': quiet })).toEqual([]);
    expect(await check({ 'README.md': markdown(['missing();'], 'ts no-run') })).toHaveLength(1);
  });

  it('passes over other languages and fences inside them', async () => {
    expect(
      await check({
        'README.md': `\`\`\`\`md\n${markdown(['missing();'])}\n\`\`\`\`\n${markdown(['missing'], 'sh')}`,
      }),
    ).toEqual([]);
  });

  it('checks the types of @example blocks without running them', async () => {
    const source = [
      '/**',
      ' * Adds.',
      ' *',
      ' * @example',
      ' * ```ts',
      ' * const sum: string = 1 + 1;',
      ' * ```',
      ' *',
      ' * @throws never',
      ' */',
      'export const x = missing;',
    ];
    expect(await check({ 'src/a.ts': source.join('\n') })).toEqual([
      { file: 'src/a.ts', line: 6, message: expect.stringContaining('TS2322') },
    ]);
    const fixed = source.map((line) =>
      line.replace('const sum: string = 1 + 1;', "throw new Error('not run');"),
    );
    expect(await check({ 'src/a.ts': fixed.join('\n') })).toEqual([]);
  });

  it('lets an @example of an internal file import its neighbours', async () => {
    const example = [
      ' * ```ts',
      " * import { DatabaseError } from '../errors.js';",
      ' * throw new DatabaseError();',
      ' * ```',
    ];
    const source = ['/**', ' * @example', ...example, ' */', 'export {};'].join('\n');
    expect(await check({ 'src/sql/a.ts': source.replace('new DatabaseError()', 'DatabaseError') })).toEqual(
      [],
    );
    expect(await check({ 'src/sql/a.ts': source.replace('errors.js', 'missing.js') })).toHaveLength(1);
  });

  it('reports an @example without a block', async () => {
    expect(await check({ 'src/a.ts': '/**\n * @example add(1, 1)\n */\nexport {};' })).toEqual([
      { file: 'src/a.ts', line: 2, message: '@example has no ```ts block' },
    ]);
  });
});

async function check(files: Record<string, string>, runLimit = 30_000) {
  const { blocks, problems } = findBlocks(temporaryProject(files));
  const found = [...problems, ...(await checkBlocks(blocks, { runLimit }))];
  return found.map(({ file, line, message }) => ({ file, line, message }));
}

function markdown(code: string[], info = 'ts'): string {
  return ['```' + info, ...code, '```', ''].join('\n');
}
