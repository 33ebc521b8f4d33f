import type { TransactionBehavior } from '../../config.js';
import { DatabaseError, InterruptedError } from '../../errors.js';
import type { AnalyzedStatement } from '../../sql/statement.js';
import type { SqlValue } from '../../values.js';
import type {
  ColumnOrigin,
  CommitListener,
  Connection,
  ConnectionBatchItem,
  Cursor,
  ExecuteRequest,
  MaybePromise,
  RawResult,
  ReplicaPolicy,
} from '../engine.js';
import type { LibsqlConnection } from '../libsql/connection.js';
import { refuseWrite } from '../refuse-write.js';
import { Calls } from '../remote/calls.js';
import type { RemoteConnection } from '../remote/connection.js';

/** Which of the two has an open transaction. */
type Side = 'file' | 'server';

/** A connection to the file, which is only read, and one to the server, which does everything else. */
export class ReplicaConnection implements Connection {
  readonly interruptible = true;
  readonly #file: LibsqlConnection;
  readonly #server: RemoteConnection;
  readonly #policy: ReplicaPolicy;
  /** The waits for a sync, which goes on for others when one of them is stopped. */
  readonly #waits = new Calls();
  #transaction: Side | undefined;
  #pinned = false;
  /** Whether the transaction or session on the server has changed anything. */
  #wrote = false;

  constructor(file: LibsqlConnection, server: RemoteConnection, policy: ReplicaPolicy) {
    this.#file = file;
    this.#server = server;
    this.#policy = policy;
  }

  get inTransaction(): boolean {
    return this.#side.inTransaction;
  }

  get usable(): boolean {
    return this.#file.usable && this.#server.usable;
  }

  runsAtOnce(statement: AnalyzedStatement): boolean {
    if (this.#transaction !== undefined) return this.#transaction === 'file';
    return !this.#pinned && statement.kind === 'read' && this.#policy.fresh;
  }

  execute(
    statement: AnalyzedStatement,
    args: readonly SqlValue[],
    request: ExecuteRequest,
  ): MaybePromise<RawResult> {
    if (this.#transaction === 'file') {
      refuseWrite(statement);
      return this.#file.execute(statement, args, request);
    }
    if (this.#transaction === 'server' || this.#pinned) {
      this.#wrote ||= statement.kind !== 'read';
      return this.#server.execute(statement, args, request);
    }
    if (statement.kind !== 'read') return this.#write(() => this.#server.execute(statement, args, request));
    return this.#whenFresh(() => this.#file.execute(statement, args, request));
  }

  describe(statement: AnalyzedStatement): MaybePromise<readonly ColumnOrigin[]> {
    if (this.#transaction === 'server') return this.#server.describe(statement);
    return this.#whenFresh(() => this.#file.describe(statement));
  }

  applyPragma(name: string, value: string | number): void {
    this.#file.applyPragma(name, value);
  }

  /** All that commits is the server's. */
  get listener(): CommitListener | undefined {
    return this.#server.listener;
  }

  set listener(listener: CommitListener | undefined) {
    this.#server.listener = listener;
  }

  async batch(items: readonly ConnectionBatchItem[], behavior: TransactionBehavior): Promise<RawResult[]> {
    for (const { statement } of items) if (behavior === 'read') refuseWrite(statement);
    const reads = items.every(({ statement }) => statement.kind === 'read');
    if (!reads) return await this.#write(() => this.#server.batch(items, behavior));
    await this.#whenFresh(() => {});
    this.#file.begin('read');
    try {
      const results: RawResult[] = [];
      for (const { statement, values, request } of items) {
        results.push(await this.#file.execute(statement, values, request));
      }
      return results;
    } finally {
      this.#file.rollback();
    }
  }

  openCursor(
    statement: AnalyzedStatement,
    args: readonly SqlValue[],
    options: {
      readonly exactIntegers?: boolean;
      readonly interruptible?: boolean;
      readonly snapshot?: boolean;
    },
  ): MaybePromise<Cursor> {
    const open = (): MaybePromise<Cursor> => this.#file.openCursor(statement, args, options);
    if (this.#transaction === 'file') return open();
    if (this.#transaction === 'server' || this.#pinned)
      return this.#server.openCursor(statement, args, options);
    return this.#whenFresh(open);
  }

  async control(sql: string): Promise<void> {
    this.#wrote = true;
    await this.#server.control(sql);
  }

  /** A session sees what it has written, so all of it is the server's; what it wrote is synced when it ends. */
  pin(): void {
    this.#pinned = true;
    this.#server.pin();
  }

  begin(behavior: TransactionBehavior): MaybePromise<void> {
    if (behavior !== 'read') {
      this.#transaction = 'server';
      this.#wrote = false;
      return this.#server.begin(behavior);
    }
    return this.#whenFresh(() => {
      this.#file.begin('read');
      this.#transaction = 'file';
    });
  }

  async commit(): Promise<void> {
    if (this.#transaction === 'file') this.#file.commit();
    else await this.#server.commit();
    this.#transaction = undefined;
    if (this.#wrote) await this.#written();
    this.#wrote = false;
  }

  async rollback(): Promise<void> {
    const side = this.#transaction;
    this.#transaction = undefined;
    this.#wrote = false;
    if (side === 'file') this.#file.rollback();
    else await this.#server.rollback();
  }

  async reset(): Promise<void> {
    const wrote = this.#pinned && this.#wrote;
    this.#transaction = undefined;
    this.#pinned = false;
    this.#wrote = false;
    this.#file.reset();
    await this.#server.reset();
    if (wrote) await this.#written();
  }

  savepoint(name: string): MaybePromise<void> {
    return this.#side.savepoint(name);
  }

  releaseSavepoint(name: string): MaybePromise<void> {
    return this.#side.releaseSavepoint(name);
  }

  rollbackToSavepoint(name: string): MaybePromise<void> {
    return this.#side.rollbackToSavepoint(name);
  }

  interrupt(): void {
    this.#waits.stop();
    this.#file.interrupt();
    this.#server.interrupt();
  }

  async close(): Promise<void> {
    this.#waits.stop();
    this.#server.close();
    await this.#file.close();
  }

  get #side(): Connection {
    return this.#transaction === 'file' ? this.#file : this.#server;
  }

  #whenFresh<T>(read: () => MaybePromise<T>): MaybePromise<T> {
    return this.#policy.fresh ? read() : this.#reading().then(read);
  }

  async #reading(): Promise<void> {
    try {
      await this.#waits.race(this.#policy.reading());
    } catch (error) {
      if (error instanceof DatabaseError) throw error;
      throw new InterruptedError('the wait for a sync was interrupted', {
        code: 'SQLITE_INTERRUPT',
        kind: 'interrupted',
        cause: error,
      });
    }
  }

  /** Waits for the sync after a write, which is done whatever becomes of that. */
  async #written(): Promise<void> {
    const synced = this.#policy.written();
    if (synced !== undefined) await this.#waits.race(synced).catch(() => {});
  }

  async #write<T>(run: () => Promise<T>): Promise<T> {
    try {
      const result = await run();
      await this.#written();
      return result;
    } catch (error) {
      // What has refused it is at the server, and who asks for it next should find it in the file.
      const refused = error instanceof DatabaseError && (error.kind === 'constraint' || error.kind === 'sql');
      if (refused) await this.#written();
      throw error;
    }
  }
}
