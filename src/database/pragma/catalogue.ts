import type { Features } from '../../features.js';
import { OTHERS_OF_CONNECTION } from './connection-settings.js';

/** How far a pragma reaches: the connection that it is run on, an open transaction, or the database file. */
export type PragmaScope = 'connection' | 'transaction' | 'database';

/** The type of a pragma's value: the words of an array stand for the numbers 0, 1, 2 … unless the pragma gives words. */
export type PragmaType = 'boolean' | 'integer' | 'text' | readonly string[];

/** Where a pragma can be set: where statements that write run in this process, or those that read. */
export type Settable = 'everywhere' | 'writer' | 'reader' | 'nowhere';

/** Whether a pragma can be set on a database. */
export function isSettable(settable: Settable, { reads, writes }: Features): boolean {
  if (settable === 'writer') return writes === 'here';
  if (settable === 'reader') return reads === 'here';
  return settable === 'everywhere';
}

/** A pragma with one value. */
export interface PragmaDefinition {
  /** As SQLite calls it. */
  readonly name: string;
  readonly scope: PragmaScope;
  readonly type: PragmaType;
  /** Smallest and largest value of an integer. */
  readonly range?: readonly [number, number];
  /** Where it can be set; reading it is possible everywhere. */
  readonly settable: Settable;
}

const INT32 = [-(2 ** 31), 2 ** 31 - 1] as const;
const UINT31 = [0, 2 ** 31 - 1] as const;
const SIZE = [-1, Number.MAX_SAFE_INTEGER] as const;

/**
 * The pragmas with one value, by the name of the function that reads them. See https://www.sqlite.org/pragma.html;
 * where they can be set was tried with libsql 0.5.29 and sqld 0.24.
 */
export const PRAGMAS = {
  /** Most rows of an index that ANALYZE and `optimize()` look at; 0 for all. */
  analysisLimit: {
    name: 'analysis_limit',
    scope: 'connection',
    type: 'integer',
    range: UINT31,
    settable: 'writer',
  },
  /** A number by which programs tell their files. */
  applicationId: {
    name: 'application_id',
    scope: 'database',
    type: 'integer',
    range: INT32,
    settable: 'writer',
  },
  /** Whether free pages are given back; needs a VACUUM once a table was made. */
  autoVacuum: {
    name: 'auto_vacuum',
    scope: 'database',
    type: ['none', 'full', 'incremental'],
    settable: 'writer',
  },
  /** How long a statement waits for a lock, in ms. It waits without blocking the event loop. */
  busyTimeout: {
    name: 'busy_timeout',
    scope: 'connection',
    type: 'integer',
    range: UINT31,
    settable: 'everywhere',
  },
  /** Size of the page cache, in pages; in KiB if negative. */
  cacheSize: { name: 'cache_size', scope: 'connection', type: 'integer', range: INT32, settable: 'reader' },
  /** Whether every page is checked when it is read. */
  cellSizeCheck: { name: 'cell_size_check', scope: 'connection', type: 'boolean', settable: 'reader' },
  /** A number that changes when another connection has committed. */
  dataVersion: { name: 'data_version', scope: 'connection', type: 'integer', settable: 'nowhere' },
  /** Whether foreign keys are checked at the end of the transaction that is open, and not at once. */
  deferForeignKeys: {
    name: 'defer_foreign_keys',
    scope: 'transaction',
    type: 'boolean',
    settable: 'everywhere',
  },
  /** How text is stored. */
  encoding: { name: 'encoding', scope: 'database', type: 'text', settable: 'nowhere' },
  /** Whether foreign keys are enforced. At a server that is the server's affair. */
  foreignKeys: { name: 'foreign_keys', scope: 'connection', type: 'boolean', settable: 'writer' },
  /** How many pages are free. */
  freelistCount: { name: 'freelist_count', scope: 'database', type: 'integer', settable: 'nowhere' },
  /** How commits are made safe. Changing it needs the database for itself. */
  journalMode: {
    name: 'journal_mode',
    scope: 'database',
    type: ['delete', 'truncate', 'persist', 'memory', 'wal', 'off'],
    settable: 'writer',
  },
  /** Largest size that a log keeps after a checkpoint, in bytes; -1 for no limit. */
  journalSizeLimit: {
    name: 'journal_size_limit',
    scope: 'connection',
    type: 'integer',
    range: SIZE,
    settable: 'writer',
  },
  /** Most pages that the file may have. */
  maxPageCount: {
    name: 'max_page_count',
    scope: 'connection',
    type: 'integer',
    range: [1, 4_294_967_294],
    settable: 'writer',
  },
  /** Most bytes of the file that are read through memory mapping. */
  mmapSize: {
    name: 'mmap_size',
    scope: 'connection',
    type: 'integer',
    range: [0, 2 ** 40],
    settable: 'reader',
  },
  /** How many pages the file has. */
  pageCount: { name: 'page_count', scope: 'database', type: 'integer', settable: 'nowhere' },
  /** Size of a page, in bytes. */
  pageSize: { name: 'page_size', scope: 'database', type: 'integer', settable: 'nowhere' },
  /** Whether every write through this handle fails. */
  queryOnly: { name: 'query_only', scope: 'connection', type: 'boolean', settable: 'writer' },
  /** Whether triggers fire triggers. */
  recursiveTriggers: { name: 'recursive_triggers', scope: 'connection', type: 'boolean', settable: 'writer' },
  /** A number that changes with the schema. */
  schemaVersion: { name: 'schema_version', scope: 'database', type: 'integer', settable: 'nowhere' },
  /** Whether deleted content is overwritten. */
  secureDelete: {
    name: 'secure_delete',
    scope: 'connection',
    type: ['off', 'on', 'fast'],
    settable: 'writer',
  },
  /** How often is waited for the disk. */
  synchronous: {
    name: 'synchronous',
    scope: 'connection',
    type: ['off', 'normal', 'full', 'extra'],
    settable: 'writer',
  },
  /** Where temporary tables are kept. */
  tempStore: {
    name: 'temp_store',
    scope: 'connection',
    type: ['default', 'file', 'memory'],
    settable: 'reader',
  },
  /** Whether functions of the application may be used in the schema. */
  trustedSchema: { name: 'trusted_schema', scope: 'connection', type: 'boolean', settable: 'reader' },
  /** A number for the application to use, for instance as the version of its schema. */
  userVersion: {
    name: 'user_version',
    scope: 'database',
    type: 'integer',
    range: INT32,
    settable: 'everywhere',
  },
  /** After how many pages in the log a commit starts a checkpoint. */
  walAutocheckpoint: {
    name: 'wal_autocheckpoint',
    scope: 'connection',
    type: 'integer',
    range: INT32,
    settable: 'writer',
  },
} as const satisfies Readonly<Record<string, PragmaDefinition>>;

/** All settings of a connection that can be read and set, by the names that SQLite gives them. */
export const CONNECTION_SETTINGS: readonly string[] = [
  ...Object.values<PragmaDefinition>(PRAGMAS)
    // The timeout is ours, see own.ts.
    .filter(
      ({ name, scope, settable }) =>
        scope === 'connection' && settable !== 'nowhere' && name !== 'busy_timeout',
    )
    .map(({ name }) => name),
  ...OTHERS_OF_CONNECTION,
].filter((name) => name !== 'case_sensitive_like');
