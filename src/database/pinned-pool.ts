import type { CommitListener, Connection, Engine } from '../engine/engine.js';
import { CapabilityError, TransactionError } from '../errors.js';
import type { Abort } from './abort.js';
import { ConnectionState } from './connection-state.js';
import { Lock, type LockHolder, type LockWait } from './lock.js';
import type { Lease, SessionPool } from './pool.js';
import { markUnlike, watchTraces } from './run.js';

/**
 * A pool of one connection, which belongs to another pool. It takes the connection with its first use, so that a wait for the
 * write lock needs none, and gives it back in {@link release}.
 */
export class PinnedPool implements SessionPool, LockHolder {
  readonly #parent: SessionPool;
  readonly #own = new Lock('the connection, which one call at a time can have');
  #lease: Lease | undefined;
  #leasing: Promise<Lease> | undefined;
  /** Who has the connection now. */
  #user: LockHolder | undefined;
  readonly #since = performance.now();
  /** What the only connection of a memory database had before something was added. */
  #before: ConnectionState | undefined;
  #released = false;

  constructor(parent: SessionPool) {
    this.#parent = parent;
  }

  /** Of the transaction that is open on it: the lock of a memory database is held on its behalf. */
  get transactionId(): number | undefined {
    return this.#user?.transactionId;
  }

  get lastActive(): number {
    return this.#user?.lastActive ?? this.#since;
  }

  get closed(): boolean {
    return this.#parent.closed;
  }

  get single(): Lock | undefined {
    const { single } = this.#parent;
    return single === undefined || this.#lease === undefined ? single : this.#own;
  }

  get writeLock(): Lock | undefined {
    return this.#parent.writeLock;
  }

  get main(): Connection | undefined {
    return this.#lease?.connection;
  }

  lockWait(abort: Abort | undefined): LockWait {
    return this.#parent.lockWait(abort);
  }

  prepare(abort?: Abort): Promise<Connection> {
    return this.#parent.prepare(abort);
  }

  async openMain(abort?: Abort): Promise<Connection> {
    return this.#checked(this.#lease ?? (await this.#take(abort)));
  }

  async lend(holder: LockHolder, abort: Abort | undefined): Promise<Lease> {
    if (this.#lease === undefined) this.#user ??= holder;
    const connection = this.#checked(this.#lease ?? (await this.#take(abort)));
    if (!this.#own.tryAcquire(holder)) await this.#own.acquire(holder, this.#parent.lockWait(abort));
    this.#user = holder;
    const release = async (): Promise<void> => {
      if (this.#user !== holder) return;
      try {
        if (connection.usable && connection.inTransaction) await connection.rollback();
      } finally {
        this.#user = undefined;
        this.#own.release(holder);
      }
    };
    return { connection, release };
  }

  /** @param keep - whether the only connection of a memory database keeps what it was given */
  async release(keep: boolean): Promise<void> {
    this.#released = true;
    const lease = this.#lease ?? (await this.#leasing?.catch(() => undefined));
    if (lease === undefined) return;
    const { connection } = lease;
    if (this.#parent.single !== undefined) watchTraces(connection, undefined);
    try {
      if (this.#before === undefined || keep || this.closed) return;
      if (connection.inTransaction) await connection.rollback();
      this.#before.restore();
    } finally {
      this.#before = undefined;
      await lease.release();
    }
  }

  engine(): Promise<Engine> {
    return this.#parent.engine();
  }

  openApart(abort?: Abort): Promise<Connection> {
    return this.#parent.openApart(abort);
  }

  setListener(listener: CommitListener | undefined): void {
    this.#parent.setListener(listener);
  }

  /** A setting was changed, which concerns this connection only. */
  retire(): void {
    if (this.#lease !== undefined) markUnlike(this.#lease.connection);
  }

  async alone<T>(): Promise<T> {
    throw new CapabilityError(
      'connection',
      'this needs the database for itself; call it on the database and not on one connection of it',
    );
  }

  interrupt(): void {
    this.#parent.interrupt();
  }

  close(): Promise<void> {
    return this.#parent.close();
  }

  #checked({ connection }: Lease): Connection {
    // Asserts that it is open.
    this.#parent.lockWait(undefined);
    if (connection.usable || this.#parent.single !== undefined) return connection;
    throw new TransactionError('the connection was lost, and with it what only it had; take a new one', {
      code: 'TRANSACTION_LOST',
      kind: 'transaction',
    });
  }

  async #take(abort: Abort | undefined): Promise<Lease> {
    if (this.#released) {
      throw new TransactionError('the connection was given back already', {
        code: 'TRANSACTION_CLOSED',
        kind: 'transaction',
      });
    }
    this.#leasing ??= this.#begin(abort);
    return await this.#leasing;
  }

  async #begin(abort: Abort | undefined): Promise<Lease> {
    try {
      const lease = await this.#parent.lend(this, abort);
      const { connection } = lease;
      this.#lease = lease;
      // A server has one connection for all of it then.
      connection.pin?.();
      if (this.#parent.single !== undefined) {
        watchTraces(connection, () => {
          this.#before ??= new ConnectionState(connection);
        });
      }
      return lease;
    } catch (error) {
      this.#leasing = undefined;
      this.#user = undefined;
      throw error;
    }
  }
}
