import type { NetworkRetryConfig } from '../../config.js';
import type { DatabaseError } from '../../errors.js';
import type { Step, StepResult } from './hrana/protocol.js';
import type { Footprint } from './step.js';
import type { RemoteStream } from './stream.js';

/** What a connection is made of. */
export interface RemoteParts {
  /** Runs a statement on its own. */
  readonly execute: (step: Step, footprint: Footprint) => Promise<StepResult>;
  readonly openStream: () => Promise<RemoteStream>;
  /** Stops what is under way; missing where nothing can. */
  readonly stop: (() => void) | undefined;
  /** Finds out why a connection broke, where the failure itself does not tell. */
  readonly diagnose: (error: DatabaseError) => Promise<DatabaseError>;
  /** Whether a result can be read piece by piece. */
  readonly cursors: boolean;
  readonly retry: Required<NetworkRetryConfig>;
  readonly close: () => void;
}
