import type { Connection, MaybePromise } from '../engine/engine.js';
import { CapabilityError, InterruptedError, NetworkError, OPEN_BY_URL } from '../errors.js';
import type { Abort } from './abort.js';

/**
 * Runs an interruptible call of a connection and interrupts it on abort.
 *
 * @throws the abort's error instead of the interrupt that it caused
 */
export async function runAbortable<T>(
  connection: Connection,
  abort: Abort,
  run: () => MaybePromise<T>,
): Promise<T> {
  abort.throwIfAborted();
  if (!connection.interruptible) {
    throw new CapabilityError(
      'interrupt',
      `a client that was handed in can not be stopped; ${OPEN_BY_URL}, to use "signal" and "timeout"`,
    );
  }
  const forget = abort.onAbort(() => connection.interrupt());
  try {
    return await run();
  } catch (error) {
    // A failure of the network that came just before would have been followed by a repetition.
    const byAbort = error instanceof InterruptedError || error instanceof NetworkError;
    if (abort.error !== undefined && byAbort) throw abort.error;
    throw error;
  } finally {
    forget();
  }
}
