import type { ResolvedConfig } from '../../config.js';
import { closedError, DatabaseError, SyncError } from '../../errors.js';
import type { Replica, SyncOutcome } from '../engine.js';
import type { LibsqlConnection } from '../libsql/connection.js';
import { type NativeReplica, openNativeReplica } from '../libsql/native.js';
import { httpUrl } from '../remote/address.js';
import type { RemoteEngine } from '../remote/engine.js';
import { copyDatabase } from '../libsql/copy.js';
import { checkFiles, isReplica } from './files.js';

/** How long the server may take to show that it is there, in ms. */
const THERE_WITHIN = 5_000;

/** When the last sync of each file ends that was begun in this process. */
const turns = new Map<string, Promise<void>>();

/** The file of a replica, and the handle that syncs it. */
export class ReplicaFile implements Replica {
  readonly #config: ResolvedConfig;
  readonly #path: string;
  readonly #url: string;
  readonly #server: RemoteEngine;
  readonly #connect: () => LibsqlConnection;
  #handle: NativeReplica | undefined;
  /** The token that the handle was opened with and has for good. */
  #token: string | undefined;
  #frameNo: number | undefined;
  #closed = false;
  #endTurn = (): void => {};

  /** @param connect - opens a connection that only reads the file */
  constructor(
    config: ResolvedConfig,
    { path, url }: { readonly path: string; readonly url: string },
    server: RemoteEngine,
    connect: () => LibsqlConnection,
  ) {
    this.#config = config;
    this.#path = path;
    this.#url = url;
    this.#server = server;
    this.#connect = connect;
  }

  get readable(): boolean {
    return isReplica(this.#path);
  }

  async sync(): Promise<SyncOutcome> {
    const outcome = await this.#inTurn(async () => {
      const handle = await this.#open();
      try {
        return await handle.sync();
      } catch (thrown) {
        throw await this.#explain(thrown);
      }
    });
    // A server that has lost its data, and has no new ones yet, says that there is nothing to do.
    if (outcome.frameNo === undefined && this.#frameNo !== undefined) {
      throw new SyncError('the database of the server is empty, though the replica has its content');
    }
    this.#frameNo = outcome.frameNo;
    return outcome;
  }

  giveUp(): void {
    // Closing it does not end its sync; it is left to end by itself, and another takes its place.
    this.#handle = undefined;
    this.#endTurn();
  }

  /** Syncs when no other handle of this process is syncing the file: one of two may be told that there is nothing to do. */
  async #inTurn<T>(sync: () => Promise<T>): Promise<T> {
    const before = turns.get(this.#path);
    let end = (): void => {};
    const turn = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#endTurn = end;
    turns.set(this.#path, turn);
    try {
      await before;
      return await sync();
    } finally {
      end();
      if (turns.get(this.#path) === turn) turns.delete(this.#path);
    }
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
    // A sync that goes on without an end must not hold up the others.
    this.#endTurn();
    this.#handle?.close();
    this.#handle = undefined;
  }

  async #open(): Promise<NativeReplica> {
    const token = await this.#server.token();
    if (this.#handle !== undefined && token === this.#token) return this.#handle;
    this.#handle?.close();
    this.#handle = undefined;
    checkFiles(this.#path);
    // The binding would say of a wrong key that the sync failed.
    if (this.readable) await this.#connect().close();
    // Opening asks the server while the event loop stands still, so it is asked first whether it answers.
    await this.#server.probe(THERE_WITHIN);
    const { encryptionKey, remote } = this.#config;
    try {
      this.#handle = openNativeReplica(this.#path, {
        syncUrl: httpUrl(this.#url, remote.tls),
        // The server may have made us ask for another token.
        authToken: await this.#server.token(),
        encryptionKey: encryptionKey.reveal(),
        remoteEncryptionKey: remote.remoteEncryptionKey.reveal(),
      });
    } catch (thrown) {
      throw await this.#explain(thrown);
    }
    this.#token = await this.#server.token();
    if (!this.#closed) return this.#handle;
    this.close();
    throw closedError();
  }

  /** The binding's failures have no code and tell little (`Replication(PrimaryHandshakeTimeout)`). */
  async #explain(thrown: unknown): Promise<DatabaseError> {
    const asked = await this.#server.probe(THERE_WITHIN).catch((error: unknown) => error);
    if (asked instanceof DatabaseError && asked.kind === 'auth') return asked;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new SyncError(`the sync failed: ${message}`, { retryable: true, cause: asked ?? thrown });
  }
}
