import { InterruptedError } from '../errors.js';

/** How a call can be stopped from outside. */
export interface AbortOptions {
  /** Stops the call when it is aborted; the error is an `InterruptedError` with code `ABORTED`. */
  readonly signal?: AbortSignal | undefined;
  /** Stops the call after this many ms, lock waits included; the error has code `TIMEOUT`. */
  readonly timeout?: number | undefined;
}

/** A signal and a timeout as one thing that may happen once. */
export class Abort {
  readonly #listeners = new Set<() => void>();
  readonly #signal: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  #error: InterruptedError | undefined;

  private constructor(signal: AbortSignal | undefined, timeout: number | undefined) {
    this.#signal = signal;
    if (signal?.aborted) this.#onSignal();
    else signal?.addEventListener('abort', this.#onSignal, { once: true });
    if (timeout !== undefined) {
      this.#timer = setTimeout(() => {
        this.abort(
          new InterruptedError(`stopped after the timeout of ${timeout} ms`, {
            code: 'TIMEOUT',
            kind: 'interrupted',
          }),
        );
      }, timeout);
    }
  }

  /** One that only {@link abort} aborts. */
  static manual(): Abort {
    return new Abort(undefined, undefined);
  }

  /** Undefined when there is nothing that could abort. */
  static from(options: AbortOptions | undefined, defaultTimeout?: number): Abort | undefined {
    const timeout = options?.timeout ?? defaultTimeout;
    if (options?.signal === undefined && timeout === undefined) return undefined;
    return new Abort(options?.signal, timeout);
  }

  /** One that happens when either does, and the way to forget it. */
  static either(
    first: Abort | undefined,
    second: Abort | undefined,
  ): { readonly abort: Abort | undefined; readonly forget: () => void } {
    if (first === undefined || second === undefined) return { abort: first ?? second, forget: () => {} };
    const abort = new Abort(undefined, undefined);
    const forget = [first, second].map((one) =>
      one.onAbort(() => abort.abort(one.error as InterruptedError)),
    );
    return {
      abort,
      forget: () => {
        for (const forgetOne of forget) forgetOne();
      },
    };
  }

  /** Why it was aborted; undefined as long as it was not. */
  get error(): InterruptedError | undefined {
    return this.#error;
  }

  /** @throws {@link InterruptedError} when it was aborted */
  throwIfAborted(): void {
    if (this.#error !== undefined) throw this.#error;
  }

  /** Calls `listener` once on abort, at once if it has happened; returns the way to take it back. */
  onAbort(listener: () => void): () => void {
    if (this.#error !== undefined) listener();
    else this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Forgets signal and timer. */
  dispose(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#onSignal);
    this.#listeners.clear();
  }

  readonly #onSignal = (): void => {
    this.abort(
      new InterruptedError('stopped by its signal', {
        code: 'ABORTED',
        kind: 'interrupted',
        cause: this.#signal?.reason,
      }),
    );
  };

  /** Makes it happen, unless it has happened. */
  abort(error: InterruptedError): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    for (const listener of [...this.#listeners]) listener();
    this.#listeners.clear();
  }
}

/** Settles as `run` does, or with the abort's error at once, even if `run` waits for something else. */
export async function orAborted<T>(run: Promise<T>, abort: Abort): Promise<T> {
  let forget: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
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
export async function sleep(ms: number, abort: Abort | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, ms);
    // Calls at once if it happened already.
    let forget = (): void => {};
    forget = abort?.onAbort(done) ?? forget;
    function done(): void {
      clearTimeout(timer);
      forget();
      resolve();
    }
  });
  abort?.throwIfAborted();
}
