import { checkTimeout } from '../config.js';
import { Abort } from './abort.js';
import { runIndependently, toBatchItem } from './batch.js';
import { toResultSet } from './result.js';
import { Statement } from './statement.js';
import { bind } from './statements.js';
import { openStream } from './stream.js';
/** What the database and a transaction have in common: everything that runs statements. */
export class Executor {
  /** @internal */
  config;
  /** @internal */
  statements;
  /** @internal */
  constructor(config, statements) {
    this.config = config;
    this.statements = statements;
  }
  /** @internal What the engine can't store; known before the engine is loaded. */
  get limits() {
    return LOCAL_LIMITS;
  }
  async execute(sql, args, options) {
    const statement = this.statements.one(sql);
    const values = bind(statement, args, this.limits);
    const { intMode } = this.config;
    const request = {
      fetch: 'all',
      columns: true,
      rowid: true,
      exactIntegers: intMode !== 'number',
    };
    const abort = this.abortFrom(options);
    try {
      const raw = await this.runStatement(statement, values, request, abort);
      return toResultSet(raw, options?.rowMode ?? 'object', intMode);
    } finally {
      abort?.dispose();
    }
  }
  async batch(statements, options = {}) {
    const { intMode } = this.config;
    const request = {
      fetch: 'all',
      columns: true,
      rowid: true,
      exactIntegers: intMode !== 'number',
    };
    const decode = (raw) => toResultSet(raw, 'object', intMode);
    const abort = this.abortFrom(options);
    try {
      if (options.atomic === false) {
        const prepare = (statement) => toBatchItem(this, statement, request);
        const outcomes = await runIndependently(this, statements, prepare, options, abort);
        return outcomes.map((outcome) =>
          outcome.status === 'fulfilled' ? { ...outcome, value: decode(outcome.value) } : outcome,
        );
      }
      const items = statements.map((statement, index) => toBatchItem(this, statement, request, index));
      const { behavior } = options;
      return (await this.runAtomically(items, { behavior, abort })).map(decode);
    } finally {
      abort?.dispose();
    }
  }
  stream(sql, args, options) {
    return openStream(this, sql, args, options);
  }
  /**
   * Prepares a statement that is run many times. The text is checked now; the engine keeps the compiled statement
   * in each connection's cache, so a schema change or a lost connection is no concern of the caller.
   *
   * @throws {@link DatabaseError} when the text holds no statement or several, or calls a refused function
   *
   * @example
   * ```ts
   * import { open } from 'turso-dialect';
   *
   * await using db = open(':memory:');
   * const double = db.prepare('select ? * 2 as doubled');
   * console.log(await double.get([21])); // { doubled: 42 }
   * ```
   */
  prepare(sql) {
    return new Statement(this, this.statements.one(sql));
  }
  /** @internal */
  abortFrom(options) {
    const timeout = checkTimeout(options?.timeout);
    if (options?.signal === undefined && timeout === undefined && this.config.timeout === undefined)
      return undefined;
    return Abort.from({ signal: options?.signal, timeout }, this.config.timeout);
  }
}
/** libsql 0.5.29 cuts text at U+0000 when it reads it. */
const LOCAL_LIMITS = Object.freeze({ nulInText: false });
