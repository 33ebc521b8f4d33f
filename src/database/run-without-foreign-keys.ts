import type { RawResult } from '../engine/engine.js';
import { cleanUpAfter } from './after.js';
import { atIndex, type BatchItem } from './batch.js';
import { completeConstraintError } from './constraint-index.js';
import type { Database } from './database.js';
import { disableForeignKeys, leaveAsBefore, readSettings } from './migration-settings.js';

/**
 * Runs statements as one transaction with foreign keys off, as `migrate()` of `@libsql/client` does: a table that is
 * rebuilt keeps the rows that reference it. References are not checked. An error carries its statement's index.
 */
export async function runWithoutForeignKeys(
  database: Database,
  items: readonly BatchItem[],
): Promise<RawResult[]> {
  return await database.withConnection(async (connection) => {
    const before = await readSettings(connection);
    // Has no effect inside a transaction, so it comes first.
    await disableForeignKeys(connection);
    const results: RawResult[] = [];
    try {
      await connection.begin('immediate');
      for (const { statement, values, request } of items) {
        results.push(await connection.execute(statement, values, request));
      }
      await connection.commit();
      return results;
    } catch (error) {
      await completeConstraintError(connection, error);
      if (connection.inTransaction) await cleanUpAfter(error, () => connection.rollback());
      throw atIndex(error, results.length);
    } finally {
      await leaveAsBefore(connection, before, database.config.features);
    }
  });
}
