import { channel } from '../runtime.js';
import type { ResolvedConfig } from '../config.js';
import type { MaybePromise, RawResult, StatementTrace } from '../engine/engine.js';
import type { DatabaseError } from '../errors.js';
import { findDatabaseError } from '../errors.js';
import type { AnalyzedStatement } from '../sql/statement.js';
import type { SqlValue } from '../values.js';

/**
 * What became of one statement. Published on the channel `turso-dialect:statement` of `node:diagnostics_channel`.
 *
 * @example
 * ```ts
 * import { subscribe } from 'node:diagnostics_channel';
 * import { open, type StatementEvent } from 'turso-dialect';
 *
 * subscribe('turso-dialect:statement', (message) => {
 *   const { sql, duration, rows } = message as StatementEvent;
 *   console.log(`${sql}: ${rows} rows in ${duration.toFixed(1)} ms`);
 * });
 * await using db = open(':memory:');
 * await db.execute('select 1');
 * ```
 */
export interface StatementEvent {
  readonly sql: string;
  /** A `'?'` for each parameter, or with `config.logParameters` the values as they are stored. */
  readonly parameters: readonly SqlValue[];
  /** From the call until its end, waits for locks included, in ms. Of a stream, until it was left. */
  readonly duration: number;
  /** How many rows it gave. */
  readonly rows: number;
  /** How many rows it changed. */
  readonly rowsAffected: number;
  /** Number of the connection that it ran on, in this process; undefined when it reached none. */
  readonly connection: number | undefined;
  /** Number of the transaction that it ran in, in this process. */
  readonly transaction: number | undefined;
  /** How often it was tried; in a transaction that is repeated, how often that was begun. From 1. */
  readonly attempt: number;
  /** Why it failed. */
  readonly error: DatabaseError | undefined;
}

/** Where a statement runs. */
export interface StatementOrigin {
  readonly transactionId: number | undefined;
  /** How often the transaction was begun. */
  readonly attempt: number;
}

const statements = channel('turso-dialect:statement');

/** Tells the logger and the diagnostics channel about statements. */
export class Observer {
  readonly #logger: ResolvedConfig['logger'];
  readonly #showValues: boolean;

  constructor({ logger, logParameters }: Pick<ResolvedConfig, 'logger' | 'logParameters'>) {
    this.#logger = logger;
    this.#showValues = logParameters;
  }

  /** Whether anybody wants to know. */
  get active(): boolean {
    return this.#logger !== undefined || statements.hasSubscribers;
  }

  /** Runs a statement and tells about it; the trace is to be given along with it. */
  observe(
    statement: AnalyzedStatement,
    values: readonly SqlValue[],
    origin: StatementOrigin,
    run: (trace: StatementTrace) => MaybePromise<RawResult>,
  ): MaybePromise<RawResult> {
    const end = this.begin(statement, values, origin);
    const tell = (raw: RawResult): RawResult => {
      end({ rows: raw.rows.length, rowsAffected: raw.rowsAffected });
      return raw;
    };
    const failed = (error: unknown): never => {
      end({ error });
      throw error;
    };
    let result: MaybePromise<RawResult>;
    try {
      result = run(end.trace);
    } catch (error) {
      return failed(error);
    }
    return result instanceof Promise ? result.then(tell, failed) : tell(result);
  }

  /** Tells that a statement begins; what is returned is to be called at its end. */
  begin(statement: AnalyzedStatement, values: readonly SqlValue[], origin: StatementOrigin): EndStatement {
    const parameters = this.#showValues ? values : values.map(() => '?');
    this.#logger?.logQuery(statement.text, [...parameters]);
    const start = performance.now();
    const trace: StatementTrace = { connection: undefined, tries: 0 };
    const end = ({ rows = 0, rowsAffected = 0, error }: StatementEnd): void => {
      if (!statements.hasSubscribers) return;
      const event: StatementEvent = {
        sql: statement.text,
        parameters,
        duration: performance.now() - start,
        ...{ rows, rowsAffected },
        connection: trace.connection === undefined ? undefined : connectionNumber(trace.connection),
        transaction: origin.transactionId,
        attempt: Math.max(1, trace.tries) - 1 + origin.attempt,
        error: findDatabaseError(error),
      };
      statements.publish(event);
    };
    return Object.assign(end, { trace });
  }
}

/** How a statement ended. */
export interface StatementEnd {
  readonly rows?: number;
  readonly rowsAffected?: number;
  readonly error?: unknown;
}

/** To be called at the end of a statement. */
export interface EndStatement {
  (end: StatementEnd): void;
  readonly trace: StatementTrace;
}

const numbers = new WeakMap<object, number>();
let lastNumber = 0;

function connectionNumber(connection: object): number {
  let number = numbers.get(connection);
  if (number === undefined) {
    number = ++lastNumber;
    numbers.set(connection, number);
  }
  return number;
}
