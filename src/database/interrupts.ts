import { InterruptedError } from '../errors.js';
import { Abort } from './abort.js';

/** Everything of one database that is under way, so that it can be stopped at once. */
export class Interrupts {
  readonly #running = new Set<Abort>();

  /** Notes that something is under way; {@link end} must follow. */
  begin(): Abort {
    const abort = Abort.manual();
    this.#running.add(abort);
    return abort;
  }

  end(abort: Abort): void {
    this.#running.delete(abort);
  }

  /** Stops all that is under way, and nothing that comes later. */
  interrupt(): void {
    for (const abort of [...this.#running]) abort.abort(interrupted());
  }
}

/** The error of what `interrupt()` has stopped. */
export function interrupted(): InterruptedError {
  return new InterruptedError('stopped by interrupt()', {
    code: 'SQLITE_INTERRUPT',
    rawCode: 9,
    kind: 'interrupted',
  });
}
