import type { TransactionBehavior } from '../../config.js';
import { DatabaseError, InterruptedError, SyncError } from '../../errors.js';
import type { AnalyzedStatement } from '../../sql/statement.js';
import type { SqlValue } from '../../values.js';
import {
  type ColumnOrigin,
  type CommitListener,
  type Connection,
  type ConnectionBatchItem,
  type Cursor,
  type CursorOptions,
  type ExecuteRequest,
  type MaybePromise,
  type RawResult,
  type ReplicaPolicy,
  SchemaMovedError,
} from '../engine.js';
import type { LibsqlConnection } from '../libsql/connection.js';
import { refuseWrite } from '../refuse-write.js';
import { Calls } from '../remote/calls.js';
import type { RemoteConnection } from '../remote/connection.js';

/** Where it is seen that the file was replaced by another. */
interface FileSource {
  readonly generation: number;
  readonly serving: boolean;
}

/** Which of the two has an open transaction. */
type Side = 'file' | 'server';

/** A connection to the file, which is only read, and one to the server, which does everything else. */
export class ReplicaConnection implements Connection {
  readonly interruptible = true;
  readonly #openFile: () => LibsqlConnection;
  readonly #server: RemoteConnection;
  readonly #source: FileSource;
  readonly #policy: ReplicaPolicy;
  /** The waits for a sync, which goes on for others when one of them is stopped. */
  readonly #waits = new Calls();
  readonly #pragmas = new Map<string, string | number>();
  #opened: LibsqlConnection;
  /** Of the file that is open. */
  #generation: number;
  #transaction: Side | undefined;
  #pinned = false;
  /** Whether the transaction or session on the server has changed anything. */
  #wrote = false;

  /** @param openFile - opens a connection that only reads the file */
  constructor(
    openFile: () => LibsqlConnection,
    server: RemoteConnection,
    source: FileSource,
    policy: ReplicaPolicy,
  ) {
    this.#openFile = openFile;
    this.#server = server;
    this.#source = source;
    this.#policy = policy;
    this.#generation = source.generation;
    this.#opened = openFile();
  }

  get inTransaction(): boolean {
    return this.#side.inTransaction;
  }

  get usable(): boolean {
    return this.#opened.usable && this.#server.usable;
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
      return this.#snapshot.execute(statement, args, request);
    }
    // The state that the caller knows is that of the file.
    if (request.schemaState !== undefined && !this.#readsFile(statement)) throw new SchemaMovedError();
    if (this.#transaction === 'server' || this.#pinned) {
      this.#wrote ||= statement.kind !== 'read';
      return this.#server.execute(statement, args, request);
    }
    if (statement.kind !== 'read') return this.#write(() => this.#server.execute(statement, args, request));
    if (request.atWriter) return this.#server.execute(statement, args, request);
    return this.#whenFresh(() => this.#file.execute(statement, args, request));
  }

  describe(statement: AnalyzedStatement): MaybePromise<readonly ColumnOrigin[]> {
    if (this.#transaction === 'server') return this.#server.describe(statement);
    return this.#whenFresh(() => this.#file.describe(statement));
  }

  schemaState(statement: AnalyzedStatement): string | undefined {
    return this.#readsFile(statement) ? this.#file.schemaState() : undefined;
  }

  /** What a replica writes is compiled by its server, so it is the server that is asked about it. */
  async askAll(questions: readonly ConnectionBatchItem[], about: AnalyzedStatement): Promise<RawResult[]> {
    const alone = this.#transaction === undefined && !this.#pinned;
    const side = this.#readsFile(about) ? this.#file : this.#server;
    if (side === this.#server && alone && questions.length > 1)
      return await this.#server.batch(questions, 'read');
    const results: RawResult[] = [];
    for (const { statement, values, request } of questions) {
      results.push(await side.execute(statement, values, request));
    }
    return results;
  }

  applyPragma(name: string, value: string | number): void {
    this.#file.applyPragma(name, value);
    this.#pragmas.set(name, value);
  }

  /** All that commits is the server's. */
  get listener(): CommitListener | undefined {
    return this.#server.listener;
  }

  set listener(listener: CommitListener | undefined) {
    this.#server.listener = listener;
  }

  async batch(items: readonly ConnectionBatchItem[], behavior: TransactionBehavior): Promise<RawResult[]> {
    if (behavior === 'read') items.forEach(({ statement }, i) => refuseWrite(statement, i));
    const reads = items.every(({ statement }) => statement.kind === 'read');
    if (!reads) return await this.#write(() => this.#server.batch(items, behavior));
    await this.#whenFresh(() => {});
    const file = this.#file;
    file.begin('read');
    const results: RawResult[] = [];
    try {
      for (const { statement, values, request } of items) {
        results.push(await file.execute(statement, values, request));
      }
      return results;
    } catch (error) {
      if (error instanceof DatabaseError) error.statementIndex = results.length;
      throw error;
    } finally {
      file.rollback();
    }
  }

  openCursor(
    statement: AnalyzedStatement,
    args: readonly SqlValue[],
    options: CursorOptions,
  ): MaybePromise<Cursor> {
    const open = (): MaybePromise<Cursor> =>
      (this.#transaction === 'file' ? this.#snapshot : this.#file).openCursor(statement, args, options);
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
    if (this.#transaction === 'file') this.#opened.commit();
    else await this.#server.commit();
    this.#transaction = undefined;
    const wrote = this.#wrote;
    this.#wrote = false;
    if (wrote) await this.#written();
  }

  async rollback(): Promise<void> {
    const side = this.#transaction;
    this.#transaction = undefined;
    this.#wrote = false;
    if (side === 'file') this.#opened.rollback();
    else await this.#server.rollback();
  }

  async reset(): Promise<void> {
    const wrote = this.#pinned && this.#wrote;
    this.#transaction = undefined;
    this.#pinned = false;
    this.#wrote = false;
    this.#opened.reset();
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
    this.#opened.interrupt();
    this.#server.interrupt();
  }

  async close(): Promise<void> {
    this.#waits.stop();
    this.#server.close();
    await this.#opened.close();
  }

  /** The file as it is now: after it was replaced, the old one is still there for who has it open. */
  get #file(): LibsqlConnection {
    if (this.#generation !== this.#source.generation) this.#reopen();
    return this.#opened;
  }

  /** The file in the transaction that reads it. */
  get #snapshot(): LibsqlConnection {
    if (this.#source.serving && this.#generation === this.#source.generation) return this.#opened;
    throw new SyncError('the replica was replaced while this transaction read it', { retryable: true });
  }

  #reopen(): void {
    const opened = this.#openFile();
    for (const [name, value] of this.#pragmas) opened.applyPragma(name, value);
    void this.#opened.close();
    this.#opened = opened;
    this.#generation = this.#source.generation;
  }

  #readsFile({ kind }: AnalyzedStatement): boolean {
    if (this.#transaction !== undefined) return this.#transaction === 'file';
    return !this.#pinned && kind === 'read';
  }

  get #side(): Connection {
    return this.#transaction === 'file' ? this.#opened : this.#server;
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

  /** Waits for the sync after a write, which is done also when the wait is stopped. */
  async #written(): Promise<void> {
    const synced = this.#policy.written();
    if (synced === undefined) return;
    await this.#waits.race(synced).catch((error: unknown) => {
      // That the write was not seen in time is an error where the config asks for it.
      if (error instanceof DatabaseError) throw error;
    });
  }

  async #write<T>(run: () => Promise<T>): Promise<T> {
    try {
      const result = await run();
      await this.#written();
      return result;
    } catch (error) {
      // What has refused it is at the server, and who asks for it next should find it in the file.
      const refused = error instanceof DatabaseError && (error.kind === 'constraint' || error.kind === 'sql');
      if (refused) await this.#written().catch(() => {});
      throw error;
    }
  }
}
