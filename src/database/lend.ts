import type { Abort } from './abort.js';
import type { Lock, LockHolder } from './lock.js';
import type { Lease, Pool } from './pool.js';

/** Lends a connection, with the write lock if `lockNow`; the lock comes first, so that waiting costs no connection. */
export async function lendForWriting(
  pool: Pool,
  holder: LockHolder,
  abort: Abort | undefined,
  lockNow: boolean,
): Promise<{ lease: Lease; release: () => Promise<void>; lock: Lock | undefined }> {
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
