import type { ResolvedConfig } from '../config.js';
import { KEY_PRAGMAS } from '../config/pragmas.js';
import { DatabaseError, ParameterError, setSql, TransactionError } from '../errors.js';
import { LruCache } from '../lru-cache.js';
import { resolveArguments, type StatementArguments } from '../sql/parameters.js';
import { boundCalls } from '../sql/bounded-calls.js';
import { FILE_FUNCTIONS, whyRefused } from '../sql/functions.js';
import { type AnalyzedStatement, analyze } from '../sql/statement.js';
import { encodeParameters, type SqlValue, toWellFormed, type ValueLimits } from '../values.js';

/** Positional values, or named ones with keys `a`, `:a`, `@a` or `$a`. */
export type Arguments = StatementArguments;

const KNOWN_STATEMENTS = 500;
const LONGEST_KEPT_SQL = 16_384;

/** Where SQL can't set them: EXPLAIN sets them too, since they act when they are prepared (SQLite 3.45.1). */
const OWN_PRAGMAS: Readonly<Record<string, string>> = {
  query_only: "use a transaction with behavior 'read'",
  busy_timeout: 'use config.busyTimeout; the native timeout would block the event loop',
};

/** Looks at SQL texts before they go to an engine and remembers what it found. */
export class Statements {
  readonly #allowFileFunctions: boolean;
  readonly #local: boolean;
  readonly #known = new LruCache<string, AnalyzedStatement>(KNOWN_STATEMENTS);

  constructor({ allowFileFunctions, features }: Pick<ResolvedConfig, 'allowFileFunctions' | 'features'>) {
    this.#allowFileFunctions = allowFileFunctions;
    this.#local = features.writes === 'here';
  }

  /**
   * The one statement of a text.
   *
   * @throws {@link DatabaseError} when there is none or more than one, or when it calls a refused function
   * @throws {@link TransactionError} when it controls a transaction
   */
  one(sql: string): AnalyzedStatement {
    const known = this.#known.get(sql);
    if (known !== undefined) return known;
    const statements = this.#analyze(sql);
    const [statement] = statements;
    if (statement === undefined) {
      throw new DatabaseError('the SQL text holds no statement', { code: 'NO_STATEMENT', kind: 'sql', sql });
    }
    if (statements.length > 1) {
      throw new DatabaseError(
        `the SQL text holds ${statements.length} statements, and only one can be executed; use script() to run all`,
        { code: 'MULTIPLE_STATEMENTS', kind: 'sql', sql },
      );
    }
    if (statement.kind === 'transaction') throw controlsTransaction(statement);
    this.check(statement);
    if (sql.length <= LONGEST_KEPT_SQL) this.#known.set(sql, statement);
    return statement;
  }

  /** All statements of a script; what they are is left to the caller to {@link check}. */
  all(sql: string): readonly AnalyzedStatement[] {
    return this.#analyze(sql);
  }

  /**
   * Refuses what must not reach an engine.
   *
   * @throws {@link DatabaseError} with code `FUNCTION_REFUSED`, or `NOT_SUPPORTED` for a pragma that is ours
   */
  check(statement: AnalyzedStatement): void {
    const refused = statement.refusedFunctions.find(
      (name) => !(this.#allowFileFunctions && FILE_FUNCTIONS.has(name)),
    );
    if (refused !== undefined) {
      throw new DatabaseError(`the function ${refused}() is refused: ${whyRefused(refused)}`, {
        code: 'FUNCTION_REFUSED',
        kind: 'sql',
        sql: statement.text,
      });
    }
    if (statement.pragmaArgument && KEY_PRAGMAS.has(statement.pragma as string)) {
      // The text holds a key, so no error shows it.
      throw new DatabaseError(
        `PRAGMA ${statement.pragma} can not be set by SQL: use config.encryptionKey, or rekey()`,
        { code: 'NOT_SUPPORTED', kind: 'capability', sql: `PRAGMA ${statement.pragma}` },
      );
    }
    const settable = statement.pragma === 'busy_timeout' || this.#local;
    const own =
      statement.pragmaArgument && (!settable || statement.verb === 'EXPLAIN')
        ? OWN_PRAGMAS[statement.pragma as string]
        : undefined;
    if (own !== undefined) {
      throw new DatabaseError(`PRAGMA ${statement.pragma} can not be set by SQL: ${own}`, {
        code: 'NOT_SUPPORTED',
        kind: 'capability',
        sql: statement.text,
      });
    }
  }

  #analyze(sql: string): readonly AnalyzedStatement[] {
    if (typeof sql !== 'string') throw new ParameterError(`the SQL text must be a string, got ${typeof sql}`);
    // The driver would cut the text at this character and run what stands before it.
    if (sql.includes('\0')) {
      throw new DatabaseError('the SQL text contains the character U+0000', {
        code: 'SQLITE_ERROR',
        kind: 'sql',
      });
    }
    // A server refuses a message with a lone surrogate (sqld 0.24).
    return analyze(boundCalls(toWellFormed(sql))).statements;
  }
}

/** The error for BEGIN, COMMIT and the like where they would act behind the session's back. */
export function controlsTransaction(statement: AnalyzedStatement): TransactionError {
  return new TransactionError(
    `${statement.verb} controls a transaction; use transaction(), batch() or script() instead`,
    { code: 'TRANSACTION_CONTROL', kind: 'transaction', sql: statement.text },
  );
}

const NO_VALUES: SqlValue[] = [];

/**
 * Puts arguments into the order of the statement's parameters and encodes them.
 *
 * @throws {@link ParameterError} when one is missing, surplus or of a type without a SQLite value
 */
export function bind(statement: AnalyzedStatement, args: Arguments, limits: ValueLimits): SqlValue[] {
  const { parameters } = statement;
  const resolved = resolveArguments(parameters, args);
  if (!resolved.ok) throw new ParameterError(resolved.problem, resolved.position, statement.text);
  if (parameters.count === 0) return NO_VALUES;
  try {
    return encodeParameters(resolved.values, limits, parameters.named ? parameters.names : undefined);
  } catch (error) {
    if (error instanceof ParameterError) setSql(error, statement.text);
    throw error;
  }
}
