import type { StepOutcome, StepResult } from './protocol.js';

/**
 * Follows the rowids that a stream tells. The server sends with the result of an INSERT the rowid that its connection
 * inserted last, also where this one inserted none (sqld 0.24); only a rowid that differs from the one before is surely new.
 */
export class LastRowid {
  /** Undefined after something that may have inserted a row whose rowid was not told. */
  #last: bigint | undefined = 0n;

  /** Marks the result whose rowid need not be its own. */
  note<T extends StepOutcome>(outcome: T): T {
    if (outcome instanceof Error) this.forget();
    else if (outcome !== undefined) {
      const { lastInsertRowid } = outcome;
      if (lastInsertRowid === undefined) return outcome;
      if (this.#last === undefined || this.#last === lastInsertRowid) outcome.rowidRepeated = true;
      this.#last = lastInsertRowid;
    }
    return outcome;
  }

  /** Something ran whose rowid is not known: a cursor, a statement that failed. */
  forget(): void {
    this.#last = undefined;
  }
}
