import { Transaction } from '../../src/database/transaction.js';
import type { Database } from '../../src/index.js';
import { collect } from '../support/outcome.js';
import { type Outcome, ofResult, outcomeOf, type Session, type StepOutcome } from './outcome.js';
import type { Random } from './random.js';
import type { Statement, Step } from './statement.js';

type Executor = Database | Transaction;
type Run = (executor: Executor, statement: Statement) => PromiseLike<Omit<Outcome, 'path'>>;

/** Longer than anything takes here, in ms. */
const LONG = 60_000;

/** A limit of time that is never reached. */
const limit = (): { signal: AbortSignal } => ({ signal: new AbortController().signal });

/** Ways to run one statement, on a database or in a transaction. */
const PATHS: Readonly<Record<string, Run>> = {
  execute: async (on, { sql, args }) => ofResult(await on.execute(sql, args)),
  'execute, rows as arrays': async (on, { sql, args }) => ({
    ...ofResult(await on.execute(sql, args, { rowMode: 'array' })),
    form: 'array',
  }),
  'execute with a timeout': async (on, { sql, args }) =>
    ofResult(await on.execute(sql, args, { timeout: LONG })),
  'execute with a signal': async (on, { sql, args }) => ofResult(await on.execute(sql, args, limit())),
  'prepare().all': async (on, { sql, args }) => ({ rows: await on.prepare(sql).all(args), form: 'object' }),
  'prepare().values': async (on, { sql, args }) => ({
    rows: await on.prepare(sql).values(args),
    form: 'array',
  }),
  'prepare().get': async (on, { sql, args }) => {
    const row = await on.prepare(sql).get(args);
    return { rows: row === undefined ? [] : [row], form: 'object', first: true };
  },
  'prepare().run': async (on, { sql, args }) => ofResult(await on.prepare(sql).run(args)),
  stream: async (on, { sql, args }) => ({ rows: await collect(on.stream(sql, args)), form: 'object' }),
  'stream, rows as arrays': async (on, { sql, args }) => ({
    rows: await collect(on.stream(sql, args, { rowMode: 'array' })),
    form: 'array',
  }),
  'stream with a timeout': async (on, { sql, args }) => ({
    rows: await collect(on.stream(sql, args, { timeout: LONG, batchSize: 2 })),
    form: 'object',
  }),
  'independent batch': async (on, statement) => {
    const [outcome] = await on.batch([statement], { atomic: false });
    if (outcome?.status !== 'fulfilled') throw outcome?.reason ?? new Error('no outcome');
    return ofResult(outcome.value);
  },
};

/** A script tells nothing but errors. */
const SCRIPT: Run = async (on, { sql }) => {
  await on.script(sql);
  return {};
};

const NAMES = Object.keys(PATHS);

/** What undoes a transaction that has not failed. */
class Undo extends Error {}

/** The database itself, by its own methods. */
export class CoreSession implements Session {
  readonly db: Database;
  readonly #elsewhere: (statement: Statement) => Promise<unknown>;

  /**
   * @param elsewhere - runs a statement on another connection, and lets this one see what it did
   */
  constructor(db: Database, elsewhere: (statement: Statement) => Promise<unknown>) {
    this.db = db;
    this.#elsewhere = elsewhere;
  }

  async run(step: Step, random: Random): Promise<StepOutcome> {
    switch (step.mode) {
      case 'single': {
        const [statement] = step.statements;
        const outcome = await runOne(this.db, statement, random);
        return { path: outcome.path, outcomes: [outcome] };
      }
      case 'elsewhere': {
        const outcome = await outcomeOf('elsewhere', async () => {
          await this.#elsewhere(step.statements[0]);
          return {};
        });
        return { path: 'elsewhere', outcomes: [outcome] };
      }
      case 'batch':
        return await this.#batch(step.statements, random);
      case 'script':
        return await this.#script(step.statements, random);
      case 'transaction':
        return await this.#transaction(step, random);
      case 'migrate':
        return await whole('atomic script', () => this.db.script(textOf(step.statements), { atomic: true }));
      case 'many':
        return await whole('insert, row by row', () =>
          this.db.transaction(async (tx) => {
            const sql = insertOf(step);
            for (const args of step.rows) await tx.execute(sql, args);
          }),
        );
      case 'built':
        return { path: '', outcomes: [], left: true };
    }
  }

  async look(sql: string): Promise<unknown[][]> {
    return (await this.db.execute(sql, [], { rowMode: 'array' })).rows;
  }

  /** The database is closed by the one who opened it. */
  async close(): Promise<void> {}

  async #batch(statements: readonly Statement[], random: Random): Promise<StepOutcome> {
    const literal = statements.every(({ args }) => Object.keys(args).length === 0);
    const path = random.pick([
      'batch',
      'batch',
      'batch with a timeout',
      'transaction',
      ...(literal ? ['atomic script'] : []),
    ]);
    const outcomes: Outcome[] = [];
    try {
      if (path === 'atomic script') await this.db.script(textOf(statements), { atomic: true });
      else if (path === 'transaction') {
        await this.db.transaction(async (tx) => {
          for (const statement of statements) {
            outcomes.push({ path, ...ofResult(await tx.execute(statement.sql, statement.args)) });
          }
        });
      } else {
        const options = path === 'batch' ? {} : { timeout: LONG };
        const results = await this.db.batch([...statements], options);
        outcomes.push(...results.map((result) => ({ path, ...ofResult(result) })));
      }
    } catch (error) {
      return { path, outcomes: [], error };
    }
    return { path, outcomes };
  }

  async #script(statements: readonly Statement[], random: Random): Promise<StepOutcome> {
    const path = random.pick(['script', 'script', 'script with a signal', 'independent batch']);
    if (path !== 'independent batch') {
      return await whole(path, () => this.db.script(textOf(statements), path === 'script' ? {} : limit()));
    }
    const settled = await this.db.batch([...statements], { atomic: false, continueOnError: false });
    const outcomes = settled.map((outcome): Outcome => {
      return outcome.status === 'fulfilled'
        ? { path, ...ofResult(outcome.value) }
        : { path, error: outcome.reason };
    });
    return { path, outcomes };
  }

  async #transaction(step: Step & { mode: 'transaction' }, random: Random): Promise<StepOutcome> {
    const path = 'transaction';
    const outcomes: Outcome[] = [];
    try {
      await this.db.transaction(async (tx) => {
        const before = step.statements.slice(0, step.nestedFrom ?? Infinity);
        if (!(await runEach(tx, before, outcomes, random))) return;
        if (step.nestedFrom !== undefined) {
          const nested = step.statements.slice(step.nestedFrom);
          await tx
            .transaction(async (inner) => {
              await runEach(inner, nested, outcomes, random);
              throw new Undo();
            })
            .catch(unlessUndone);
        }
        if (step.undo) throw new Undo();
      });
    } catch (error) {
      if (!(error instanceof Undo)) return { path, outcomes, error };
    }
    return { path, outcomes };
  }
}

function unlessUndone(error: unknown): void {
  if (!(error instanceof Undo)) throw error;
}

/** Statement by statement, whether they fail or not; false when the transaction is over. */
async function runEach(
  tx: Transaction,
  statements: readonly Statement[],
  outcomes: Outcome[],
  random: Random,
): Promise<boolean> {
  for (const statement of statements) {
    const outcome = await runOne(tx, statement, random);
    if ((outcome.error as { code?: unknown } | undefined)?.code === 'TRANSACTION_LOST') return false;
    outcomes.push(outcome);
  }
  return true;
}

async function runOne(on: Executor, statement: Statement, random: Random): Promise<Outcome> {
  // In a transaction a script is one unit, of which nothing is kept.
  const alone = !(on instanceof Transaction);
  if (alone && Object.keys(statement.args).length === 0 && random.chance(0.08))
    return await outcomeOf('script of one', () => SCRIPT(on, statement));
  const path = random.pick(NAMES);
  return await outcomeOf(path, () => (PATHS[path] as Run)(on, statement));
}

/** A step that tells only whether it failed. */
export async function whole(path: string, run: () => PromiseLike<unknown>): Promise<StepOutcome> {
  try {
    await run();
    return { path, outcomes: [] };
  } catch (error) {
    return { path, outcomes: [], error };
  }
}

export function textOf(statements: readonly Statement[]): string {
  return statements.map(({ sql }) => `${sql};`).join('\n');
}

/** The INSERT of one row. */
export function insertOf({
  table,
  columns,
}: {
  readonly table: string;
  readonly columns: readonly string[];
}): string {
  return `insert into ${table} (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})`;
}
