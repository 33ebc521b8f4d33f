import type { ResolvedConfig } from '../config.js';
import type { Authorizer } from '../hooks/authorizer.js';
import type { Observer } from '../hooks/observer.js';
import type { Interrupts } from './interrupts.js';
import type { Statements } from './statements.js';

/** What a database and its transactions share. */
export interface Context {
  readonly config: ResolvedConfig;
  readonly statements: Statements;
  readonly interrupts: Interrupts;
  readonly observer: Observer;
  /** Refuses statements; missing where all is allowed. */
  readonly authorizer: Authorizer | undefined;
}
