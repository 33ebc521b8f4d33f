import { BatchCond, type BatchStep, type RowsResult, Stmt, type Stream } from '@libsql/hrana-client';
import { TransactionLostError } from '../../errors.js';
import type { SqlValue } from '../../values.js';
import type { ColumnOrigin } from '../engine.js';
import type { RemoteResult } from './result.js';

/** Version of the protocol with which the server itself checks that a transaction is open, and sends results in parts. */
const CHECKS_TRANSACTION = 3;

const NONE: readonly string[] = [];

/** A text with values by position. */
export interface Step {
  readonly sql: string;
  readonly args: readonly SqlValue[];
}

/** How steps are sent. */
interface Framing {
  /** Sent before them; if it fails, none of them is run. */
  readonly begin?: string | undefined;
  /** Commit after them, or roll back if one has failed. */
  readonly commit?: boolean;
  /** Have the rows sent in parts, which takes more messages and has no limit. */
  readonly parts?: boolean;
}

/** What a stream is made of. */
export interface StreamParts {
  readonly stream: Stream;
  /** Replaces texts that the server has seen by their numbers; holds for what is sent before anything is awaited. */
  readonly texts: { apply(statements: Stmt[]): void };
  /** Version of the protocol. */
  readonly version: number;
  /** Gives the stream back. */
  readonly release: () => void;
}

/** One connection of the server, on which a transaction is run. */
export class RemoteStream {
  readonly #stream: Stream;
  readonly #texts: StreamParts['texts'];
  readonly #version: number;
  readonly #release: () => void;
  /** How the transaction is begun, together with its first statement. */
  #begin: string | undefined;
  #open = false;

  constructor({ stream, texts, version, release }: StreamParts) {
    this.#stream = stream;
    this.#texts = texts;
    this.#version = version;
    this.#release = release;
  }

  /** Whether a transaction was begun and not ended by us. */
  get inTransaction(): boolean {
    return this.#begin !== undefined || this.#open;
  }

  /** How the transaction is to be begun, as long as it is not. */
  get pending(): string | undefined {
    return this.#begin;
  }

  /** Whether anything was sent in the transaction. */
  get started(): boolean {
    return this.#open;
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
  async query(step: Step, parts = false): Promise<RemoteResult> {
    const begin = this.#begin;
    const checks = this.#open && this.#version >= CHECKS_TRANSACTION;
    if (begin === undefined && !checks && !parts) return await this.#plain(step);
    const [result] = await this.#send([step], { begin, parts });
    return result as RemoteResult;
  }

  /** Runs a statement that is the last; it and the end of the stream are one message. */
  async queryAndClose(step: Step): Promise<RemoteResult> {
    const result = this.#plain(step);
    this.#stream.closeGracefully();
    try {
      return await result;
    } finally {
      this.close();
    }
  }

  /** Runs statements as one transaction, and ends the stream; all of it is one message. */
  async batchAndClose(begin: string, steps: readonly Step[]): Promise<RemoteResult[]> {
    const results = this.#send(steps, { begin, commit: true });
    this.#stream.closeGracefully();
    try {
      return await results;
    } finally {
      this.close();
    }
  }

  /** Runs a statement of ours about a savepoint. It begins the transaction, as any statement does. */
  async divide(sql: string): Promise<void> {
    if (this.#begin === undefined) await this.#stream.run(sql);
    else await this.query({ sql, args: [] });
  }

  /** Runs a statement of others that may begin or end a transaction. */
  async control(sql: string): Promise<void> {
    await this.divide(sql);
    this.#open = await this.#isOpen();
  }

  /** Ends the transaction, if it has begun, and goes on. */
  async end(sql: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    if (this.#open) await this.#stream.run(sql);
    this.#begin = undefined;
    this.#open = false;
  }

  /** Ends the transaction, if it has begun, and the stream; both are one message. */
  async endAndClose(sql: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    const ending = this.#open ? this.#stream.run(sql) : undefined;
    this.#stream.closeGracefully();
    try {
      await ending;
    } finally {
      this.close();
    }
  }

  /** The columns of a statement; where they come from a server does not tell. */
  async describe(sql: string): Promise<ColumnOrigin[]> {
    const { columns } = await this.#stream.describe(sql);
    return columns.map(({ name, decltype }) => ({
      name,
      type: decltype,
      ...{ table: undefined, column: undefined, database: undefined },
    }));
  }

  /** Whether the transaction that was begun is still open: some failures end it (`OR ROLLBACK`, a full disk). */
  async isAlive(): Promise<boolean> {
    return !this.#open || (await this.#isOpen());
  }

  /** Gives the connection back; an open transaction is rolled back by the server. */
  close(): void {
    this.#begin = undefined;
    this.#open = false;
    this.#release();
  }

  /** Below version 3 the protocol has no question for it, but a BEGIN is refused in a transaction. */
  async #isOpen(): Promise<boolean> {
    if (this.#version >= CHECKS_TRANSACTION) return !(await this.#stream.getAutocommit());
    const began = await this.#stream.run('BEGIN').then(
      () => true,
      () => false,
    );
    if (began) await this.#stream.run('ROLLBACK');
    return !began;
  }

  async #plain(step: Step): Promise<RemoteResult> {
    return toResult(await this.#stream.query(toStatement(step)));
  }

  /** Sends steps in one message; each is run only if the one before has succeeded. */
  async #send(steps: readonly Step[], { begin, commit, parts }: Framing): Promise<RemoteResult[]> {
    const checks = this.#version >= CHECKS_TRANSACTION;
    const batch = this.#stream.batch(parts === true && checks);
    let last: BatchStep | undefined;
    const add = (): BatchStep => {
      const step = batch.step();
      // All conditions of a step must hold.
      if (last !== undefined) step.condition(BatchCond.ok(last));
      if (checks && (last !== undefined || begin === undefined)) {
        step.condition(BatchCond.not(BatchCond.isAutocommit(batch)));
      }
      last = step;
      return step;
    };
    const began = begin === undefined ? undefined : quiet(add().run(begin));
    const statements = steps.map(toStatement);
    this.#texts.apply(statements);
    const rows = Promise.allSettled(statements.map((statement) => add().query(statement)));
    let committed: Promise<unknown> | undefined;
    if (commit) {
      const end = add();
      committed = quiet(end.run('COMMIT'));
      const undo = batch.step().condition(BatchCond.not(BatchCond.ok(end)));
      void quiet(undo.run('ROLLBACK'));
    }
    await batch.execute();
    if (began !== undefined) {
      await began;
      this.#begin = undefined;
      this.#open = commit !== true;
    }
    const results = (await rows).map((outcome, index) => resultOf(outcome, commit ? index : undefined));
    await committed;
    return results;
  }
}

function toStatement({ sql, args }: Step): Stmt {
  const statement = new Stmt(sql);
  statement.bindIndexes(args as SqlValue[]);
  return statement;
}

/** @param index - noted on its failure */
function resultOf(
  outcome: PromiseSettledResult<RowsResult | undefined>,
  index: number | undefined,
): RemoteResult {
  if (outcome.status === 'fulfilled' && outcome.value !== undefined) return toResult(outcome.value);
  const error: unknown = outcome.status === 'rejected' ? outcome.reason : ended();
  if (index !== undefined && error instanceof Error) Object.assign(error, { statementIndex: index });
  throw error;
}

/** Its failure is looked at later, or follows from another one. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

function ended(): TransactionLostError {
  return new TransactionLostError('the server has ended the transaction', {
    code: 'TRANSACTION_LOST',
    kind: 'transaction',
  });
}

function toResult(rows: RowsResult): RemoteResult {
  return {
    columns: named(rows.columnNames),
    columnTypes: named(rows.columnDecltypes),
    rows: rows.rows,
    rowsAffected: rows.affectedRowCount,
    lastInsertRowid: rows.lastInsertRowid,
  };
}

/** Most statements of a batch have no columns. */
function named(names: readonly (string | undefined)[]): readonly string[] {
  return names.length === 0 ? NONE : names.map((name) => name ?? '');
}
