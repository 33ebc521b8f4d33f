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
  /**
   * Whether the server had another log than the one that the replica was made from, so that the replica was replaced:
   * another database, an older backup, or a server that lost its log in a crash and made it again. Numbers of frames
   * begin again.
   */
  readonly replaced: boolean;
}

/**
 * What happens after a write: nothing, a sync in the background, a sync that the write waits for, or one without which
 * the call fails.
 */
export type AfterWrite = 'none' | 'lazy' | 'await' | 'require';

/**
 * How a replica is opened: fail while its server can't be reached, serve the file as it is and try again, or make a file
 * again that is damaged.
 */
export type Startup = 'require-sync' | 'serve-stale' | 'rebuild';

/** The keys of a config that make a file an embedded replica. */
export interface SyncOptions {
  /** The server whose database the file is a replica of: `libsql:`, `https:` or `http:`. */
  readonly syncUrl?: string | URL;
  /** Sync again this many seconds after the last sync ended. @default never */
  readonly syncInterval?: number;
  /**
   * Whether a write is seen by the reads that follow it: in a replica the same as `afterWrite: 'await'`; at a read replica of a
   * libSQL server, reads wait there until it has what this handle has seen. @default true
   */
  readonly readYourWrites?: boolean;
  /**
   * What happens after a write. With `'await'` the call waits for a sync, with `'require'` it also fails (`WRITE_UNSEEN`)
   * when {@link afterWriteTimeout} ends before the write is seen. @default 'await', or 'none' with `readYourWrites: false`
   */
  readonly afterWrite?: AfterWrite;
  /** How long a write waits until it is seen, in ms. @default 5000 */
  readonly afterWriteTimeout?: number;
  /** Longest silence of the server during a sync, in ms; after a longer one the sync fails. @default 30000 */
  readonly syncTimeout?: number;
  /** A read waits for a sync when the last one is longer ago than this many ms, and fails when that sync fails. @default none */
  readonly maxStaleness?: number;
  /**
   * What opening does while the server can't be reached. With `'serve-stale'` a replica that was synced before can be
   * read, writes fail, and the server is tried again every few seconds. `'rebuild'` is `'require-sync'`, and makes a
   * replica again from the server when its files are damaged, now or later. @default 'require-sync'
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
  readonly afterWriteTimeout: number;
  /** In ms without anything from the server. */
  readonly timeout: number;
  readonly maxStaleness: number | undefined;
  readonly startup: Startup;
  readonly onSync: ((event: SyncEvent) => void) | undefined;
  readonly onSyncError: ((error: DatabaseError, trigger: SyncTrigger) => void) | undefined;
}

const STARTUPS = ['require-sync', 'serve-stale', 'rebuild'] as const;

/** How long a write waits for the sync after it, in ms. */
const WRITE_WAITS = 5_000;
/** How long a server may send nothing during a sync, in ms. */
const GIVEN_UP_AFTER = 30_000;

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
    afterWriteTimeout: wholeNumber('afterWriteTimeout', config.afterWriteTimeout, WRITE_WAITS, 0, LONGEST),
    timeout: wholeNumber('syncTimeout', config.syncTimeout, GIVEN_UP_AFTER, 1, LONGEST),
    maxStaleness:
      maxStaleness === undefined ? undefined : wholeNumber('maxStaleness', maxStaleness, 0, 0, LONGEST),
    startup: oneOf('startup', config.startup, STARTUPS, 'require-sync'),
    onSync: optionalFunction('onSync', config.onSync),
    onSyncError: optionalFunction('onSyncError', config.onSyncError),
  };
}

function resolveAfterWrite({ afterWrite, readYourWrites }: SyncOptions): AfterWrite {
  const reads = boolean('readYourWrites', readYourWrites, true);
  const policy = oneOf(
    'afterWrite',
    afterWrite,
    ['none', 'lazy', 'await', 'require'] as const,
    reads ? 'await' : 'none',
  );
  if (readYourWrites !== undefined && reads !== (policy === 'await' || policy === 'require')) {
    throw new ConfigError('afterWrite', `'${policy}' contradicts readYourWrites: ${reads}`);
  }
  return policy;
}
