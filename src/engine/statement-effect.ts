import { Lexer, TokenKind } from '../sql/lexer.js';
import type { AnalyzedStatement } from '../sql/statement.js';
import { Word } from '../sql/words.js';

/** Whether the statement may insert rows. */
export function inserts(statement: AnalyzedStatement): boolean {
  return statement.verb === 'INSERT' || statement.verb === 'REPLACE';
}

/** Whether the statement may change rows of a table. */
export function changesRows(statement: AnalyzedStatement): boolean {
  return inserts(statement) || statement.verb === 'UPDATE' || statement.verb === 'DELETE';
}

/** Whether the statement may write to the database file; ATTACH and DETACH do not. */
export function mayWrite(statement: AnalyzedStatement): boolean {
  if (statement.kind === 'write') return true;
  return statement.kind === 'outside' && (statement.pragma !== undefined || statement.verb === 'VACUUM');
}

/** Whether the statement may change the schema or settings of the connection. */
export function changesSchema(statement: AnalyzedStatement): boolean {
  if (statement.kind === 'outside') return true;
  return statement.kind === 'write' && !changesRows(statement);
}

/**
 * Whether the rowid of the last row that a statement inserted can be told. Where a row that is in the way is updated, nobody
 * knows whether the last one was inserted.
 */
export function tellsRowid(statement: AnalyzedStatement): boolean {
  return inserts(statement) && !(/\bupdate\b/i.test(statement.text) && hasDoUpdate(statement.text));
}

function hasDoUpdate(text: string): boolean {
  const lexer = new Lexer(text);
  let afterDo = false;
  for (let kind = lexer.next(); kind !== TokenKind.End; kind = lexer.next()) {
    if (afterDo && lexer.word === Word.Update) return true;
    afterDo = kind === TokenKind.Word && /^do$/i.test(text.slice(lexer.start, lexer.end));
  }
  return false;
}
