import {
  type Connection,
  type ConnectionBatchItem,
  type Cursor,
  type CursorOptions,
  type ExecuteRequest,
  type MaybePromise,
  type RawResult,
  SchemaMovedError,
  type StatementTrace,
} from '../engine/engine.js';
import { ConstraintError, DatabaseError } from '../errors.js';
import type { Authorizer } from '../hooks/authorizer.js';
import { schemaUnsteady } from '../hooks/decide.js';
import type { Question, SchemaSource } from '../hooks/schema-map.js';
import { SCHEMA_STATE } from '../hooks/schema-state.js';
import { type AnalyzedStatement, analyze } from '../sql/statement.js';
import type { SqlValue } from '../values.js';

/** A request that a guard may have to allow, which fills in the state. */
export interface GuardedRequest extends Omit<ExecuteRequest, 'schemaState'> {
  readonly guard?: Guard | undefined;
  schemaState?: string | undefined;
}

/** A request of its own for a guard. To copy all there is would take as long as half a point select. */
export function guardedRequest(
  { fetch, columns = false, rowid = false, exactIntegers = false, interruptible = false }: ExecuteRequest,
  guard: Guard,
  trace: StatementTrace | undefined,
): GuardedRequest {
  const request = { fetch, columns, rowid, exactIntegers, interruptible, guard, schemaState: undefined };
  return trace === undefined ? request : { ...request, trace };
}

/** A statement with its parameters, if they are known. */
export interface GuardedCall {
  readonly statement: AnalyzedStatement;
  readonly values: readonly SqlValue[] | undefined;
  /** Its place in the batch that it is part of, which its errors tell. */
  readonly index?: number;
}

/** How often a statement is run again because the schema has changed meanwhile. */
const TRIES = 100;

const STATE = toStatement(SCHEMA_STATE);

/** Fails in all states but one. What it compares depends on a row, or SQLite would compute the failure beforehand. */
const IN_STATE = toStatement(
  `SELECT CASE WHEN state = ? THEN 1 ELSE abs(-9223372036854775807 - (state <> '')) END FROM (${SCHEMA_STATE})`,
);

/** The last known state of the schema of connections; where asking for it takes a request, in the second. */
const near = new WeakMap<Connection, string>();
const far = new WeakMap<Connection, string>();

/**
 * Has statements run only if the rules allow them in the very schema that they run in, which others may change at any time:
 * a connection that knows the state of its schema looks at it in the transaction of the statement; at a server a statement
 * that fails in another state goes first, in one transaction with it.
 */
export class Guard {
  readonly #authorizer: Authorizer;
  readonly #calls: readonly GuardedCall[];
  /** Whose side is asked about all of them: of those of a batch a write decides where it is run. */
  readonly #about: AnalyzedStatement;
  /** Whether the connection is that of a session, which a batch would not use. */
  readonly #session: boolean;

  private constructor(authorizer: Authorizer, calls: readonly GuardedCall[], session: boolean) {
    this.#authorizer = authorizer;
    this.#calls = calls;
    this.#session = session;
    const [{ statement }] = calls as readonly [GuardedCall];
    const write = calls.length === 1 ? undefined : calls.find((call) => call.statement.kind !== 'read');
    this.#about = write?.statement ?? statement;
  }

  /**
   * @param session - whether they are run in a session at a server
   * @returns undefined when their texts say enough to allow them
   * @throws {@link AccessError} when their texts say enough to refuse one
   */
  static of(
    authorizer: Authorizer | undefined,
    calls: readonly GuardedCall[],
    session = false,
  ): Guard | undefined {
    if (authorizer === undefined) return undefined;
    if (calls.length === 1) {
      return needsSchema(authorizer, calls[0] as GuardedCall)
        ? new Guard(authorizer, calls, session)
        : undefined;
    }
    const open = calls.filter((call) => needsSchema(authorizer, call));
    return open.length === 0 ? undefined : new Guard(authorizer, open, session);
  }

  /** Whether nothing must be asked before the statement is run on a connection. */
  knows(connection: Connection): boolean {
    return this.#isAllowedIn(near.get(connection));
  }

  /**
   * Runs the statement.
   *
   * @param atOnce - have a {@link SchemaMovedError} thrown instead of asking again, which takes time
   * @param note - called each time before it is run
   */
  run(
    connection: Connection,
    request: GuardedRequest,
    atOnce: boolean,
    note: () => void,
  ): MaybePromise<RawResult> {
    const { statement, values = [] } = this.#calls[0] as GuardedCall;
    if (atOnce) {
      note();
      request.schemaState = near.get(connection);
      return connection.execute(statement, values, request);
    }
    const run = (schemaState?: string): MaybePromise<RawResult> => {
      note();
      return connection.execute(statement, values, { ...request, schemaState });
    };
    if (this.#session && !connection.inTransaction && !this.#looksItself(connection)) {
      return inTransaction(connection, async () => this.run(connection, request, false, note));
    }
    return this.#repeat(connection, async (state) => {
      if (this.#looksItself(connection)) return await run(state);
      if (connection.inTransaction) return await run();
      note();
      const item: ConnectionBatchItem = { statement, values, request, alone: true };
      const [result] = await this.#sendAfterCheck(connection, state, [item]);
      return result as RawResult;
    });
  }

  /** Opens a cursor on the statement; at a server its rows are read as a whole, in the transaction that was looked at. */
  async open(connection: Connection, options: CursorOptions): Promise<Cursor> {
    const { statement, values = [] } = this.#calls[0] as GuardedCall;
    return await this.#repeat(connection, async (state) => {
      if (this.#looksItself(connection)) {
        return await connection.openCursor(statement, values, { ...options, schemaState: state });
      }
      if (connection.inTransaction) return await connection.openCursor(statement, values, options);
      const request: ExecuteRequest = { ...options, fetch: 'all', columns: true };
      const item: ConnectionBatchItem = { statement, values, request, alone: true };
      const [result] = await this.#sendAfterCheck(connection, state, [item]);
      const { rows, columns = [] } = result as RawResult;
      return { columns, fetch: (size) => rows.splice(0, size), close: () => void rows.splice(0) };
    });
  }

  /** Runs the statements of a batch, the allowed ones included, as one transaction. */
  async batch(
    connection: Connection,
    items: readonly ConnectionBatchItem[],
    behavior: Parameters<NonNullable<Connection['batch']>>[1],
  ): Promise<RawResult[]> {
    return await this.#repeat(connection, async (state) => {
      if (!this.#looksItself(connection))
        return await this.#sendAfterCheck(connection, state, items, behavior);
      const expecting = items.map((item) => ({ ...item, request: { ...item.request, schemaState: state } }));
      return (await connection.batch?.(expecting, behavior)) ?? [];
    });
  }

  /** @throws {@link AccessError} when a statement may not be run on the connection as its schema is now */
  async check(connection: Connection): Promise<void> {
    await this.#decide(connection);
  }

  #isAllowedIn(state: string | undefined): boolean {
    return (
      state !== undefined && this.#calls.every(({ statement }) => this.#authorizer.allowsIn(state, statement))
    );
  }

  #looksItself(connection: Connection): boolean {
    return connection.schemaState?.(this.#about) !== undefined;
  }

  async #repeat<T>(connection: Connection, run: (state: string) => Promise<T>): Promise<T> {
    const known = connection.inTransaction ? undefined : far.get(connection);
    let state = this.#isAllowedIn(known) ? known : undefined;
    for (let tries = 0; tries < TRIES; tries++) {
      state ??= await this.#decide(connection);
      try {
        return await run(state);
      } catch (error) {
        if (!(error instanceof SchemaMovedError)) throw error;
        state = undefined;
      }
    }
    throw schemaUnsteady(this.#about.text);
  }

  /** Gives the state of the schema in which all are allowed. */
  async #decide(connection: Connection): Promise<string> {
    const source = sourceOn(connection, this.#about);
    for (let tries = 0; tries < TRIES; tries++) {
      const states = new Set<string>();
      for (const call of this.#calls) {
        try {
          states.add(await this.#authorizer.decide(call.statement, call.values, source));
        } catch (error) {
          throw placed(error, call);
        }
      }
      const [state] = states;
      if (states.size > 1 || state === undefined) continue;
      (this.#looksItself(connection) ? near : far).set(connection, state);
      return state;
    }
    throw schemaUnsteady(this.#about.text);
  }

  /** Sends statements together with the one that fails in another state than `state`. */
  async #sendAfterCheck(
    connection: Connection,
    state: string,
    items: readonly ConnectionBatchItem[],
    behavior: Parameters<NonNullable<Connection['batch']>>[1] = this.#about.kind === 'read'
      ? 'read'
      : 'immediate',
  ): Promise<RawResult[]> {
    const look: ConnectionBatchItem = { statement: IN_STATE, values: [state], request: { fetch: 'none' } };
    try {
      return ((await connection.batch?.([look, ...items], behavior)) ?? []).slice(1);
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.kind === 'busy' || error.kind === 'network') throw error;
      if ((await sourceOn(connection, this.#about).ask([])).state !== state) throw new SchemaMovedError();
      const index = (error.statementIndex ?? 0) - 1;
      error.statementIndex = this.#calls[0]?.index !== undefined && index >= 0 ? index : undefined;
      if (items.length === 1) error.sql ??= this.#about.text;
      throw error;
    }
  }
}

/**
 * Whether the text does not say enough to allow a statement.
 *
 * @throws {@link AccessError} when it says enough to refuse it
 */
function needsSchema(authorizer: Authorizer, call: GuardedCall): boolean {
  try {
    return authorizer.checkText(call.statement);
  } catch (error) {
    throw placed(error, call);
  }
}

function placed(error: unknown, { index }: GuardedCall): unknown {
  if (index !== undefined && error instanceof DatabaseError) error.statementIndex = index;
  return error;
}

/** Runs a statement of a session in a transaction of its own; `OR FAIL` keeps what was done before the failure. */
async function inTransaction<T>(connection: Connection, run: () => MaybePromise<T>): Promise<T> {
  await connection.begin('immediate');
  try {
    const result = await run();
    await connection.commit();
    return result;
  } catch (error) {
    await (error instanceof ConstraintError && connection.inTransaction
      ? connection.commit()
      : connection.rollback());
    throw error;
  }
}

/** Asks a connection about the schema as it is where a statement would be run. */
function sourceOn(connection: Connection, about: AnalyzedStatement): SchemaSource {
  return {
    ask: async (questions) => {
      const before = connection.schemaState?.(about);
      if (before !== undefined) {
        const rows = await askInTurn(connection, questions, about);
        if (rows.length === 0) return { state: before, rows };
        return { state: before, rows: connection.schemaState?.(about) === before ? rows : undefined };
      }
      // In one transaction nothing can change in between.
      const all = [{ sql: SCHEMA_STATE }, ...questions];
      const [state, ...rows] = await (connection.inTransaction
        ? askInTurn(connection, all, about)
        : askTogether(connection, all, about));
      return { state: String(state?.[0]?.[0]), rows };
    },
  };
}

async function askTogether(
  connection: Connection,
  questions: readonly Question[],
  about: AnalyzedStatement,
): Promise<SqlValue[][][]> {
  const items = questions.map(
    ({ sql, values = [] }): ConnectionBatchItem => ({
      ...{ statement: sql === SCHEMA_STATE ? STATE : toStatement(sql), values },
      request: { fetch: 'all' },
    }),
  );
  const [first] = items;
  const results =
    (await connection.askAll?.(items, about)) ??
    (items.length > 1 ? await connection.batch?.(items, 'read') : undefined) ??
    (first === undefined ? [] : [await connection.execute(first.statement, first.values, first.request)]);
  return results.map(({ rows }) => rows);
}

async function askInTurn(
  connection: Connection,
  questions: readonly Question[],
  about: AnalyzedStatement,
): Promise<SqlValue[][][]> {
  const answers: SqlValue[][][] = [];
  for (const question of questions) answers.push(...(await askTogether(connection, [question], about)));
  return answers;
}
function toStatement(sql: string): AnalyzedStatement {
  const [statement] = analyze(sql).statements as [AnalyzedStatement];
  return statement;
}
