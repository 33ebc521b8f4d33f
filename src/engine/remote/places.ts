import type { Calls } from './calls.js';

/** A place for one stream. */
export interface Place {
  /** Notes whether a single statement has it; otherwise a transaction, or nobody while the stream is kept. */
  readonly setSingle: (single: boolean) => void;
  /** Gives it back; may be called more than once. */
  readonly release: () => void;
}

/**
 * Counts the streams that are open at a server, which refuses more than it allows (128 in sqld 0.24), to everybody.
 */
export class Places {
  readonly #limit: number;
  #taken = 0;
  /** How many of them single statements have. */
  #single = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #idle = new Set<() => boolean>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether somebody waits for a place. */
  get contested(): boolean {
    return this.#waiting.length > 0;
  }

  /** Whether a place is free, without ending any stream that is kept. */
  get free(): boolean {
    return this.#taken < this.#limit;
  }

  /** Takes a place for a stream that its holder keeps. The pool bounds how many there are. */
  take(): Place {
    this.#makeRoom();
    this.#taken++;
    let single = false;
    let released = false;
    const setSingle = (value: boolean): void => {
      if (value !== single) this.#single += value ? 1 : -1;
      single = value;
    };
    return {
      setSingle,
      release: () => {
        if (released) return;
        released = true;
        setSingle(false);
        this.#taken--;
        this.wake();
      },
    };
  }

  /**
   * A place for a single statement, if one is free. One such statement may always go on, so that none waits for a
   * transaction that waits for it.
   */
  takeSingle(): Place | undefined {
    this.#makeRoom();
    if (!this.free && this.#single > 0) return undefined;
    const place = this.take();
    place.setSingle(true);
    return place;
  }

  /** A place for a single statement, which is waited for. @throws what {@link Calls.stop} ends the wait with */
  async nextSingle(calls: Calls): Promise<Place> {
    let place = this.takeSingle();
    while (place === undefined) {
      await calls.run((signal) => this.wait(signal));
      place = this.takeSingle();
    }
    return place;
  }

  /** Waits until there may be a place, or until the signal is aborted. */
  async wait(signal: AbortSignal): Promise<void> {
    let woken = false;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        woken = true;
        resolve();
      };
      this.#waiting.push(wake);
      const leave = (): void => {
        const index = this.#waiting.indexOf(wake);
        if (index >= 0) this.#waiting.splice(index, 1);
        resolve();
      };
      signal.addEventListener('abort', leave, { once: true });
    });
    // What it was woken for is another's now.
    if (woken && signal.aborted) this.wake();
  }

  /** Lets the one who waits longest look again. */
  wake(): void {
    this.#waiting.shift()?.();
  }

  /**
   * Notes who has streams that are kept for another statement.
   *
   * @param drop - ends one of them; false if there is none
   */
  onFull(drop: () => boolean): void {
    this.#idle.add(drop);
  }

  /** Forgets what {@link onFull} has noted. */
  forget(drop: () => boolean): void {
    this.#idle.delete(drop);
  }

  #makeRoom(): void {
    if (this.free) return;
    for (const drop of this.#idle) if (drop()) return;
  }
}
