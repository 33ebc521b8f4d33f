import type { DatabaseError } from '../errors.js';

/**
 * Where a replica stands. `unopened`: nothing was asked of it yet. `synced`: the last sync succeeded. `syncing`: one is
 * under way. `stale`: the last one failed; reads see the file as it is, and the server is tried again. `closed`: it is.
 */
export type SyncState = 'unopened' | 'syncing' | 'synced' | 'stale' | 'closed';

/** How far a replica is. */
export interface SyncStatus {
  readonly state: SyncState;
  /** When the last successful sync had ended. */
  readonly lastSyncAt: Date | undefined;
  /** How long that is ago, in ms: the replica may lack what was written since. */
  readonly lag: number | undefined;
  /** Number of the last frame that the replica has, as of that sync. */
  readonly frameNo: number | undefined;
  /** How many writes of this handle were acknowledged by the server since the last successful sync had begun. */
  readonly unseenWrites: number;
  /** How many frames (changed pages) all syncs of this handle have brought. */
  readonly framesSynced: number;
  /** Why the last sync failed; undefined when it did not. */
  readonly lastError: DatabaseError | undefined;
}

/** What a sync has brought. */
export interface SyncResult {
  /** Number of the last frame that the replica has; undefined while the database of the server is empty. */
  readonly frameNo: number | undefined;
  readonly framesSynced: number;
  /** Whether the server had another log than the one that the replica was made from, so that the replica was replaced. */
  readonly replaced: boolean;
}

/** How long a sync is waited for. */
export interface SyncCallOptions {
  /** Longest wait in ms. @default 30000 */
  readonly timeout?: number | undefined;
  /** Ends the wait when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}
