import { ConfigError, type DatabaseError } from '../errors.js';
import { onlyKeys, typeName, wholeNumber } from './checks.js';
import type { PragmaValue } from './pragmas.js';

/** When the write-ahead log of a file is cut to nothing. */
export interface WalTruncateConfig {
  /** For how long nothing must have been written to it, in ms, 100 at least. @default 10000 */
  readonly after?: number;
  /** Above how many bytes it is cut. @default 16777216 */
  readonly above?: number;
}

/**
 * What became of the write-ahead log (`-wal`) of a file. Published on the channel `turso-dialect:wal` of
 * `node:diagnostics_channel` by a handle that has written to the file.
 *
 * @example
 * ```ts
 * import { subscribe } from 'node:diagnostics_channel';
 * import type { WalEvent } from 'turso-dialect';
 *
 * subscribe('turso-dialect:wal', (message) => {
 *   const { outcome, path, size } = message as WalEvent;
 *   if (outcome !== 'truncated') console.warn(`${path}-wal: ${outcome} at ${size} bytes`);
 * });
 * ```
 */
export interface WalEvent {
  /** Of the database file. */
  readonly path: string;
  /**
   * `grown`: the log exceeds `walTruncate.above`; told again each time it has doubled. Then, when nothing was written
   * for a while, `truncated`: it was cut to nothing; `busy`: somebody still reads from it, or has a lock on the file;
   * `failed`: see {@link error}. After the last two it is tried again.
   */
  readonly outcome: 'grown' | 'truncated' | 'busy' | 'failed';
  /** Size of the log before it was cut, in bytes. */
  readonly size: number;
  /** How many frames (changed pages) it has; undefined where no checkpoint has looked. */
  readonly frames: number | undefined;
  /** How many of them are in the database file now. */
  readonly checkpointed: number | undefined;
  readonly error: DatabaseError | undefined;
}

/** When the log is cut, and told about; checked and completed. */
export interface ResolvedWalTruncate {
  /** Whether it is cut at all; undefined where that follows from other settings. */
  readonly enabled: boolean | undefined;
  /** In ms. */
  readonly after: number;
  /** In bytes. */
  readonly above: number;
}

const KEYS: ReadonlySet<string> = new Set(['after', 'above']);

/** The same as `journal_size_limit`: to that SQLite cuts the log itself when it begins it again. */
const ABOVE = 16_777_216;
const AFTER = 10_000;

/**
 * Checks and completes the key `walTruncate`.
 *
 * @throws {@link ConfigError} naming the key that is unknown or wrong
 */
export function resolveWalTruncate(value: WalTruncateConfig | false | undefined): ResolvedWalTruncate {
  if (value === null || (typeof value !== 'object' && value !== false && value !== undefined))
    throw new ConfigError('walTruncate', `expected an object or false, got ${typeName(value)}`);
  const given: WalTruncateConfig = value || {};
  onlyKeys('walTruncate', given, KEYS);
  return {
    enabled: value === undefined ? undefined : value !== false,
    after: wholeNumber('walTruncate.after', given.after, AFTER, 100, 2 ** 31 - 1),
    above: wholeNumber('walTruncate.above', given.above, ABOVE, 0, Number.MAX_SAFE_INTEGER),
  };
}

/**
 * Whether the log is cut. By default it is, but not where the application says that checkpoints are its own affair, or
 * that nobody waits for a lock, which cutting takes for some ms. A handle that may not write leaves it alone.
 */
export function cutsWal(config: {
  readonly walTruncate: ResolvedWalTruncate;
  readonly busyTimeout: number;
  readonly pragmas: Readonly<Record<string, PragmaValue>>;
}): boolean {
  const { walTruncate, busyTimeout, pragmas } = config;
  const own = Number(pragmas['wal_autocheckpoint'] ?? 1_000) <= 0 || pragmas['journal_mode'] === undefined;
  if (pragmas['query_only'] === 1) return false;
  return walTruncate.enabled ?? !(own || busyTimeout === 0);
}
