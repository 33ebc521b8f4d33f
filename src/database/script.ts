import type { TransactionBehavior } from '../config.js';
import {
  type Connection,
  type MaybePromise,
  type RawResult,
  type StatementTrace,
  noResult,
} from '../engine/engine.js';
import { closedError, DatabaseError, ParameterError, TransactionError } from '../errors.js';
import { lineAndColumn } from '../sql/position.js';
import type { AnalyzedStatement } from '../sql/statement.js';
import type { Abort, AbortOptions } from './abort.js';
import { after } from './after.js';
import { waitWhileBusy } from './busy.js';
import { rejectComplete } from './constraint-index.js';
import type { Executor } from './executor.js';
import { Guard, type GuardedRequest } from './guard.js';
import { withOwnTimeout } from './pragma/own.js';
import { runOn } from './run.js';
import type { Session } from './session.js';
import { controlsTransaction } from './statements.js';
import type { Transaction } from './transaction.js';
import { nextTurn, turnIsOver } from './turn.js';

/** How a script is run. */
export interface ScriptOptions extends AbortOptions {
  /** All statements or none; the script may then not control transactions itself. @default false */
  readonly atomic?: boolean | undefined;
  /** How the transaction of an atomic script takes its locks. @default config.transactionBehavior */
  readonly behavior?: TransactionBehavior | undefined;
}

/** What a script did. */
export interface ScriptResult {
  /** How many statements were run. */
  readonly statementCount: number;
}

/** What transaction control gives. */

/** Runs a script on a database. */
export async function runScript(
  database: Session,
  sql: string,
  options: ScriptOptions & { readonly abort: Abort | undefined },
): Promise<ScriptResult> {
  const { atomic = false, behavior, abort } = options;
  const statements = checkScript(database, sql, atomic);
  if (atomic) {
    const run = (tx: Transaction): Promise<ScriptResult> =>
      eachStatement(sql, statements, (statement) => tx.runStatement(statement, [], { fetch: 'none' }));
    return await database.runTransaction(run, { behavior }, abort);
  }
  return await database.withConnection(
    (connection) => runAll(database, connection, sql, statements, abort),
    abort,
    true,
  );
}

/** Runs a script inside a transaction. */
export async function runScriptIn(transaction: Transaction, sql: string): Promise<ScriptResult> {
  const statements = checkScript(transaction, sql, true);
  return eachStatement(sql, statements, (statement) =>
    transaction.runStatement(statement, [], { fetch: 'none' }),
  );
}

async function runAll(
  database: Session,
  connection: Connection,
  sql: string,
  statements: readonly AnalyzedStatement[],
  abort: Abort | undefined,
): Promise<ScriptResult> {
  const { authorizer, observer, interrupts } = database.context;
  const stop = interrupts.begin();
  const wait = { timeout: database.config.busyTimeout, abort, interrupts, connection };
  const runOne = async (given: AnalyzedStatement, trace?: StatementTrace): Promise<RawResult> => {
    const statement = withOwnTimeout(database.context, given);
    const guard = Guard.of(authorizer, [{ statement, values: [] }], true);
    const request: GuardedRequest = {
      ...{ guard, interruptible: abort !== undefined, ...(trace && { trace }) },
      fetch: 'none',
    };
    const run = (): MaybePromise<RawResult> =>
      statement.kind === 'transaction'
        ? after(connection.control(statement.text), () => noResult())
        : runOn(connection, statement, [], request);
    return await waitWhileBusy(run, wait).catch((error: unknown) =>
      rejectComplete(connection, error, [abort]),
    );
  };
  // Asked after each statement: of a connection that was closed meanwhile nothing can be learnt.
  let inside = false;
  try {
    const result = await eachStatement(sql, statements, async (statement) => {
      stop.throwIfAborted();
      if (!observer.active) await runOne(statement);
      else await observer.observe(statement, [], database.origin, (trace) => runOne(statement, trace));
      inside = connection.usable ? connection.inTransaction : inside;
    });
    if (!inside) return result;
  } finally {
    interrupts.end(stop);
  }
  if (database.pool.closed) throw closedError();
  throw new TransactionError('the script ended inside a transaction that it began, which was rolled back', {
    code: 'TRANSACTION_CONTROL',
    kind: 'transaction',
  });
}

async function eachStatement(
  sql: string,
  statements: readonly AnalyzedStatement[],
  run: (statement: AnalyzedStatement) => unknown,
): Promise<ScriptResult> {
  for (const [index, statement] of statements.entries()) {
    try {
      await run(statement);
    } catch (error) {
      throw located(error, sql, statement, index);
    }
    if (turnIsOver()) await nextTurn();
  }
  return { statementCount: statements.length };
}

/** Looks at the whole script before any of it is run. */
function checkScript(executor: Executor, sql: string, atomic: boolean): readonly AnalyzedStatement[] {
  const statements = executor.statements.all(sql);
  for (const [index, statement] of statements.entries()) {
    try {
      executor.statements.check(statement);
      if (atomic && statement.kind === 'transaction') throw controlsTransaction(statement);
      if (statement.parameters.count > 0) {
        throw new ParameterError(
          'a script takes no parameters; use execute() or batch()',
          undefined,
          statement.text,
        );
      }
    } catch (error) {
      throw located(error, sql, statement, index);
    }
  }
  return statements;
}

/** Notes on an error which statement of the script failed and where it begins; the message tells both. */
function located(error: unknown, script: string, statement: AnalyzedStatement, index: number): unknown {
  if (!(error instanceof DatabaseError)) return error;
  const { line, column } = lineAndColumn(script, statement.offset);
  error.statementIndex = index;
  error.position = { offset: statement.offset, line, column };
  error.message = `statement ${index + 1} of the script (line ${line}, column ${column}): ${error.message}`;
  return error;
}
