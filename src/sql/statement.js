import { LayoutBuilder } from './layout-builder.js';
import { Lexer, TokenKind } from './lexer.js';
import { findRefusedFunctions, mentionsRefusedFunction } from './refused-functions.js';
import { StatementHead } from './statement-head.js';
import { Word } from './words.js';
export { REFUSED_FUNCTIONS } from './refused-functions.js';
const NO_REFUSED = Object.freeze([]);
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
export function analyze(sql) {
  const statements = [];
  const lexer = new Lexer(sql);
  const suspicious = mentionsRefusedFunction(sql);
  for (let kind = lexer.next(); kind !== TokenKind.End; kind = lexer.next()) {
    if (kind !== TokenKind.Semicolon) statements.push(readStatement(sql, lexer, suspicious));
  }
  return { statements };
}
/** Reads the statement that starts at the current token, up to its `;` or the end of the text. */
function readStatement(sql, lexer, suspicious) {
  const offset = lexer.start;
  const head = new StatementHead(sql);
  const parameters = new LayoutBuilder();
  let end = lexer.end;
  let depth = 0;
  let returning = false;
  // The last two tokens of a trigger, as far as they matter: ';' or '; END'.
  let tail = '';
  for (let kind = lexer.kind; kind !== TokenKind.End; kind = lexer.next()) {
    if (kind === TokenKind.Semicolon && (!head.trigger || tail === '; END')) break;
    if (head.trigger) {
      if (kind === TokenKind.Semicolon) tail = ';';
      else tail = tail === ';' && lexer.word === Word.End ? '; END' : '';
    }
    if (kind === TokenKind.Parameter) parameters.add(sql, lexer.start, lexer.end);
    else if (kind === TokenKind.LeftParen) depth++;
    else if (kind === TokenKind.RightParen) depth--;
    else if (depth === 0 && lexer.word === Word.Returning) returning = true;
    if (!head.done) head.accept(lexer, depth);
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
