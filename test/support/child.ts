import type { ChildProcess } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { spawnTied } from '../../scripts/spawn-tied.mjs';

const programs = fileURLToPath(new URL('./programs/', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));

/** What a child process did. */
export interface ChildOutcome {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program of `programs/` that runs in a process of its own, so that it may abort; it does not outlive this one. */
export interface Child {
  /** The next message that the program sends. */
  message(): Promise<unknown>;
  send(message: string): void;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<ChildOutcome>;
}

/** Runs a program to its end. */
export async function runProgram(name: string, ...args: string[]): Promise<ChildOutcome> {
  const child = await startProgram(name, ...args);
  return child.ended;
}

/** Starts a program. It sees its arguments in `process.argv` from index 2 and can `process.send()`. */
export async function startProgram(name: string, ...args: string[]): Promise<Child> {
  const code = await bundle(path.join(programs, name));
  // From standard input a module resolves its packages as one in the working folder does.
  const child = spawnTied(process.execPath, ['--input-type=module', '-', ...args], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
  });
  const ended = outcome(child);
  child.stdin?.end(code);
  const messages = queue(child, ended);
  return {
    message: messages,
    send: (message) => void child.send(message),
    kill: (signal) => void child.kill(signal),
    ended,
  };
}

/** The code of a program of `programs/` for a thread, which takes no modules. */
export async function bundleProgram(name: string): Promise<string> {
  return await bundle(path.join(programs, name), 'cjs');
}

async function bundle(entry: string, format: 'esm' | 'cjs' = 'esm'): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format,
    platform: 'node',
    target: 'node20',
    packages: 'external',
    // The project for Kysely 0.29 says which one it means.
    alias: { kysely: process.env.KYSELY_PACKAGE ?? 'kysely' },
  });
  return outputFiles[0]?.text ?? '';
}

function outcome(child: ChildProcess): Promise<ChildOutcome> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** Messages that came before somebody asked for them are kept. */
function queue(child: ChildProcess, ended: Promise<ChildOutcome>): () => Promise<unknown> {
  const kept: unknown[] = [];
  const waiting: ((message: unknown) => void)[] = [];
  child.on('message', (message) => {
    const next = waiting.shift();
    if (next === undefined) kept.push(message);
    else next(message);
  });
  return () => {
    if (kept.length > 0) return Promise.resolve(kept.shift());
    const message = new Promise((resolve) => void waiting.push(resolve));
    const end = ended.then(({ code, signal, stderr }): never => {
      throw new Error(`the child process ended without a message: ${code ?? signal}\n${stderr}`);
    });
    end.catch(() => {});
    return Promise.race([message, end]);
  };
}
