import type { SyncOutcome } from '../engine.js';

/** A sync of the file, with the number of the history that it has. */
export interface SharedOutcome extends SyncOutcome {
  /** Grows when the server turned out to have another history. */
  readonly history: number;
}
