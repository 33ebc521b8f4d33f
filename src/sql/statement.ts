import { LayoutBuilder } from './layout-builder.js';
import { Lexer, TokenKind } from './lexer.js';
import type { ParameterLayout } from './parameters.js';
import { findRefusedFunctions, mentionsRefusedFunction } from './refused-functions.js';
import { StatementHead, type StatementKind } from './statement-head.js';
import { Word } from './words.js';

export type { StatementKind } from './statement-head.js';

/** What {@link analyze} finds out about one statement. */
export interface AnalyzedStatement {
  /** Exact text of the statement without its terminating `;` and without blank space or comments around it. */
  readonly text: string;
  /** Index of `text` in the script in UTF-16 code units. */
  readonly offset: number;
  /**
   * Main verb in upper case, never ''. For `WITH …` the verb of the statement after the common table
   * expressions, for EXPLAIN 'EXPLAIN'. What starts with no word has its first token here.
   */
  readonly verb: string;
  /** How the statement may be run. */
  readonly kind: StatementKind;
  /** Whether an INSERT, UPDATE, DELETE or REPLACE has a RETURNING clause of its own. */
  readonly returning: boolean;
  /** The parameters, those in a trigger's body (which the engine refuses) included. */
  readonly parameters: ParameterLayout;
  /** Lower-case names of the refused functions that it uses, in order of appearance, without repeats. */
  readonly refusedFunctions: readonly string[];
  /** Lower-case name of a PRAGMA without its schema; of an EXPLAINed one too. Otherwise absent. */
  readonly pragma?: string;
  /** For a PRAGMA, whether it has an argument (`= x` or `(x)`). Otherwise absent. */
  readonly pragmaArgument?: boolean;
}

/** What {@link analyze} finds out about a SQL text. */
export interface AnalyzedSql {
  /** The statements in order; empty ones are left out, so there may be none. */
  readonly statements: readonly AnalyzedStatement[];
}

const NO_REFUSED: readonly string[] = Object.freeze([]);

/**
 * Splits a SQL text into its statements and finds out what it takes to run each one. It never throws: a text
 * that is not SQL comes back as statements of kind `unknown` for the engine to refuse.
 *
 * Where a trigger ends is decided as `sqlite3_complete()` does: at a `;` after an END after a `;`.
 *
 * @example
 * ```ts
 * import { analyze } from './statement.js';
 *
 * const { statements } = analyze('insert into t values (:a) returning id; select 1');
 * statements.length;              // 2
 * statements[0]?.kind;            // 'write'
 * statements[0]?.returning;       // true
 * statements[0]?.parameters.names // [':a']
 * ```
 */
export function analyze(sql: string): AnalyzedSql {
  const statements: AnalyzedStatement[] = [];
  const lexer = new Lexer(sql);
  const suspicious = mentionsRefusedFunction(sql);
  for (let kind = lexer.next(); kind !== TokenKind.End; kind = lexer.next()) {
    if (kind !== TokenKind.Semicolon) statements.push(readStatement(sql, lexer, suspicious));
  }
  return { statements };
}

/** Reads the statement that starts at the current token, up to its `;` or the end of the text. */
function readStatement(sql: string, lexer: Lexer, suspicious: boolean): AnalyzedStatement {
  const offset = lexer.start;
  const head = new StatementHead(sql);
  const parameters = new LayoutBuilder();
  let end = lexer.end;
  let depth = 0;
  let returning = false;
  let open = true;
  let trigger = false;
  // The last two tokens of a trigger, as far as they matter: ';' or '; END'.
  let tail: '' | ';' | '; END' = '';
  for (let kind = lexer.kind; kind !== TokenKind.End; kind = lexer.next()) {
    if (kind === TokenKind.Semicolon && (!trigger || tail === '; END')) break;
    if (trigger) {
      if (kind === TokenKind.Semicolon) tail = ';';
      else tail = tail === ';' && lexer.word === Word.End ? '; END' : '';
    }
    if (kind === TokenKind.Parameter) parameters.add(sql, lexer.start, lexer.end);
    else if (kind === TokenKind.LeftParen) depth++;
    else if (kind === TokenKind.RightParen) depth--;
    else if (depth === 0 && lexer.word === Word.Returning) returning = true;
    if (open) {
      head.accept(lexer, depth);
      open = !head.done;
      trigger = head.trigger;
    }
    end = lexer.end;
  }
  const text = sql.slice(offset, end);
  const common = {
    text,
    offset,
    verb: head.verb,
    kind: head.kind,
    returning: returning && head.mayReturn,
    parameters: parameters.build(),
    refusedFunctions: suspicious ? findRefusedFunctions(text) : NO_REFUSED,
  };
  const { pragma, pragmaArgument } = head;
  return pragma === undefined ? common : { ...common, pragma, pragmaArgument };
}
