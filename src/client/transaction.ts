import { runInOrder } from '../database/batch.js';
import type { ClientResultSet, ClientTransaction, InArgs, InStatement } from '../database/client-api.js';
import { scripts } from '../database/lazy.js';
import type { Transaction as CoreTransaction } from '../database/transaction.js';
import { LibsqlError, withLibsqlErrors } from './errors.js';
import { type BatchInput, toClientResult, toItem, toItems, withArgs } from './statements.js';

// A key and not a private member: that can't be read through a Proxy.
const internals: unique symbol = Symbol('turso-dialect:transaction');

interface Internals {
  readonly transaction: CoreTransaction;
  ended: boolean;
}

/**
 * An open transaction with the interface of `@libsql/client`. Its methods fail with a {@link LibsqlError}, after its end
 * with the code `TRANSACTION_CLOSED`.
 *
 * @example
 * ```ts
 * import { createClient } from 'turso-dialect/client';
 *
 * const client = createClient({ url: ':memory:' });
 * const tx = await client.transaction('write');
 * try {
 *   await tx.execute('create table t (a)');
 *   await tx.commit();
 * } finally {
 *   tx.close();
 * }
 * client.close();
 * ```
 */
export class TursoClientTransaction implements ClientTransaction {
  /** @internal */
  readonly [internals]: Internals;

  /** @internal */
  constructor(transaction: CoreTransaction) {
    this[internals] = { transaction, ended: false };
  }

  /** Whether the transaction has ended. */
  get closed(): boolean {
    const { transaction, ended } = this[internals];
    return ended || transaction.lost;
  }

  /** Runs one statement. */
  async execute(statement: InStatement, args?: InArgs): Promise<ClientResultSet> {
    // The type has no second parameter, but the implementations of `@libsql/client` take it.
    return await withLibsqlErrors(async () => {
      const transaction = usable(this);
      const { statement: one, values, request } = toItem(transaction, withArgs(statement, args));
      return toClientResult(await transaction.runStatement(one, values, request), transaction);
    });
  }

  /** Runs statements in order. Those before one that fails are kept. */
  async batch(statements: readonly BatchInput[]): Promise<ClientResultSet[]> {
    return await withLibsqlErrors(async () => {
      const transaction = usable(this);
      const items = toItems(transaction, statements);
      const results = await runInOrder(transaction, items, undefined);
      return results.map((result) => toClientResult(result, transaction));
    });
  }

  /** Runs a script of statements without values. */
  async executeMultiple(sql: string): Promise<void> {
    const { runScriptIn } = scripts.loaded ?? (await scripts.load());
    await withLibsqlErrors(() => runScriptIn(usable(this), sql));
  }

  /** Keeps everything, and ends the transaction. */
  async commit(): Promise<void> {
    await withLibsqlErrors(async () => {
      const transaction = usable(this);
      this[internals].ended = true;
      await transaction.commit();
    });
  }

  /** Undoes everything, and ends the transaction. Does nothing when it has ended. */
  async rollback(): Promise<void> {
    const state = this[internals];
    if (state.ended) return;
    state.ended = true;
    await withLibsqlErrors(() => state.transaction.rollback());
  }

  /** Rolls back, unless the transaction has ended. */
  close(): void {
    // A rollback that fails has lost its connection, and the database undoes the transaction with it.
    this.rollback().catch(() => {});
  }
}

function usable(transaction: TursoClientTransaction): CoreTransaction {
  if (transaction.closed) throw new LibsqlError('The transaction is closed', 'TRANSACTION_CLOSED');
  return transaction[internals].transaction;
}
