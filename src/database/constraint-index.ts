import type { Connection } from '../engine/engine.js';
import { ConstraintError } from '../errors.js';
import { constraintCodeOf, setConstraintCode } from '../result-codes.js';
import type { AnalyzedStatement } from '../sql/statement.js';
import type { Abort } from './abort.js';
import { runAbortable } from './abortable.js';
import { constraintQuestions } from './lazy.js';

/**
 * Fills in what the engine left out of a constraint error, by questions after the failure: the extended code, which a
 * server does not tell (sqld 0.24), and the name of the unique index, of which SQLite's message names the columns only.
 * What can't be found out for certain stays undefined.
 *
 * @param aborts - what ended the statement in time ends the questions too
 */
export async function completeConstraintError(
  connection: Connection,
  error: unknown,
  aborts: readonly (Abort | undefined)[] = [],
): Promise<void> {
  if (!(error instanceof ConstraintError)) return;
  if (error.index !== undefined && error.extendedCode !== undefined) return;
  if (connection.usable) {
    try {
      const { ask } = constraintQuestions.loaded ?? (await constraintQuestions.load());
      const abort = aborts.find((one) => one !== undefined);
      if (abort === undefined) await ask(connection, error);
      else await runAbortable(connection, abort, () => ask(connection, error));
      return;
    } catch {
      // The constraint error is what the caller must see, not a failure to describe it better.
    }
  }
  codeByMessage(error);
}

/** Takes from the message what it alone tells, where nothing can be asked. */
export function codeByMessage(error: unknown): void {
  if (!(error instanceof ConstraintError) || error.extendedCode !== undefined) return;
  const code = constraintCodeOf(error.message);
  if (code !== undefined) setConstraintCode(error, code);
}

/** Whether questions after the statement was undone may find another schema than it made. */
export function mayChangeSchema({ kind, verb }: AnalyzedStatement): boolean {
  return kind !== 'read' && !/^(?:insert|replace|update|delete)$/i.test(verb);
}

/** Rejects with an error, once it is complete. */
export async function rejectComplete(
  connection: Connection,
  error: unknown,
  aborts: readonly (Abort | undefined)[] = [],
): Promise<never> {
  await completeConstraintError(connection, error, aborts);
  throw error;
}
