import { ConfigError, type DatabaseError } from '../errors.js';
import { boolean, number, oneOf, optionalFunction, wholeNumber } from './checks.js';

/** What made a replica sync. */
export type SyncTrigger = 'startup' | 'manual' | 'interval' | 'read' | 'write' | 'reconnect';

/** A sync that succeeded. */
export interface SyncEvent {
  readonly trigger: SyncTrigger;
  /** Number of the last frame that the replica has; undefined while the database of the server is empty. */
  readonly frameNo: number | undefined;
  /** How many frames (changed pages) this sync has brought. */
  readonly framesSynced: number;
  /** How long it took, in ms. */
  readonly duration: number;
  /** Whether the server had another history than the replica, which was replaced by it. */
  readonly replaced: boolean;
}

/** What happens after a write: nothing, a sync in the background, or a sync that the write waits for. */
export type AfterWrite = 'none' | 'lazy' | 'await';

/** What opening a replica does while its server can't be reached: fail, or serve the file as it is and try on. */
export type Startup = 'require-sync' | 'serve-stale';

/** The keys of a config that make a file an embedded replica. */
export interface SyncOptions {
  /** The server whose database the file is a replica of: `libsql:`, `https:` or `http:`. */
  readonly syncUrl?: string;
  /** Sync again so many seconds after the last sync ended. @default never */
  readonly syncInterval?: number;
  /** Whether a write is seen by the reads that follow it; the same as `afterWrite: 'await'`. @default true */
  readonly readYourWrites?: boolean;
  /** What happens after a write. @default 'await', or 'none' with `readYourWrites: false` */
  readonly afterWrite?: AfterWrite;
  /** A read waits for a sync when the last is longer ago than so many ms, and fails when that fails. @default none */
  readonly maxStaleness?: number;
  /**
   * What opening does while the server can't be reached. With `'serve-stale'` a replica that was synced before can be
   * read, writes fail, and the server is tried again every few seconds. @default 'require-sync'
   */
  readonly startup?: Startup;
  /** Called after every sync. */
  readonly onSync?: (event: SyncEvent) => void;
  /** Called after every sync that failed, also one that nobody waits for. */
  readonly onSyncError?: (error: DatabaseError, trigger: SyncTrigger) => void;
}

/** The keys that concern a replica, checked and completed. */
export interface SyncConfig {
  /** In ms. */
  readonly interval: number | undefined;
  readonly afterWrite: AfterWrite;
  readonly maxStaleness: number | undefined;
  readonly startup: Startup;
  readonly onSync: ((event: SyncEvent) => void) | undefined;
  readonly onSyncError: ((error: DatabaseError, trigger: SyncTrigger) => void) | undefined;
}

/** Longest pause of a Node timer, in ms. */
const LONGEST = 2 ** 31 - 1;

/**
 * Checks and completes the keys that concern a replica.
 *
 * @throws {@link ConfigError} naming the key that is wrong
 */
export function resolveSync(config: SyncOptions): SyncConfig {
  const seconds = config.syncInterval;
  const { maxStaleness } = config;
  return {
    interval:
      seconds === undefined ? undefined : number('syncInterval', seconds, 0.01, LONGEST / 1_000) * 1_000,
    afterWrite: resolveAfterWrite(config),
    maxStaleness:
      maxStaleness === undefined ? undefined : wholeNumber('maxStaleness', maxStaleness, 0, 0, LONGEST),
    startup: oneOf('startup', config.startup, ['require-sync', 'serve-stale'] as const, 'require-sync'),
    onSync: optionalFunction('onSync', config.onSync),
    onSyncError: optionalFunction('onSyncError', config.onSyncError),
  };
}

function resolveAfterWrite({ afterWrite, readYourWrites }: SyncOptions): AfterWrite {
  const reads = boolean('readYourWrites', readYourWrites, true);
  const policy = oneOf(
    'afterWrite',
    afterWrite,
    ['none', 'lazy', 'await'] as const,
    reads ? 'await' : 'none',
  );
  if (readYourWrites !== undefined && reads !== (policy === 'await')) {
    throw new ConfigError('afterWrite', `'${policy}' contradicts readYourWrites: ${reads}`);
  }
  return policy;
}
