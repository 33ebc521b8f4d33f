import type { DatabaseConnection } from 'kysely';
import { followAlways } from '../../database/transaction-frame.js';
import { TursoConnection } from './connection.js';
import { type DialectDatabase, type TursoDialectConfig, toDialectDatabase } from './dialect-config.js';
import { TransactionDriver } from './transaction-driver.js';

/**
 * Gives Kysely its connections. One costs nothing: outside a transaction its queries run as the database sees fit, and a
 * transaction takes a connection of the database's pool.
 */
export class TursoDriver extends TransactionDriver {
  readonly #config: TursoDialectConfig;
  /** Connections with a transaction or a lease, which hold locks. */
  readonly #open = new Set<TursoConnection>();
  #opened: DialectDatabase | undefined;
  /** Ends that calls are followed. */
  #unfollow: (() => void) | undefined;

  /** @param config - as that of {@link TursoDialect} */
  constructor(config: TursoDialectConfig) {
    super(undefined);
    this.#config = config;
  }

  override async init(): Promise<void> {
    this.#opened = await toDialectDatabase(this.#config);
    // Kysely calls the callbacks of its transactions itself, so nothing can be switched on just for them.
    if (this.#opened.database.config.detectMisuse === true) this.#unfollow ??= followAlways();
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    // Kysely initializes a driver before it uses it.
    const { database, behavior } = this.#opened as DialectDatabase;
    return new TursoConnection(database, behavior, this.#open);
  }

  /** Rolls back what was left open. A database that was handed in goes on without it. */
  override async destroy(): Promise<void> {
    this.#unfollow?.();
    this.#unfollow = undefined;
    if (this.#opened?.owned) await this.#opened.database.close();
    // In a database that is closed nothing is left to roll back, but a timer may be left.
    await Promise.allSettled([...this.#open].map((connection) => connection.release()));
  }
}
