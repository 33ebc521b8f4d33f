import type { TransactionBehavior } from '../../config.js';
import { closedError, type DatabaseError } from '../../errors.js';
import type { AnalyzedStatement } from '../../sql/statement.js';
import type { SqlValue } from '../../values.js';
import { refuseWrite } from '../refuse-write.js';
import { wholeResult } from '../whole-result.js';
import type {
  ColumnOrigin,
  CommitListener,
  Connection,
  ConnectionBatchItem,
  Cursor,
  ExecuteRequest,
  RawResult,
} from '../engine.js';
import { sendBatch } from './batch.js';
import { BEGIN } from './begin.js';
import { RemoteCursor } from './cursor.js';
import { endsTransaction, final, isOfOtherParser, statementInterrupted, toRemoteError } from './failure.js';
import type { Step, StepResult } from './hrana/protocol.js';
import type { RemoteParts } from './parts.js';
import { positionalText } from './positional.js';
import { reworded } from './reworded.js';
import { toRawResult } from './result.js';
import { withRetry } from './retry.js';
import { footprintOf, refuseSetting, toStep } from './step.js';
import type { RemoteStream } from './stream.js';

/** How long a rollback may take before the stream is dropped, which rolls back as well, in ms. */
const ROLLED_BACK_WITHIN = 1_000;

/**
 * A connection to a server. Statements outside a transaction are requests of their own, of which any number may be under
 * way; a transaction, or whatever needs settings of its own, has a stream.
 */
export class RemoteConnection implements Connection {
  listener: CommitListener | undefined;
  readonly #parts: RemoteParts;
  readonly #cursors = new Set<RemoteCursor>();
  #stream: RemoteStream | undefined;
  /** True inside a `read` transaction. sqld 0.24 does not enforce it, so the connection does. */
  #readOnly = false;
  /** Whether every statement is run on the stream, also outside a transaction. */
  #pinned = false;
  #lost = false;
  /** How often it was interrupted: each stops what was under way, and nothing that came later. */
  #interrupts = 0;
  #closed = false;
  /** Whether the open transaction has written. */
  #wrote = false;

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
    if (this.#readOnly) refuseWrite(statement);
    const stream = this.#pinned ? await this.#session() : this.#stream;
    const step = toStep(statement, args, request);
    const result =
      stream === undefined
        ? await this.#executeAlone(statement, step)
        : await this.#executeIn(stream, statement, step);
    if (statement.kind !== 'read') {
      if (this.inTransaction) this.#wrote = true;
      else this.listener?.committed([]);
    }
    return toRawResult(result, statement, request);
  }

  async describe(statement: AnalyzedStatement): Promise<ColumnOrigin[]> {
    const open = this.#stream;
    const stream = open ?? (await this.#repeat(true, () => this.#openStream()));
    try {
      return await this.#inStream(stream, () => stream.describe(positionalText(statement)), statement.text);
    } finally {
      if (open === undefined) stream.close();
    }
  }

  async batch(items: readonly ConnectionBatchItem[], behavior: TransactionBehavior): Promise<RawResult[]> {
    if (behavior === 'read') items.forEach(({ statement }, i) => refuseWrite(statement, i));
    const begin = BEGIN[behavior] as string;
    const reads = items.every(({ statement }) => statement.kind === 'read');
    const results = await this.#repeat(reads || this.#parts.retry.writes, () =>
      sendBatch(() => this.#openStream(), items, begin),
    );
    if (!reads) this.listener?.committed([]);
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
    const request = { fetch: 'all', columns: true, exactIntegers } as const;
    const step = toStep(statement, args, request);
    const stream = this.#stream;
    if (stream !== undefined) {
      // In a transaction only its stream sees its changes.
      const result = await this.#executeIn(stream, statement, step, { parts: true });
      return wholeResult(toRawResult(result, statement, request));
    }
    if (!this.#parts.cursors) {
      return wholeResult(toRawResult(await this.#executeAlone(statement, step), statement, request));
    }
    return await this.#repeat(true, () => this.#openCursor(statement, step), statement.text);
  }

  async control(sql: string): Promise<void> {
    const stream = await this.#session();
    await this.#inStream(stream, () => stream.control(sql));
    if (this.inTransaction || !this.#wrote) return;
    this.#wrote = false;
    if (/^rollback/i.test(sql)) this.listener?.rolledBack();
    else this.listener?.committed([]);
  }

  async begin(behavior: TransactionBehavior): Promise<void> {
    const stream = await this.#session();
    this.#readOnly = behavior === 'read';
    stream.begin(BEGIN[behavior] as string);
  }

  async commit(): Promise<void> {
    // The server has rolled back what was open then.
    this.#assertOpen();
    const wrote = this.#wrote;
    await this.#end('COMMIT');
    this.#wrote = false;
    if (wrote) this.listener?.committed([]);
  }

  async rollback(): Promise<void> {
    if (this.#lost) {
      this.#leave();
    } else {
      const timer = setTimeout(() => this.interrupt(), ROLLED_BACK_WITHIN);
      // Giving the stream back rolls back as well.
      await this.#end('ROLLBACK').catch(() => {});
      clearTimeout(timer);
    }
    if (this.#wrote) this.listener?.rolledBack();
    this.#wrote = false;
  }

  pin(): void {
    this.#pinned = true;
  }

  async reset(): Promise<void> {
    this.#pinned = false;
    await this.rollback();
  }

  async savepoint(name: string): Promise<void> {
    await this.#divide(`SAVEPOINT ${name}`);
  }

  async releaseSavepoint(name: string): Promise<void> {
    await this.#divide(`RELEASE ${name}`);
  }

  async rollbackToSavepoint(name: string): Promise<void> {
    await this.#divide(`ROLLBACK TO ${name}`);
  }

  get interruptible(): boolean {
    return this.#parts.stop !== undefined;
  }

  interrupt(): void {
    // What was under way in a transaction ends it, see #inStream and #end; where nothing was it stays open.
    this.#interrupts++;
    for (const cursor of this.#cursors) cursor.interrupt();
    this.#parts.stop?.();
  }

  close(): void {
    this.#closed = true;
    for (const cursor of this.#cursors) cursor.close();
    this.#leave();
    this.#parts.stop?.();
    this.#parts.close();
  }

  async #openCursor(statement: AnalyzedStatement, step: Step): Promise<RemoteCursor> {
    const stream = await this.#openStream();
    const cursor = new RemoteCursor(statement.text, () => {
      this.#cursors.delete(cursor);
      stream.close();
    });
    this.#cursors.add(cursor);
    await cursor.open(stream.openCursor(step));
    return cursor;
  }

  async #executeAlone(statement: AnalyzedStatement, step: Step): Promise<StepResult> {
    refuseSetting(statement);
    const repeatable = statement.kind === 'read' || this.#parts.retry.writes;
    return await this.#repeat(
      repeatable,
      () => this.#parts.execute(step, footprintOf(statement)),
      statement.text,
    );
  }

  async #executeIn(
    stream: RemoteStream,
    statement: AnalyzedStatement,
    step: Step,
    { parts = false } = {},
  ): Promise<StepResult> {
    const run = (on: RemoteStream): Promise<StepResult> => {
      if (!footprintOf(statement).clean) on.spoil();
      return this.#inStream(on, () => on.query(step, parts), statement.text);
    };
    // A pinned stream has settings that another would lack.
    if (stream.started || !stream.inTransaction || this.#pinned) return await run(stream);
    // Nothing of the transaction was done yet, and what is begun twice is committed once.
    const begin = stream.pending as string;
    const stopped = this.#stopped();
    let broken = false;
    return await withRetry(
      async () => {
        if (broken) await this.#reopen(begin);
        broken = true;
        return await run(this.#stream as RemoteStream);
      },
      true,
      this.#parts.retry,
      stopped,
    );
  }

  /** A new stream in the place of one that broke before its transaction had begun. */
  async #reopen(begin: string): Promise<void> {
    const stopped = this.#stopped();
    this.#stream?.close();
    try {
      this.#stream = await this.#openStream();
    } catch (thrown) {
      throw await this.#explain(thrown, begin, stopped);
    }
    this.#lost = false;
    this.#stream.begin(begin);
  }

  async #divide(sql: string): Promise<void> {
    const stream = await this.#session();
    await this.#inStream(stream, () => stream.divide(sql));
  }

  async #end(sql: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    const stream = this.#stream;
    if (stream === undefined) return;
    const stopped = this.#stopped();
    try {
      if (this.#pinned) await stream.end(sql);
      else await stream.endAndClose(sql);
      this.#readOnly = false;
    } catch (thrown) {
      this.#lost = true;
      // The stream is given back, so the end can't be repeated.
      throw final(await this.#explain(thrown, sql, stopped));
    } finally {
      if (this.#lost || !this.#pinned) this.#leave();
    }
  }

  /** Gives the stream back to the server. */
  #leave(): void {
    this.#stream?.close();
    this.#stream = undefined;
    this.#readOnly = false;
  }

  async #session(): Promise<RemoteStream> {
    return (this.#stream ??= await this.#repeat(true, () => this.#openStream()));
  }

  /** Opens a stream; one that comes after {@link close} is of no use any more. */
  async #openStream(): Promise<RemoteStream> {
    this.#assertOpen();
    const stream = await this.#parts.openStream();
    if (!this.#closed) return stream;
    stream.close();
    throw closedError();
  }

  #assertOpen(): void {
    if (this.#closed) throw closedError();
  }

  /** Notes when a failure has ended the transaction, so that nothing more is run as if it were open. */
  async #inStream<T>(stream: RemoteStream, run: () => Promise<T>, sql?: string): Promise<T> {
    const stopped = this.#stopped();
    this.#assertOpen();
    try {
      return await run();
    } catch (thrown) {
      stream.spoil();
      const explained = await this.#explain(thrown, sql, stopped);
      const error = stream.started ? final(explained) : explained;
      const alive = !endsTransaction(error) && !stopped() && (await stream.isAlive().catch(() => false));
      if (!alive) this.#lost = true;
      throw error;
    }
  }

  async #repeat<T>(repeatable: boolean, run: () => Promise<T>, sql?: string): Promise<T> {
    const stopped = this.#stopped();
    return await withRetry(
      async () => {
        this.#assertOpen();
        try {
          return await run();
        } catch (thrown) {
          throw await this.#explain(thrown, sql, stopped);
        }
      },
      repeatable,
      this.#parts.retry,
      stopped,
    );
  }

  /** Tells whether what begins now was interrupted since. */
  #stopped(): () => boolean {
    const before = this.#interrupts;
    return () => this.#closed || this.#interrupts !== before;
  }

  async #explain(thrown: unknown, sql: string | undefined, stopped: () => boolean): Promise<DatabaseError> {
    const error = stopped() ? undefined : await this.#reason(toRemoteError(thrown, sql));
    // It may have been stopped while the reason was asked for.
    if (this.#closed) return closedError();
    if (error !== undefined && !stopped()) return error;
    return statementInterrupted(sql);
  }

  /** Finds out what the failure itself does not tell. */
  async #reason(error: DatabaseError): Promise<DatabaseError> {
    return isOfOtherParser(error)
      ? await reworded(error, () => this.#openStream())
      : await this.#parts.diagnose(error);
  }
}
