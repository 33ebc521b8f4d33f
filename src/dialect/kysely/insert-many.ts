import type { Insertable, Kysely } from 'kysely';
import { type InsertManyOptions, insertInBatches } from '../../database/chunks.js';
import { transaction } from './transaction.js';
import type { KyselyHandle } from './with-connection.js';

/**
 * Inserts any number of rows, all or none of them, by statements of many rows each.
 *
 * @param db - a database or transaction
 * @param table - its name
 * @param rows - in an array, or as they come; all with the columns of the first
 * @param options - `batchSize`, `onProgress`
 * @returns how many rows were inserted
 * @throws as an insert does
 *
 * @example
 * ```ts
 * import { Kysely } from 'kysely';
 * import { insertMany, TursoDialect } from 'turso-dialect/kysely';
 *
 * const db = new Kysely<{ notes: { text: string } }>({ dialect: new TursoDialect('notes.db') });
 * await insertMany(db, 'notes', [{ text: 'a' }, { text: 'b' }]);
 * ```
 */
export async function insertMany<DB, Table extends keyof DB & string>(
  db: KyselyHandle<DB>,
  table: Table,
  rows: Iterable<Insertable<DB[Table]>> | AsyncIterable<Insertable<DB[Table]>>,
  options: InsertManyOptions = {},
): Promise<number> {
  return await transaction(db, async (trx) => {
    // oxlint-disable-next-line typescript/no-explicit-any -- the table is only known when it runs
    const handle = trx as unknown as Kysely<any>;
    return await insertInBatches(rows, WIDEST, options, async (batch) => {
      await handle
        .insertInto(table)
        .values(batch as never)
        .execute();
    });
  });
}

/** How many columns a row is taken to have; more are fine with a `batchSize`. */
const WIDEST = 16;
