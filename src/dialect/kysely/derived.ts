import type { DatabaseConnection, KyselyProps } from 'kysely';
import type { TransactionBehavior } from '../../config.js';
import { TursoAdapter } from './adapter.js';
import { TursoDialect } from './dialect.js';
import { TransactionDriver } from './transaction-driver.js';
import { type KyselyHandle, notOurs } from './with-connection.js';

/**
 * What it takes to make another Kysely object that runs its queries with the executor of `db`, plugins and log included.
 *
 * @throws {@link ConfigError} when `db` is not on our dialect
 */
export function deriveFrom<DB>(db: KyselyHandle<DB>, behavior?: TransactionBehavior): KyselyProps {
  const executor = db.getExecutor();
  if (!(executor.adapter instanceof TursoAdapter)) throw notOurs();
  const dialect = new TursoDialect(neverOpened);
  return { config: { dialect }, dialect, executor, driver: new DerivedDriver(db, behavior) };
}

/** Controls transactions on connections that come from the executor of another Kysely object. */
class DerivedDriver extends TransactionDriver {
  readonly #db: { destroy(): Promise<void> };

  constructor(db: { destroy(): Promise<void> }, behavior: TransactionBehavior | undefined) {
    super(behavior);
    this.#db = db;
  }

  override async init(): Promise<void> {}

  override async acquireConnection(): Promise<DatabaseConnection> {
    return neverOpened();
  }

  override async destroy(): Promise<void> {
    await this.#db.destroy();
  }
}

function neverOpened(): never {
  throw new Error('a derived Kysely object has no connections of its own');
}
