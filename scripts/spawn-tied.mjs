// Starts programs that end with this process. The tests, the benchmarks and the checks start all servers by it.
import { spawn } from 'node:child_process';

/** @typedef {'pipe' | 'ignore' | 'inherit' | 'ipc'} Stdio */

/**
 * Starts a program that ends when this process ends, by whatever: its last line, an error, a signal, SIGKILL.
 *
 * A hook cannot do that, since a killed process runs none. A pipe can: only this process holds its near end, so the
 * system closes it. A shell waits at the far end and then kills the program, which has taken the place of the shell's
 * parent: the returned child is the program itself, with its own process id, exit code and signals.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ stdio: Stdio[], cwd?: string, env?: NodeJS.ProcessEnv }} options `stdio`: 3 entries, or 4 with `ipc`
 * @returns {import('node:child_process').ChildProcess}
 */
export function spawnTied(program, args, options) {
  const lifeline = options.stdio.length;
  // The shell keeps nothing else open, so that the streams of the program end when the program does.
  const others = options.stdio.slice(3).map((_, i) => `${i + 3}>&-`);
  const watch = `exec <&${lifeline} >/dev/null 2>&1 ${lifeline}<&- ${others.join(' ')}; read -r _ || kill -KILL $$`;
  const script = `(${watch}) & exec "$@" ${lifeline}<&-`;
  const child = spawn('sh', ['-c', script, 'sh', program, ...args], {
    ...options,
    stdio: [...options.stdio, 'pipe'],
  });
  const pipe = /** @type {import('node:net').Socket} */ (child.stdio[lifeline]);
  // Somebody may have killed the shell.
  pipe.on('error', () => {});
  // A line lets the shell go without killing: the process id may belong to another program by then.
  child.once('exit', () => pipe.end('\n'));
  return child;
}
