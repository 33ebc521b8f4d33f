import type { TransactionBehavior } from '../config.js';
import type { Connection, MaybePromise, RawResult, StatementTrace } from '../engine/engine.js';
import { DatabaseError, ParameterError, TransactionError } from '../errors.js';
import { lineAndColumn } from '../sql/position.js';
import type { AnalyzedStatement } from '../sql/statement.js';
import type { Abort, AbortOptions } from './abort.js';
import { after } from './after.js';
import { waitWhileBusy } from './busy.js';
import { type Executor, schemaOn } from './executor.js';
import { runOn } from './run.js';
import type { Session } from './session.js';
import { controlsTransaction } from './statements.js';
import type { Transaction } from './transaction.js';

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
const NOTHING: RawResult = { rows: [], columns: undefined, rowsAffected: 0, lastInsertRowid: undefined };

/** How long statements may run one after another without giving way to the event loop, in ms. */
const SLICE = 8;

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
  const runOne = (statement: AnalyzedStatement, trace?: StatementTrace): Promise<RawResult> => {
    const request = { fetch: 'none', interruptible: abort !== undefined, ...(trace && { trace }) } as const;
    const run = (): MaybePromise<RawResult> =>
      statement.kind === 'transaction'
        ? after(connection.control(statement.text), () => NOTHING)
        : runOn(connection, statement, [], request);
    return waitWhileBusy(run, wait);
  };
  try {
    const result = await eachStatement(sql, statements, async (statement) => {
      stop.throwIfAborted();
      if (authorizer !== undefined) {
        await waitWhileBusy(() => authorizer.check(statement, schemaOn(connection, abort)), wait);
      }
      if (!observer.active) return await runOne(statement);
      return await observer.observe(statement, [], database.origin, (trace) => runOne(statement, trace));
    });
    if (!connection.inTransaction) return result;
  } finally {
    interrupts.end(stop);
  }
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
  let sliceEnd = performance.now() + SLICE;
  for (const [index, statement] of statements.entries()) {
    try {
      await run(statement);
    } catch (error) {
      throw located(error, sql, statement, index);
    }
    if (performance.now() > sliceEnd) {
      await new Promise((resolve) => setImmediate(resolve));
      sliceEnd = performance.now() + SLICE;
    }
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
