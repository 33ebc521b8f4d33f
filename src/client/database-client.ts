import { type Config, protocolOf, resolveConfig } from '../config.js';
import { behaviorOfMode } from '../database/batch.js';
import type { Client, ClientResultSet, Replicated, TransactionMode } from '../database/client-api.js';
import { Database } from '../database/database.js';
import type { TransactionOptions } from '../database/session.js';
import type { Transaction } from '../database/transaction.js';
import type { SyncCallOptions, SyncResult } from '../sync/status.js';
import { type BatchInput, migrateOn } from './statements.js';
import { TursoClientTransaction } from './transaction.js';

/**
 * A {@link Database} that has the methods of a `Client` of `@libsql/client` as well, so code written for either takes it.
 * Where both have a method, it does what the database's does and takes both forms of arguments; a BLOB is a `Uint8Array`.
 *
 * @example
 * ```ts
 * import { type DatabaseClient, drizzle } from 'turso-dialect/drizzle';
 *
 * const client: DatabaseClient = drizzle(':memory:').$client;
 * await client.executeMultiple('create table t (a); insert into t values (1)');
 * const tx = await client.transaction('write');
 * await tx.execute('update t set a = 2');
 * await tx.commit();
 * console.log((await client.execute('select a from t')).rows[0]?.[0], client.protocol); // 2 file
 * await client.close();
 * ```
 */
export type DatabaseClient = ClientMethods & Client;

class ClientMethods extends Database {
  /** `file` for files and memory, otherwise how the server is spoken to: `http` or `ws`. */
  get protocol(): string {
    return protocolOf(this.config.target);
  }

  /** Runs a callback in a transaction, see {@link Database.transaction}. */
  override transaction<T>(
    callback: (tx: Transaction) => T | Promise<T>,
    options?: TransactionOptions,
  ): Promise<T>;
  /** Begins a transaction that its caller commits or rolls back, by `close()` in a `finally` at the latest. */
  override transaction(mode?: TransactionMode): Promise<TursoClientTransaction>;
  override async transaction<T>(
    first: ((tx: Transaction) => T | Promise<T>) | TransactionMode = 'write',
    options?: TransactionOptions,
  ): Promise<T | TursoClientTransaction> {
    if (typeof first !== 'string') return await super.transaction(first, options);
    return new TursoClientTransaction(await this.begin(behaviorOfMode(first)));
  }

  /** Runs a script of statements without values, see {@link Database.script}. */
  async executeMultiple(sql: string): Promise<void> {
    await this.script(sql);
  }

  /** As `batch()`, with foreign keys off meanwhile. References are not checked; `migrate()` of Drizzle does so. */
  async migrate(statements: readonly BatchInput[]): Promise<ClientResultSet[]> {
    return await migrateOn(this, statements);
  }

  /** Fetches what a replica lacks, see {@link Database.sync}; the result has the names of both. */
  override async sync(options?: SyncCallOptions): Promise<SyncResult & NonNullable<Replicated>> {
    const result = await super.sync(options);
    return { ...result, frame_no: result.frameNo ?? 0, frames_synced: result.framesSynced };
  }

  /** Opens it again if it was closed; connections that fail are replaced by themselves. */
  reconnect(): void {
    this.reopen();
  }
}

/** Opens a database with the methods of a client. */
export function openClient(config: string | Config): DatabaseClient {
  // The types of rows differ: `Client` knows no `Uint8Array`, which is used like its `ArrayBuffer`.
  return new ClientMethods(resolveConfig(config)) as DatabaseClient;
}
