import { InterruptedError } from '../errors.js';
/** An interrupt that comes before the other thread has begun is lost, so it is repeated after so many ms. */
const INTERRUPT_AGAIN = 10;
/**
 * Runs an interruptible call of a connection and interrupts it on abort.
 *
 * @throws the abort's error instead of the interrupt that it caused
 */
export async function runAbortable(connection, aborts, run) {
  for (const abort of aborts) abort?.throwIfAborted();
  let again;
  const interrupt = () => {
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
