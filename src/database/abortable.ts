import type { Connection, MaybePromise } from '../engine/engine.js';
import { CapabilityError, InterruptedError } from '../errors.js';
import type { Abort } from './abort.js';

/**
 * Runs an interruptible call of a connection and interrupts it on abort.
 *
 * @throws the abort's error instead of the interrupt that it caused
 */
export async function runAbortable<T>(
  connection: Connection,
  aborts: readonly (Abort | undefined)[],
  run: () => MaybePromise<T>,
): Promise<T> {
  for (const abort of aborts) abort?.throwIfAborted();
  if (!connection.interruptible && aborts.some((abort) => abort !== undefined)) {
    throw new CapabilityError(
      'interrupt',
      'a client that was handed in can not be stopped; open the database by its URL to use "signal" and "timeout"',
    );
  }
  const forget = aborts.map((abort) => abort?.onAbort(() => connection.interrupt()));
  try {
    return await run();
  } catch (error) {
    const abort = aborts.find((candidate) => candidate?.error !== undefined);
    if (abort?.error !== undefined && error instanceof InterruptedError) throw abort.error;
    throw error;
  } finally {
    for (const forgetOne of forget) forgetOne?.();
  }
}
