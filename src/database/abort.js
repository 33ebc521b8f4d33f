import { InterruptedError } from '../errors.js';
/** A signal and a timeout as one thing that may happen once. */
export class Abort {
  #listeners = new Set();
  #signal;
  #timer;
  #error;
  constructor(signal, timeout) {
    this.#signal = signal;
    if (signal?.aborted) this.#onSignal();
    else signal?.addEventListener('abort', this.#onSignal, { once: true });
    if (timeout !== undefined) {
      this.#timer = setTimeout(() => {
        this.#abort(
          new InterruptedError(`stopped after the timeout of ${timeout} ms`, {
            code: 'TIMEOUT',
            kind: 'interrupted',
          }),
        );
      }, timeout);
    }
  }
  /** Undefined when there is nothing that could abort. */
  static from(options, defaultTimeout) {
    const timeout = options?.timeout ?? defaultTimeout;
    if (options?.signal === undefined && timeout === undefined) return undefined;
    return new Abort(options?.signal, timeout);
  }
  /** Why it was aborted; undefined as long as it was not. */
  get error() {
    return this.#error;
  }
  /** @throws {@link InterruptedError} when it was aborted */
  throwIfAborted() {
    if (this.#error !== undefined) throw this.#error;
  }
  /** Calls `listener` once on abort, at once if it has happened; returns the way to take it back. */
  onAbort(listener) {
    if (this.#error !== undefined) listener();
    else this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  /** Forgets signal and timer. */
  dispose() {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#onSignal);
    this.#listeners.clear();
  }
  #onSignal = () => {
    this.#abort(
      new InterruptedError('stopped by its signal', {
        code: 'ABORTED',
        kind: 'interrupted',
        cause: this.#signal?.reason,
      }),
    );
  };
  #abort(error) {
    if (this.#error !== undefined) return;
    this.#error = error;
    for (const listener of [...this.#listeners]) listener();
    this.#listeners.clear();
  }
}
/** Settles as `run` does, or with the abort's error at once, even if `run` waits for something else. */
export async function orAborted(run, abort) {
  let forget;
  const aborted = new Promise((_resolve, reject) => {
    forget = abort.onAbort(() => reject(abort.error));
  });
  // It may fail later, when nobody listens any more.
  run.catch(() => {});
  try {
    return await Promise.race([run, aborted]);
  } finally {
    forget?.();
  }
}
/** Waits `ms`, or until the abort, which it throws. */
export async function sleep(ms, abort) {
  await new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    const forget = abort?.onAbort(done);
    function done() {
      clearTimeout(timer);
      forget?.();
      resolve();
    }
  });
  abort?.throwIfAborted();
}
