// Checks the code in the documentation against the built package.
//
//   node scripts/check-docs.mjs [--root <folder>]
//
// - Each ```ts block of README.md and docs/**/*.md is one module: it is type-checked, then run in an empty
//   folder of its own, for at most 30 seconds.
// - ```ts no-run is type-checked only.
// - A block that speaks of TURSO_DATABASE_URL has a libSQL server of its own there.
// - <!-- continues --> on the line before a block appends it to the block before it in the same file.
// - Each ```ts block under an @example of src/**/*.ts is type-checked. It may import other files of src/
//   by relative paths, when what it shows is internal.
//
// A block's module has the block on the same lines as the document has it, so that what the compiler and a
// stack trace say about a line is true of the document.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findBlocks } from './find-doc-blocks.mjs';
import { startServer } from './server.mjs';

/** @typedef {import('./find-doc-blocks.mjs').Block} Block */
/** @typedef {import('./find-doc-blocks.mjs').Problem} Problem */

const RUN_LIMIT = 30_000;
const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));

/**
 * Type-checks blocks, then runs those that are to be run.
 *
 * @param {Block[]} blocks
 * @param {{ runLimit?: number }} [options] `runLimit`: how many milliseconds one block may run
 * @returns {Promise<Problem[]>}
 */
export async function checkBlocks(blocks, { runLimit = RUN_LIMIT } = {}) {
  if (blocks.length === 0) return [];
  const project = createProject(blocks);
  try {
    const problems = await compile(project, blocks);
    const wrong = new Set(problems.map(({ block }) => block));
    const runnable = blocks.filter((block) => block.run && !wrong.has(block));
    return [...problems, ...(await runAll(project, runnable, runLimit))];
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
}

/**
 * Writes the blocks as a project whose node_modules are this repository's, with the package itself added.
 *
 * @param {Block[]} blocks
 * @returns {string} its folder
 */
function createProject(blocks) {
  if (!existsSync(path.join(REPOSITORY, 'dist')))
    throw new Error('dist/ is missing: run `npm run build` first');
  const project = mkdtempSync(path.join(tmpdir(), 'turso-dialect-docs-'));
  linkModules(path.join(project, 'node_modules'));
  writeFileSync(path.join(project, 'package.json'), JSON.stringify({ type: 'module' }));
  writeFileSync(path.join(project, 'tsconfig.json'), JSON.stringify(TSCONFIG));
  for (const block of blocks) {
    const module = path.join(project, 'blocks', moduleOf(block));
    mkdirSync(path.dirname(module), { recursive: true });
    writeFileSync(module, block.code);
  }
  return project;
}

const TSCONFIG = {
  compilerOptions: {
    target: 'es2022',
    lib: ['es2023', 'esnext.disposable'],
    module: 'nodenext',
    moduleDetection: 'force',
    types: ['node'],
    strict: true,
    skipLibCheck: true,
    inlineSourceMap: true,
    rootDir: 'blocks',
    // An example of an internal function imports its neighbours: they are in the build.
    rootDirs: ['blocks/src', path.join(REPOSITORY, 'dist')],
    outDir: 'out',
  },
  include: ['blocks'],
};

/**
 * @param {string} folder
 */
function linkModules(folder) {
  mkdirSync(folder);
  for (const name of readdirSync(path.join(REPOSITORY, 'node_modules'))) {
    if (!name.startsWith('.'))
      symlinkSync(path.join(REPOSITORY, 'node_modules', name), path.join(folder, name), 'junction');
  }
  symlinkSync(REPOSITORY, path.join(folder, 'turso-dialect'), 'junction');
}

/**
 * @param {Block} block
 * @returns {string} the path of its module below `blocks/`, beside where its document would be
 */
function moduleOf({ file, line }) {
  return `${file}.${line}.ts`;
}

/**
 * @param {string} project
 * @param {Block[]} blocks
 * @returns {Promise<(Problem & { block: Block | undefined })[]>}
 */
async function compile(project, blocks) {
  const tsc = path.join(REPOSITORY, 'node_modules', 'typescript', 'bin', 'tsc');
  const options = { cwd: project, timeout: 120_000 };
  const { output, failed } = await runNode([tsc, '-p', project, '--pretty', 'false'], options);
  const found = output.matchAll(/^blocks\/(.+)\((\d+),\d+\): (.*(?:\n\s+.*)*)/gm);
  const problems = Array.from(found, ([, module = '', line, message = '']) => {
    const block = blocks.find((candidate) => moduleOf(candidate) === module);
    return { file: module.replace(/\.\d+\.ts$/, ''), line: Number(line), message, block };
  });
  if (failed && problems.length === 0) throw new Error(`tsc failed:\n${output}`);
  return problems;
}

/**
 * @param {string} project
 * @param {Block[]} blocks
 * @param {number} limit
 * @returns {Promise<Problem[]>}
 */
async function runAll(project, blocks, limit) {
  /** @type {Problem[]} */
  const problems = [];
  const waiting = [...blocks];
  const worker = async () => {
    for (let block = waiting.shift(); block; block = waiting.shift()) {
      problems.push(...(await runBlock(project, block, limit)));
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return problems;
}

/**
 * @param {string} project
 * @param {Block} block
 * @param {number} limit
 * @returns {Promise<Problem[]>}
 */
async function runBlock(project, block, limit) {
  const cwd = mkdtempSync(path.join(project, 'run-'));
  const module = path.join(project, 'out', moduleOf(block).replace(/\.ts$/, '.js'));
  const server = block.code.includes('TURSO_DATABASE_URL') ? await startServer(`${cwd}-server`) : undefined;
  const env = { ...process.env, ...(server && { TURSO_DATABASE_URL: server.url }) };
  const { output, failed, late } = await runNode(['--enable-source-maps', module], {
    cwd,
    env,
    timeout: limit,
  });
  await server?.stop();
  if (late)
    return [{ file: block.file, line: block.line, message: `still running after ${limit} ms\n${output}` }];
  return failed ? [{ file: block.file, line: block.line, message: `failed when run\n${output}` }] : [];
}

/**
 * @param {string[]} args
 * @param {{ cwd: string, timeout: number, env?: NodeJS.ProcessEnv }} options
 * @returns {Promise<{ output: string, failed: boolean, late: boolean }>}
 */
function runNode(args, options) {
  return new Promise((settle) => {
    execFile(process.execPath, args, { ...options, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      settle({ output: `${stdout}${stderr}`.trim(), failed: error !== null, late: error?.killed === true });
    });
  });
}

async function main() {
  const { values } = parseArgs({ options: { root: { type: 'string' } } });
  const { blocks, problems } = findBlocks(values.root ?? REPOSITORY);
  const all = [...problems, ...(await checkBlocks(blocks))];
  for (const { file, line, message } of all) console.error(`${file}:${line}: ${message}`);
  console.log(`${blocks.length} blocks, ${all.length} problems`);
  if (all.length > 0) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
