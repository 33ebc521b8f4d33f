import type { Connection, MaybePromise } from '../engine/engine.js';
import { CapabilityError, InterruptedError } from '../errors.js';
import type { Abort } from './abort.js';

/** An interrupt that comes before the other thread has begun is lost, so it is repeated after so many ms. */
const INTERRUPT_AGAIN = 10;

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
  let again: NodeJS.Timeout | undefined;
  const interrupt = (): void => {
    connection.interrupt();
    again ??= setInterval(() => connection.interrupt(), INTERRUPT_AGAIN);
  };
  const forget = aborts.map((abort) => abort?.onAbort(interrupt));
  try {
    return await run();
  } catch (error) {
    const abort = aborts.find((candidate) => candidate?.error !== undefined);
    if (abort?.error !== undefined && error instanceof InterruptedError) throw abort.error;
    throw error;
  } finally {
    clearInterval(again);
    for (const forgetOne of forget) forgetOne?.();
  }
}
