import type { ColumnOrigin, RawResult } from '../engine/engine.js';
import { DatabaseError } from '../errors.js';
import { ABORT_OPTIONS, checkOptions } from '../options.js';
import type { AnalyzedStatement } from '../sql/statement.js';
import type { SqlValue } from '../values.js';
import type { AbortOptions } from './abort.js';
import type { Executor } from './executor.js';
import { type ResultSet, type RowObject, toResultSet, toRows } from './result.js';
import { type Arguments, bind } from './statements.js';
import { openStream, type StreamOptions } from './stream.js';

/** A statement to be run many times, made by `prepare()`. Any number of callers may use it at once. */
export class Statement<Row = RowObject> {
  private readonly executor: Executor;
  private readonly statement: AnalyzedStatement;
  /** Weak, so that one that is left without a word can be collected. */
  private readonly iterating = new Set<WeakRef<AsyncGenerator<unknown, void, undefined>>>();
  /** In an object of its own, which copies of this one share. */
  private readonly state = { closed: false };

  /** @internal */
  constructor(executor: Executor, statement: AnalyzedStatement) {
    this.executor = executor;
    this.statement = statement;
  }

  /** The SQL text. */
  get sql(): string {
    return this.statement.text;
  }

  /** Whether running it changes nothing. */
  get readOnly(): boolean {
    return this.statement.kind === 'read';
  }

  /** Its parameters in the order of their numbers, which count from 1. */
  parameters(): StatementParameter[] {
    const { count, names } = this.statement.parameters;
    return Array.from({ length: count }, (_, i) => ({ index: i + 1, name: names[i] ?? null }));
  }

  /**
   * Its columns as the schema is now; none for a statement without rows. It is not run.
   *
   * @param options - `signal` and `timeout` (ms)
   * @throws {@link CapabilityError} for a PRAGMA with an effect, which would take effect
   */
  async columns(options?: AbortOptions): Promise<StatementColumn[]> {
    this.assertOpen();
    checkOptions(options, 'columns()', ABORT_OPTIONS);
    const abort = this.executor.abortFrom(options);
    try {
      return (await this.executor.describeStatement(this.statement, abort)).map(toColumn);
    } finally {
      abort?.dispose();
    }
  }

  /** Ends every {@link iterate} of it that is under way. It can be run again at once; no value outlives its run anyway. */
  async reset(): Promise<void> {
    const iterating = [...this.iterating];
    this.iterating.clear();
    await Promise.all(iterating.map(async (rows) => rows.deref()?.return()));
  }

  /** Ends every {@link iterate} of it and refuses further use. Closing twice is fine. */
  async close(): Promise<void> {
    this.state.closed = true;
    await this.reset();
  }

  /** All rows as objects. @throws as `execute()` */
  async all(args?: Arguments, options?: AbortOptions): Promise<Row[]> {
    const raw = await this.runRaw(args, options, 'all');
    return toRows(raw.rows, raw.columns ?? [], 'object', this.executor.config.intMode) as Row[];
  }

  /** The first row, or undefined; a SELECT is stopped after it. @throws as `execute()` */
  async get(args?: Arguments, options?: AbortOptions): Promise<Row | undefined> {
    const raw = await this.runRaw(args, options, 'first');
    const [row] = toRows(raw.rows.slice(0, 1), raw.columns ?? [], 'object', this.executor.config.intMode);
    return row as Row | undefined;
  }

  /** All rows as arrays in column order. @throws as `execute()` */
  async values(args?: Arguments, options?: AbortOptions): Promise<SqlValue[][]> {
    const raw = await this.runRaw(args, options, 'all');
    return toRows(raw.rows, raw.columns ?? [], 'array', this.executor.config.intMode) as SqlValue[][];
  }

  /** Runs the statement and gives the same as `execute()`. @throws as `execute()` */
  async run(args?: Arguments, options?: AbortOptions): Promise<ResultSet<Row>> {
    const raw = await this.runRaw(args, options, 'all');
    return toResultSet(raw, 'object', this.executor.config.intMode) as ResultSet<Row>;
  }

  /** The rows one by one; see `stream()`. */
  async *iterate(args?: Arguments, options?: StreamOptions): AsyncGenerator<Row, void, undefined> {
    this.assertOpen();
    const rows = openStream(this.executor, this.statement.text, args, options);
    const reference = new WeakRef(rows);
    this.iterating.add(reference);
    try {
      yield* rows as AsyncGenerator<Row, void, undefined>;
    } finally {
      this.iterating.delete(reference);
    }
  }

  private async runRaw(
    args: Arguments,
    options: AbortOptions | undefined,
    fetch: 'all' | 'first',
  ): Promise<RawResult> {
    this.assertOpen();
    checkOptions(options, 'a prepared statement', ABORT_OPTIONS);
    const executor = this.executor;
    const values = bind(this.statement, args, executor.limits);
    const exactIntegers = executor.config.intMode !== 'number';
    const abort = executor.abortFrom(options);
    try {
      const request = { fetch, columns: true, rowid: true, exactIntegers };
      return await executor.runStatement(this.statement, values, request, abort);
    } finally {
      abort?.dispose();
    }
  }

  private assertOpen(): void {
    if (!this.state.closed) return;
    throw new DatabaseError('the statement is closed', {
      code: 'STATEMENT_CLOSED',
      kind: 'closed',
      sql: this.sql,
    });
  }
}

function toColumn({ name, type, table, column, database }: ColumnOrigin): StatementColumn {
  return {
    name,
    type: type ?? null,
    table: table ?? null,
    column: column ?? null,
    database: database ?? null,
  };
}

/** A parameter of a {@link Statement}. */
export interface StatementParameter {
  /** From 1. */
  readonly index: number;
  /** With its prefix, `:id`; null for `?`. */
  readonly name: string | null;
}

/** A column of the result of a {@link Statement}. */
export interface StatementColumn {
  readonly name: string;
  /** Declared type as written in the schema; null for an expression. */
  readonly type: string | null;
  /** The table that it comes from, its column there and its database; null for an expression, and always on a server. */
  readonly table: string | null;
  readonly column: string | null;
  readonly database: string | null;
}
