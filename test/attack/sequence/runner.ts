import { getEventListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import {
  BusyError,
  CapabilityError,
  ConstraintError,
  type Database,
  DatabaseError,
  InterruptedError,
  NetworkError,
  ParameterError,
  ReadOnlyError,
  type Transaction,
} from '../../../src/index.js';
import { Model } from './model.js';
import type { Call, Kind, Plan, Planned, Step, Stop } from './plan.js';

/** A call that takes longer hangs, in ms: no call waits for a lock longer than a moment. */
const HANGS_AFTER = 20_000;
/** How long another holder of a lock is waited for, in ms. */
export const BUSY_TIMEOUT = 400;

const INSERT = 'insert into t (key, ok) values (?, 1)';
/** Breaks the table's constraint. */
const REFUSED = 'insert into t (key, ok) values (?, 0)';
const READ = 'select key from t';

class Undo extends Error {}

/** A handle that may be closed and opened again. */
export interface Handle {
  db: Database;
  reopen(): Promise<Database> | Database;
}

/** The options of a call that may be stopped. */
interface StopOptions {
  readonly signal?: AbortSignal;
  readonly timeout?: number;
}

/** Runs a sequence of calls and judges their outcomes. */
export class Runner {
  readonly model = new Model();
  readonly #kind: Kind;
  readonly #handles: readonly Handle[];
  readonly #pending = new Set<Promise<void>>();
  readonly #closing: Promise<void>[] = [];
  /** Handles on which `interrupt()` was called. */
  readonly #interrupted = new WeakSet<Database>();

  constructor(kind: Kind, handles: readonly Handle[]) {
    this.#kind = kind;
    this.#handles = handles;
  }

  async run({ calls }: Plan): Promise<void> {
    for (const planned of calls) {
      const running = this.#begin(planned);
      this.#pending.add(running);
      void running.finally(() => this.#pending.delete(running));
      if (planned.awaited) await running;
      for (let i = 0; i < planned.turns; i++) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Waits for what is under way. */
  async settle(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
    await Promise.all(this.#closing.map((closing) => this.#bounded('close()', closing)));
  }

  /** Runs a call to its end; what it fails with is no fault, if the error is one of ours. */
  async #begin({ handle: index, call }: Planned): Promise<void> {
    const handle = this.#handles[index] as Handle;
    const { db } = handle;
    const label = `${call.do}${'stop' in call && call.stop ? ` stopped by ${call.stop.by} after ${call.stop.after}` : ''}`;
    let signal: AbortSignal | undefined;
    const stopBy = (stop: Stop | undefined): StopOptions => {
      if (stop === undefined) return {};
      if (stop.by === 'timeout') return { timeout: stop.after };
      const controller = new AbortController();
      ({ signal } = controller);
      if (stop.after === 0) setImmediate(() => controller.abort());
      else setTimeout(() => controller.abort(), stop.after);
      return { signal };
    };
    try {
      await this.#bounded(label, this.#do(handle, call, stopBy));
    } catch (error) {
      if (
        error instanceof InterruptedError &&
        error.code === 'SQLITE_INTERRUPT' &&
        !this.#interrupted.has(db)
      )
        this.model.faults.push(`${label}: interrupted, and nobody called interrupt()`);
      if (error instanceof DatabaseError || error instanceof Undo) return;
      this.model.faults.push(`${label}: ${error instanceof Error ? error.stack : String(error)}`);
    } finally {
      if (signal !== undefined && getEventListeners(signal, 'abort').length > 0)
        this.model.faults.push(`${label}: a listener is left on its signal`);
    }
  }

  async #bounded<T>(label: string, running: Promise<T>): Promise<T> {
    const controller = new AbortController();
    const late = pause(HANGS_AFTER, undefined, { signal: controller.signal }).then(
      () => {
        throw new Error(`hangs`);
      },
      () => undefined as never,
    );
    try {
      return await Promise.race([running, late]);
    } catch (error) {
      if (error instanceof Error && error.message === 'hangs') {
        // Nothing that comes later can be judged.
        throw Object.assign(new Error(`${label} hangs`), { stack: `${label} hangs` });
      }
      throw error;
    } finally {
      controller.abort();
    }
  }

  async #do(handle: Handle, call: Call, stopBy: (stop: Stop | undefined) => StopOptions): Promise<void> {
    const { db } = handle;
    switch (call.do) {
      case 'insert':
        return this.#write(2, ([a, b]) =>
          db.execute('insert into t (key, ok) values (?, 1), (?, 1)', [a, b], stopBy(call.stop)),
        );
      case 'prepared':
        return this.#write(1, ([a]) => db.prepare(INSERT).run([a], stopBy(call.stop)));
      case 'batch':
        return this.#write(3, (keys) =>
          db.batch(
            keys.map((key) => ({ sql: INSERT, args: [key] })),
            stopBy(call.stop),
          ),
        );
      case 'refused':
        return this.#refused(db, stopBy(call.stop));
      case 'independent':
        return this.#independent(db, stopBy(call.stop));
      case 'script':
        return this.#script(db, call.form, stopBy(call.stop));
      case 'transaction':
        return this.#transaction(db, call, stopBy(call.stop));
      case 'stream': {
        const must = this.#mustSee();
        const keys: string[] = [];
        const options = { batchSize: call.batchSize, ...stopBy(call.stop) };
        for await (const { key } of db.stream<{ key: string }>(READ, [], options)) {
          keys.push(key);
          if (keys.length >= call.take) break;
        }
        this.model.read(keys, keys.length >= call.take ? [] : must, 'stream');
        return;
      }
      case 'read': {
        const must = this.#mustSee();
        const { rows } = await db.execute<{ key: string }>(READ, [], stopBy(call.stop));
        this.model.read(keysOf(rows), must, 'read');
        return;
      }
      case 'explain':
        await db.explain(READ);
        return;
      case 'sync':
        await db.sync();
        return;
      case 'interrupt':
        this.#interrupted.add(db);
        db.interrupt();
        return;
      case 'close': {
        const closing = db.close();
        this.#closing.push(closing);
        // One file of a replica has one handle at a time.
        if (this.#kind === 'replica') await closing;
        if (handle.db === db) handle.db = await handle.reopen();
      }
    }
  }

  /** A replica shows the writes of others when it has synced. */
  #mustSee(): string[] {
    return this.#kind === 'replica' ? [] : this.model.acknowledged();
  }

  /** Writes keys that are there together or not at all. */
  async #write(count: number, send: (keys: string[]) => Promise<unknown>): Promise<void> {
    const keys = this.#newKeys('key', count);
    this.model.together(keys);
    await this.#noted(keys, () => send(keys));
  }

  async #noted(keys: readonly string[], send: () => Promise<unknown>): Promise<void> {
    try {
      await send();
    } catch (error) {
      this.model.settle(keys, this.#outcomeOf(error));
      throw error;
    }
    this.model.settle(keys, 'there');
  }

  #newKeys(label: string, count: number): string[] {
    return Array.from({ length: count }, () => this.model.newKey(label));
  }

  async #refused(db: Database, options: StopOptions): Promise<void> {
    const keys = this.#newKeys('refused', 2);
    const statements = [INSERT, REFUSED].map((sql, i) => ({ sql, args: [keys[i] as string] }));
    this.model.settle(keys, 'gone');
    await db.batch(statements, options);
    this.model.faults.push('a batch that breaks a constraint was acknowledged');
  }

  async #independent(db: Database, options: StopOptions): Promise<void> {
    const keys = this.#newKeys('independent', 3);
    const [a, b, c] = keys as [string, string, string];
    const statements = [INSERT, REFUSED, INSERT].map((sql, i) => ({ sql, args: [keys[i] as string] }));
    this.model.settle([b], 'gone');
    try {
      const outcomes = await db.batch(statements, { atomic: false, ...options });
      for (const [i, key] of [a, c].entries()) {
        const outcome = outcomes[i * 2];
        if (outcome?.status === 'fulfilled') this.model.settle([key], 'there');
        else this.model.settle([key], this.#outcomeOf(outcome?.reason));
      }
      if (outcomes[1]?.status === 'fulfilled')
        this.model.faults.push('a statement that breaks a constraint is fulfilled');
    } catch (error) {
      this.model.settle([a, c], 'maybe');
      throw error;
    }
  }

  async #script(
    db: Database,
    form: 'plain' | 'atomic' | 'own transaction',
    options: StopOptions,
  ): Promise<void> {
    const keys = this.#newKeys('script', 2);
    const inserts = keys.map((key) => `insert into t (key, ok) values ('${key}', 1);`).join('');
    if (form !== 'plain') this.model.together(keys);
    const sql = form === 'own transaction' ? `begin immediate;${inserts}commit;` : inserts;
    const send = (): Promise<unknown> => db.script(sql, { atomic: form === 'atomic', ...options });
    if (form !== 'plain') return this.#noted(keys, send);
    try {
      await send();
      this.model.settle(keys, 'there');
    } catch (error) {
      // Statements before the one that failed are kept.
      this.model.settle(keys, 'maybe');
      throw error;
    }
  }

  async #transaction(
    db: Database,
    { behavior, steps, fails }: Extract<Call, { do: 'transaction' }>,
    options: StopOptions,
  ): Promise<void> {
    let kept: string[] = [];
    try {
      await db.transaction(
        async (tx) => {
          kept = [];
          await this.#steps(tx, steps, kept);
          if (fails) throw new Undo();
        },
        { behavior, ...options },
      );
    } catch (error) {
      this.model.settle(kept, error instanceof Undo ? 'gone' : this.#outcomeOf(error));
      this.model.together(kept);
      throw error;
    }
    this.model.settle(kept, 'there');
    if (behavior === 'read' && kept.length > 0) this.model.faults.push('a read transaction has written');
  }

  /** Does the steps; `kept` gets the keys that commit with the transaction. */
  async #steps(tx: Transaction, steps: readonly Step[], kept: string[]): Promise<void> {
    for (const step of steps) {
      if (step.do === 'insert') await this.#insertIn(tx, kept);
      else if (step.do === 'pause') await pause(step.ms);
      else if (step.do === 'limited') await tx.execute(READ, [], { timeout: step.stop.after });
      else if (step.do === 'batch') {
        const keys = this.#newKeys('tx batch', 2);
        kept.push(...keys);
        await tx.batch(keys.map((key) => ({ sql: INSERT, args: [key] })));
      } else if (step.do === 'nested') await this.#nested(tx, step, kept);
      else {
        const rows: { key: string }[] = [];
        if (step.do === 'stream') for await (const row of tx.stream<{ key: string }>(READ)) rows.push(row);
        else rows.push(...(await tx.execute<{ key: string }>(READ)).rows);
        const found = new Set(keysOf(rows));
        for (const key of kept)
          if (!found.has(key))
            this.model.faults.push(`a transaction does not see ${key}, which it has written`);
      }
    }
  }

  async #insertIn(tx: Transaction, kept: string[]): Promise<void> {
    const key = this.model.newKey('tx');
    kept.push(key);
    await tx.execute(INSERT, [key]);
  }

  async #nested(
    tx: Transaction,
    { steps, fails }: Extract<Step, { do: 'nested' }>,
    kept: string[],
  ): Promise<void> {
    const own: string[] = [];
    try {
      await tx.transaction(async (inner) => {
        await this.#steps(inner, steps, own);
        if (fails) throw new Undo();
      });
      kept.push(...own);
    } catch (error) {
      // The savepoint was undone, or the whole transaction is lost: these keys are never there.
      this.model.settle(own, 'gone');
      if (!(error instanceof Undo)) throw error;
    }
  }

  /** Whether a write that failed may have been done. What fails in this process has not. */
  #outcomeOf(error: unknown): 'gone' | 'maybe' {
    if (this.#kind === 'memory' || this.#kind === 'file') return 'gone';
    if (error instanceof NetworkError) return error.reached ? 'maybe' : 'gone';
    const refusals = [BusyError, ConstraintError, CapabilityError, ParameterError, ReadOnlyError];
    return refusals.some((refusal) => error instanceof refusal) ? 'gone' : 'maybe';
  }
}

function keysOf(rows: readonly { key: string }[]): string[] {
  return rows.map(({ key }) => key);
}
