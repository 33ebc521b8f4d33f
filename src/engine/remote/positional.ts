import { Lexer, TokenKind } from '../../sql/lexer.js';
import type { AnalyzedStatement } from '../../sql/statement.js';

const rewritten = new WeakMap<AnalyzedStatement, string>();

/**
 * The text of a statement with every parameter as `?NNN`. A server binds by position only what has no name (sqld 0.24),
 * while values come by position from here. Numbers are given as SQLite gives them, see
 * https://www.sqlite.org/lang_expr.html#parameters.
 */
export function positionalText(statement: AnalyzedStatement): string {
  if (!statement.parameters.named) return statement.text;
  let text = rewritten.get(statement);
  if (text === undefined) {
    text = rewrite(statement.text);
    rewritten.set(statement, text);
  }
  return text;
}

function rewrite(sql: string): string {
  const lexer = new Lexer(sql);
  const numbers = new Map<string, number>();
  let largest = 0;
  let text = '';
  let copied = 0;
  for (let kind = lexer.next(); kind !== TokenKind.End; kind = lexer.next()) {
    if (kind !== TokenKind.Parameter) continue;
    const name = sql.slice(lexer.start, lexer.end);
    let number = numbers.get(name) ?? largest + 1;
    if (/^\?\d/.test(name)) number = Number(name.slice(1));
    else if (name !== '?') numbers.set(name, number);
    largest = Math.max(largest, number);
    text += `${sql.slice(copied, lexer.start)}?${number}`;
    copied = lexer.end;
  }
  return text + sql.slice(copied);
}
