import { BusyError, isLockWait } from '../errors.js';
import { sleep } from './abort.js';
/** Longest pause between two tries in ms; short, since SQLite does not tell when a lock becomes free. */
const LONGEST_PAUSE = 12;
/**
 * Repeats `run` while it fails because another process or connection holds a lock, for `timeout` ms at most. The
 * event loop stays free between the tries.
 *
 * @throws {@link BusyError} when the lock is still held then
 */
export async function waitWhileBusy(run, timeout, abort) {
  const start = performance.now();
  for (let attempt = 0; ; attempt++) {
    abort?.throwIfAborted();
    try {
      return await run();
    } catch (error) {
      if (!isLockWait(error)) throw error;
      const waited = performance.now() - start;
      if (waited >= timeout) throw timedOut(error, waited);
      await sleep(Math.min(pause(attempt), timeout - waited), abort);
    }
  }
}
/** Grows from about 1 ms; random, so that several who wait do not try in step. */
function pause(attempt) {
  return Math.min(2 ** attempt, LONGEST_PAUSE) * (0.5 + Math.random() / 2);
}
function timedOut(error, waited) {
  return new BusyError(`${error.message}: waited ${Math.round(waited)} ms`, {
    code: error.code,
    extendedCode: error.extendedCode,
    rawCode: error.rawCode,
    kind: 'busy',
    retryable: true,
    sql: error.sql,
    cause: error,
  });
}
