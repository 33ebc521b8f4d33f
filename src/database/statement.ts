import type { RawResult } from '../engine/engine.js';
import type { AnalyzedStatement } from '../sql/statement.js';
import type { SqlValue } from '../values.js';
import type { AbortOptions } from './abort.js';
import type { Executor } from './executor.js';
import { type ResultSet, type RowObject, toResultSet, toRows } from './result.js';
import { type Arguments, bind } from './statements.js';
import { openStream, type StreamOptions } from './stream.js';

/** A statement to be run many times, made by `prepare()`. Any number of callers may use it at once. */
export class Statement<Row = RowObject> {
  readonly #executor: Executor;
  readonly #statement: AnalyzedStatement;

  /** @internal */
  constructor(executor: Executor, statement: AnalyzedStatement) {
    this.#executor = executor;
    this.#statement = statement;
  }

  /** The SQL text. */
  get sql(): string {
    return this.#statement.text;
  }

  /** All rows as objects. @throws as `execute()` */
  async all(args?: Arguments, options?: AbortOptions): Promise<Row[]> {
    const raw = await this.#run(args, options, 'all');
    return toRows(raw.rows, raw.columns ?? [], 'object', this.#executor.config.intMode) as Row[];
  }

  /** The first row, or undefined; a SELECT is stopped after it. @throws as `execute()` */
  async get(args?: Arguments, options?: AbortOptions): Promise<Row | undefined> {
    const raw = await this.#run(args, options, 'first');
    const [row] = toRows(raw.rows.slice(0, 1), raw.columns ?? [], 'object', this.#executor.config.intMode);
    return row as Row | undefined;
  }

  /** All rows as arrays in column order. @throws as `execute()` */
  async values(args?: Arguments, options?: AbortOptions): Promise<SqlValue[][]> {
    const raw = await this.#run(args, options, 'all');
    return toRows(raw.rows, raw.columns ?? [], 'array', this.#executor.config.intMode) as SqlValue[][];
  }

  /** Runs the statement and gives the same as `execute()`. @throws as `execute()` */
  async run(args?: Arguments, options?: AbortOptions): Promise<ResultSet<Row>> {
    const raw = await this.#run(args, options, 'all');
    return toResultSet(raw, 'object', this.#executor.config.intMode) as ResultSet<Row>;
  }

  /** The rows one by one; see `stream()`. */
  iterate(args?: Arguments, options?: StreamOptions): AsyncGenerator<Row, void, undefined> {
    return openStream(this.#executor, this.#statement.text, args, options) as AsyncGenerator<
      Row,
      void,
      undefined
    >;
  }

  async #run(args: Arguments, options: AbortOptions | undefined, fetch: 'all' | 'first'): Promise<RawResult> {
    const executor = this.#executor;
    const values = bind(this.#statement, args, executor.limits);
    const exactIntegers = executor.config.intMode !== 'number';
    const abort = executor.abortFrom(options);
    try {
      const request = { fetch, columns: true, rowid: true, exactIntegers };
      return await executor.runStatement(this.#statement, values, request, abort);
    } finally {
      abort?.dispose();
    }
  }
}
