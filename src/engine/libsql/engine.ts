import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { FileMode, PragmaValue, ResolvedConfig } from '../../config.js';
import { BusyError, CapabilityError, ReadOnlyError } from '../../errors.js';
import type { Engine } from '../engine.js';
import { collectNow } from './collect.js';
import { LibsqlConnection } from './connection.js';
import { copyDatabase } from './copy.js';
import { openEncrypted, rekeyFile } from './encryption.js';
import { loadExtension } from './extension.js';
import { toDatabaseError } from './failure.js';
import { FileIdentity } from './file-identity.js';
import { type NativeDatabase, type NativeStatement, openNative } from './native.js';
import { WalWatch } from './wal-watch.js';

interface LocalTarget {
  readonly path: string;
  readonly inMemory: boolean;
  readonly mode?: FileMode | undefined;
}

/** Memory and file databases through the `libsql` 0.5 binding. */
export class LibsqlEngine implements Engine {
  readonly #config: ResolvedConfig;
  readonly #target: LocalTarget;
  /** Missing in memory, and for the file of a replica, which its sync may replace. */
  readonly #identity: FileIdentity | undefined;
  #writeLock: string | undefined;
  /** Missing before the first connection, and where nothing is written. */
  #walWatch: WalWatch | undefined;
  #collected = false;

  constructor(config: ResolvedConfig) {
    this.#config = config;
    const { path, mode } = config.target as Pick<LocalTarget, 'path' | 'mode'>;
    const inMemory = config.features.connections === 'one';
    // Connections that are opened after a `process.chdir()` must lead to the same file.
    const plain = !inMemory && !path.startsWith('file:');
    this.#target = { inMemory, path: plain ? resolve(path) : path, mode };
    this.#identity = plain
      ? new FileIdentity(this.#target.path, (now) => this.#walWatch?.wrote(now))
      : undefined;
  }

  get writeLock(): string | undefined {
    return this.#writeLock;
  }

  connect(): LibsqlConnection {
    const { pragmas, statementCacheSize } = this.#config;
    const target = this.#target;
    try {
      const native = this.#open(target);
      try {
        this.#loadExtensions(native);
        const probe = applyPragmas(native, pragmas);
        // Only now does the file surely exist; links to it must lead to the same lock.
        this.#writeLock ??= target.inMemory ? undefined : canonicalPath(target.path);
        this.#identity?.learn();
        this.#identity?.assertSame();
        this.#watchLog();
        const connection = new LibsqlConnection(native, statementCacheSize, probe, this.#identity);
        if (pragmas['query_only'] === 1) connection.applyPragma('query_only', 1);
        return connection;
      } catch (thrown) {
        native.close();
        throw thrown;
      }
    } catch (thrown) {
      const error = toDatabaseError(thrown);
      if (error instanceof BusyError) this.#collectOnce();
      else if (!target.inMemory) error.message += `: ${filePath(target.path)}`;
      throw error;
    }
  }

  /** The lock may be one of a connection that was closed; whoever waits for it tries again. */
  #collectOnce(): void {
    if (!this.#collected) void collectNow();
    this.#collected = true;
  }

  /** A connection that was closed keeps the file open until its statements are collected (libsql 0.5.29). */
  async released(): Promise<void> {
    await collectNow();
  }

  async close(): Promise<void> {
    await this.#walWatch?.close();
  }

  async rekey(key: string | undefined): Promise<void> {
    const { path, mode } = this.#target;
    if (mode === 'ro') throw new CapabilityError('encryption', 'the file was opened with mode "ro"');
    this.#identity?.assertSame();
    rekeyFile(path, this.#config.encryptionKey.reveal(), key);
  }

  async copy(to: string, key: string | undefined): Promise<void> {
    const { path } = this.#target;
    const connection = this.connect();
    try {
      const prepare = (native: NativeDatabase): void => this.#loadExtensions(native);
      const own = this.#config.encryptionKey.reveal();
      await copyDatabase(connection, { from: path, to, key: own, newKey: key, prepare });
    } finally {
      await connection.close();
    }
  }

  #watchLog(): void {
    const { mode } = this.#target;
    if (this.#writeLock === undefined || this.#identity === undefined || mode === 'ro') return;
    const open = (): NativeDatabase => this.#open({ ...this.#target, mode: 'rw' });
    // The log lies beside the file itself, wherever links to it are.
    this.#walWatch ??= new WalWatch(this.#writeLock, this.#config, open);
  }

  #loadExtensions(native: NativeDatabase): void {
    for (const [i, extension] of this.#config.extensions.entries()) loadExtension(native, extension, i);
  }

  #open({ inMemory, path, mode }: LocalTarget): NativeDatabase {
    if (inMemory) return openNative(path);
    const known = this.#identity?.known === true;
    if (known) this.#identity?.assertSame();
    // A file that was open once must not be made again if it disappears now.
    const how = mode ?? (known ? 'rw' : undefined);
    const key = this.#config.encryptionKey.reveal();
    if (how === undefined) return openEncrypted(path, key, filePath(path));
    return openEncrypted(`${pathToFileURL(path).href}?mode=${how}`, key, path);
  }
}

/** The path of a `file:` URL, which a replica is opened by. */
function filePath(path: string): string {
  return path.startsWith('file:') ? fileURLToPath(path.replace(/\?.*$/s, '')) : path;
}

function canonicalPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

/** @returns a statement that must be kept from the collector; see `StatementRunner.readyForOffThread` */
function applyPragmas(
  native: NativeDatabase,
  pragmas: Readonly<Record<string, PragmaValue>>,
): NativeStatement {
  const { journal_mode: journalMode, auto_vacuum: autoVacuum, query_only: _queryOnly, ...rest } = pragmas;
  const probe = native.prepare('PRAGMA journal_mode').raw(true);
  // It must be set before anything is in the file, also what WAL puts there.
  if (autoVacuum !== undefined) native.exec(`PRAGMA auto_vacuum=${pragmaText(autoVacuum)}`);
  if (journalMode !== undefined) setJournalMode(native, probe, String(journalMode).toLowerCase());
  const statements = Object.entries(rest).map(([name, value]) => `PRAGMA ${name}=${pragmaText(value)}`);
  if (statements.length > 0) native.exec(statements.join(';'));
  return probe;
}

/** Changing the mode needs the file for itself, so it is only changed when it is another one. */
function setJournalMode(native: NativeDatabase, probe: NativeStatement, wanted: string): void {
  const current = (): unknown => probe.get([])?.[0];
  if (current() === wanted) return;
  try {
    native.exec(`PRAGMA journal_mode=${wanted}`);
  } catch (thrown) {
    const error = toDatabaseError(thrown);
    // A database that can't be written keeps the mode it has and can still be read.
    if (error instanceof ReadOnlyError) return;
    throw error;
  }
  const mode = current();
  if (mode === wanted) return;
  throw new CapabilityError(
    'journal_mode',
    `the database stays in journal mode "${String(mode)}" instead of "${wanted}"; set config.pragmas.journal_mode`,
  );
}

function pragmaText(value: PragmaValue): string {
  return typeof value === 'boolean' ? (value ? '1' : '0') : String(value);
}
