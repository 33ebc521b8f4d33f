import { noFiles } from '../config/local-config.js';
import type { Watcher } from '../hooks/watcher.js';
import type { ReplicaHandle } from '../sync/replica-handle.js';
import type { Syncer } from '../sync/syncer.js';

/** What only databases with a file have. */
export interface LocalParts {
  readonly ReplicaHandle: typeof ReplicaHandle;
  readonly Syncer: typeof Syncer;
  readonly Watcher: typeof Watcher;
}

let installed: LocalParts | undefined;

/** Puts the parts in place; only `local.ts` does. */
export function installLocalParts(parts: LocalParts): void {
  installed = parts;
}

/** @throws {@link CapabilityError} where only servers are known */
export function localParts(): LocalParts {
  if (installed === undefined) throw noFiles();
  return installed;
}
