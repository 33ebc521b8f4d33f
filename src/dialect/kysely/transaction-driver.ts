import type { DatabaseConnection, Driver, TransactionSettings } from 'kysely';
import type { TransactionBehavior } from '../../config.js';
import { CapabilityError, TransactionError } from '../../errors.js';
import { quoteName } from '../../sql/quote-name.js';
import type { TursoConnection } from './connection.js';

/** How Kysely's transactions and savepoints are those of our database. */
export abstract class TransactionDriver implements Driver {
  readonly #behavior: TransactionBehavior | undefined;

  /** @param behavior - how every transaction takes its locks; without one as the connection has it */
  constructor(behavior: TransactionBehavior | undefined) {
    this.#behavior = behavior;
  }

  abstract init(): Promise<void>;

  abstract acquireConnection(): Promise<DatabaseConnection>;

  /**
   * @throws {@link CapabilityError} for an isolation level that SQLite does not have
   * @throws {@link TransactionError} when the access mode contradicts the behavior
   */
  async beginTransaction(
    connection: DatabaseConnection,
    { accessMode, isolationLevel }: TransactionSettings,
  ): Promise<void> {
    if (isolationLevel !== undefined && isolationLevel !== 'serializable') {
      throw new CapabilityError(
        'isolationLevel',
        `isolation level '${isolationLevel}' is not available: every transaction of SQLite is 'serializable'`,
      );
    }
    const ours = own(connection);
    const behavior = withAccessMode(ours.behavior, this.#behavior, accessMode);
    const late = behavior === 'deferred' || behavior === 'read';
    await ours.control(late ? 'begin' : `begin ${behavior}`, () => ours.begin(behavior));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    const ours = own(connection);
    await ours.control('commit', () => ours.commit());
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    const ours = own(connection);
    await ours.control('rollback', () => ours.rollback());
  }

  async savepoint(connection: DatabaseConnection, name: string): Promise<void> {
    const ours = own(connection);
    await ours.control(`savepoint ${quoteName(name)}`, () => ours.transaction.savepoint(name));
  }

  async rollbackToSavepoint(connection: DatabaseConnection, name: string): Promise<void> {
    const ours = own(connection);
    await ours.control(`rollback to ${quoteName(name)}`, () => ours.transaction.rollbackToSavepoint(name));
  }

  async releaseSavepoint(connection: DatabaseConnection, name: string): Promise<void> {
    const ours = own(connection);
    await ours.control(`release ${quoteName(name)}`, () => ours.transaction.releaseSavepoint(name));
  }

  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    await own(connection).release();
  }

  abstract destroy(): Promise<void>;
}

/** Kysely gives back the connections that it was given. */
function own(connection: DatabaseConnection): TursoConnection {
  return connection as TursoConnection;
}

function withAccessMode(
  standard: TransactionBehavior,
  asked: TransactionBehavior | undefined,
  accessMode: TransactionSettings['accessMode'],
): TransactionBehavior {
  if (accessMode === undefined) return asked ?? standard;
  const readOnly = accessMode === 'read only';
  if (asked !== undefined && (asked === 'read') !== readOnly) {
    throw new TransactionError(`behavior '${asked}' contradicts access mode '${accessMode}'`, {
      code: 'TRANSACTION_CONTROL',
      kind: 'transaction',
    });
  }
  if (readOnly) return 'read';
  return asked ?? (standard === 'read' ? 'immediate' : standard);
}
