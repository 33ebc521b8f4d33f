import { DatabaseError, ParameterError, TransactionError } from '../errors.js';
import { lineAndColumn } from '../sql/position.js';
import { runAbortable } from './abortable.js';
import { waitWhileBusy } from './busy.js';
import { controlsTransaction } from './statements.js';
/** How long statements may run one after another without giving way to the event loop, in ms. */
const SLICE = 8;
/** Runs a script on a database. */
export async function runScript(database, sql, options) {
  const { atomic = false, behavior, abort } = options;
  const statements = checkScript(database, sql, atomic);
  if (atomic) {
    const run = (tx) =>
      eachStatement(sql, statements, (statement) => tx.runStatement(statement, [], { fetch: 'none' }, abort));
    return await database.transaction(run, { behavior });
  }
  return await database.withConnection(
    (connection) => runOn(database, connection, sql, statements, abort),
    abort,
  );
}
/** Runs a script inside a transaction. */
export async function runScriptIn(transaction, sql) {
  const statements = checkScript(transaction, sql, true);
  return eachStatement(sql, statements, (statement) =>
    transaction.runStatement(statement, [], { fetch: 'none' }),
  );
}
async function runOn(database, connection, sql, statements, abort) {
  const request = { fetch: 'none', interruptible: abort !== undefined };
  const result = await eachStatement(sql, statements, (statement) => {
    const run = () =>
      runAbortable(connection, [abort], () =>
        statement.kind === 'transaction'
          ? connection.control(statement.text)
          : connection.execute(statement, [], request),
      );
    return waitWhileBusy(run, database.config.busyTimeout, abort);
  });
  if (connection.inTransaction) {
    throw new TransactionError('the script ended inside a transaction that it began, which was rolled back', {
      code: 'TRANSACTION_CONTROL',
      kind: 'transaction',
    });
  }
  return result;
}
async function eachStatement(sql, statements, run) {
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
function checkScript(executor, sql, atomic) {
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
function located(error, script, statement, index) {
  if (!(error instanceof DatabaseError)) return error;
  const { line, column } = lineAndColumn(script, statement.offset);
  error.statementIndex = index;
  error.position = { offset: statement.offset, line, column };
  error.message = `statement ${index + 1} of the script (line ${line}, column ${column}): ${error.message}`;
  return error;
}
