import type { TransactionBehavior } from '../config.js';
import type { Database } from './database.js';
import type { AroundTransaction } from './lend.js';
import { type ForeignKeyProblems, inspectForeignKeys, refuseNewProblems } from './migration-foreign-keys.js';
import { disableForeignKeys, leaveAsBefore, readSettings, type Settings } from './migration-settings.js';
import type { SessionPool } from './pool.js';
import type { Transaction } from './transaction.js';

const CHECKED = { name: 'the migrations' };

/** A transaction for migrations that somebody else runs: foreign keys are off in it, and checked before its commit. */
export interface MigrationTransaction {
  readonly transaction: Transaction;
  /** @throws {@link MigrationError} when rows lack the row that they reference and did not before */
  check(): Promise<void>;
}

/** Begins such a transaction. When it ends, its connection has the settings that it had before. */
export async function beginMigrations(
  database: Database,
  behavior: TransactionBehavior,
  pool?: SessionPool,
): Promise<MigrationTransaction> {
  let settings: Settings | undefined;
  let off = false;
  const around: AroundTransaction = {
    before: async (connection) => {
      settings = await readSettings(connection);
      off = await disableForeignKeys(connection);
    },
    after: async (connection) => {
      if (settings !== undefined) await leaveAsBefore(connection, settings, database.config.features);
    },
  };
  const transaction = await database.begin(behavior, undefined, 1, around, pool);
  transaction.root.migrates = { foreignKeysOff: off };
  let before: ForeignKeyProblems | undefined;
  try {
    await transaction.callInTurn(async (connection) => {
      before = await inspectForeignKeys(connection, CHECKED);
    });
  } catch (error) {
    await transaction.rollbackAfter(error);
    throw error;
  }
  return {
    transaction,
    check: () =>
      transaction.callInTurn((connection) =>
        refuseNewProblems(connection, CHECKED, before as ForeignKeyProblems),
      ),
  };
}
