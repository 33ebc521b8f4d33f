// Fails when a program that was started with a mark in its environment is still running, and kills it.
//
//   NAME=value npm test; node scripts/left-processes.mjs NAME=value
//
// What a program starts inherits the mark. Needs /proc, so it checks nothing outside Linux, and says so.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What is about to end when its parent ends may take this long, in ms. */
const GRACE = 3_000;

/**
 * The running processes that have the mark.
 *
 * @param {string} mark `NAME=value`
 * @returns {{ pid: number, command: string }[]}
 */
export function findMarked(mark) {
  const found = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
    if (!read(`/proc/${entry}/environ`).split('\0').includes(mark)) continue;
    const command = read(`/proc/${entry}/cmdline`).replaceAll('\0', ' ').trim();
    found.push({ pid: Number(entry), command });
  }
  return found;
}

/** @param {string} file Empty when its process has ended or belongs to another user. */
function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/**
 * Waits until no process has the mark.
 *
 * @param {string} mark
 * @param {number} [grace] for at most this long, in ms
 * @returns {Promise<{ pid: number, command: string }[]>} those that are left then
 */
export async function waitForMarked(mark, grace = GRACE) {
  const end = Date.now() + grace;
  for (;;) {
    const left = findMarked(mark);
    if (left.length === 0 || Date.now() >= end) return left;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function main() {
  const [mark] = process.argv.slice(2);
  if (mark === undefined || !/^\w+=.+$/.test(mark)) throw new Error('expected a mark: NAME=value');
  if (!existsSync('/proc/self/environ')) {
    console.log('Not checked: this system has no /proc.');
    return;
  }
  const left = await waitForMarked(mark);
  for (const { pid, command } of left) {
    console.error(`left running: ${pid} ${command.slice(0, 300)}`);
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
  if (left.length > 0) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
