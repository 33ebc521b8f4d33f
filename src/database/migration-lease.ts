import type { Arguments } from './statements.js';
import type { Database } from './database.js';
import { quoteName } from '../sql/quote-name.js';
import type { SqlValue } from '../values.js';

/** A row with a column `is_locked`, which is the lock. */
export interface LeaseRow {
  readonly schema?: string | undefined;
  readonly table: string;
  readonly id: string;
}

/** How long a holder that has died keeps the others waiting, in ms. */
const LEASE = 15_000;
const RENEW = LEASE / 3;
const ASK_AGAIN = 100;

/**
 * A lock in a table, for work that no transaction can span. The row holds the time until which it is taken, in ms since
 * the epoch; the holder moves it on, so that the lock of a process that died is free after 15 seconds. Whoever comes
 * later waits as long as it is held.
 */
export class MigrationLease {
  readonly #database: Database;
  readonly #row: LeaseRow;
  readonly #timer: NodeJS.Timeout;
  #renewing: Promise<number>;

  private constructor(database: Database, row: LeaseRow, until: number) {
    this.#database = database;
    this.#row = row;
    this.#renewing = Promise.resolve(until);
    this.#timer = setInterval(() => {
      this.#renewing = this.#renewing.then((from) => this.#move(from, Date.now() + LEASE)).catch(() => NaN);
    }, RENEW);
    this.#timer.unref();
  }

  /**
   * Takes the lock, when nobody has it any more. A clock that was set back makes a dead holder's time lie far ahead, so a
   * value that no holder has moved on for the length of a lease, by a clock that nobody sets, is over too.
   */
  static async acquire(database: Database, row: LeaseRow): Promise<MigrationLease> {
    let seen: unknown;
    let since = performance.now();
    for (;;) {
      const now = Date.now();
      const until = now + LEASE;
      const taken = await change(database, row, 'is_locked <= ?', [until, row.id, now]);
      if (taken) return new MigrationLease(database, row, until);
      const value = await read(database, row);
      const stale = value === seen && performance.now() - since > LEASE;
      if (stale && (await change(database, row, 'is_locked = ?', [until, row.id, value])))
        return new MigrationLease(database, row, until);
      if (value !== seen) since = performance.now();
      seen = value;
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN * (0.5 + Math.random())));
    }
  }

  /** Gives the lock back. */
  async release(): Promise<void> {
    clearInterval(this.#timer);
    await this.#move(await this.#renewing, 0);
  }

  /** The value tells that the row is still this holder's: a later holder has written a later time. */
  async #move(from: number, to: number): Promise<number> {
    await change(this.#database, this.#row, 'is_locked = ?', [to, this.#row.id, from]);
    return to;
  }
}

async function change(
  database: Database,
  row: LeaseRow,
  condition: string,
  args: Arguments,
): Promise<boolean> {
  const sql = `update ${nameOf(row)} set is_locked = ? where id = ? and ${condition}`;
  return (await database.execute(sql, args)).rowsAffected > 0;
}

async function read(database: Database, row: LeaseRow): Promise<SqlValue> {
  const sql = `select is_locked from ${nameOf(row)} where id = ?`;
  const { rows } = await database.execute(sql, [row.id], { rowMode: 'array' });
  return rows[0]?.[0] ?? null;
}

function nameOf({ schema, table }: LeaseRow): string {
  return (schema === undefined ? '' : `${quoteName(schema)}.`) + quoteName(table);
}
