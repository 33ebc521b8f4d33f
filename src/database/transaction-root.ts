import type { TransactionBehavior } from '../config.js';
import type { Connection, Cursor } from '../engine/engine.js';
import { TransactionError, TransactionLostError } from '../errors.js';
import { ABORT_OPTIONS, checkOptions } from '../options.js';
import type { AnalyzedStatement } from '../sql/statement.js';
import type { Abort } from './abort.js';
import { Lock, type LockHolder } from './lock.js';
import { dropsTable } from './drops-table.js';
import type { TransactionOptions } from './session.js';
import type { StreamSource } from './stream.js';

/** What a transaction is begun with. */
export interface RootOptions {
  readonly behavior: TransactionBehavior;
  /** How often the transaction was begun, this time included. */
  readonly attempt: number;
  readonly abort: Abort | undefined;
}

/**
 * What a transaction and those nested in it share. A class, because V8 makes an object literal with a spread so slowly
 * (18 µs, Node 20) that it was a fifth of a short transaction's time.
 */
export class TransactionRoot implements RootOptions {
  readonly behavior: TransactionBehavior;
  readonly attempt: number;
  readonly abort: Abort | undefined;
  /** How the whole transaction holds a lock. */
  readonly holder: LockHolder;
  readonly cursors = new Set<Cursor>();
  lastActive = performance.now();
  savepoints = 0;
  connection: Connection | undefined = undefined;
  release: () => Promise<void> = nothing;
  /** Takes the write lock; there as long as that must still be done before the first write. */
  takeWriteLock: ((abort: Abort | undefined) => Promise<void>) | undefined = undefined;
  /** The call that is running off-thread. */
  running: Promise<unknown> | undefined = undefined;
  /** Why the database ended the transaction by itself. */
  lost: unknown = undefined;
  /** Held until the end of the transaction, by which calls from its callback wait where the server has the lock. */
  presence: Lock | undefined = undefined;
  /** Set for a transaction in which migrations run. */
  migrates: Migrates | undefined = undefined;

  constructor({ behavior, attempt, abort }: RootOptions, holder: LockHolder) {
    this.behavior = behavior;
    this.attempt = attempt;
    this.abort = abort;
    this.holder = holder;
    holder.writes = behavior === 'immediate' || behavior === 'exclusive';
  }
}

/** Marks a transaction for migrations. */
export interface Migrates {
  readonly foreignKeysOff: boolean;
}

async function nothing(): Promise<void> {}

/** Takes the write lock of the process, if the transaction has begun without it. */
export async function takeWriteLock(root: TransactionRoot, abort: Abort | undefined): Promise<void> {
  if (root.takeWriteLock === undefined) return;
  await root.takeWriteLock(abort);
  root.takeWriteLock = undefined;
}

/** Notes that a failure has ended the whole transaction: `INSERT OR ROLLBACK`, an interrupted write, a full disk. */
export function noteLoss(root: TransactionRoot, connection: Connection, error: unknown): void {
  if (!connection.inTransaction) root.lost ??= error;
}

/** Closes the streams that the transaction has left open. */
export function closeCursors(root: TransactionRoot): void {
  for (const cursor of root.cursors) cursor.close();
  root.cursors.clear();
}

/** The rows of a cursor in the transaction. @param assertOpen - throws when nothing more can be run in it */
export function sourceIn(root: TransactionRoot, cursor: Cursor, assertOpen: () => void): StreamSource {
  return {
    columns: cursor.columns,
    fetch: (size) => {
      assertOpen();
      root.lastActive = performance.now();
      return cursor.fetch(size);
    },
    close: async () => {
      root.cursors.delete(cursor);
      cursor.close();
    },
  };
}

/** What calls from the callback of the transaction wait for where the server has the lock. */
export function presenceOf(root: TransactionRoot): Lock {
  if (root.presence === undefined) {
    root.presence = new Lock('the write lock of the server');
    root.presence.tryAcquire(root.holder);
  }
  return root.presence;
}

const NOT_INSIDE: Readonly<Record<string, string>> = {
  foreign_keys: 'PRAGMA foreign_keys has no effect inside a transaction; set it before',
  query_only: "PRAGMA query_only can not be set inside a transaction; begin it with behavior 'read'",
};

/**
 * Refuses pragmas that SQLite ignores inside a transaction without a word, or that would change what it is. In one for
 * migrations, foreign keys are off whatever a migration says, so that statement is left out.
 *
 * @returns whether to leave it out
 */
export function checkInside({ holder, migrates }: TransactionRoot, statement: AnalyzedStatement): boolean {
  if (statement.kind !== 'read') holder.writes = true;
  if (migrates?.foreignKeysOff === false && dropsTable(statement)) {
    throw new TransactionError(
      'foreign keys could not be turned off, so dropping a table would delete the rows that reference it',
      { code: 'TRANSACTION_CONTROL', kind: 'transaction', sql: statement.text },
    );
  }
  const problem = statement.pragmaArgument ? NOT_INSIDE[statement.pragma as string] : undefined;
  if (problem === undefined) return false;
  if (migrates?.foreignKeysOff && statement.pragma === 'foreign_keys') return true;
  throw new TransactionError(problem, {
    code: 'TRANSACTION_CONTROL',
    kind: 'transaction',
    sql: statement.text,
  });
}

/** Refuses what a savepoint can't have: a behaviour or limits of its own. */
export function assertNested(outer: TransactionBehavior, options: TransactionOptions): void {
  checkOptions(options, 'a nested transaction', ['behavior', 'retry', ...ABORT_OPTIONS]);
  const { behavior, ...rest } = options;
  const [other] = Object.entries(rest).find(([, value]) => value !== undefined) ?? [];
  if (other === undefined && (behavior === undefined || behavior === outer)) return;
  throw new TransactionError(
    other === undefined
      ? `a nested transaction can not have behavior '${behavior}' inside one with '${outer}'`
      : `a nested transaction can not have "${other}"; give it to the outermost one`,
    { code: 'TRANSACTION_CONTROL', kind: 'transaction' },
  );
}

/** The error for every use of a transaction that the database has ended. */
export function transactionLost(cause: unknown): TransactionLostError {
  return new TransactionLostError(
    'the database ended this transaction after an earlier failure; nothing more can be run in it',
    { code: 'TRANSACTION_LOST', kind: 'transaction', cause },
  );
}

/** The error for every use of a transaction after its end. */
export function transactionClosed(): TransactionError {
  return new TransactionError('the transaction has ended; nothing more can be run in it', {
    code: 'TRANSACTION_CLOSED',
    kind: 'transaction',
  });
}

/** How a transaction, or one nested in it, holds a lock: it is alive as long as any of them runs statements. */
export class TransactionHolder implements LockHolder {
  readonly transactionId: number;
  readonly #lastActive: () => number;

  constructor(transactionId: number, lastActive: () => number) {
    this.transactionId = transactionId;
    this.#lastActive = lastActive;
  }

  get lastActive(): number {
    return this.#lastActive();
  }
}
