import { type Config, protocolOf } from '../config.js';
import { behaviorOfMode } from '../database/batch.js';
import type {
  Client,
  ClientResultSet,
  InArgs,
  InStatement,
  Replicated,
  TransactionMode,
} from '../database/client-api.js';
import { type Database, open } from '../database/database.js';
import { databaseOf } from '../database/database-key.js';
import { CapabilityError } from '../errors.js';
import { LibsqlError, withLibsqlErrors } from './errors.js';
import { type BatchInput, migrateOn, toClientResult, toItem, toItems, withArgs } from './statements.js';
import { TursoClientTransaction } from './transaction.js';

// A key and not a private member: that can't be read through a Proxy.
const internals: unique symbol = Symbol('turso-dialect:client');

interface Internals {
  readonly database: Database;
}

/**
 * A client with the interface of `@libsql/client`, on the engine of this package. Made by `createClient()`. Its methods fail
 * with a {@link LibsqlError}.
 *
 * @example
 * ```ts
 * import { createClient, type TursoClient } from 'turso-dialect/client';
 *
 * const client: TursoClient = createClient({ url: ':memory:' });
 * await client.executeMultiple('create table t (a); insert into t values (1)');
 * console.log((await client.execute('select a from t')).rows[0]?.[0]); // 1
 * client.close();
 * ```
 */
export class TursoClient implements Client {
  /** @internal */
  readonly [internals]: Internals;

  /** @internal */
  constructor(config: Config) {
    this[internals] = { database: open(config) };
  }

  /** @internal What Drizzle and Kysely run on when they are given this client. */
  get [databaseOf](): Database {
    return this[internals].database;
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this[internals].database.closed;
  }

  /** `file` for files and memory, otherwise how the server is spoken to: `http` or `ws`. */
  get protocol(): string {
    return protocolOf(this[internals].database.config.target);
  }

  /** Runs one statement. */
  async execute(statement: InStatement, args?: InArgs): Promise<ClientResultSet> {
    return await withLibsqlErrors(async () => {
      const database = usable(this);
      const { statement: one, values, request } = toItem(database, withArgs(statement, args));
      return await database.bounded(undefined, async (abort) =>
        toClientResult(await database.runStatement(one, values, request, abort), database),
      );
    });
  }

  /** Runs statements as one transaction, all or none of them. */
  async batch(
    statements: readonly BatchInput[],
    mode: TransactionMode = 'deferred',
  ): Promise<ClientResultSet[]> {
    return await withLibsqlErrors(async () => {
      const database = usable(this);
      const behavior = behaviorOfMode(mode);
      const items = toItems(database, statements);
      const results = await database.bounded(undefined, (abort) =>
        database.runAtomically(items, { behavior, abort }),
      );
      return results.map((result) => toClientResult(result, database));
    });
  }

  /** As `batch()`, with foreign keys off meanwhile. References are not checked; `migrate()` of the builders does so. */
  async migrate(statements: readonly BatchInput[]): Promise<ClientResultSet[]> {
    return await withLibsqlErrors(() => migrateOn(usable(this), statements));
  }

  /** Begins a transaction that its caller commits or rolls back, by `close()` in a `finally` at the latest. */
  async transaction(mode: TransactionMode = 'write'): Promise<TursoClientTransaction> {
    return await withLibsqlErrors(
      async () => new TursoClientTransaction(await usable(this).begin(behaviorOfMode(mode))),
    );
  }

  /** Runs a script of statements without values. */
  async executeMultiple(sql: string): Promise<void> {
    await withLibsqlErrors(() => usable(this).script(sql));
  }

  /** Fetches what a replica lacks; what is no replica fails with the code `SYNC_NOT_SUPPORTED`. */
  async sync(): Promise<Replicated> {
    try {
      const { frameNo, framesSynced } = await withLibsqlErrors(() => usable(this).sync());
      return { frame_no: frameNo ?? 0, frames_synced: framesSynced };
    } catch (error) {
      if (!(error instanceof Error) || !(error.cause instanceof CapabilityError)) throw error;
      throw new LibsqlError(error.cause.message, 'SYNC_NOT_SUPPORTED', undefined, undefined, error.cause);
    }
  }

  /** Closes the database. Open transactions are rolled back. */
  close(): void {
    // What fails to close can't be told to anybody: the interface of `@libsql/client` has no answer here.
    this[internals].database.close().catch(() => {});
  }

  /** Opens a client again that was closed; of an open one the connections that fail are replaced by themselves. */
  reconnect(): void {
    this[internals].database.reopen();
  }
}

function usable(client: TursoClient): Database {
  const { database } = client[internals];
  if (database.closed) throw new LibsqlError('The client is closed', 'CLIENT_CLOSED');
  return database;
}
