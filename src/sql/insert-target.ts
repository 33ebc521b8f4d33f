import { Lexer, TokenKind } from './lexer.js';
import type { AnalyzedStatement } from './statement.js';

const found = new WeakMap<AnalyzedStatement, string | undefined>();

/** The table that an INSERT or REPLACE names, as written, with its schema: `main."my table"`. Undefined if there is none. */
export function insertTarget(statement: AnalyzedStatement): string | undefined {
  if (statement.verb !== 'INSERT' && statement.verb !== 'REPLACE') return undefined;
  if (!found.has(statement)) found.set(statement, readTarget(statement.text));
  return found.get(statement);
}

/** The name follows the INTO of the statement itself; one in a common table expression is in parentheses. */
function readTarget(text: string): string | undefined {
  const lexer = new Lexer(text);
  let depth = 0;
  for (let kind = lexer.next(); kind !== TokenKind.End; kind = lexer.next()) {
    if (kind === TokenKind.LeftParen) depth++;
    else if (kind === TokenKind.RightParen) depth--;
    else if (depth === 0 && /^into$/i.test(text.slice(lexer.start, lexer.end))) return readName(text, lexer);
  }
  return undefined;
}

function readName(text: string, lexer: Lexer): string | undefined {
  if (lexer.next() === TokenKind.End) return undefined;
  const name = text.slice(lexer.start, lexer.end);
  if (lexer.next() !== TokenKind.Dot || lexer.next() === TokenKind.End) return name;
  return `${name}.${text.slice(lexer.start, lexer.end)}`;
}
