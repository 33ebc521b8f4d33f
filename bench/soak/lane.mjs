// One caller of a database, which does one thing after the other and knows what must be in the table for it.
import { setTimeout as pause } from 'node:timers/promises';
import { BusyError, InterruptedError, NetworkError, TransactionLostError } from 'turso-dialect';

export const SCHEMA = `
  create table log (lane integer not null, n integer not null, part integer not null, body text not null);
  create index log_lane on log (lane, n);`;

const INSERT = 'insert into log values (?, ?, ?, ?)';
/** How many writes are remembered before they are looked up and forgotten. */
const WINDOW = 200;
/** How long a write whose end is unknown may go on at a server, in ms. */
const UNKNOWN_FOR = 60_000;
/** What a transaction that was undone writes. No other write has this part. */
const UNDONE = 9;

class Undo extends Error {}

/**
 * @typedef {{ parts: number, outcome: 'done' | 'refused' | 'unknown', at: number }} Write
 * `interrupted`: calls that failed as if somebody had stopped them.
 * @typedef {{ lost: number, doubled: number, partial: number, phantom: number, interrupted: number }} Faults
 */

export class Lane {
  /** Written and acknowledged, or found although unknown: what must be in the table at the end. */
  rows = 0;
  sum = 0;
  /** @type {Faults} */
  faults = { lost: 0, doubled: 0, partial: 0, phantom: 0, interrupted: 0 };
  /** What it does now, since when: for whoever looks for hangs. */
  current = { name: 'nothing', since: performance.now() };
  #db;
  #id;
  #random;
  #remote;
  #note;
  #n = 0;
  /** @type {Map<number, Write>} */
  #window = new Map();

  /**
   * @param {import('turso-dialect').Database} db
   * @param {{ id: number, random: () => number, remote: boolean,
   *   note: (name: string, ms: number, outcome: string) => void }} options
   */
  constructor(db, { id, random, remote, note }) {
    this.#db = db;
    this.#id = id;
    this.#random = random;
    this.#remote = remote;
    this.#note = note;
  }

  /** Does something. */
  async step() {
    const operations = [
      ...[this.#read, this.#read, this.#read, this.#readTransaction, this.#stream],
      ...[this.#insert, this.#insert, this.#batch, this.#script, this.#transaction, this.#transaction],
    ];
    const operation = operations[this.#below(operations.length)];
    await operation.call(this);
    if (this.#window.size >= WINDOW) await this.check();
  }

  /** Looks up what was written, counts what is wrong, and forgets it. */
  async check() {
    const first = Math.min(...this.#window.keys());
    const sql = 'select n, count(*) as c, sum(part) as s from log where lane = ? and n >= ? group by n';
    const { rows } = await this.#untilDone(() => this.#db.execute(sql, [this.#id, first]));
    const found = new Map(rows.map(({ n, c, s }) => [n, { c, s }]));
    for (const [n, write] of this.#window) {
      const { c, s } = found.get(n) ?? { c: 0, s: 0 };
      if (c === 0 && write.outcome === 'unknown' && performance.now() - write.at < UNKNOWN_FOR) continue;
      this.#compare(write, c, s);
      this.#window.delete(n);
      this.rows += c;
      this.sum += n * c + s;
    }
  }

  /** @param {Write} write */
  #compare({ parts, outcome }, count, sum) {
    const whole = count === parts && sum === (parts * (parts + 1)) / 2;
    if (outcome === 'refused' ? count === 0 : whole || (outcome === 'unknown' && count === 0)) return;
    if (outcome === 'refused') this.faults.phantom++;
    else if (count === 0) this.faults.lost++;
    else if (count > parts) this.faults.doubled++;
    else this.faults.partial++;
  }

  async #read() {
    const done = Array.from(this.#window).filter(([, { outcome }]) => outcome === 'done');
    const [n, write] = done[this.#below(done.length)] ?? [0, undefined];
    await this.#run('read', async (abort) => {
      const sql = 'select count(*) as c from log where lane = ? and n = ?';
      const { rows } = await this.#db.execute(sql, [this.#id, n], abort);
      if (write !== undefined && rows[0].c !== write.parts) this.faults.lost++;
    });
  }

  async #readTransaction() {
    await this.#run('read transaction', (abort) =>
      this.#db.transaction(
        async (tx) => {
          const sql = 'select count(*) as c from log where lane between ? and ?';
          const [before, after] = [await tx.execute(sql, [0, 3]), await tx.execute(sql, [0, 3])];
          // A snapshot does not change.
          if (before.rows[0].c !== after.rows[0].c) this.faults.phantom++;
        },
        { behavior: 'read', ...abort },
      ),
    );
  }

  async #stream() {
    const stop = this.#random() < 0.3 ? this.#below(50) : Infinity;
    await this.#run('stream', async (abort) => {
      const sql = 'select * from log where lane = ? order by n desc limit 300';
      let read = 0;
      for await (const _row of this.#db.stream(sql, [this.#id], { batchSize: 50, ...abort }))
        if (++read > stop) break;
    });
  }

  #insert() {
    return this.#write('insert', 2, (rows, abort) =>
      this.#db.execute('insert into log values (?, ?, ?, ?), (?, ?, ?, ?)', rows.flat(), abort),
    );
  }

  #batch() {
    return this.#write('batch', 3, (rows, abort) =>
      this.#db.batch(
        rows.map((args) => ({ sql: INSERT, args })),
        abort,
      ),
    );
  }

  #script() {
    return this.#write('script', 3, (rows, abort) => {
      const inserts = rows.map(
        ([lane, n, part, body]) => `insert into log values (${lane}, ${n}, ${part}, '${body}')`,
      );
      return this.#db.script(inserts.join(';'), { atomic: true, ...abort });
    });
  }

  #transaction() {
    const behavior = this.#remote ? 'immediate' : ['immediate', 'exclusive', 'deferred'][this.#below(3)];
    const undone = this.#random() < 0.2;
    const nested = this.#random() < 0.3;
    return this.#write('transaction', 3, (rows, abort) =>
      this.#db.transaction(
        async (tx) => {
          for (const args of rows) await tx.execute(INSERT, args);
          const more = (inner) => inner.execute(INSERT, [rows[0][0], rows[0][1], UNDONE, '']);
          if (nested) await this.#undone(tx, more);
          if (!undone) return;
          await more(tx);
          throw new Undo();
        },
        { behavior, ...abort },
      ),
    );
  }

  async #undone(tx, more) {
    const nested = tx.transaction(async (inner) => {
      await more(inner);
      throw new Undo();
    });
    await nested.catch((error) => {
      if (!(error instanceof Undo)) throw error;
    });
  }

  /** Writes rows of one number, and remembers what became of them. */
  async #write(name, parts, call) {
    const n = ++this.#n;
    const body = 'x'.repeat(this.#below(300));
    const rows = Array.from({ length: parts }, (_, i) => [this.#id, n, i + 1, body]);
    const outcome = await this.#run(name, (abort) => call(rows, abort));
    this.#window.set(n, { parts, outcome, at: performance.now() });
  }

  /** Times a call, one in ten with a limit of time that it may not keep. */
  async #run(name, call) {
    const abort = {};
    const chance = this.#random();
    if (chance < 0.05) abort.timeout = 1 + this.#below(20);
    else if (chance < 0.1) abort.signal = AbortSignal.timeout(1 + this.#below(20));
    const since = performance.now();
    this.current = { name, since };
    const [outcome, error] = await call(abort).then(
      () => ['done'],
      (reason) => [this.#isOpen(reason) ? 'unknown' : 'refused', reason],
    );
    this.current = { name: 'nothing', since: performance.now() };
    // Nobody calls interrupt(), and what a signal or timeout stops says so.
    if (error instanceof InterruptedError && !['ABORTED', 'TIMEOUT'].includes(error.code))
      this.faults.interrupted++;
    this.#note(name, performance.now() - since, error === undefined ? 'done' : nameOf(error));
    return outcome;
  }

  /** Whether a write may have been done although it failed. What fails in this process has not. */
  #isOpen(error) {
    if (!this.#remote) return false;
    if (error instanceof NetworkError) return error.reached;
    return error instanceof InterruptedError || error instanceof TransactionLostError;
  }

  async #untilDone(call) {
    for (let attempt = 1; ; attempt++) {
      try {
        return await call();
      } catch (error) {
        if (attempt === 50) throw error;
        await pause(100);
      }
    }
  }

  #below(limit) {
    return Math.floor(this.#random() * limit);
  }
}

function nameOf(error) {
  if (error instanceof Undo) return 'undone as asked';
  if (error instanceof InterruptedError) return 'aborted';
  if (error instanceof BusyError) return 'busy';
  return `${error.name} ${error.code ?? ''}: ${error.message}`.slice(0, 120);
}
