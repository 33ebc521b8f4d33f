// A copy of the project in which one mistake at a time is built and tested, beside whatever else runs in the project itself.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Ends the test runs that are under way, with all of their processes, when this program ends. @type {Set<number>} */
const groups = new Set();
process.once('exit', () => groups.forEach(killGroup));
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM']))
  process.once(signal, () => process.exit(1));

export class Copy {
  /** @param {string} project */
  constructor(project) {
    this.folder = mkdtempSync(path.join(tmpdir(), 'mutants-'));
    process.once('exit', () => this.remove());
    const files = spawnSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
      cwd: project,
      encoding: 'utf8',
    });
    for (const file of files.stdout.split('\0').filter(Boolean)) {
      mkdirSync(path.dirname(path.join(this.folder, file)), { recursive: true });
      cpSync(path.join(project, file), path.join(this.folder, file), { verbatimSymlinks: true });
    }
    symlinkSync(path.join(project, 'node_modules'), path.join(this.folder, 'node_modules'));
  }

  /** Checks the types and writes dist/; false when there is an error in them. */
  async build() {
    const options = ['-p', 'tsconfig.build.json', '--incremental', '--tsBuildInfoFile', '.tsbuildinfo'];
    return (await this.#run('tsc', options, {}, 120)) === 'passed';
  }

  /**
   * Runs test files, up to the first failure.
   *
   * @param {readonly string[]} files
   * @param {NodeJS.ProcessEnv} env
   * @param {number} seconds after which the mistake counts as noticed: it made the tests hang
   * @param {readonly string[]} options of vitest
   * @returns {Promise<'passed' | 'failed' | 'timed out'>}
   */
  test(files, env, seconds, options = []) {
    return this.#run(
      'vitest',
      ['run', '--config', 'scripts/mutants/vitest.config.mjs', ...options, ...files],
      env,
      seconds,
    );
  }

  /** @type {(file: string, text: string) => void} */
  write(file, text) {
    writeFileSync(path.join(this.folder, file), text);
  }

  /** @type {(file: string) => string} */
  read(file) {
    return readFileSync(path.join(this.folder, file), 'utf8');
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }

  /** @type {(program: string, args: string[], env: NodeJS.ProcessEnv, seconds: number) => Promise<'passed' | 'failed' | 'timed out'>} */
  async #run(program, args, env, seconds) {
    const bin = path.join(this.folder, 'node_modules/.bin', program);
    const child = spawn(bin, args, {
      ...{ cwd: this.folder, env: { ...process.env, ...env }, stdio: 'ignore', detached: true },
    });
    const { pid } = child;
    if (pid === undefined) throw new Error(`${program} did not start; run npm install`);
    groups.add(pid);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      killGroup(pid);
    }, seconds * 1_000);
    const code = await new Promise((resolve) => child.once('exit', resolve));
    clearTimeout(timer);
    // A test that was cut off may have left processes.
    killGroup(pid);
    groups.delete(pid);
    if (late) return 'timed out';
    return code === 0 ? 'passed' : 'failed';
  }
}

function killGroup(/** @type {number} */ pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
