import { Kysely } from 'kysely';
import { checkBehavior, type TransactionBehavior } from '../../config.js';
import { TransactionError } from '../../errors.js';
import { deriveFrom } from './derived.js';
import type { KyselyHandle } from './with-connection.js';

/**
 * The same database with another behavior of its transactions, those of `transaction()` and of `startTransaction()`.
 *
 * @param db - a Kysely database with the {@link TursoDialect}
 * @param behavior - how the transactions take their locks
 * @throws {@link ConfigError} when it is no such database or no such behavior
 * @throws {@link TransactionError} when it is a transaction
 *
 * @example
 * ```ts
 * import { Kysely } from 'kysely';
 * import { inBehavior, TursoDialect } from 'turso-dialect/kysely';
 *
 * const db = new Kysely<{ counter: { value: number } }>({ dialect: new TursoDialect(':memory:') });
 * await db.schema.createTable('counter').addColumn('value', 'integer').execute();
 * await inBehavior(db, 'exclusive')
 *   .transaction()
 *   .execute((trx) => trx.insertInto('counter').values({ value: 1 }).execute());
 * await db.destroy();
 * ```
 */
export function inBehavior<DB>(db: KyselyHandle<DB>, behavior: TransactionBehavior): Kysely<DB> {
  const checked = checkBehavior(behavior, 'immediate', 'behavior');
  if (db.isTransaction) {
    throw new TransactionError('a transaction that has begun can not change its behavior', {
      code: 'TRANSACTION_CONTROL',
      kind: 'transaction',
    });
  }
  return new Kysely<DB>(deriveFrom(db, checked));
}
