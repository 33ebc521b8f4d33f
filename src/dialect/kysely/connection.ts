import { CompiledQuery, type DatabaseConnection, type QueryResult } from 'kysely';
import type { TransactionBehavior } from '../../config.js';
import type { Database } from '../../database/database.js';
import type { Executor } from '../../database/executor.js';
import { type LeaseRow, MigrationLease } from '../../database/migration-lease.js';
import { beginMigrations, type MigrationTransaction } from '../../database/migration-transaction.js';
import type { Transaction } from '../../database/transaction.js';
import { enterFrame, isFollowed, leaveFrame } from '../../database/transaction-frame.js';
import { suppress, TransactionError } from '../../errors.js';
import { withWordsOf } from '../../hints.js';
import { executeItem, type QueryOptions, streamOn, toItem } from './execute.js';
import { OwnConnection } from './own-connection.js';

/** A query that must run on something else than the transaction of the connection that it is given to. */
interface RoutedQuery extends CompiledQuery {
  readonly [routed]?: Executor;
  readonly [control]?: () => Promise<void>;
}

const routed: unique symbol = Symbol('turso-dialect.executor');
const control: unique symbol = Symbol('turso-dialect.control');

/** What Kysely takes for a connection: the database, and while a transaction is open that transaction. */
export class TursoConnection implements DatabaseConnection {
  readonly database: Database;
  /** How a transaction takes its locks if it does not say. */
  readonly behavior: TransactionBehavior;
  #transaction: Transaction | undefined;
  /** The connection that Kysely knows, where this one was made for a transaction. Kysely's log listens there. */
  #known: TursoConnection | undefined;
  /** The last query with a signal. */
  #abortable: Promise<unknown> | undefined;
  /** Where the queries outside a transaction run. */
  readonly #own: OwnConnection;
  /** The error of the last query, which a failing rollback must not hide. */
  #lastError: unknown;
  readonly #open: Set<TursoConnection> | undefined;
  #migrationLock: LeaseRow | undefined;
  #lease: MigrationLease | undefined;
  #migrations: MigrationTransaction | undefined;
  /** Ends what finds a use of the database inside the callback of its transaction. */
  #leave: () => void = () => {};

  /** @param open - has the connections on which something is open that does not end by itself */
  constructor(database: Database, behavior: TransactionBehavior, open?: Set<TursoConnection>) {
    this.database = database;
    this.behavior = behavior;
    this.#open = open;
    this.#own = new OwnConnection(database, () => open?.add(this));
  }

  /** What runs this connection's queries. */
  get executor(): Executor {
    return this.#transaction ?? this.#own.current;
  }

  /** What runs a batch or a transaction on this connection. */
  async forSeveral(): Promise<Executor> {
    return this.#transaction ?? (await this.#own.forSeveral());
  }

  /** @throws {@link TransactionError} when none is open */
  get transaction(): Transaction {
    if (this.#transaction !== undefined) return this.#transaction;
    throw new TransactionError('no transaction is open on this connection', {
      code: 'TRANSACTION_CLOSED',
      kind: 'transaction',
    });
  }

  /** A connection for a transaction that was begun by its owner. */
  within(transaction: Transaction): TursoConnection {
    const inner = new TursoConnection(this.database, this.behavior);
    inner.#transaction = transaction;
    inner.#known = this.#known ?? this;
    return inner;
  }

  async executeQuery<R>(query: CompiledQuery, options?: QueryOptions): Promise<QueryResult<R>> {
    if (this.#known !== undefined) return await this.#known.executeQuery<R>(this.#route(query), options);
    const run = (query as RoutedQuery)[control];
    if (run !== undefined) {
      await run();
      return { rows: [] };
    }
    if (this.#migrationLock !== undefined) await this.#lockMigrations();
    try {
      if (this.#migrations !== undefined && (await this.#controlled(query.sql))) return { rows: [] };
      const inside = (query as RoutedQuery)[routed] ?? this.#transaction;
      const item = toItem(inside ?? this.database, query);
      const running =
        inside === undefined ? this.#own.run(item, options) : executeItem(inside, item, options);
      if (options?.signal !== undefined) this.#abortable = Promise.resolve(running);
      // Kysely knows the row type from the query.
      return (running instanceof Promise ? await running : running) as QueryResult<R>;
    } catch (error) {
      this.#lastError = withWordsOf('kysely', error);
      throw error;
    }
  }

  /** Does what `sql` says in another way, as a query that Kysely's log sees. */
  async control(sql: string, run: () => Promise<void>): Promise<void> {
    const query: RoutedQuery = { ...CompiledQuery.raw(sql), [control]: run };
    await (this.#known ?? this).executeQuery(query);
  }

  async *streamQuery<R>(
    query: CompiledQuery,
    chunkSize: number,
    options?: QueryOptions,
  ): AsyncIterableIterator<QueryResult<R>> {
    if (this.#known !== undefined) {
      yield* this.#known.streamQuery<R>(this.#route(query), chunkSize, options);
      return;
    }
    const inside = (query as RoutedQuery)[routed] ?? this.#transaction;
    const executor = inside ?? (await this.#own.forStream());
    yield* streamOn(executor, query, chunkSize, options) as AsyncGenerator<QueryResult<R>, void, undefined>;
  }

  /** Waits until the query has stopped, which the signal that it was given has told it to. */
  async cancelQuery(): Promise<void> {
    await (this.#known ?? this).#abortable?.catch(() => {});
  }

  async begin(behavior: TransactionBehavior): Promise<void> {
    // The write lock is the lock of the migrations as well: it ends with the transaction, or with the process.
    const migrating = this.#migrationLock !== undefined && this.#lease === undefined;
    const wanted = migrating && (behavior === 'deferred' || behavior === 'read') ? 'immediate' : behavior;
    // Kysely calls the callback of its transaction in the function that has called this one.
    const frame = isFollowed(this.database.config) ? enterFrame() : undefined;
    this.#leave = () => frame && leaveFrame(frame);
    try {
      const place = this.#own.forTransaction();
      const { database, pool } = place instanceof Promise ? await place : place;
      if (migrating) this.#migrations = await beginMigrations(database, wanted, pool);
      this.#transaction =
        this.#migrations?.transaction ?? (await database.begin(wanted, undefined, 1, undefined, pool));
      if (frame !== undefined) frame.id = this.#transaction.id;
    } catch (error) {
      this.#leave();
      throw error;
    }
    this.#open?.add(this);
    this.#lastError = undefined;
  }

  async commit(): Promise<void> {
    const { transaction } = this;
    // When it fails, Kysely rolls back.
    await this.#migrations?.check();
    // Whatever comes of it, nothing more can be run in the transaction.
    this.#transaction = undefined;
    this.#migrations = undefined;
    this.#leave();
    await transaction.commit();
  }

  /** Rolls back, unless a commit that failed has done so. */
  async rollback(): Promise<void> {
    const transaction = this.#transaction;
    this.#transaction = undefined;
    this.#migrations = undefined;
    this.#leave();
    try {
      await transaction?.rollback();
    } catch (error) {
      if (this.#lastError === undefined) throw error;
      suppress(this.#lastError, error);
    }
  }

  async release(): Promise<void> {
    if (this.#transaction !== undefined) await this.rollback();
    if (this.#migrationLock !== undefined) await this.unlockMigrations();
    this.#open?.delete(this);
    await this.#own.release();
  }

  /**
   * Has migrations run in one process at a time. In a transaction the write lock does that; outside of one, which shows
   * with the first query, a lease does.
   */
  expectMigrations(row: LeaseRow): void {
    this.#migrationLock = row;
  }

  async unlockMigrations(): Promise<void> {
    const lease = this.#lease;
    this.#migrationLock = undefined;
    this.#lease = undefined;
    await lease?.release();
  }

  async #lockMigrations(): Promise<void> {
    if (this.#transaction !== undefined || this.#lease !== undefined) return;
    // In memory nobody else gets the connection before the lock is given back.
    const database =
      this.database.config.features.connections === 'one' ? await this.#own.keep() : this.database;
    this.#lease = await MigrationLease.acquire(database, this.#migrationLock as LeaseRow);
    this.#open?.add(this);
  }

  /** Whether a query of a migration was one that controls a transaction, and is done. */
  async #controlled(sql: string): Promise<boolean> {
    const [statement, ...more] = this.database.statements.all(sql);
    if (statement?.kind !== 'transaction' || more.length > 0) return false;
    await this.#migrations?.control(statement);
    return true;
  }

  #route(query: CompiledQuery): RoutedQuery {
    return { [routed]: this.executor, ...query };
  }
}
