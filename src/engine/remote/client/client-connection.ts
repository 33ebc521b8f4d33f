import type { TransactionBehavior } from '../../../config.js';
import {
  CapabilityError,
  closedError,
  ConstraintError,
  DatabaseError,
  NetworkError,
  OPEN_BY_URL,
  protocolError,
  TransactionLostError,
} from '../../../errors.js';
import type { AnalyzedStatement } from '../../../sql/statement.js';
import type { SqlValue } from '../../../values.js';
import type {
  CommitListener,
  Connection,
  ConnectionBatchItem,
  Cursor,
  ExecuteRequest,
  RawResult,
} from '../../engine.js';
import { refuseWrite } from '../../refuse-write.js';
import { wholeResult } from '../../whole-result.js';
import { endsTransaction, final, toRemoteError } from '../failure.js';
import type { ResultColumn, Step, StepResult } from '../hrana/protocol.js';
import { toRawResult } from '../result.js';
import { toStep } from '../step.js';
import type { Client, ClientTransaction } from './client.js';
import { checkResult } from './client-result.js';
import { decodeClientValue } from './client-value.js';

/** What is known of a client by asking it once. */
export interface ClientTraits {
  /** Whether its statements meet the locks of a file, where a wait may help, and not those of a server. */
  readonly isFile: boolean;
}

const MODES: Readonly<Partial<Record<TransactionBehavior, 'write' | 'deferred'>>> = {
  deferred: 'deferred',
  immediate: 'write',
  read: 'deferred',
};

/** `PRAGMA foreign_keys` and the like: a setting of one connection, of which a client may have any number. */
const SETTING = /^(?:foreign_keys|defer_foreign_keys|recursive_triggers|case_sensitive_like)$/;

/** A connection by the public methods of a client, and nothing else. What they can't do is a `CapabilityError`. */
export class ClientConnection implements Connection {
  readonly interruptible = false;
  listener: CommitListener | undefined;
  readonly #client: Client;
  readonly #traits: ClientTraits;
  readonly #limit: <T>(run: () => Promise<T>) => Promise<T>;
  #transaction: ClientTransaction | undefined;
  #readOnly = false;
  #wrote = false;
  #lost = false;
  #closed = false;

  /** @param limit - runs a statement when a place is free */
  constructor(client: Client, traits: ClientTraits, limit: <T>(run: () => Promise<T>) => Promise<T>) {
    this.#client = client;
    this.#traits = traits;
    this.#limit = limit;
  }

  get inTransaction(): boolean {
    return this.#transaction !== undefined && !this.#lost;
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
    if (this.#transaction === undefined) refuseSetting(statement);
    const step = toStep(statement, args, request, { byName: false });
    const result = await this.#run(step, statement.text);
    if (statement.kind !== 'read') {
      if (this.inTransaction) this.#wrote = true;
      else this.listener?.committed([]);
    }
    return toRawResult(result, statement, request);
  }

  describe(): never {
    throw missing('describe', 'tell the columns of a statement that it does not run');
  }

  /** A transaction, statement by statement: the clients' own batches leave out what an insert gave (`serverless` 1.4). */
  async batch(items: readonly ConnectionBatchItem[], behavior: TransactionBehavior): Promise<RawResult[]> {
    await this.begin(behavior);
    const results: RawResult[] = [];
    try {
      for (const { statement, values, request } of items) {
        results.push(await this.execute(statement, values, request));
      }
    } catch (error) {
      if (error instanceof DatabaseError) error.statementIndex = results.length;
      const keeps = items[results.length]?.alone === true && error instanceof ConstraintError;
      await (keeps && this.inTransaction ? this.commit() : this.rollback());
      throw error;
    }
    await this.commit();
    return results;
  }

  async openCursor(
    statement: AnalyzedStatement,
    args: readonly SqlValue[],
    { exactIntegers = false }: { readonly exactIntegers?: boolean },
  ): Promise<Cursor> {
    return wholeResult(await this.execute(statement, args, { fetch: 'all', columns: true, exactIntegers }));
  }

  async control(sql: string): Promise<void> {
    const [verb = '', mode = ''] = sql.toLowerCase().split(/\s+/);
    if (verb === 'begin') {
      const behavior = mode === 'immediate' || mode === 'exclusive' ? mode : 'deferred';
      await this.begin(behavior);
    } else if (verb === 'commit' || verb === 'end') {
      await this.commit();
    } else if (verb === 'rollback' && !/\bto\b/i.test(sql)) {
      await this.rollback();
    } else {
      if (this.#transaction === undefined && verb === 'savepoint') {
        throw missing('savepoints', 'set a savepoint outside a transaction');
      }
      await this.#run({ sql, args: [], rows: false, exact: false }, sql);
    }
  }

  async begin(behavior: TransactionBehavior): Promise<void> {
    const mode = MODES[behavior];
    if (mode === undefined) throw missing(behavior, `begin a transaction with behavior '${behavior}'`);
    const transaction = await this.#guarded(() => this.#client.transaction(mode), undefined);
    // Without it every statement would run on its own.
    if (typeof transaction?.execute !== 'function') throw protocolError('the client gave no transaction');
    this.#transaction = transaction;
    this.#readOnly = behavior === 'read';
  }

  async commit(): Promise<void> {
    // The client has rolled back what was open then.
    if (this.#closed) throw closedError();
    const transaction = this.#transaction;
    const wrote = this.#wrote;
    try {
      await this.#guarded(async () => transaction?.commit(), 'COMMIT');
    } catch (error) {
      this.#lost = true;
      // Nothing is left that could be committed again.
      throw error instanceof DatabaseError ? final(error) : error;
    } finally {
      this.#leave();
    }
    if (wrote) this.listener?.committed([]);
  }

  async rollback(): Promise<void> {
    const wrote = this.#wrote;
    // To close it rolls back as well.
    await this.#transaction?.rollback().catch(() => {});
    this.#leave();
    if (wrote) this.listener?.rolledBack();
  }

  async reset(): Promise<void> {
    await this.rollback();
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
    // Nothing can be stopped, so nobody is let believe it: `interruptible` is false.
  }

  close(): void {
    this.#closed = true;
    this.#leave();
  }

  #leave(): void {
    this.#transaction?.close();
    this.#transaction = undefined;
    this.#readOnly = false;
    this.#wrote = false;
  }

  async #run(step: Step, sql: string): Promise<StepResult> {
    const transaction = this.#transaction;
    const statement = { sql: step.sql, args: [...step.args] };
    const result = await this.#guarded(
      () =>
        transaction === undefined
          ? this.#limit(() => this.#client.execute(statement))
          : transaction.execute(statement),
      sql,
    );
    return toStepResult(result, step);
  }

  /** Gives failures the form that every engine gives them, and notes the end of the transaction. */
  async #guarded<T>(run: () => Promise<T>, sql: string | undefined): Promise<T> {
    try {
      return await run();
    } catch (thrown) {
      if (this.#closed) throw closedError();
      const error = await this.#explain(toRemoteError(thrown, sql));
      if (this.#transaction === undefined) throw error;
      if (endsTransaction(error)) this.#lost = true;
      // A COMMIT that deferred foreign keys refuse ends it as well, and says why.
      const refused = sql === 'COMMIT' && error.kind === 'constraint';
      if (this.#transaction.closed === true && !refused) throw this.#ended(error);
      throw this.#traits.isFile ? error : final(error);
    }
  }

  /**
   * Asks once more what is wrong with a text that a server has refused: some clients keep only the HTTP status of the answer
   * (`@tursodatabase/serverless` 1.4), and sqld 0.24 answers so to what it can't parse. An EXPLAIN changes nothing.
   */
  async #explain(error: DatabaseError): Promise<DatabaseError> {
    const refused = error instanceof NetworkError && error.status !== undefined && error.status <= 500;
    if (!refused || error.sql === undefined) return error;
    try {
      await (this.#transaction ?? this.#client).executeMultiple(`explain ${error.sql}`);
      return error;
    } catch (thrown) {
      const reason = toRemoteError(thrown, error.sql);
      return reason.kind === 'sql' ? reason : error;
    }
  }

  #ended(cause: DatabaseError): DatabaseError {
    this.#lost = true;
    if (cause instanceof TransactionLostError) return cause;
    return new TransactionLostError('the client has ended the transaction', {
      ...{ code: 'TRANSACTION_LOST', kind: 'transaction', sql: cause.sql, cause },
    });
  }
}

function toStepResult(result: unknown, { exact }: Step): StepResult {
  checkResult(result);
  const { columnTypes = [], rowsAffected, lastInsertRowid } = result;
  const columns: ResultColumn[] = result.columns.map((name, i) => ({ name, type: columnTypes[i] ?? '' }));
  return {
    columns,
    rows: result.rows.map((row) => columns.map((column, i) => decodeClientValue(row[i], column, exact))),
    rowsAffected,
    lastInsertRowid:
      lastInsertRowid === undefined || lastInsertRowid === null ? undefined : BigInt(lastInsertRowid),
  };
}

function refuseSetting({ pragma, pragmaArgument }: AnalyzedStatement): void {
  if (pragma === undefined || !pragmaArgument || !SETTING.test(pragma)) return;
  throw missing('pragma', `set PRAGMA ${pragma} for the statements that follow`);
}

function missing(capability: string, what: string): CapabilityError {
  return new CapabilityError(capability, `a client that was handed in can't ${what}; ${OPEN_BY_URL}`);
}
