import { checkTimeout, type ResolvedConfig, type TransactionBehavior } from '../config.js';
import type {
  ColumnOrigin,
  ExecuteRequest,
  MaybePromise,
  RawResult,
  StatementTrace,
} from '../engine/engine.js';
import { CapabilityError, ParameterError } from '../errors.js';
import { ABORT_OPTIONS, checkOptions } from '../options.js';
import type { StatementOrigin } from '../hooks/observer.js';
import type { AnalyzedStatement } from '../sql/statement.js';
import type { SqlValue, ValueLimits } from '../values.js';
import { Abort, type AbortOptions } from './abort.js';
import {
  type BatchItem,
  type BatchMode,
  type BatchOutcome,
  type BatchStatement,
  runIndependently,
  type SqlStatement,
  type StatementBatchOptions,
  toBatchItem,
  toBatchOptions,
} from './batch.js';
import type { Context } from './context.js';
import type { ExplainedQuery, QueryPlan } from './explain.js';
import type { Guard, GuardedCall, GuardedRequest } from './guard.js';
import { explaining, guards } from './lazy.js';
import type { Metadata } from './metadata.js';
import { checkRowMode, type ResultSet, type RowMode, type RowObject, toResultSet } from './result.js';
import type { Pragmas } from './pragma/pragmas.js';
import { lazyPragmasOf } from './pragma/lazy-pragmas.js';
import { withOwnTimeout } from './pragma/own.js';
import { Statement } from './statement.js';
import { type Arguments, bind, type Statements } from './statements.js';
import {
  openStream,
  type SourceOptions,
  type StreamOptions,
  type StreamSource,
  watchedSource,
} from './stream.js';
import { nextTurn, turnIsOver } from './turn.js';

export type { ExecuteRequest, RawResult } from '../engine/engine.js';

/** How a statement is executed. */
export interface ExecuteOptions extends AbortOptions {
  /** Rows as objects by column name or as arrays. @default 'object' */
  readonly rowMode?: RowMode | undefined;
}

/**
 * What the database and a transaction have in common: everything that runs statements.
 *
 * Neither has `#private` members: applications hand them around behind a Proxy, as a copy or as the prototype of another
 * object, where those can't be read.
 */
export abstract class Executor {
  /** @internal */
  readonly context: Context;
  /** @internal */
  readonly config: ResolvedConfig;
  /** @internal */
  readonly statements: Statements;
  private readonly atServer: boolean;
  private pragmas: Pragmas | undefined;

  /** @internal */
  constructor(context: Context) {
    this.context = context;
    this.config = context.config;
    this.statements = context.statements;
    const { reads, interrupt } = context.config.features;
    // A client that was handed in may have its database in this process.
    this.atServer = reads === 'server' && interrupt === true;
  }

  /** @internal What the engine can't store; known before the engine is loaded. */
  get limits(): ValueLimits {
    return this.config.features;
  }

  /** @internal In which transaction statements run, if in one. */
  abstract get origin(): StatementOrigin;

  /**
   * The pragmas as functions with types.
   *
   * @example
   * ```ts
   * import { open } from 'turso-dialect';
   *
   * await using db = open(':memory:');
   * await db.pragma.setUserVersion(3);
   * console.log(await db.pragma.userVersion()); // 3
   * ```
   */
  get pragma(): Pragmas {
    this.pragmas ??= lazyPragmasOf(() => this);
    return this.pragmas;
  }

  /** @internal Sets a pragma on every connection. */
  abstract setConnectionPragma(name: string, value: string | number): Promise<void>;

  /** @internal Runs one checked statement with encoded parameters. */
  runStatement(
    given: AnalyzedStatement,
    values: readonly SqlValue[],
    request: ExecuteRequest,
    abort?: Abort,
  ): MaybePromise<RawResult> {
    const { authorizer, observer } = this.context;
    const statement = given.pragma === undefined ? given : withOwnTimeout(this.context, given);
    let result: MaybePromise<RawResult>;
    try {
      result =
        authorizer === undefined && !observer.active
          ? this.runDirectly(statement, values, request, abort)
          : this.runGuarded(statement, values, request, abort);
    } catch (error) {
      if (turnIsOver()) return settleLater(Promise.reject(error));
      throw error;
    }
    if (this.atServer) return settleRemote(result);
    // The statement has run: what is called next must run after it.
    return turnIsOver() ? settleLater(result) : result;
  }

  /** @internal Opens a result that is fetched piece by piece. */
  async openSource(
    given: AnalyzedStatement,
    values: readonly SqlValue[],
    options: SourceOptions,
  ): Promise<StreamSource> {
    const { interrupts, observer } = this.context;
    const statement = withOwnTimeout(this.context, given);
    const end = observer.active ? observer.begin(statement, values, this.origin) : undefined;
    try {
      const guard = await this.guardOf([{ statement, values }]);
      const source = await this.openDirectly(statement, values, { ...options, guard });
      return watchedSource(source, interrupts, end);
    } catch (error) {
      end?.({ error });
      throw error;
    }
  }

  /** @internal Runs one statement, if the guard of the request allows it. */
  protected abstract runDirectly(
    statement: AnalyzedStatement,
    values: readonly SqlValue[],
    request: GuardedRequest,
    abort?: Abort,
  ): MaybePromise<RawResult>;

  /** @internal Opens a statement, if the guard of the options allows it. */
  protected abstract openDirectly(
    statement: AnalyzedStatement,
    values: readonly SqlValue[],
    options: SourceOptions,
  ): Promise<StreamSource>;

  /** @internal Runs several statements as one unit. */
  abstract runAtomically(
    items: readonly BatchItem[],
    options: { readonly behavior?: TransactionBehavior | undefined; readonly abort?: Abort | undefined },
  ): Promise<RawResult[]>;

  /**
   * Runs one statement.
   *
   * @param sql - the text of one statement, or `{ sql, args }`; for several statements there is `script()`
   * @param args - an array for `?` and `?1`, an object for `:a`, `@a` and `$a` (keys with or without the prefix)
   * @param options - row shape, `signal` and `timeout` (ms)
   * @throws {@link ParameterError} when a parameter is missing, surplus or of a type without a SQLite value
   * @throws {@link DatabaseError} when the text holds no statement or several, or the database refuses it
   *
   * @example
   * ```ts
   * import { open } from 'turso-dialect';
   *
   * await using db = open(':memory:');
   * await db.execute('create table users (id integer primary key, name text)');
   * const { lastInsertRowid } = await db.execute('insert into users (name) values (:name)', { name: 'Ada' });
   * console.log(lastInsertRowid); // 1n
   * ```
   */
  execute(
    sql: string,
    args: Arguments,
    options: ExecuteOptions & { readonly rowMode: 'array' },
  ): Promise<ResultSet<SqlValue[]>>;
  execute(
    statement: SqlStatement,
    args: undefined,
    options: ExecuteOptions & { readonly rowMode: 'array' },
  ): Promise<ResultSet<SqlValue[]>>;
  execute<Row = RowObject>(sql: string, args?: Arguments, options?: ExecuteOptions): Promise<ResultSet<Row>>;
  execute<Row = RowObject>(
    statement: SqlStatement,
    args?: undefined,
    options?: ExecuteOptions,
  ): Promise<ResultSet<Row>>;
  async execute(
    sql: string | SqlStatement,
    args?: Arguments,
    options?: ExecuteOptions,
  ): Promise<ResultSet<unknown>> {
    if (typeof sql === 'object' && sql !== null) {
      if (args !== undefined) throw new ParameterError('the arguments are given twice');
      return await this.execute(sql.sql, sql.args, options);
    }
    if (options !== undefined) checkExecuteOptions(options);
    const statement = this.statements.one(sql);
    const values = bind(statement, args, this.limits);
    const { intMode } = this.config;
    const request: ExecuteRequest = {
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

  /**
   * Runs several statements: all or none of them (the default), or with `atomic: false` each on its own.
   *
   * @param statements - SQL texts, `{ sql, args }` or `[sql, args]`
   * @param options - `behavior` of the transaction, or `atomic: false`; row shape, `signal` and `timeout` (ms); or a mode of
   *   `@libsql/client`, where `'write'` is the behaviour `immediate`
   * @returns one result per statement; with `atomic: false` one outcome, as `Promise.allSettled` gives them
   * @throws {@link DatabaseError} with `statementIndex`, when `atomic` and a statement fails; nothing is kept then
   *
   * @example
   * ```ts
   * import { open } from 'turso-dialect';
   *
   * await using db = open(':memory:');
   * const [, inserted] = await db.batch(
   *   ['create table t (a)', { sql: 'insert into t values (?), (?)', args: [1, 2] }],
   *   { behavior: 'immediate' },
   * );
   * console.log(inserted?.rowsAffected); // 2
   * ```
   */
  batch(
    statements: readonly BatchStatement[],
    options: StatementBatchOptions & { readonly atomic: false; readonly rowMode: 'array' },
  ): Promise<BatchOutcome<ResultSet<SqlValue[]>>[]>;
  batch(
    statements: readonly BatchStatement[],
    options: StatementBatchOptions & { readonly atomic: false },
  ): Promise<BatchOutcome<ResultSet>[]>;
  batch(
    statements: readonly BatchStatement[],
    options: StatementBatchOptions & { readonly rowMode: 'array' },
  ): Promise<ResultSet<SqlValue[]>[]>;
  batch(
    statements: readonly BatchStatement[],
    options?: StatementBatchOptions | BatchMode,
  ): Promise<ResultSet[]>;
  async batch(
    statements: readonly BatchStatement[],
    given?: StatementBatchOptions | BatchMode,
  ): Promise<ResultSet<unknown>[] | BatchOutcome<ResultSet<unknown>>[]> {
    const options: StatementBatchOptions = toBatchOptions(given, ['rowMode']);
    const rowMode = checkRowMode(options.rowMode);
    const { intMode } = this.config;
    const request: ExecuteRequest = {
      fetch: 'all',
      columns: true,
      rowid: true,
      exactIntegers: intMode !== 'number',
    };
    const decode = (raw: RawResult): ResultSet<unknown> => toResultSet(raw, rowMode, intMode);
    const abort = this.abortFrom(options);
    try {
      if (options.atomic === false) {
        const prepare = (statement: BatchStatement): BatchItem => toBatchItem(this, statement, request);
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

  /**
   * Gives the rows of a statement one by one, fetching them as they are asked for. Leaving the loop frees the
   * statement and its locks. On a file the rows are a snapshot of the moment of the first row.
   *
   * @param options - row shape, `batchSize` (rows per fetch), `signal` and `timeout` (ms). With one of the last two
   *   the whole result is computed before the first row, since only that can be stopped at any time.
   * @throws as `execute()`, when the first row is asked for
   *
   * @example
   * ```ts
   * import { open } from 'turso-dialect';
   *
   * await using db = open(':memory:');
   * for await (const row of db.stream('select value from generate_series(1, 3)')) console.log(row.value);
   * ```
   */
  stream(
    sql: string,
    args: Arguments,
    options: StreamOptions & { readonly rowMode: 'array' },
  ): AsyncGenerator<SqlValue[], void, undefined>;
  stream<Row = RowObject>(
    sql: string,
    args?: Arguments,
    options?: StreamOptions,
  ): AsyncGenerator<Row, void, undefined>;
  stream(sql: string, args?: Arguments, options?: StreamOptions): AsyncGenerator<unknown, void, undefined> {
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
  prepare<Row = RowObject>(sql: string): Statement<Row> {
    return new Statement<Row>(this, this.statements.one(sql));
  }

  /** @internal The guard of calls in a restricted view. */
  protected async guardOf(calls: readonly GuardedCall[]): Promise<Guard | undefined> {
    const { authorizer } = this.context;
    if (authorizer === undefined) return undefined;
    const { Guard: Made } = guards.loaded ?? (await guards.load());
    return Made.of(authorizer, calls);
  }

  private runGuarded(
    statement: AnalyzedStatement,
    values: readonly SqlValue[],
    request: ExecuteRequest,
    abort: Abort | undefined,
  ): MaybePromise<RawResult> {
    const { authorizer, observer } = this.context;
    const { loaded } = guards;
    if (authorizer !== undefined && loaded === undefined) {
      return guards.load().then(() => this.runGuarded(statement, values, request, abort));
    }
    const run = (trace?: StatementTrace): MaybePromise<RawResult> => {
      const guard = loaded?.Guard.of(authorizer, [{ statement, values }]);
      if (loaded !== undefined && guard !== undefined) {
        return this.runDirectly(statement, values, loaded.guardedRequest(request, guard, trace), abort);
      }
      return this.runDirectly(
        statement,
        values,
        trace === undefined ? request : { ...request, trace },
        abort,
      );
    };
    return observer.active ? observer.observe(statement, values, this.origin, run) : run();
  }

  /**
   * How a query would be run; it is not.
   *
   * @param query - a SQL text, or a query of Drizzle or Kysely
   * @param args - values of the parameters of a text, as for `execute()`; the plan can depend on them
   * @throws {@link ParameterError} when it is no query, or has parameters that were not given
   *
   * @example
   * ```ts
   * import { open } from 'turso-dialect';
   *
   * await using db = open(':memory:');
   * await db.execute('create table users (id integer primary key, name text)');
   * const { nodes, text } = await db.explain('select * from users where id = ?', [1]);
   * console.log(nodes[0]?.detail); // SEARCH users USING INTEGER PRIMARY KEY (rowid=?)
   * console.log(text.split('\n')[0]); // QUERY PLAN
   * ```
   */
  async explain(query: ExplainedQuery, args?: Arguments): Promise<QueryPlan> {
    const { explainQuery } = explaining.loaded ?? (await explaining.load());
    return await explainQuery(this, query, args);
  }

  /**
   * What the connection of the last write knows about it: its rowid, how many rows it has changed, and how many were
   * changed in all.
   *
   * @throws {@link CapabilityError} for the statements outside a transaction of a server, which have a connection each, and
   *   in a restricted view, which it would tell what others wrote
   *
   * @example
   * ```ts
   * import { open } from 'turso-dialect';
   *
   * await using db = open(':memory:');
   * await db.batch(['create table t (a)', 'insert into t values (1), (2)']);
   * const { changes, lastInsertRowid } = await db.metadata();
   * console.log(changes, lastInsertRowid); // 2 2n
   * ```
   */
  abstract metadata(): Promise<Metadata>;

  /** @internal The columns of a statement, which is not run. */
  async describeStatement(
    statement: AnalyzedStatement,
    abort: Abort | undefined,
  ): Promise<readonly ColumnOrigin[]> {
    const guard = await this.guardOf([{ statement, values: undefined }]);
    if (statement.pragma !== undefined && statement.kind === 'outside') {
      throw new CapabilityError(
        'describe',
        'a PRAGMA with an effect can not be described without taking effect',
      );
    }
    return await this.describeDirectly(statement, guard, abort);
  }

  /** @internal Describes a statement, if the guard allows it. */
  protected abstract describeDirectly(
    statement: AnalyzedStatement,
    guard: Guard | undefined,
    abort: Abort | undefined,
  ): Promise<readonly ColumnOrigin[]>;

  /** @internal */
  abortFrom(options: AbortOptions | undefined): Abort | undefined {
    const timeout = checkTimeout(options?.timeout);
    if (options?.signal === undefined && timeout === undefined && this.config.timeout === undefined)
      return undefined;
    return Abort.from({ signal: options?.signal, timeout }, this.config.timeout);
  }

  /** @internal Runs a call that has no limits of its own: those of what it belongs to bound it, and `config.timeout`. */
  async bounded<T>(outer: Abort | undefined, run: (abort: Abort | undefined) => Promise<T>): Promise<T> {
    const own = this.abortFrom(undefined);
    if (own === undefined) return await run(outer);
    const { abort, forget } = Abort.either(outer, own);
    try {
      return await run(abort);
    } finally {
      forget();
      own.dispose();
    }
  }
}

function checkExecuteOptions(options: ExecuteOptions): void {
  checkOptions(options, 'execute()', ['rowMode', ...ABORT_OPTIONS]);
  checkRowMode(options.rowMode);
}

/** Everybody else has a turn while a server is waited for. Only what fails may do so before anything was sent. */
async function settleRemote(result: MaybePromise<RawResult>): Promise<RawResult> {
  try {
    return await result;
  } catch (error) {
    if (turnIsOver()) await nextTurn();
    throw error;
  }
}

/** Settles as `result` does, when everybody else had a turn. */
async function settleLater(result: MaybePromise<RawResult>): Promise<RawResult> {
  try {
    return await result;
  } finally {
    await nextTurn();
  }
}
