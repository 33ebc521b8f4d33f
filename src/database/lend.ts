import type { Connection } from '../engine/engine.js';
import type { Abort } from './abort.js';
import { waitWhileBusy } from './busy.js';
import type { Context } from './context.js';
import type { Lock, LockHolder } from './lock.js';
import type { Lease, SessionPool } from './pool.js';
import type { Transaction } from './transaction.js';

/** A connection that is lent, and what gives it back. */
export interface Lent {
  readonly lease: Lease;
  readonly release: () => Promise<void>;
  readonly lock: Lock | undefined;
}

/** Lends a connection, with the write lock if `lockNow`; the lock comes first, so that waiting costs no connection. */
export async function lendForWriting(
  pool: SessionPool,
  holder: LockHolder,
  abort: Abort | undefined,
  lockNow: boolean,
): Promise<Lent> {
  await pool.prepare(abort);
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

/** What is done to the connection of a transaction before it begins, and when it has ended. */
export interface AroundTransaction {
  before(connection: Connection): Promise<void>;
  after(connection: Connection): Promise<void>;
}

/** Lends a connection for a transaction, and begins it there. */
export async function lendBegun(
  pool: SessionPool,
  { config, interrupts }: Pick<Context, 'config' | 'interrupts'>,
  { holder, behavior }: Pick<Transaction, 'holder' | 'behavior'>,
  abort: Abort | undefined,
  around: AroundTransaction | undefined,
): Promise<Lent> {
  const writes = behavior === 'immediate' || behavior === 'exclusive';
  const given = await lendForWriting(pool, holder, abort, writes);
  const { connection } = given.lease;
  const lent = around === undefined ? given : { ...given, release: () => releaseAfter(given, around) };
  try {
    await around?.before(connection);
    const wait = { timeout: config.busyTimeout, abort, interrupts, connection };
    await waitWhileBusy(() => connection.begin(behavior), wait);
    return lent;
  } catch (error) {
    await lent.release();
    throw error;
  }
}

async function releaseAfter({ lease, release }: Lent, around: AroundTransaction): Promise<void> {
  try {
    await around.after(lease.connection);
  } finally {
    await release();
  }
}
