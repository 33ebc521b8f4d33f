import type { ResolvedConfig } from '../config.js';
import type { Connection, Engine, ReplicaPolicy } from '../engine/engine.js';
import { loadEngine } from '../engine/registry.js';
import { BusyError, closedError } from '../errors.js';
import { analyze } from '../sql/statement.js';
import { type Abort, orAborted } from './abort.js';
import { waitWhileBusy } from './busy.js';
import { Lock, type LockHolder, type LockWait } from './lock.js';
import { shareWriteLock, unshareWriteLock } from './write-lock.js';

/** A connection that its holder has for itself until it is released. */
export interface Lease {
  readonly connection: Connection;
  release(): Promise<void>;
}

/**
 * The connections of one database. A file has one for autocommit work, which is never lent, and more, opened as they
 * are needed, for whoever needs one for itself. A database that lives in one connection lends that one, and the
 * others wait.
 */
export class Pool {
  readonly #config: ResolvedConfig;
  readonly #policy: ReplicaPolicy | undefined;
  readonly #idle: Connection[] = [];
  /** Those on which only interruptible calls were made, which are slow to prepare for on others. */
  readonly #idleInterruptible: Connection[] = [];
  readonly #lent = new Set<Connection>();
  readonly #waiters: (() => void)[] = [];
  #opening = 0;
  #engine: Promise<Engine> | undefined;
  #main: Connection | undefined;
  #openingMain: Promise<Connection> | undefined;
  #single: Lock | undefined;
  #writeLock: Lock | undefined;
  #writeLockName: string | undefined;
  #closing: Promise<void> | undefined;

  /** @param policy - what decides when a replica is synced; given for a replica */
  constructor(config: ResolvedConfig, policy?: ReplicaPolicy) {
    this.#config = config;
    this.#policy = policy;
    if (config.target.kind === 'memory') this.#single = new Lock('the only connection of the database');
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** The lock that serialises everything, where the database lives in one connection. */
  get single(): Lock | undefined {
    return this.#single;
  }

  /** The lock that serialises writers; undefined before the first connection and where {@link single} does it. */
  get writeLock(): Lock | undefined {
    return this.#writeLock;
  }

  /** How a lock is waited for: as long as `busyTimeout` allows, and not after `close()`. */
  lockWait(abort: Abort | undefined): LockWait {
    return { timeout: this.#config.busyTimeout, abort, owner: this };
  }

  /** The autocommit connection, if it is open and in order. */
  get main(): Connection | undefined {
    return this.#main;
  }

  /** Opens the autocommit connection if it is not open, or replaces it if it is not in order. */
  async openMain(abort?: Abort): Promise<Connection> {
    this.#assertOpen();
    if (this.#main !== undefined && (this.#main.usable || this.#single !== undefined)) return this.#main;
    if (this.#main !== undefined) void Promise.resolve(this.#main.close()).catch(ignore);
    this.#main = undefined;
    // Others wait for it too, so the abort of one ends that one's wait only.
    this.#openingMain ??= this.#connect(undefined).finally(() => {
      this.#openingMain = undefined;
    });
    const opening = this.#openingMain;
    const connection = await (abort === undefined ? opening : orAborted(opening, abort));
    if (this.closed) {
      await connection.close();
      this.#assertOpen();
    }
    this.#main ??= connection;
    return this.#main;
  }

  /** Lends a connection; waits while as many as `concurrency` are lent, or for the only one. */
  async lend(holder: LockHolder, abort: Abort | undefined): Promise<Lease> {
    this.#assertOpen();
    const single = this.#single;
    // Awaited, so that callers stay visible in the stack (transaction-frame.ts).
    if (single !== undefined) return await this.#lendSingle(single, holder, abort);
    await this.#waitForRoom(abort);
    const idleOnes = abort === undefined ? this.#idle : this.#idleInterruptible;
    const idle = idleOnes.pop();
    let connection: Connection;
    try {
      connection = idle ?? (await this.#connect(abort));
    } catch (error) {
      this.#makeRoom();
      throw error;
    } finally {
      this.#opening--;
    }
    this.#lent.add(connection);
    return { connection, release: () => this.#takeBack(connection, idleOnes) };
  }

  /** Closes every connection; what is lent is rolled back and closed as well. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #lendSingle(single: Lock, holder: LockHolder, abort: Abort | undefined): Promise<Lease> {
    const connection = await this.openMain(abort);
    await single.acquire(holder, this.lockWait(abort));
    if (this.closed) {
      single.release(holder);
      this.#assertOpen();
    }
    return {
      connection,
      release: async () => {
        try {
          await connection.reset();
        } finally {
          single.release(holder);
        }
      },
    };
  }

  async #takeBack(connection: Connection, idleOnes: Connection[]): Promise<void> {
    if (!this.#lent.delete(connection)) return;
    try {
      // It must not go back with a transaction that the next holder would inherit.
      if (connection.usable) await connection.reset();
    } catch {
      // That leaves it unusable, which is looked at next.
    }
    if (connection.usable && !this.closed) idleOnes.push(connection);
    else await Promise.resolve(connection.close()).catch(ignore);
    this.#makeRoom();
  }

  async #connect(abort: Abort | undefined): Promise<Connection> {
    this.#engine ??= loadEngine(this.#config, this.#policy);
    const engine = await this.#engine;
    const connection = await waitWhileBusy(() => engine.connect(), this.#config.busyTimeout, abort);
    if (this.#writeLock === undefined && engine.writeLock !== undefined && !this.closed) {
      this.#writeLockName = engine.writeLock;
      this.#writeLock = shareWriteLock(engine.writeLock);
    }
    try {
      await this.#config.onConnect?.({
        script: (sql) => runSetup(connection, sql, this.#config.busyTimeout),
      });
      return connection;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** Takes one of the `concurrency` places, which counts as `opening` until its connection is there. */
  async #waitForRoom(abort: Abort | undefined): Promise<void> {
    const start = performance.now();
    while (this.#lent.size + this.#opening >= this.#config.concurrency) {
      const left = this.#config.busyTimeout - (performance.now() - start);
      if (left <= 0) throw exhausted(this.#config);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, left);
        const waiters = this.#waiters;
        waiters.push(done);
        // Calls at once if it happened already.
        let forget = (): void => {};
        forget = abort?.onAbort(done) ?? forget;
        function done(): void {
          clearTimeout(timer);
          forget();
          const index = waiters.indexOf(done);
          if (index >= 0) waiters.splice(index, 1);
          resolve();
        }
      });
      abort?.throwIfAborted();
      this.#assertOpen();
    }
    // Counted before anyone else can look.
    this.#opening++;
  }

  #makeRoom(): void {
    this.#waiters[0]?.();
  }

  async #closeAll(): Promise<void> {
    this.#single?.close(closedError);
    this.#writeLock?.refuse(this, closedError);
    for (const wake of [...this.#waiters]) wake();
    const open = [...this.#idle.splice(0), ...this.#idleInterruptible.splice(0), ...this.#lent];
    this.#lent.clear();
    if (this.#main !== undefined) open.push(this.#main);
    this.#main = undefined;
    await Promise.all(open.map(async (connection) => Promise.resolve(connection.close()).catch(ignore)));
    if (this.#writeLockName !== undefined) unshareWriteLock(this.#writeLockName);
  }

  #assertOpen(): void {
    if (this.closed) throw closedError();
  }
}

/**
 * What `onConnect` runs; it belongs to the application, so the file functions are its own affair. Nothing is wrapped in
 * a transaction: a temporary table must not have to wait for the write lock.
 */
async function runSetup(connection: Connection, sql: string, busyTimeout: number): Promise<void> {
  for (const { text } of analyze(sql).statements) {
    await waitWhileBusy(() => connection.control(text), busyTimeout, undefined);
  }
}

function exhausted({ concurrency, busyTimeout }: ResolvedConfig): BusyError {
  return new BusyError(
    `all ${concurrency} connections were in use for ${busyTimeout} ms; end transactions and streams sooner, or raise ` +
      'config.concurrency',
    { code: 'SQLITE_BUSY', kind: 'busy', retryable: true },
  );
}

function ignore(): void {}
