import { DatabaseError, MigrationError } from '../errors.js';
import { lineAndColumn } from '../sql/position.js';
import { nameOf } from './migration-plan.js';
/** What drizzle-kit writes between two statements. */
const BREAKPOINT = '--> statement-breakpoint';
/** Longest part of a statement that a message shows. */
const SHOWN = 500;
/**
 * Pragmas with an effect that may stand in a migration: those whose effect is undone with the transaction or ends
 * with it, and the settings of the connection that are put back after each migration.
 */
const ALLOWED_PRAGMAS = new Set([
  ...['user_version', 'application_id', 'defer_foreign_keys', 'optimize', 'incremental_vacuum'],
  ...['legacy_alter_table', 'ignore_check_constraints', 'recursive_triggers'],
]);
/**
 * Splits a migration into its statements. A chunk between two breakpoints may hold several, or none.
 *
 * @throws {@link MigrationError} when it holds a statement that can't be part of a transaction, or is refused anywhere
 */
export function parseMigration(migration, statements) {
  const steps = [];
  let base = 0;
  for (const chunk of migration.sql.split(BREAKPOINT)) {
    for (const statement of readChunk(migration, chunk, statements)) {
      const offset = base + statement.offset;
      const run = !(statement.pragma === 'foreign_keys' && statement.kind === 'outside');
      steps.push({ statement, offset, index: steps.length, run });
    }
    base += chunk.length + BREAKPOINT.length;
  }
  const parsed = { migration, steps };
  for (const step of steps) checkStep(parsed, step, statements);
  return parsed;
}
/** Whether a statement drops a table, as far as its text tells; in doubt it does. */
export function dropsTable({ verb, text }) {
  return verb === 'DROP' && !/^drop\s+(index|view|trigger)\b/i.test(text);
}
/** The error for one statement of a migration; the message names the file, the statement's number and its SQL. */
export function stepError({ migration, steps }, step, problem, cause) {
  const { text } = step.statement;
  const { line, column } = lineAndColumn(migration.sql, step.offset);
  const shown = text.length > SHOWN ? `${text.slice(0, SHOWN)} …` : text;
  const place = `statement ${step.index + 1} of ${steps.length} (line ${line}, column ${column})`;
  return new MigrationError(`${nameOf(migration)}, ${place}: ${problem}\n${shown}`, {
    migration: migration.tag,
    statementIndex: step.index,
    position: { offset: step.offset, line, column },
    sql: text,
    retryable: cause instanceof DatabaseError && cause.retryable,
    cause,
  });
}
function readChunk(migration, chunk, statements) {
  try {
    return statements.all(chunk);
  } catch (cause) {
    if (!(cause instanceof DatabaseError)) throw cause;
    throw new MigrationError(`${nameOf(migration)}: ${cause.message}`, { migration: migration.tag, cause });
  }
}
function checkStep(parsed, step, statements) {
  const problem = findProblem(step);
  if (problem !== undefined) throw stepError(parsed, step, problem);
  try {
    statements.check(step.statement);
  } catch (cause) {
    if (!(cause instanceof DatabaseError)) throw cause;
    throw stepError(parsed, step, cause.message, cause);
  }
}
function findProblem({ statement, run }) {
  const { kind, verb, pragma, parameters } = statement;
  if (parameters.count > 0) return 'a migration takes no parameters';
  if (kind === 'transaction')
    return `${verb} controls a transaction; each migration is one transaction already`;
  if (kind !== 'outside' || !run) return undefined;
  if (verb === 'PRAGMA' && ALLOWED_PRAGMAS.has(pragma)) return undefined;
  return pragma === undefined
    ? `${verb} can not be part of a transaction, which each migration is; run it outside the migrations`
    : `PRAGMA ${pragma} can not be part of a migration; set it in config.pragmas or run it outside the migrations`;
}
