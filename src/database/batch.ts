import type { TransactionBehavior } from '../config.js';
import { typeName } from '../config/checks.js';
import type { ConnectionBatchItem, ExecuteRequest, RawResult } from '../engine/engine.js';
import { DatabaseError, ParameterError } from '../errors.js';
import { ABORT_OPTIONS, checkChoice, checkOptions } from '../options.js';
import type { Abort, AbortOptions } from './abort.js';
import type { Executor } from './executor.js';
import type { RowMode } from './result.js';
import { type Arguments, bind } from './statements.js';

/** A statement with its parameters, the form of `@libsql/client`. */
export interface SqlStatement {
  readonly sql: string;
  readonly args?: Arguments | undefined;
}

/** A statement of a batch: its SQL text, or the text with its parameters, as an object or as `[sql, args]`. */
export type BatchStatement = string | SqlStatement | readonly [sql: string, args?: Arguments];

/** How the transaction of a batch takes its locks, in the words of `@libsql/client`: `write` is our `immediate`. */
export type BatchMode = 'write' | 'read' | 'deferred';

/** How a batch is run. */
export interface BatchOptions extends AbortOptions {
  /** All statements or none; `false` runs each on its own. @default true */
  readonly atomic?: boolean | undefined;
  /** How the transaction of an atomic batch takes its locks. @default config.transactionBehavior */
  readonly behavior?: TransactionBehavior | undefined;
  /** With `atomic: false`: whether the statements after a failed one are run. @default true */
  readonly continueOnError?: boolean | undefined;
}

/** How a batch of statements is run, and what its rows are. */
export interface StatementBatchOptions extends BatchOptions {
  /** Rows as objects by column name or as arrays. @default 'object' */
  readonly rowMode?: RowMode | undefined;
}

/** @throws {@link ParameterError} for an option or a value that there is not */
export function checkBatchOptions(options: BatchOptions, more: readonly string[] = []): void {
  checkOptions(options, 'batch()', ['atomic', 'behavior', 'continueOnError', ...more, ...ABORT_OPTIONS]);
  checkChoice(options.atomic, 'atomic', [true, false]);
  checkChoice(options.continueOnError, 'continueOnError', [true, false]);
}

/** What became of one statement of an independent batch. */
export type BatchOutcome<T> =
  | { readonly status: 'fulfilled'; readonly value: T }
  | { readonly status: 'rejected'; readonly reason: DatabaseError };

/** A statement of a batch that was checked and whose parameters are encoded. */
export type BatchItem = ConnectionBatchItem;

const MODES: Readonly<Record<BatchMode, TransactionBehavior>> = {
  write: 'immediate',
  read: 'read',
  deferred: 'deferred',
};

/**
 * The behaviour that a mode of `@libsql/client` stands for.
 *
 * @throws {@link ParameterError} for any other text
 */
export function behaviorOfMode(mode: BatchMode): TransactionBehavior {
  if (Object.hasOwn(MODES, mode)) return MODES[mode];
  throw new ParameterError(`unknown mode ${JSON.stringify(mode)}; expected "write", "read" or "deferred"`);
}

/** @throws {@link ParameterError} for what is neither options nor a mode */
export function toBatchOptions(
  given: BatchOptions | BatchMode | undefined,
  more: readonly string[] = [],
): BatchOptions {
  if (given === undefined) return {};
  if (typeof given === 'string') return { behavior: behaviorOfMode(given) };
  if (typeof given === 'object' && given !== null) {
    checkBatchOptions(given, more);
    return given;
  }
  throw new ParameterError(`batch() takes options or a mode, got ${typeName(given)}`);
}

/** @throws {@link ParameterError} when it has none of the forms of a statement */
export function toSqlStatement(input: BatchStatement): SqlStatement {
  if (typeof input === 'string') return { sql: input };
  if (isTuple(input)) return { sql: input[0], args: input[1] };
  if (typeof input === 'object' && input !== null) return input;
  throw new ParameterError(
    `a statement must be an SQL text, { sql, args } or [sql, args], got ${typeName(input)}`,
  );
}

function isTuple(input: BatchStatement): input is readonly [sql: string, args?: Arguments] {
  return Array.isArray(input);
}

/** Checks one statement of a batch; an error carries its index. */
export function toBatchItem(
  executor: Executor,
  input: BatchStatement,
  request: ExecuteRequest,
  index?: number,
): BatchItem {
  try {
    const { sql, args } = toSqlStatement(input);
    const statement = executor.statements.one(sql);
    return { statement, values: bind(statement, args, executor.limits), request };
  } catch (error) {
    throw atIndex(error, index);
  }
}

/** Runs statements one after another in the transaction that `executor` is; an error carries its statement's index. */
export async function runInOrder(
  executor: Executor,
  items: readonly BatchItem[],
  abort: Abort | undefined,
): Promise<RawResult[]> {
  const results: RawResult[] = [];
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
export async function runIndependently<T>(
  executor: Executor,
  inputs: readonly T[],
  prepare: (input: T) => BatchItem,
  options: Pick<BatchOptions, 'continueOnError'>,
  abort: Abort | undefined,
): Promise<BatchOutcome<RawResult>[]> {
  const outcomes: BatchOutcome<RawResult>[] = [];
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

export function atIndex(error: unknown, index: number | undefined): unknown {
  if (error instanceof DatabaseError) error.statementIndex = index;
  return error;
}
