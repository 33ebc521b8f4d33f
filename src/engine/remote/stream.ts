import { TransactionLostError } from '../../errors.js';
import type { ColumnOrigin } from '../engine.js';
import {
  type BatchStep,
  type Condition,
  CURRENT_VERSION,
  type EntrySource,
  type HranaStream,
  type Step,
  type StepOutcome,
  type StepResult,
} from './hrana/protocol.js';
import { hasRowids, withOwnRowid } from './own-rowid.js';

/** How many entries of a cursor are asked for at once. */
const ENTRIES = 1_000;

/** How steps are sent. */
interface Framing {
  /** Sent before them; if it fails, none of them is run. */
  readonly begin?: string | undefined;
  /** Commit after them, or roll back if one has failed. */
  readonly commit?: boolean;
  /** Commit also if the last one has failed. */
  readonly keeps?: boolean;
  /** Have the rows sent in parts, which takes more messages and has no limit. */
  readonly parts?: boolean;
}

/** One connection of the server, on which a transaction is run. */
export class RemoteStream {
  readonly #stream: HranaStream;
  /** The BEGIN that goes with the first statement. */
  #begin: string | undefined;
  #open = false;
  /** Whether nothing of what ran can be seen by what runs on its connection next. */
  #clean = true;
  #left = false;

  constructor(stream: HranaStream) {
    this.#stream = stream;
  }

  /** Whether a transaction was begun and not ended by us. */
  get inTransaction(): boolean {
    return this.#begin !== undefined || this.#open;
  }

  /** The BEGIN that was not sent yet. */
  get pending(): string | undefined {
    return this.#begin;
  }

  /** Whether anything was sent in the transaction. */
  get started(): boolean {
    return this.#open;
  }

  /** Notes that something is left on its connection, so that nobody else may use it. */
  spoil(): void {
    this.#clean = false;
  }

  /** Begins a transaction with the next statement, at no cost of its own. */
  begin(sql: string): void {
    this.#begin = sql;
  }

  /**
   * Runs a statement. In a transaction it runs only if that is still open.
   *
   * @param parts - whether the rows may be more than the server sends at once, where it can send them in parts
   */
  async query(step: Step, parts = false): Promise<StepResult> {
    const begin = this.#begin;
    const inParts = parts && this.#isCurrent;
    if (begin === undefined && !(this.#open && this.#isCurrent) && !inParts) {
      return await withOwnRowid(this.#stream, step, await this.#stream.execute(step));
    }
    const [result] = await this.#send([step], { begin, parts: inParts });
    return await withOwnRowid(this.#stream, step, result as StepResult);
  }

  /**
   * Runs statements as one transaction, and ends the stream; all of it is one message.
   *
   * @param keeps - whether the transaction is committed also when the last statement fails
   */
  async batchAndClose(begin: string, steps: readonly Step[], keeps = false): Promise<StepResult[]> {
    return await this.#lastly(() => this.#send(steps, { begin, commit: true, keeps }));
  }

  /** Runs a statement about a savepoint. It begins the transaction, as any statement does, and never one of its own. */
  async divide(sql: string): Promise<void> {
    await this.query(control(sql));
  }

  /** Runs a statement of others that may begin or end a transaction. */
  async control(sql: string): Promise<void> {
    this.#clean = false;
    if (this.#begin === undefined) await this.#stream.execute(control(sql));
    else await this.query(control(sql));
    this.#open = await this.#isOpen();
  }

  /** Ends the transaction, if it has begun, and goes on. */
  async end(sql: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    if (this.#open) await this.#stream.execute(control(sql));
    this.#begin = undefined;
    this.#open = false;
  }

  /** Ends the transaction, if it has begun, and the stream; both are one message. */
  async endAndClose(sql: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    await this.#lastly(async () => {
      if (this.#open) await this.#stream.execute(control(sql), !this.#reusable);
    });
  }

  /** Opens a cursor on a statement. Nothing else may run until it is read or closed. */
  async openCursor(step: Step): Promise<EntrySource> {
    return await this.#stream.openCursor([{ step, conditions: [] }]);
  }

  /** The columns of a statement; where they come from a server does not tell. */
  async describe(sql: string): Promise<ColumnOrigin[]> {
    return (await this.#stream.describe(sql)).map(({ name, type }) => ({
      name,
      type: type === '' ? undefined : type,
      ...{ table: undefined, column: undefined, database: undefined },
    }));
  }

  /** Whether a table has rowids, see {@link hasRowids}. */
  async hasRowids(table: string): Promise<boolean> {
    return await hasRowids(this.#stream, table);
  }

  /** Whether the transaction that was begun is still open: some failures end it (`OR ROLLBACK`, a full disk). */
  async isAlive(): Promise<boolean> {
    if (!this.#stream.open) return false;
    return !this.#open || (await this.#isOpen());
  }

  /** Gives the connection back; an open transaction is rolled back by the server. */
  close(): void {
    this.#leave(false);
  }

  /** Whether another may use its connection after the last call. */
  get #reusable(): boolean {
    return this.#clean && this.#stream.reusable;
  }

  /** Runs the last call. After a failure nobody knows what it has left. */
  async #lastly<T>(run: () => Promise<T>): Promise<T> {
    let done = false;
    try {
      const result = await run();
      done = true;
      return result;
    } finally {
      this.#leave(done && this.#reusable);
    }
  }

  #leave(clean: boolean): void {
    this.#begin = undefined;
    this.#open = false;
    // It may be another's by now.
    if (this.#left) return;
    this.#left = true;
    this.#stream.close(clean);
  }

  get #isCurrent(): boolean {
    return this.#stream.version >= CURRENT_VERSION;
  }

  /** Below version 3 the protocol has no question for it, but a BEGIN is refused in a transaction. */
  async #isOpen(): Promise<boolean> {
    if (this.#isCurrent) return !(await this.#stream.isAutocommit());
    const began = await this.#stream.execute(control('BEGIN')).then(
      () => true,
      () => false,
    );
    if (began) await this.#stream.execute(control('ROLLBACK'));
    return !began;
  }

  /** Sends steps in one message; each is run only if the one before has succeeded. */
  async #send(steps: readonly Step[], { begin, commit, keeps, parts }: Framing): Promise<StepResult[]> {
    const batch: BatchStep[] = [];
    const add = (step: Step, after = batch.length - 1): void => {
      const conditions: Condition[] = after < 0 ? [] : [{ type: 'ok', step: after }];
      // The server may have ended the transaction, and would commit the statement on its own.
      if (batch.length > 0 || begin === undefined) conditions.push({ type: 'in_transaction' });
      batch.push({ step, conditions });
    };
    if (begin !== undefined) batch.push({ step: control(begin), conditions: [] });
    const first = batch.length;
    for (const step of steps) add(step);
    const end = batch.length;
    if (commit) {
      add(control('COMMIT'), keeps ? end - 2 : end - 1);
      const undo: Condition[] = [{ type: 'not ok', step: end }, { type: 'in_transaction' }];
      batch.push({ step: control('ROLLBACK'), conditions: undo });
    }
    const outcomes = parts
      ? await readAll(await this.#stream.openCursor(batch), batch.length)
      : await this.#stream.batch(batch, commit && !this.#reusable);
    if (begin !== undefined) {
      resultOf(outcomes[0]);
      this.#begin = undefined;
      this.#open = commit !== true;
    }
    const results = steps.map((_, i) => resultOf(outcomes[first + i], commit ? i : undefined));
    if (commit) resultOf(outcomes[end]);
    return results;
  }
}

/** A statement of ours, whose rows nobody wants. */
export function control(sql: string): Step {
  return { sql, args: [], rows: false, exact: false };
}

/** Reads the answer to a cursor to its end. */
async function readAll(source: EntrySource, length: number): Promise<StepOutcome[]> {
  const outcomes: StepOutcome[] = Array.from({ length }, () => undefined);
  let begun: { step: number; result: Pick<StepResult, 'columns' | 'rows'> } | undefined;
  for (;;) {
    const entries = await source.next(ENTRIES);
    if (entries === undefined) break;
    for (const entry of entries) {
      if (entry.type === 'begin') begun = { step: entry.step, result: { columns: entry.columns, rows: [] } };
      else if (entry.type === 'row') begun?.result.rows.push(entry.row);
      else if (entry.type === 'error' && entry.step === undefined) throw entry.error;
      else if (entry.type === 'error') outcomes[entry.step as number] = entry.error;
      else if (begun !== undefined) {
        const { rowsAffected } = entry;
        outcomes[begun.step] = { ...begun.result, rowsAffected, lastInsertRowid: undefined };
      }
    }
  }
  source.close();
  return outcomes;
}

/** @param index - noted on its failure */
function resultOf(outcome: StepOutcome, index?: number): StepResult {
  if (outcome === undefined) {
    throw new TransactionLostError('the server has ended the transaction', {
      code: 'TRANSACTION_LOST',
      kind: 'transaction',
    });
  }
  if (!(outcome instanceof Error)) return outcome;
  if (index !== undefined) Object.assign(outcome, { statementIndex: index });
  throw outcome;
}
