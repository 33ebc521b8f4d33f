import { Database } from './database.js';
import { PinnedPool } from './pinned-pool.js';

/** A view of a database that runs everything on one connection, until that is released. */
export class PinnedDatabase extends Database {
  private readonly pinned: PinnedPool;
  private readonly whole: Database;

  /** @param pool - has the connection, if it was made already */
  constructor(of: Database, pool = new PinnedPool(of.pool)) {
    const { config } = of;
    // What is set on this connection is not set on the others.
    super({ ...config, pragmas: { ...config.pragmas } }, { of, pool });
    this.pinned = pool;
    this.whole = of;
  }

  /**
   * Gives the connection back; a file has a new one in its place if something was left on it.
   *
   * @param keep - whether the only connection of a memory database keeps what it was given
   */
  async release(keep: boolean): Promise<void> {
    const before = this.whole.config.pragmas[UNREADABLE] ?? 0;
    const isChanged = (this.config.pragmas[UNREADABLE] ?? 0) !== before;
    // Only the connection of a memory database comes to another holder as it is.
    const restore = isChanged && !keep && this.pool.single !== undefined && !this.closed;
    if (restore)
      this.pinned.main?.applyPragma?.(UNREADABLE, typeof before === 'boolean' ? Number(before) : before);
    await this.pinned.release(keep);
  }

  /** Has `last_insert_rowid()` and `changes()` give what they would if a write had been made on this connection. */
  async inherit({ rowid, changes }: Written): Promise<void> {
    const connection = await this.pinned.openMain();
    const to = rowid ?? BigInt(changes);
    // The smallest of the rows could not be written with a number below the smallest INTEGER.
    const step = to < 0n ? 'n' : '-n';
    await connection.control(`CREATE TEMP TABLE ${INHERITED} (a)`);
    try {
      await connection.control(
        `WITH RECURSIVE c(n) AS (SELECT ${changes} - 1 UNION ALL SELECT n - 1 FROM c WHERE n > 0) ` +
          `INSERT INTO temp.${INHERITED}(rowid) SELECT ${to} + (${step}) FROM c WHERE n >= 0`,
      );
    } finally {
      await connection.control(`DROP TABLE temp.${INHERITED}`);
    }
  }
}

/** What a write has left. */
export interface Written {
  readonly rowid: bigint | undefined;
  readonly changes: number;
}

/** A setting that can't be asked for. */
const UNREADABLE = 'case_sensitive_like';
const INHERITED = '"__turso_dialect_inherited"';
