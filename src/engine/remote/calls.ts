/**
 * What is under way at a server for one connection. Each call is raced with its abort, so that it ends even if the far
 * side, a function of the application or a `fetch` that heeds no signal never does.
 */
export class Calls {
  readonly #running = new Set<(reason: Error) => void>();

  /** Waits for `work`. @throws what it throws, or at once an error when all is stopped */
  async race<T>(work: Promise<T>): Promise<T> {
    let end!: (reason: Error) => void;
    const stopped = new Promise<never>((_resolve, reject) => {
      end = reject;
    });
    this.#running.add(end);
    try {
      return await Promise.race([work, stopped]);
    } finally {
      this.#running.delete(end);
    }
  }

  /** As {@link race}, for work that can be told to end. */
  async run<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    // Of its own: some runtimes let no request touch what another one has made.
    const controller = new AbortController();
    const abort = (reason: Error): void => controller.abort(reason);
    this.#running.add(abort);
    try {
      return await this.race(work(controller.signal));
    } finally {
      this.#running.delete(abort);
    }
  }

  /** Ends all that is under way, and nothing that comes later. */
  stop(): void {
    const running = [...this.#running];
    this.#running.clear();
    for (const end of running) end(new Error('stopped'));
  }
}

/** Waits for `work` until the signal is aborted. A `fetch` or a token function of the application may heed no signal. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => {});
  return await new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}
