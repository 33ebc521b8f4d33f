import type { TransactionBehavior } from '../config.js';
import { TransactionError } from '../errors.js';
import type { AnalyzedStatement } from '../sql/statement.js';
import type { Database } from './database.js';
import type { AroundTransaction } from './lend.js';
import { type ForeignKeyProblems, inspectForeignKeys, refuseNewProblems } from './migration-foreign-keys.js';
import { MigrationControl } from './migration-control.js';
import { disableForeignKeys, leaveAsBefore, readSettings, type Settings } from './migration-settings.js';
import type { SessionPool } from './pool.js';
import type { Transaction } from './transaction.js';

const CHECKED = { name: 'the migrations', plural: true };

/** A transaction for migrations that somebody else runs: foreign keys are off in it, and checked before its commit. */
export interface MigrationTransaction {
  readonly transaction: Transaction;
  /**
   * Does what a statement of a migration means that controls a transaction: what stands between BEGIN and COMMIT, and
   * savepoints.
   *
   * @throws {@link TransactionError} when it has no counterpart, so that it would commit half a migration
   */
  control(statement: AnalyzedStatement): Promise<void>;
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
  const open = new MigrationControl<AnalyzedStatement>();
  return {
    transaction,
    control: (statement) => control(transaction, open, statement),
    check: () => {
      const [left] = open.open;
      if (left !== undefined) throw refused(left, 'and no migration has ended it');
      return transaction.callInTurn((connection) =>
        refuseNewProblems(connection, CHECKED, before as ForeignKeyProblems),
      );
    },
  };
}

/** What stands between BEGIN and COMMIT is a savepoint, so that ROLLBACK undoes that and nothing else. */
const BLOCK = 'turso_dialect_migration';

const BLOCK_CONTROL: Readonly<Record<'begin' | 'commit' | 'rollback', readonly string[]>> = {
  begin: [`SAVEPOINT ${BLOCK}`],
  commit: [`RELEASE ${BLOCK}`],
  rollback: [`ROLLBACK TO ${BLOCK}`, `RELEASE ${BLOCK}`],
};

async function control(
  transaction: Transaction,
  open: MigrationControl<AnalyzedStatement>,
  statement: AnalyzedStatement,
): Promise<void> {
  const step = open.next(statement, statement);
  if (step === 'refused') throw refused(statement, 'and has no counterpart in the migration');
  const texts = step === 'savepoint' ? [statement.text] : BLOCK_CONTROL[step];
  for (const text of texts) await transaction.callInTurn((connection) => connection.control(text));
}

function refused({ verb, text }: AnalyzedStatement, why: string): TransactionError {
  return new TransactionError(
    `${verb} controls a transaction, ${why}; the migrations are in one transaction already, which ends with the last of them`,
    { code: 'TRANSACTION_CONTROL', kind: 'transaction', sql: text },
  );
}
