import { DialectAdapterBase, type MigrationLockOptions, sql } from 'kysely';
import { type AnyKysely, withConnection } from './with-connection.js';

/** What Kysely has to know of SQLite, and the lock of its `Migrator`. */
export class TursoAdapter extends DialectAdapterBase {
  override get supportsCreateIfNotExists(): boolean {
    return true;
  }

  /** All migrations of one call are one transaction, so a failed one leaves nothing half done. */
  override get supportsTransactionalDdl(): boolean {
    return true;
  }

  override get supportsReturning(): boolean {
    return true;
  }

  /** Kysely 0.29 calls this before it begins the transaction, 0.28 in it. */
  override async acquireMigrationLock(
    db: AnyKysely,
    { lockTable: table, lockRowId: id, lockTableSchema: schema }: MigrationLockOptions,
  ): Promise<void> {
    if (db.isTransaction) {
      // A transaction that takes its locks late takes the write lock now, before it looks what is to be done.
      const lock = schema === undefined ? sql.table(table) : sql.table(`${schema}.${table}`);
      await sql`update ${lock} set is_locked = is_locked where id = ${id}`.execute(db);
      return;
    }
    await withConnection(db, async (connection) => connection.expectMigrations({ schema, table, id }));
  }

  override async releaseMigrationLock(db: AnyKysely): Promise<void> {
    await withConnection(db, (connection) => connection.unlockMigrations());
  }
}
