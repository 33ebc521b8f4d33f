import { fileURLToPath } from 'node:url';
import { spawnTied } from '../../scripts/spawn-tied.mjs';

/** How a child program ended. */
export interface ChildResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The child programs import the built package by its name; `npm test` builds it first. */
export function childPath(name: string): string {
  return fileURLToPath(new URL(`children/${name}`, import.meta.url));
}

/** Runs a child program to its end, under a limit of file descriptors if one is given. */
export async function runChild(
  name: string,
  args: readonly string[],
  descriptors?: number,
): Promise<ChildResult> {
  const command = descriptors === undefined ? 'exec node "$@"' : `ulimit -n ${descriptors} && exec node "$@"`;
  const child = spawnTied('sh', ['-c', command, 'sh', childPath(name), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, stdout, stderr };
}
