import type { ResolvedConfig } from '../../config.js';
import { closedError, DatabaseError, SyncError } from '../../errors.js';
import { type AnalyzedStatement, analyze } from '../../sql/statement.js';
import type { RawResult, Replica, SyncOutcome, SyncRequest } from '../engine.js';
import type { LibsqlConnection } from '../libsql/connection.js';
import { copyDatabase } from '../libsql/copy.js';
import { httpUrl } from '../remote/address.js';
import type { RemoteEngine } from '../remote/engine.js';
import { checkFiles, isRemains, isReplica, loadTail, logSize, removeFiles } from './files.js';
import { ownError } from './channel.js';
import { shareFile } from './file-registry.js';
import { hasPage } from './history-check.js';
import type { NativeSyncOptions } from './native-sync.js';
import { namespaceOf } from './relay.js';
import { askChecksum, askLogIndex, type LogQuestion } from './server-log.js';
import { type Access, damaged, type SharedFile } from './shared-file.js';
import type { SharedOutcome } from './shared-outcome.js';

/** How long the server may take to show that it is there, in ms. */
const THERE_WITHIN = 5_000;

/** The file of a replica for one handle: what it brings along to the {@link SharedFile}. */
export class ReplicaFile implements Replica, Access {
  readonly patience: number;
  readonly rebuilds: boolean;
  readonly #config: ResolvedConfig;
  readonly #path: string;
  readonly #url: string;
  readonly #server: RemoteEngine;
  readonly #connect: () => LibsqlConnection;
  #file: SharedFile | undefined;
  #history = 0;
  #closed = false;

  /** @param connect - opens a connection that only reads the file */
  constructor(
    config: ResolvedConfig,
    { path, url }: { readonly path: string; readonly url: string },
    server: RemoteEngine,
    connect: () => LibsqlConnection,
  ) {
    this.patience = config.sync.timeout;
    this.rebuilds = config.sync.startup === 'rebuild';
    this.#config = config;
    this.#path = path;
    this.#url = httpUrl(url, config.remote.tls);
    this.#server = server;
    this.#connect = connect;
  }

  get readable(): boolean {
    return isReplica(this.#path);
  }

  get serving(): boolean {
    return this.#file?.serving ?? true;
  }

  /** Grows when the file was replaced, so that connections must be opened again. */
  get generation(): number {
    return this.#file?.generation ?? 0;
  }

  async sync(request: SyncRequest): Promise<SyncOutcome> {
    return await this.#told((file) => file.sync(this, request));
  }

  async rebuild(): Promise<SyncOutcome> {
    return await this.#told((file) => file.rebuild(this));
  }

  async copy(path: string, newKey: string | undefined): Promise<void> {
    const connection = this.#connect();
    try {
      const key = this.#config.encryptionKey.reveal();
      await copyDatabase(connection, { from: this.#path, to: path, key, newKey });
    } finally {
      await connection.close();
    }
  }

  close(): void {
    this.#closed = true;
    this.#file?.leave(this);
  }

  async options(): Promise<NativeSyncOptions> {
    const { encryptionKey, remote } = this.#config;
    return {
      server: this.#url,
      token: await this.#server.token(),
      encryptionKey: encryptionKey.reveal(),
      remoteEncryptionKey: remote.remoteEncryptionKey.reveal(),
    };
  }

  async check(): Promise<void> {
    try {
      checkFiles(this.#path);
    } catch (error) {
      if (!this.rebuilds || !isRemains(this.#path)) throw error;
      removeFiles(this.#path);
    }
    if (!this.readable) return;
    // The binding would say of a wrong key that the sync failed.
    try {
      const connection = this.#connect();
      try {
        this.#assertLastFrame(connection);
      } finally {
        await connection.close();
      }
    } catch (error) {
      const whole = error instanceof DatabaseError && !DAMAGE.has(error.kind);
      throw whole ? error : damaged(this.#path, error);
    }
  }

  /** A log that lies beside the database in part, or not at all, leaves an older database, which looks whole. */
  #assertLastFrame(connection: LibsqlConnection): void {
    const tail = loadTail(this.#path);
    // Whoever copies the database and its index leaves most of the content behind.
    if (tail === undefined && logSize(this.#path) === 0) {
      throw damaged(this.#path, new Error('its log is missing'));
    }
    if (tail === undefined || this.#config.encryptionKey.reveal() !== undefined) return;
    const { rows } = connection.execute(PAGE, [tail.page], { fetch: 'all' }) as RawResult;
    const page = rows[0]?.[0];
    const has = page instanceof Uint8Array ? hasPage(tail, page) : false;
    if (has === false) throw damaged(this.#path, new Error('the last page that was synced is not there'));
  }

  async probe(): Promise<void> {
    await this.#server.probe(THERE_WITHIN);
  }

  /** The binding's failures have no code and tell little (`Replication(PrimaryHandshakeTimeout)`). */
  async explain(thrown: unknown): Promise<DatabaseError> {
    const asked = await this.probe().catch((error: unknown) => error);
    if (asked instanceof DatabaseError && asked.kind === 'auth') return asked;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new SyncError(`the sync failed: ${message}`, { retryable: true, cause: asked ?? thrown });
  }

  async logIndex(): Promise<number | undefined> {
    return await askLogIndex(await this.#question());
  }

  async checksum(frameNo: number): Promise<bigint | undefined> {
    const { hostname } = new URL(this.#url);
    return await askChecksum(await this.#question(), namespaceOf(hostname), frameNo);
  }

  async #question(): Promise<LogQuestion> {
    const { fetch = globalThis.fetch, remoteEncryptionKey } = this.#config.remote;
    const token = await this.#server.token();
    return { server: this.#url, fetch, token, remoteEncryptionKey: remoteEncryptionKey.reveal() };
  }

  #join(): SharedFile {
    if (this.#closed) throw closedError();
    if (this.#file !== undefined) return this.#file;
    const file = shareFile(this.#path, this.#url);
    file.join(this);
    this.#history = file.history;
    this.#file = file;
    return file;
  }

  /** Another handle may have met the new history first. */
  async #told(ask: (file: SharedFile) => Promise<SharedOutcome>): Promise<SyncOutcome> {
    const { frameNo, framesSynced, history } = await ask(this.#join()).catch((error: unknown) => {
      // Another copy of this package may have the file.
      throw ownError(error);
    });
    const replaced = history !== this.#history;
    this.#history = history;
    return { frameNo, framesSynced, replaced };
  }
}

const [PAGE] = analyze('SELECT data FROM sqlite_dbpage WHERE pgno = ?').statements as [AnalyzedStatement];

/** Of errors of a file that is not whole. */
const DAMAGE: ReadonlySet<DatabaseError['kind']> = new Set(['corrupt', 'io', 'sql']);
