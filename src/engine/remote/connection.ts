import type { Client } from '@libsql/client';
import type { NetworkRetryConfig, TransactionBehavior } from '../../config.js';
import { type DatabaseError, InterruptedError, ReadOnlyError, suppress } from '../../errors.js';
import type { AnalyzedStatement } from '../../sql/statement.js';
import type { SqlValue } from '../../values.js';
import type { Connection, ConnectionBatchItem, Cursor, ExecuteRequest, RawResult } from '../engine.js';
import { openStream } from './client.js';
import { type CursorSource, RemoteCursor } from './cursor.js';
import { endsTransaction, toRemoteError } from './failure.js';
import { positionalText } from './positional.js';
import { type RemoteResult, toRawResult } from './result.js';
import { withRetry } from './retry.js';
import type { RemoteStream } from './stream.js';

/** What a connection is made of. */
export interface RemoteParts {
  /** Gives the client, opening it if that was not done or if the last one is of no more use. */
  readonly client: () => Promise<Client>;
  /** Stops what the client is doing; false where it can't. */
  readonly stop: () => void;
  /** Finds out why a connection broke, where the failure itself does not tell. */
  readonly diagnose: (error: DatabaseError) => Promise<DatabaseError>;
  readonly cursors: CursorSource | undefined;
  readonly retry: Required<NetworkRetryConfig>;
  readonly close: () => void;
}

const BEGIN: Readonly<Partial<Record<TransactionBehavior, string>>> = {
  deferred: 'BEGIN DEFERRED',
  immediate: 'BEGIN IMMEDIATE',
  exclusive: 'BEGIN EXCLUSIVE',
  read: 'BEGIN DEFERRED',
};

/** Modes of a batch that `@libsql/client` has. */
const MODES: Readonly<Partial<Record<TransactionBehavior, 'write' | 'deferred'>>> = {
  deferred: 'deferred',
  immediate: 'write',
};

/**
 * A connection to a server. Statements outside a transaction are requests of their own, of which any number may be under
 * way; a transaction, or whatever needs settings of its own, has a stream.
 */
export class RemoteConnection implements Connection {
  readonly #parts: RemoteParts;
  readonly #cursors = new Set<RemoteCursor>();
  #stream: RemoteStream | undefined;
  /** Set in a `read` transaction, which the servers that there are do not enforce (sqld 0.24). */
  #readOnly = false;
  #lost = false;
  #interrupted = false;
  #closed = false;

  constructor(parts: RemoteParts) {
    this.#parts = parts;
  }

  get inTransaction(): boolean {
    return !this.#lost && this.#stream?.inTransaction === true;
  }

  get usable(): boolean {
    return !this.#closed && !this.#lost;
  }

  runsAtOnce(): boolean {
    return false;
  }

  async execute(
    statement: AnalyzedStatement,
    args: readonly SqlValue[],
    request: ExecuteRequest,
  ): Promise<RawResult> {
    this.#refuseWrite(statement);
    const stream = this.#stream;
    const result =
      stream === undefined
        ? await this.#executeAlone(statement, args)
        : await this.#executeIn(stream, statement, args);
    return toRawResult(result, statement, request);
  }

  async batch(items: readonly ConnectionBatchItem[], behavior: TransactionBehavior): Promise<RawResult[]> {
    const reads = items.every(({ statement }) => statement.kind === 'read');
    if (behavior === 'read') for (const { statement } of items) refuse(statement);
    const mode = MODES[behavior];
    if (mode === undefined && behavior !== 'read') return await this.#batchInStream(items, behavior);
    const statements = items.map(({ statement, values }) => ({
      sql: positionalText(statement),
      args: [...values],
    }));
    const results = await this.#repeat(reads, async () => {
      const client = await this.#parts.client();
      return await client.batch(statements, mode ?? 'deferred');
    });
    return results.map((result, i) => {
      const { statement, request } = items[i] as ConnectionBatchItem;
      return toRawResult(result, statement, request);
    });
  }

  async openCursor(
    statement: AnalyzedStatement,
    args: readonly SqlValue[],
    { exactIntegers = false }: { readonly exactIntegers?: boolean },
  ): Promise<Cursor> {
    const source = this.#parts.cursors;
    if (this.#stream !== undefined || source === undefined) {
      // In a transaction only the stream sees its changes, and it gives results as a whole.
      const { rows, columns = [] } = await this.execute(statement, args, {
        fetch: 'all',
        columns: true,
        exactIntegers,
      });
      return { columns, fetch: (size: number) => rows.splice(0, size), close: () => {} };
    }
    return await this.#repeat(true, async () => {
      const cursor = new RemoteCursor(positionalText(statement), exactIntegers);
      this.#cursors.add(cursor);
      await cursor.open(source, args);
      return cursor;
    });
  }

  async control(sql: string): Promise<void> {
    const stream = await this.#session();
    await this.#inStream(stream, () => stream.control(sql.trim()));
  }

  async begin(behavior: TransactionBehavior): Promise<void> {
    const stream = await this.#session();
    this.#readOnly = behavior === 'read';
    stream.begin(BEGIN[behavior] as string);
  }

  async commit(): Promise<void> {
    await this.#end('COMMIT');
  }

  async rollback(): Promise<void> {
    const stream = this.#stream;
    if (stream === undefined) return;
    if (this.#lost) {
      this.#leave();
      return;
    }
    await this.#end('ROLLBACK').catch(() => {
      // Giving the stream back rolls back as well.
      this.#lost = true;
      this.#leave();
    });
  }

  async savepoint(name: string): Promise<void> {
    await this.control(`SAVEPOINT ${name}`);
  }

  async releaseSavepoint(name: string): Promise<void> {
    await this.control(`RELEASE ${name}`);
  }

  async rollbackToSavepoint(name: string): Promise<void> {
    await this.control(`ROLLBACK TO ${name}`);
  }

  interrupt(): void {
    this.#interrupted = true;
    // What the server was doing in the transaction is gone with the connection to it.
    if (this.#stream !== undefined) this.#lost = true;
    for (const cursor of this.#cursors) cursor.interrupt();
    this.#parts.stop();
  }

  close(): void {
    this.#closed = true;
    for (const cursor of this.#cursors) cursor.close();
    this.#leave();
    this.#parts.close();
  }

  async #executeAlone(statement: AnalyzedStatement, args: readonly SqlValue[]): Promise<RemoteResult> {
    const repeatable = statement.kind === 'read' || this.#parts.retry.writes;
    return await this.#repeat(
      repeatable,
      async () => {
        const client = await this.#parts.client();
        return await client.execute({ sql: positionalText(statement), args: [...args] });
      },
      statement.text,
    );
  }

  async #executeIn(
    stream: RemoteStream,
    statement: AnalyzedStatement,
    args: readonly SqlValue[],
  ): Promise<RemoteResult> {
    const run = (on: RemoteStream): Promise<RemoteResult> =>
      this.#inStream(on, () => on.query(positionalText(statement), args), statement.text);
    if (stream.started || !stream.inTransaction) return await run(stream);
    // Nothing of the transaction was done yet, and what is begun twice is committed once.
    let current: RemoteStream | undefined = stream;
    return await withRetry(
      async () => {
        current ??= await this.#reopen(stream);
        try {
          return await run(current);
        } catch (error) {
          current = undefined;
          throw error;
        }
      },
      true,
      this.#parts.retry,
      () => this.#interrupted || this.#closed,
    );
  }

  /** A new stream in the place of one that broke before its transaction had begun. */
  async #reopen(broken: RemoteStream): Promise<RemoteStream> {
    const begin = broken.pending;
    broken.close();
    this.#lost = false;
    this.#stream = undefined;
    const stream = await this.#session();
    if (begin !== undefined) stream.begin(begin);
    return stream;
  }

  async #batchInStream(
    items: readonly ConnectionBatchItem[],
    behavior: TransactionBehavior,
  ): Promise<RawResult[]> {
    await this.begin(behavior);
    const results: RawResult[] = [];
    try {
      for (const [index, { statement, values, request }] of items.entries()) {
        try {
          results.push(await this.execute(statement, values, request));
        } catch (error) {
          (error as DatabaseError).statementIndex = index;
          throw error;
        }
      }
      await this.commit();
      return results;
    } catch (error) {
      await this.rollback().catch((later: unknown) => suppress(error, later));
      throw error;
    }
  }

  async #end(sql: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    const stream = this.#stream;
    if (stream === undefined) return;
    await this.#inStream(stream, () => stream.control(sql));
    this.#leave();
  }

  /** Gives the stream back to the server. */
  #leave(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    this.#readOnly = false;
    if (stream === undefined) return;
    if (this.#lost || stream.inTransaction) stream.close();
    else stream.closeGracefully();
  }

  async #session(): Promise<RemoteStream> {
    if (this.#stream !== undefined) return this.#stream;
    this.#interrupted = false;
    const client = await this.#parts.client();
    this.#stream = await openStream(client);
    return this.#stream;
  }

  /** Notes when a failure has ended the transaction, so that nothing more is run as if it were open. */
  async #inStream<T>(stream: RemoteStream, run: () => Promise<T>, sql?: string): Promise<T> {
    try {
      return await run();
    } catch (thrown) {
      const error = await this.#explain(thrown, sql);
      const alive =
        !endsTransaction(error) && !this.#interrupted && (await stream.isAlive().catch(() => false));
      if (!alive) this.#lost = true;
      throw error;
    }
  }

  async #repeat<T>(repeatable: boolean, run: () => Promise<T>, sql?: string): Promise<T> {
    this.#interrupted = false;
    return await withRetry(
      async () => {
        try {
          return await run();
        } catch (thrown) {
          throw await this.#explain(thrown, sql);
        }
      },
      repeatable,
      this.#parts.retry,
      () => this.#interrupted || this.#closed,
    );
  }

  async #explain(thrown: unknown, sql: string | undefined): Promise<DatabaseError> {
    if (this.#interrupted) {
      return new InterruptedError('the statement was interrupted', {
        code: 'SQLITE_INTERRUPT',
        kind: 'interrupted',
        sql,
      });
    }
    return await this.#parts.diagnose(toRemoteError(thrown, sql));
  }

  #refuseWrite(statement: AnalyzedStatement): void {
    if (this.#readOnly) refuse(statement);
  }
}

function refuse(statement: AnalyzedStatement): void {
  if (statement.kind === 'read') return;
  throw new ReadOnlyError('a write in a read transaction', {
    code: 'SQLITE_READONLY',
    rawCode: 8,
    kind: 'readonly',
    sql: statement.text,
  });
}
