import { DatabaseError } from '../errors.js';
import { bind } from './statements.js';
/** Checks one statement of a batch; an error carries its index. */
export function toBatchItem(executor, input, request, index) {
  try {
    const { sql, args } = typeof input === 'string' ? { sql: input, args: undefined } : input;
    const statement = executor.statements.one(sql);
    return { statement, values: bind(statement, args, executor.limits), request };
  } catch (error) {
    throw atIndex(error, index);
  }
}
/** Runs statements one after another in the transaction that `executor` is; an error carries its statement's index. */
export async function runInOrder(executor, items, abort) {
  const results = [];
  for (const [index, { statement, values, request }] of items.entries()) {
    try {
      const result = executor.runStatement(statement, values, request, abort);
      results.push(result instanceof Promise ? await result : result);
    } catch (error) {
      throw atIndex(error, index);
    }
  }
  return results;
}
/** Runs each statement on its own and gives every outcome. */
export async function runIndependently(executor, inputs, prepare, options, abort) {
  const outcomes = [];
  for (const [index, input] of inputs.entries()) {
    try {
      const { statement, values, request } = prepare(input);
      const value = await executor.runStatement(statement, values, request, abort);
      outcomes.push({ status: 'fulfilled', value });
    } catch (error) {
      const reason = atIndex(error, index);
      if (!(reason instanceof DatabaseError)) throw reason;
      outcomes.push({ status: 'rejected', reason });
      if (options.continueOnError === false) break;
    }
  }
  return outcomes;
}
function atIndex(error, index) {
  if (error instanceof DatabaseError) error.statementIndex = index;
  return error;
}
