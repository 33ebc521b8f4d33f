import type { TransactionBehavior } from './config/behavior.js';
import type { Target } from './config/target.js';
import { CapabilityError, OPEN_BY_URL } from './errors.js';
import type { ValueLimits } from './values.js';

/** True where a database has a feature, otherwise the sentence that says why it has not. */
export type Feature = true | string;

/** Where statements run: in this process or at a server. */
export type Side = 'here' | 'server';

/** When a transaction takes the write lock that this process keeps for a file. */
export type LockTime = 'begin' | 'first write' | 'never';

/** What not every database has. */
export interface OptionalFeatures {
  /** Stopping a statement that runs: `interrupt()`, `signal`, `timeout`. */
  readonly interrupt: Feature;
  /** Rows that this handle has changed: `onChange()`. */
  readonly changes: Feature;
  /** Notice of the commits of others: `watch()`. */
  readonly watch: Feature;
  /** A copy of the file: `copyTo()`. */
  readonly copy: Feature;
  /** A file that can be encrypted: `encryptionKey`. */
  readonly encryption: Feature;
  /** Another encryption key for the file: `rekey()`. */
  readonly rekey: Feature;
  /** The counters of the connection outside a transaction: `metadata()`. */
  readonly metadata: Feature;
  /** Checkpoints, vacuum, analysis and checks of the file: `pragma.walCheckpoint()` and the like. */
  readonly maintenance: Feature;
  /** Exchange with a server: `sync()` and what belongs to it. */
  readonly sync: Feature;
}

/**
 * What one kind of database can do: data that everybody asks, so that nobody asks for the kind. It is part of the resolved
 * config, and known before a driver is loaded.
 */
export interface Features extends OptionalFeatures, ValueLimits {
  /** Whether several connections can see the same data at the same time. */
  readonly connections: 'one' | 'many';
  /** Where statements that only read are run. */
  readonly reads: Side;
  /** Where statements that write are run. */
  readonly writes: Side;
  /** When a transaction of each behavior takes the write lock, or why there is none with that behavior. */
  readonly behaviors: Readonly<Record<TransactionBehavior, LockTime | { readonly missing: string }>>;
}

/** The names by which errors call a feature, where it is not its own. */
const CAPABILITIES: Partial<Record<keyof OptionalFeatures, string>> = { maintenance: 'pragma' };

/**
 * Refuses what the database can't do.
 *
 * @throws {@link CapabilityError} with the reason
 */
export function need(features: OptionalFeatures, name: keyof OptionalFeatures): void {
  const feature = features[name];
  if (feature !== true) throw new CapabilityError(CAPABILITIES[name] ?? name, feature);
}

const LIBSQL_BEHAVIORS: Features['behaviors'] = {
  deferred: 'first write',
  immediate: 'begin',
  exclusive: 'begin',
  concurrent: { missing: "libSQL has no transactions with behavior 'concurrent'" },
  read: 'never',
};

/**
 * SQLite's limit. libsql 0.5.29 does not look whether binding a longer value has failed, and stores NULL or an empty text;
 * a client of `@libsql/client` may use it too.
 */
const LONGEST_VALUE = 1_000_000_000;

const NOTHING_TO_SYNC = 'only a replica has a server to sync with; set "syncUrl" to make a file one';

const FILE: Features = {
  connections: 'many',
  reads: 'here',
  writes: 'here',
  behaviors: LIBSQL_BEHAVIORS,
  // libsql 0.5.29 stores such text whole but cuts it at the character when it reads it.
  nulInText: false,
  longest: LONGEST_VALUE,
  interrupt: true,
  changes: true,
  watch: true,
  copy: true,
  encryption: true,
  rekey: true,
  metadata: true,
  maintenance: true,
  sync: NOTHING_TO_SYNC,
};

const MEMORY: Features = {
  ...FILE,
  connections: 'one',
  watch: 'a memory database has no file that could be watched',
  copy: 'a memory database has no file to copy',
  encryption: 'a memory database is not encrypted',
  rekey: 'a memory database has no file that could be encrypted',
};

const SERVER: Features = {
  ...FILE,
  reads: 'server',
  writes: 'server',
  nulInText: true,
  changes: 'the rows of a remote database are changed by its server',
  watch: 'a remote database has no file that could be watched',
  copy: 'a remote database has no file to copy',
  encryption: 'it encrypts a file, and the URL names a server',
  rekey: 'a remote database has no file that could be encrypted',
  metadata:
    'at a server every statement has a connection of its own; take lastInsertRowid and rowsAffected from its result, or ' +
    'ask inside a transaction',
  maintenance: 'a remote database is maintained by its server',
};

const REPLICA: Features = {
  ...FILE,
  writes: 'server',
  changes: 'the rows of a replica are changed by its server',
  rekey: 'the file of a replica can not be encrypted with another key; delete it and sync again',
  metadata: SERVER.metadata,
  maintenance: 'the file of a replica is maintained by its server',
  sync: true,
};

const CLIENT: Features = {
  ...SERVER,
  interrupt: `a client that was handed in can not be stopped; ${OPEN_BY_URL}`,
};

const BY_KIND: Readonly<Record<Target['kind'], Features>> = {
  memory: MEMORY,
  file: FILE,
  replica: REPLICA,
  remote: SERVER,
  client: CLIENT,
};

/** What the database that a config names can do. */
export function featuresOf(target: Target): Features {
  // A client of `@libsql/client` for a file reads through the same binding as we do.
  const readsFile =
    target.kind === 'client' && 'protocol' in target.client && target.client.protocol === 'file';
  return readsFile ? FILE_CLIENT : BY_KIND[target.kind];
}

const FILE_CLIENT: Features = { ...CLIENT, nulInText: FILE.nulInText };
