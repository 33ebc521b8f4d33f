import { ToldRowid } from '../../told-rowid.js';
import type { StepOutcome } from './protocol.js';

/**
 * Follows the rowids that a stream tells. The server sends with the result of an INSERT the rowid that its connection
 * inserted last, also where this one inserted none (sqld 0.24).
 */
export class LastRowid {
  readonly #told = new ToldRowid();

  /** Marks the result whose rowid need not be its own. */
  note<T extends StepOutcome>(outcome: T): T {
    if (outcome instanceof Error) this.forget();
    else if (outcome !== undefined) {
      const { lastInsertRowid } = outcome;
      if (lastInsertRowid !== undefined && !this.#told.isNew(lastInsertRowid)) outcome.rowidRepeated = true;
    }
    return outcome;
  }

  /** Something ran whose rowid is not known: a cursor, a statement that failed. */
  forget(): void {
    this.#told.forget();
  }
}
