import { DatabaseError, MigrationError } from '../errors.js';
import { lineAndColumn } from '../sql/position.js';
import type { AnalyzedStatement } from '../sql/statement.js';
import { type ControlStep, MigrationControl } from './migration-control.js';
import { type IdentifiedMigration, nameOf } from './migration-plan.js';
import type { Statements } from './statements.js';

/** What drizzle-kit writes between two statements. */
const BREAKPOINT = '--> statement-breakpoint';

/** Longest part of a statement that a message shows. */
const SHOWN = 500;

/**
 * Pragmas with an effect that may stand in a migration: those whose effect is undone with the transaction or ends
 * with it, and the settings of the connection that are put back after each migration.
 */
const ALLOWED_PRAGMAS: ReadonlySet<string> = new Set([
  ...['user_version', 'application_id', 'defer_foreign_keys', 'optimize', 'incremental_vacuum'],
  ...['legacy_alter_table', 'ignore_check_constraints', 'recursive_triggers', 'busy_timeout'],
]);

/** A migration that is ready to be run. */
export interface ParsedMigration {
  readonly migration: IdentifiedMigration;
  readonly steps: readonly MigrationStep[];
}

/** One statement of a migration. */
export interface MigrationStep {
  readonly statement: AnalyzedStatement;
  /** Where the statement stands in the file, in UTF-16 code units. */
  readonly offset: number;
  /** Which statement of the file it is, from 0. */
  readonly index: number;
  /**
   * False for `PRAGMA foreign_keys=…`, which would do nothing in a transaction and is done around it, for a BEGIN with its
   * COMMIT, and for a COMMIT and a BEGIN with nothing else between them.
   */
  readonly run: boolean;
  /** Whether it sets a savepoint that the migration ends as well, or ends or undoes that. */
  readonly savepoint?: boolean;
}

/**
 * Splits a migration into its statements. A chunk between two breakpoints may hold several, or none.
 *
 * @throws {@link MigrationError} when it holds a statement that can't be part of a transaction, or is refused anywhere
 */
export function parseMigration(migration: IdentifiedMigration, statements: Statements): ParsedMigration {
  const steps: MigrationStep[] = [];
  let base = 0;
  for (const chunk of migration.sql.split(BREAKPOINT)) {
    for (const statement of readChunk(migration, chunk, statements)) {
      const offset = base + statement.offset;
      const run = !(statement.pragma === 'foreign_keys' && statement.kind === 'outside');
      steps.push({ statement, offset, index: steps.length, run });
    }
    base += chunk.length + BREAKPOINT.length;
  }
  const parsed = { migration, steps: resolveControl(skipPauses(steps)) };
  for (const step of parsed.steps) checkStep(parsed, step, statements);
  return parsed;
}

/**
 * Leaves out `COMMIT; PRAGMA foreign_keys=…; BEGIN`. People write it for migrators that begin a transaction and leave
 * foreign keys on; here it says what is done anyway.
 */
function skipPauses(steps: readonly MigrationStep[]): MigrationStep[] {
  const skipped = new Set<MigrationStep>();
  for (const [i, first] of steps.entries()) {
    if (!isControl(first, 'COMMIT') && !isControl(first, 'END')) continue;
    const next = steps.slice(i + 1).find(({ statement, run }) => run || statement.pragma !== 'foreign_keys');
    if (next === undefined || !isControl(next, 'BEGIN')) continue;
    skipped.add(first).add(next);
  }
  return steps.map((step) => (skipped.has(step) ? { ...step, run: false } : step));
}

/**
 * Leaves out each BEGIN with its COMMIT, which say what is done anyway, and has savepoints run that the migration ends itself.
 * What has no counterpart stays, to be refused.
 */
function resolveControl(steps: readonly MigrationStep[]): MigrationStep[] {
  const ended = new Set<MigrationStep>();
  const control = new MigrationControl<MigrationStep>((step) => ended.add(step));
  const found = new Map<MigrationStep, ControlStep>();
  for (const step of steps) {
    if (step.statement.kind === 'transaction' && step.run)
      found.set(step, control.next(step.statement, step));
  }
  return steps.map((step) => {
    const kind = found.get(step);
    const complete =
      step.statement.verb === 'RELEASE' || step.statement.verb === 'ROLLBACK' || ended.has(step);
    if (kind === 'savepoint' && complete) return { ...step, savepoint: true };
    if (kind === 'commit' || (kind === 'begin' && complete)) return { ...step, run: false };
    return step;
  });
}

function isControl({ statement: { kind, verb } }: MigrationStep, wanted: string): boolean {
  return kind === 'transaction' && verb === wanted;
}

/** The error for one statement of a migration; the message names the file, the statement's number and its SQL. */
export function stepError(
  { migration, steps }: ParsedMigration,
  step: MigrationStep,
  problem: string,
  cause?: unknown,
): MigrationError {
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

function readChunk(
  migration: IdentifiedMigration,
  chunk: string,
  statements: Statements,
): readonly AnalyzedStatement[] {
  try {
    return statements.all(chunk);
  } catch (cause) {
    if (!(cause instanceof DatabaseError)) throw cause;
    throw new MigrationError(`${nameOf(migration)}: ${cause.message}`, { migration: migration.tag, cause });
  }
}

function checkStep(parsed: ParsedMigration, step: MigrationStep, statements: Statements): void {
  const problem = findProblem(step);
  if (problem !== undefined) throw stepError(parsed, step, problem);
  try {
    statements.check(step.statement);
  } catch (cause) {
    if (!(cause instanceof DatabaseError)) throw cause;
    throw stepError(parsed, step, cause.message, cause);
  }
}

function findProblem({ statement, run, savepoint = false }: MigrationStep): string | undefined {
  const { kind, verb, pragma, parameters } = statement;
  if (parameters.count > 0) return 'a migration takes no parameters';
  if (kind === 'transaction' && run && !savepoint)
    return `${verb} controls a transaction; each migration is one transaction already`;
  if (kind !== 'outside' || !run) return undefined;
  if (verb === 'PRAGMA' && ALLOWED_PRAGMAS.has(pragma as string)) return undefined;
  return pragma === undefined
    ? `${verb} can not be part of a transaction, which each migration is; run it outside the migrations`
    : `PRAGMA ${pragma} can not be part of a migration; set it in config.pragmas or run it outside the migrations`;
}
