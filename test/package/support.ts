import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** The repository's folder. */
export const root: string = fileURLToPath(new URL('../..', import.meta.url));

/** What a child process did. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  /** Standard output, then standard error, then why the process could not run or was killed. */
  readonly output: string;
}

/** Runs a program to its end, with the environment that a user's shell would give it. */
export function run(program: string, args: readonly string[], cwd: string = root): Promise<Outcome> {
  const options = { cwd, env: userEnvironment(), timeout: 240_000, maxBuffer: 64 * 1024 * 1024 };
  return new Promise((settle) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : Number(error !== null);
      const reason = error && typeof error.code !== 'number' ? error.message : '';
      settle({ code, stdout, output: stdout + stderr + reason });
    });
  });
}

/** Runs Node.js with the given arguments. */
export function runNode(args: readonly string[], cwd?: string): Promise<Outcome> {
  return run(process.execPath, args, cwd);
}

/** Installs the package as it would be published, and others besides, in a folder that has a `package.json`. */
export async function installPacked(folder: string, others: readonly string[]): Promise<void> {
  const packed = await npm(['pack', '--ignore-scripts', '--json', '--pack-destination', folder], root);
  const [{ filename }] = JSON.parse(packed.stdout) as [{ filename: string }];
  const options = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
  await npm(['install', ...options, `./${filename}`, ...others], folder);
}

async function npm(args: readonly string[], cwd: string): Promise<Outcome> {
  const outcome = await run('npm', args, cwd);
  if (outcome.code !== 0) throw new Error(`npm ${args[0]} failed:\n${outcome.output}`);
  return outcome;
}

/** A folder of its own for one test, with the given files, removed after the test. */
export function temporaryProject(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'turso-dialect-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFiles(folder, files);
  return folder;
}

/** Writes files, given by their paths in the folder, making the folders that they need. */
export function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    writeFileSync(path.join(folder, file), text);
  }
}

/** Throws when dist/ is missing or older than src/: these tests are about what users get. */
export function assertBuilt(): void {
  const built = existsSync(path.join(root, 'dist')) ? oldest(path.join(root, 'dist')) : 0;
  if (built < newest(path.join(root, 'src'))) {
    throw new Error('dist/ is not a build of this src/: run `npm run build`, or the whole of `npm test`');
  }
}

// What npm and vitest tell the processes that they start must not reach an npm that works in another folder.
function userEnvironment(): NodeJS.ProcessEnv {
  const ours =
    /^(npm_(package|lifecycle|config_local_prefix|config_prefix)|INIT_CWD$|NODE_(ENV|OPTIONS|V8_COVERAGE)$|VITEST|TEST$)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
}

function newest(folder: string): number {
  return Math.max(0, ...modificationTimes(folder));
}

function oldest(folder: string): number {
  return Math.min(...modificationTimes(folder));
}

function modificationTimes(folder: string): number[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => statSync(path.join(folder, file)))
    .filter((stats) => stats.isFile())
    .map((stats) => stats.mtimeMs);
}
