import { ParameterError } from '../../errors.js';
import { type AnalyzedStatement, analyze } from '../../sql/statement.js';
import type { Context } from '../context.js';
import { connectionSetting } from './text.js';

/** Longest time of a timer of Node.js, in ms. */
const LONGEST = 2 ** 31 - 1;

/**
 * What is run instead of `PRAGMA busy_timeout`. Waiting in native code would block the event loop, so the timeout of an
 * engine stays 0: the pragma sets and reads `config.busyTimeout`.
 *
 * @throws {@link ParameterError} when it is set to something that is no number
 * @throws {@link AccessError} when a restricted view may not
 */
export function withOwnTimeout(
  { config, authorizer }: Pick<Context, 'config' | 'authorizer'>,
  statement: AnalyzedStatement,
): AnalyzedStatement {
  if (statement.pragma !== 'busy_timeout' || statement.verb === 'EXPLAIN') return statement;
  authorizer?.checkPragma('busy_timeout');
  const setting = connectionSetting(statement);
  if (setting !== undefined) {
    if (typeof setting.value !== 'number') {
      throw new ParameterError('PRAGMA busy_timeout takes a whole number of ms', undefined, statement.text);
    }
    // SQLite takes a negative number for 0.
    config.busyTimeout = Math.min(Math.max(setting.value, 0), LONGEST);
  }
  const [answer] = analyze(`SELECT ${config.busyTimeout} AS timeout`).statements;
  return answer as AnalyzedStatement;
}
