import { BusyError, InterruptedError, isLockWait, NetworkError } from '../errors.js';
import type { Connection, MaybePromise } from '../engine/engine.js';
import { Abort, sleep } from './abort.js';
import { runAbortable } from './abortable.js';
import type { Interrupts } from './interrupts.js';

/** Longest pause between two tries in ms; short, since SQLite does not tell when a lock becomes free. */
const LONGEST_PAUSE = 12;

/** How long, and until what, a lock is waited for. */
export interface BusyWait {
  /** Longest wait in ms. */
  readonly timeout: number;
  readonly abort: Abort | undefined;
  /** What else ends the wait, and the call itself. */
  readonly interrupts?: Interrupts;
  /** What the call runs on; the abort and the interrupts stop it there. */
  readonly connection?: Connection;
}

/**
 * Repeats `run` while it fails because another process or connection holds a lock, for `timeout` ms at most. The
 * event loop stays free between the tries. Every call that may wait for a server goes through here, since nothing but
 * its abort ends one that is never answered.
 *
 * @throws {@link BusyError} when the lock is still held then
 */
export async function waitWhileBusy<T>(run: () => MaybePromise<T>, wait: BusyWait): Promise<T> {
  const { interrupts, connection, abort: own } = wait;
  const once = connection === undefined || own === undefined ? run : () => runAbortable(connection, own, run);
  if (interrupts === undefined) return await repeatWhileBusy(once, wait.timeout, own);
  const stop = interrupts.begin();
  const { abort, forget } = Abort.either(wait.abort, stop);
  if (connection !== undefined) stop.onAbort(() => connection.interrupt());
  try {
    return await repeatWhileBusy(once, wait.timeout, abort);
  } catch (error) {
    const byStop = error instanceof InterruptedError || error instanceof NetworkError;
    throw stop.error !== undefined && byStop ? stop.error : error;
  } finally {
    interrupts.end(stop);
    forget();
  }
}

async function repeatWhileBusy<T>(
  run: () => MaybePromise<T>,
  timeout: number,
  abort: Abort | undefined,
): Promise<T> {
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
function pause(attempt: number): number {
  return Math.min(2 ** attempt, LONGEST_PAUSE) * (0.5 + Math.random() / 2);
}

function timedOut(error: BusyError, waited: number): BusyError {
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
