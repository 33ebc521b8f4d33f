import { onTestFinished } from 'vitest';
import { startProgram } from './child.js';

/** A lock that a child process holds until `release()`, or until the test ends. */
export interface HeldLock {
  /** Lets the child end its transaction; resolves when its process has ended. */
  release(): Promise<void>;
  /** Tells the child to end its transaction and does not wait. */
  releaseSoon(): void;
  /** Ends the child without a word. */
  kill(): void;
}

/** Runs the script `sql` on a file in a child process, which keeps the locks that it took; `last` ends them. */
export async function holdLock(file: string, sql = 'BEGIN IMMEDIATE', last = 'COMMIT'): Promise<HeldLock> {
  const child = await startProgram('lock-holder.ts', file, sql, last);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await child.ended;
  });
  await child.message();
  let released = false;
  const releaseSoon = (): void => {
    if (!released) child.send('release');
    released = true;
  };
  return {
    releaseSoon,
    kill: () => child.kill('SIGKILL'),
    release: async () => {
      releaseSoon();
      await child.ended;
    },
  };
}
