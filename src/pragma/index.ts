import { type Handle, locateExecutor } from '../database/handle.js';
import { type Pragmas, pragmasOf } from '../database/pragma/pragmas.js';

export type { Pragmas } from '../database/pragma/pragmas.js';
export type {
  Checkpoint,
  DatabaseEntry,
  ForeignKeyEntry,
  ForeignKeyFault,
  IndexColumn,
  IndexEntry,
  TableColumn,
  TableColumnDetails,
  TableEntry,
} from '../database/pragma/queries.js';
export { PRAGMAS, type PragmaDefinition, type PragmaScope } from '../database/pragma/catalogue.js';
export type { Handle } from '../database/handle.js';

/**
 * The pragmas of a database or transaction: `Database.pragma` for whatever handle is at hand.
 *
 * @param target - a `Database` or `Transaction`, a Drizzle database or transaction, a Kysely database or transaction
 * @throws {@link ConfigError} by each function, when the target is something else
 *
 * @example
 * ```ts
 * import { pragma } from 'turso-dialect/pragma';
 * import { drizzle } from 'turso-dialect/drizzle';
 *
 * const db = drizzle(':memory:');
 * await pragma(db).setUserVersion(3);
 * console.log(await pragma(db).tableInfo('users')); // []
 * ```
 */
export function pragma(target: Handle): Pragmas {
  return pragmasOf(() => locateExecutor(target));
}
