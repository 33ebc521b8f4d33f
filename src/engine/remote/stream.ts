import { BatchCond, type BatchStep, type RowsResult, type Stream } from '@libsql/hrana-client';
import type { SqlValue } from '../../values.js';
import { TransactionLostError } from '../../errors.js';
import type { RemoteResult } from './result.js';

/** Version of the protocol with which the server itself checks that a transaction is still open. */
const CHECKS_TRANSACTION = 3;

/** One connection of the server, on which a transaction is run. */
export class RemoteStream {
  readonly #stream: Stream;
  readonly #version: number;
  /** How the transaction is begun, together with its first statement. */
  #begin: string | undefined;
  #open = false;

  constructor(stream: Stream, version: number) {
    this.#stream = stream;
    this.#version = version;
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

  /** Runs a statement. In a transaction it runs only if that is still open. */
  async query(sql: string, args: readonly SqlValue[]): Promise<RemoteResult> {
    const begin = this.#begin;
    if (begin === undefined && !(this.#open && this.#version >= CHECKS_TRANSACTION)) {
      return toResult(await this.#stream.query([sql, [...args]]));
    }
    const batch = this.#stream.batch(this.#version >= CHECKS_TRANSACTION);
    let began: { readonly step: BatchStep; readonly done: Promise<unknown> } | undefined;
    if (begin !== undefined) {
      const step = batch.step();
      began = { step, done: step.run(begin) };
      began.done.catch(() => {});
    }
    const step = batch.step();
    if (began !== undefined) step.condition(BatchCond.ok(began.step));
    else step.condition(BatchCond.not(BatchCond.isAutocommit(batch)));
    const rows = step.query([sql, [...args]]);
    rows.catch(() => {});
    await batch.execute();
    if (began !== undefined) {
      await began.done;
      this.#begin = undefined;
      this.#open = true;
    }
    const result = await rows;
    if (result === undefined) throw ended();
    return toResult(result);
  }

  /** Runs a statement of ours that ends or divides the transaction. */
  async control(sql: string): Promise<void> {
    if (this.#begin !== undefined) {
      // Nothing was sent yet, so there is nothing to end; a savepoint begins it.
      if (/^(COMMIT|ROLLBACK$)/.test(sql)) {
        this.#begin = undefined;
        return;
      }
      await this.query(sql, []);
      return;
    }
    await this.#stream.run(sql);
    if (/^(COMMIT|ROLLBACK$)/.test(sql)) this.#open = false;
  }

  /**
   * Whether the transaction that was begun is still open. Some failures end it (`OR ROLLBACK`, a full disk), and the
   * protocol has no question for it below version 3; a BEGIN is refused in a transaction.
   */
  async isAlive(): Promise<boolean> {
    if (!this.#open) return true;
    if (this.#version >= CHECKS_TRANSACTION) return !(await this.#stream.getAutocommit());
    const began = await this.#stream.run('BEGIN').then(
      () => true,
      () => false,
    );
    if (began) await this.#stream.run('ROLLBACK').catch(() => {});
    return !began;
  }

  /** Gives the connection back; an open transaction is rolled back by the server. */
  close(): void {
    this.#begin = undefined;
    this.#open = false;
    this.#stream.close();
  }

  /** As {@link close}, after what was asked before. */
  closeGracefully(): void {
    this.#stream.closeGracefully();
  }
}

function ended(): TransactionLostError {
  return new TransactionLostError('the server has ended the transaction', {
    code: 'TRANSACTION_LOST',
    kind: 'transaction',
  });
}

function toResult(rows: RowsResult): RemoteResult {
  return {
    columns: rows.columnNames.map((name) => name ?? ''),
    columnTypes: rows.columnDecltypes.map((type) => type ?? ''),
    rows: rows.rows,
    rowsAffected: rows.affectedRowCount,
    lastInsertRowid: rows.lastInsertRowid,
  };
}
