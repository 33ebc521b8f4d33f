import type { ResolvedConfig } from '../config.js';
import type { CommitListener, Connection, Engine, MaybePromise, ReplicaPolicy } from '../engine/engine.js';
import { loadEngine } from '../engine/registry.js';
import { BusyError, closedError } from '../errors.js';
import { analyze } from '../sql/statement.js';
import { Abort, orAborted } from './abort.js';
import { waitWhileBusy } from './busy.js';
import { exhausted, inUse } from './pool-errors.js';
import { interrupted, type Interrupts } from './interrupts.js';
import { Lock, type LockHolder, type LockWait, newHolder } from './lock.js';
import { withOwnTimeout } from './pragma/own.js';
import { connectionSetting } from './pragma/text.js';
import { isUnlike } from './run.js';
import { assertOutsideSetup, runSetupFrame } from './setup-frame.js';
import { nextTurn } from './turn.js';
import { shareWriteLock, unshareWriteLock } from './write-lock.js';

/** How often connections that were closed are waited for: collecting them takes the event loop some ms. */
const TRIES_TO_RELEASE = 3;

/** A connection that its holder has for itself until it is released. */
export interface Lease {
  readonly connection: Connection;
  release(): Promise<void>;
}

/** What the statements of a session need of a pool. */
export type SessionPool = Pick<Pool, keyof Pool>;

/**
 * The connections of one database. A file has one for autocommit work, which is never lent, and more, opened as they
 * are needed, for whoever needs one for itself. A database that lives in one connection lends that one, and the
 * others wait.
 */
export class Pool {
  readonly #config: ResolvedConfig;
  readonly #interrupts: Interrupts;
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
  #listener: CommitListener | undefined;
  /** Connections that go back are closed, since a setting has changed after they were opened. */
  readonly #outdated = new WeakSet<Connection>();
  /** Settles when connections may be opened and lent again. */
  #paused: Promise<void> | undefined;

  /** @param policy - what decides when a replica is synced; given for a replica */
  constructor(config: ResolvedConfig, interrupts: Interrupts, policy?: ReplicaPolicy) {
    this.#config = config;
    this.#interrupts = interrupts;
    this.#policy = policy;
    if (config.features.connections === 'one') this.#single = new Lock('the only connection of the database');
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

  /**
   * How a lock is waited for: as long as `busyTimeout` allows, and not after `close()`, which also gives back the lock.
   *
   * @throws {@link DatabaseError} after `close()`
   */
  lockWait(abort: Abort | undefined): LockWait {
    this.#assertOpen();
    return { timeout: this.#config.busyTimeout, abort, owner: this };
  }

  /** The autocommit connection, if it is open and in order. */
  get main(): Connection | undefined {
    return this.#main;
  }

  /** Opens the autocommit connection if it is not open, or replaces it if it is not in order. */
  async openMain(abort?: Abort): Promise<Connection> {
    this.#assertOpen();
    while (this.#paused !== undefined) await this.#paused;
    if (this.#main !== undefined && (this.#main.usable || this.#single !== undefined)) return this.#main;
    assertOutsideSetup(this);
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

  /** Has the write lock known, and gives a connection that can tell what it is capable of. */
  prepare(abort?: Abort): Promise<Connection> {
    return this.openMain(abort);
  }

  /** The engine, with its driver loaded. */
  engine(): Promise<Engine> {
    this.#engine ??= loadEngine(this.#config, this.#policy);
    return this.#engine;
  }

  /** Opens a connection that is its caller's own to close; its `onConnect` is not called. */
  async openApart(abort?: Abort): Promise<Connection> {
    this.#assertOpen();
    const stop = this.#interrupts.begin();
    const { abort: either = stop, forget } = Abort.either(abort, stop);
    const wait = { timeout: this.#config.busyTimeout, abort: either };
    const opening = this.engine().then((engine) => waitWhileBusy(() => engine.connect(), wait));
    try {
      // Nothing stops the loading of a driver, or the first sync of a replica.
      return await orAborted(opening, either);
    } catch (error) {
      if (error === either.error) opening.then((late) => late.close()).catch(ignore);
      throw error;
    } finally {
      this.#interrupts.end(stop);
      forget();
    }
  }

  /** Tells every connection, also those to come, who wants to know what is committed. */
  setListener(listener: CommitListener | undefined): void {
    this.#listener = listener;
    for (const connection of this.#all()) connection.listener = listener;
  }

  /** Has no connection but the autocommit one outlive its present use, since the settings of connections have changed. */
  retire(): void {
    for (const connection of this.#lent) this.#outdated.add(connection);
    for (const connection of this.#takeIdle()) void Promise.resolve(connection.close()).catch(ignore);
  }

  /**
   * Runs `use` while no connection is open, again and again while somebody else has a lock on the file.
   *
   * @throws {@link BusyError} when one is still in use after `busyTimeout`
   */
  async alone<T>(use: (engine: Engine) => MaybePromise<T>): Promise<T> {
    // Only then the write lock is known.
    await this.openMain();
    const holder = newHolder();
    await this.#writeLock?.acquire(holder, this.lockWait(undefined));
    let resume = (): void => {};
    this.#paused = new Promise((resolve) => {
      resume = resolve;
    });
    try {
      await this.#everybodyBack();
      const open = this.#takeIdle();
      if (this.#main !== undefined) open.push(this.#main);
      this.#main = undefined;
      await Promise.all(open.map(async (connection) => connection.close()));
      const engine = await this.engine();
      let tries = 0;
      const run = async (): Promise<T> => {
        // Whatever is still locked then is locked by somebody else.
        if (tries++ < TRIES_TO_RELEASE) await engine.released?.();
        this.#assertOpen();
        return await use(engine);
      };
      const { busyTimeout: timeout } = this.#config;
      return await waitWhileBusy(run, { timeout, abort: undefined, interrupts: this.#interrupts });
    } finally {
      this.#paused = undefined;
      resume();
      this.#writeLock?.release(holder);
    }
  }

  /** Lends a connection; waits while as many as `concurrency` are lent, or for the only one. */
  async lend(holder: LockHolder, abort: Abort | undefined): Promise<Lease> {
    this.#assertOpen();
    assertOutsideSetup(this);
    const single = this.#single;
    // Awaited, so that callers stay visible in the stack (transaction-frame.ts).
    if (single !== undefined) return await this.#lendSingle(single, holder, abort);
    while (this.#paused !== undefined) await this.#paused;
    await this.#waitForRoom(abort);
    const idleOnes = abort === undefined ? this.#idle : this.#idleInterruptible;
    const idle = idleOnes.pop();
    let connection: Connection;
    try {
      connection = idle ?? (await this.#connect(abort));
      if (this.closed) {
        // It was opened meanwhile.
        await connection.close();
        this.#assertOpen();
      }
    } catch (error) {
      this.#makeRoom();
      throw error;
    } finally {
      this.#opening--;
    }
    if (this.closed) {
      await connection.close();
      this.#assertOpen();
    }
    this.#lent.add(connection);
    return { connection, release: () => this.#takeBack(connection, idleOnes) };
  }

  /** Ends every wait for a lock or a connection. */
  interrupt(): void {
    this.#single?.refuse(this, interrupted);
    this.#writeLock?.refuse(this, interrupted);
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
          // Nothing refuses this ROLLBACK (SQLite 3.45.1): no open statement, savepoint, change of the schema, full
          // `max_page_count` or `hard_heap_limit`. An interrupt would, which met an open statement, but those are settled
          // before anything that can be interrupted runs: refused 0 of 1,470 times in random calls.
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
    const kept = connection.usable && !this.#outdated.has(connection) && !isUnlike(connection);
    if (kept && !this.closed) idleOnes.push(connection);
    else await Promise.resolve(connection.close()).catch(ignore);
    this.#makeRoom();
  }

  async #connect(abort: Abort | undefined): Promise<Connection> {
    const connection = await this.openApart(abort);
    const engine = await this.engine();
    if (this.#writeLock === undefined && engine.writeLock !== undefined && !this.closed) {
      this.#writeLockName = engine.writeLock;
      this.#writeLock = shareWriteLock(engine.writeLock);
    }
    connection.listener = this.#listener;
    try {
      const { onConnect } = this.#config;
      const script = (sql: string): Promise<void> => runSetup(connection, sql, this.#config);
      if (onConnect !== undefined) await runSetupFrame(this, () => onConnect({ script }));
      return connection;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** Takes one of the `concurrency` places, which counts as `opening` until its connection is there. */
  async #waitForRoom(abort: Abort | undefined): Promise<void> {
    const start = performance.now();
    let collected = false;
    while (this.#lent.size + this.#opening >= this.#config.concurrency) {
      try {
        await this.#waitForReturn(start, () => exhausted(this.#config), abort);
      } catch (error) {
        if (collected || !(error instanceof BusyError)) throw error;
        collected = true;
        // Streams that nobody reads any more may have them all; the collector finds those.
        await (await this.engine()).released?.();
        for (let turn = 0; turn < 3; turn++) await nextTurn();
      }
    }
    // Counted before anyone else can look.
    this.#opening++;
  }

  async #everybodyBack(): Promise<void> {
    const start = performance.now();
    while (this.#lent.size + this.#opening > 0) {
      await this.#waitForReturn(start, () => inUse(this.#lent.size, this.#config.busyTimeout), undefined);
    }
  }

  /** Waits until a connection may have come back, for `busyTimeout` since `start` at most. */
  async #waitForReturn(start: number, tooLate: () => Error, abort: Abort | undefined): Promise<void> {
    const left = this.#config.busyTimeout - (performance.now() - start);
    if (left <= 0) throw tooLate();
    const stop = this.#interrupts.begin();
    const { abort: either = stop, forget } = Abort.either(abort, stop);
    await this.#wake(left, either);
    this.#interrupts.end(stop);
    forget();
    either.throwIfAborted();
    this.#assertOpen();
  }

  /** Waits until a connection may be free, the time is over or it is aborted. */
  async #wake(ms: number, abort: Abort): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, ms);
      const waiters = this.#waiters;
      waiters.push(done);
      // Calls at once if it happened already.
      let forget = (): void => {};
      forget = abort.onAbort(done);
      function done(): void {
        clearTimeout(timer);
        forget();
        const index = waiters.indexOf(done);
        if (index >= 0) waiters.splice(index, 1);
        resolve();
      }
    });
  }

  #all(): Connection[] {
    const all = [...this.#idle, ...this.#idleInterruptible, ...this.#lent];
    if (this.#main !== undefined) all.push(this.#main);
    return all;
  }

  #takeIdle(): Connection[] {
    return [...this.#idle.splice(0), ...this.#idleInterruptible.splice(0)];
  }

  #makeRoom(): void {
    this.#waiters[0]?.();
  }

  async #closeAll(): Promise<void> {
    this.#single?.close(closedError);
    this.#writeLock?.refuse(this, closedError);
    for (const wake of [...this.#waiters]) wake();
    const open = this.#all();
    this.#takeIdle();
    this.#lent.clear();
    this.#main = undefined;
    await Promise.all(open.map(async (connection) => Promise.resolve(connection.close()).catch(ignore)));
    await this.#engine?.then((engine) => engine.close?.()).catch(ignore);
    // Transactions that are still open here were rolled back, but their callbacks may go on, or never end.
    this.#writeLock?.releaseAll(this);
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
async function runSetup(connection: Connection, sql: string, config: ResolvedConfig): Promise<void> {
  for (const given of analyze(sql).statements) {
    const statement = withOwnTimeout({ config, authorizer: undefined }, given);
    const { name, value } = connectionSetting(statement) ?? {};
    const run = (): MaybePromise<void> =>
      name === 'query_only' && value !== undefined && connection.applyPragma !== undefined
        ? connection.applyPragma(name, value)
        : connection.control(statement.text);
    await waitWhileBusy(run, { timeout: config.busyTimeout, abort: undefined });
  }
}

function ignore(): void {}
