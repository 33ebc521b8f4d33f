import type { Abort } from './abort.js';
import { waitWhileBusy } from './busy.js';
import type { Context } from './context.js';
import type { Lock, LockHolder } from './lock.js';
import type { Lease, Pool } from './pool.js';
import type { Transaction } from './transaction.js';

/** A connection that is lent, and what gives it back. */
export interface Lent {
  readonly lease: Lease;
  readonly release: () => Promise<void>;
  readonly lock: Lock | undefined;
}

/** Lends a connection, with the write lock if `lockNow`; the lock comes first, so that waiting costs no connection. */
export async function lendForWriting(
  pool: Pool,
  holder: LockHolder,
  abort: Abort | undefined,
  lockNow: boolean,
): Promise<Lent> {
  (pool.single ?? (lockNow ? pool.writeLock : undefined))?.assertOutside(holder);
  await pool.openMain(abort);
  const lock = pool.writeLock;
  if (lockNow) await lock?.acquire(holder, pool.lockWait(abort));
  try {
    const lease = await pool.lend(holder, abort);
    const release = async (): Promise<void> => {
      try {
        await lease.release();
      } finally {
        lock?.release(holder);
      }
    };
    return { lease, release, lock };
  } catch (error) {
    lock?.release(holder);
    throw error;
  }
}

/** Lends a connection for a transaction, and begins it there. */
export async function lendBegun(
  pool: Pool,
  { config, interrupts }: Pick<Context, 'config' | 'interrupts'>,
  { holder, behavior }: Pick<Transaction, 'holder' | 'behavior'>,
  abort: Abort | undefined,
): Promise<Lent> {
  const writes = behavior === 'immediate' || behavior === 'exclusive';
  const lent = await lendForWriting(pool, holder, abort, writes);
  const { connection } = lent.lease;
  try {
    const wait = { timeout: config.busyTimeout, abort, interrupts, connection };
    await waitWhileBusy(() => connection.begin(behavior), wait);
    return lent;
  } catch (error) {
    await lent.release();
    throw error;
  }
}
