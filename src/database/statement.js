import { toResultSet, toRows } from './result.js';
import { bind } from './statements.js';
import { openStream } from './stream.js';
/** A statement to be run many times, made by `prepare()`. Any number of callers may use it at once. */
export class Statement {
  #executor;
  #statement;
  /** @internal */
  constructor(executor, statement) {
    this.#executor = executor;
    this.#statement = statement;
  }
  /** The SQL text. */
  get sql() {
    return this.#statement.text;
  }
  /** All rows as objects. @throws as `execute()` */
  async all(args, options) {
    const raw = await this.#run(args, options, 'all');
    return toRows(raw.rows, raw.columns ?? [], 'object', this.#executor.config.intMode);
  }
  /** The first row, or undefined; a SELECT is stopped after it. @throws as `execute()` */
  async get(args, options) {
    const raw = await this.#run(args, options, 'first');
    const [row] = toRows(raw.rows.slice(0, 1), raw.columns ?? [], 'object', this.#executor.config.intMode);
    return row;
  }
  /** All rows as arrays in column order. @throws as `execute()` */
  async values(args, options) {
    const raw = await this.#run(args, options, 'all');
    return toRows(raw.rows, raw.columns ?? [], 'array', this.#executor.config.intMode);
  }
  /** Runs the statement and gives the same as `execute()`. @throws as `execute()` */
  async run(args, options) {
    const raw = await this.#run(args, options, 'all');
    return toResultSet(raw, 'object', this.#executor.config.intMode);
  }
  /** The rows one by one; see `stream()`. */
  iterate(args, options) {
    return openStream(this.#executor, this.#statement.text, args, options);
  }
  async #run(args, options, fetch) {
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
