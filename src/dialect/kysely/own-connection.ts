import type { BatchItem } from '../../database/batch.js';
import type { Database } from '../../database/database.js';
import { PinnedDatabase } from '../../database/pinned-database.js';
import { PinnedPool } from '../../database/pinned-pool.js';
import { connectionSetting } from '../../database/pragma/text.js';
import { leavesTraces } from '../../database/run.js';
import type { AnalyzedStatement } from '../../sql/statement.js';
import { executeItem, type QueryOptions, TursoQueryResult } from './execute.js';

/**
 * Decides where outside a transaction the queries of a Kysely connection run. Kysely takes a connection for each single
 * query too, and does not say which it is: so the first query runs as the database sees fit, and what follows on a
 * connection of the database that is kept until Kysely gives its own back. At a server, where only a setting is a
 * connection's own, that begins with a setting.
 */
export class OwnConnection {
  readonly #database: Database;
  readonly #onTaken: () => void;
  #view: PinnedDatabase | undefined;
  /** What the first transaction was run on, before more was needed. */
  #pool: PinnedPool | undefined;
  #uses = 0;
  /** The first query, if it may have written. */
  #first: TursoQueryResult | Promise<TursoQueryResult> | undefined;
  /** Does outside what the only query has done on the kept connection. */
  #repeat: (() => unknown) | undefined;

  /** @param onTaken - called when a connection is about to be kept */
  constructor(database: Database, onTaken: () => void) {
    this.#database = database;
    this.#onTaken = onTaken;
  }

  /** What the queries run on now. */
  get current(): Database {
    return this.#view ?? this.#database;
  }

  /** Runs a query, at once where that is possible. */
  run(item: BatchItem, options: QueryOptions | undefined): TursoQueryResult | Promise<TursoQueryResult> {
    if (this.#uses++ > 0 || this.#view !== undefined) return this.#runLater(item, options);
    if (item.statement.kind === 'read') return executeItem(this.#database, item, options);
    if (concernsConnection(item.statement)) return this.#tryApart(item, options);
    this.#first = executeItem(this.#database, item, options);
    return this.#first;
  }

  /** What a transaction is run in, or a batch. */
  async forSeveral(): Promise<Database> {
    if (this.#uses++ > 0) return await this.#forLater();
    return this.#isLocal ? (this.#view ?? this.#take()) : this.current;
  }

  /** What a transaction is begun on, and the pool that it is to use. */
  forTransaction(): Place | Promise<Place> {
    if (this.#uses++ > 0) return this.#forLater().then((database) => ({ database }));
    if (!this.#isLocal || this.#view !== undefined) return { database: this.current };
    this.#onTaken();
    // The rest of a view costs a short transaction 5 % of its time.
    this.#pool = new PinnedPool(this.#database.pool);
    return { database: this.#database, pool: this.#pool };
  }

  /** What a stream is opened on. */
  async forStream(): Promise<Database> {
    return this.#uses++ > 0 ? await this.#forLater() : this.current;
  }

  /** The kept connection. */
  async keep(): Promise<PinnedDatabase> {
    if (this.#view !== undefined) return this.#view;
    const first = this.#first;
    const view = this.#take();
    const written = TursoQueryResult.writtenBy(await Promise.resolve(first).catch(() => undefined));
    if (written !== undefined) await view.inherit(written);
    return view;
  }

  /** Gives back the connection. What its only query has done concerns the database. */
  async release(): Promise<void> {
    const kept = this.#view ?? this.#pool;
    if (kept === undefined) return;
    const single = this.#uses === 1;
    this.#view = undefined;
    this.#pool = undefined;
    await kept.release(single);
    if (single) await this.#repeat?.();
  }

  get #isLocal(): boolean {
    return this.#database.config.features.writes === 'here';
  }

  #take(): PinnedDatabase {
    this.#onTaken();
    this.#first = undefined;
    this.#view = new PinnedDatabase(this.#database, this.#pool);
    return this.#view;
  }

  async #forLater(): Promise<Database> {
    return this.#isLocal ? await this.keep() : this.current;
  }

  async #runLater(item: BatchItem, options: QueryOptions | undefined): Promise<TursoQueryResult> {
    const kept = this.#isLocal || (item.statement.kind !== 'read' && concernsConnection(item.statement));
    return await executeItem(kept ? await this.keep() : this.current, item, options);
  }

  /**
   * Runs what only its connection will know of on one that may be kept. If nothing follows, it was a single query, which
   * concerns the database as a whole.
   */
  async #tryApart(item: BatchItem, options: QueryOptions | undefined): Promise<TursoQueryResult> {
    const view = this.#take();
    try {
      const result = await executeItem(view, item, options);
      this.#repeat = () => this.#runOutside(item);
      return result;
    } catch (error) {
      this.#view = undefined;
      await view.release(false);
      if (options?.signal?.aborted === true) throw error;
      // It may be about what a single query has left, such as an attached database.
      return await executeItem(this.#database, item, options);
    }
  }

  #runOutside(item: BatchItem): unknown {
    // The only connection has everything already, but the settings are noted as well.
    const { connections } = this.#database.config.features;
    if (connections === 'one' && connectionSetting(item.statement) === undefined) return undefined;
    return executeItem(this.#database, item, undefined);
  }
}

interface Place {
  readonly database: Database;
  readonly pool?: PinnedPool;
}

/** Whether only the connection that runs it will know of it. A journal mode is the file's. */
function concernsConnection(statement: AnalyzedStatement): boolean {
  return leavesTraces(statement) && statement.pragma !== 'journal_mode';
}
