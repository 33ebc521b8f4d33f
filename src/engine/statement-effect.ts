import { Lexer, TokenKind } from '../sql/lexer.js';
import type { AnalyzedStatement } from '../sql/statement.js';
import { Word } from '../sql/words.js';
import type { SqlValue } from '../values.js';

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

/** OPFLAG_LASTROWID of the opcode Insert. */
const LAST_ROWID = 0x20;

/**
 * Whether a statement inserts into a table with rowids, by the rows of its EXPLAIN. A WITHOUT ROWID table has none, and
 * what the trigger of a view inserts is not the statement's own.
 */
export function insertsRowid(program: readonly (readonly SqlValue[])[]): boolean {
  let last = -1;
  for (const [address, opcode, p1, , , , p5] of program) {
    // The programs of triggers follow.
    if (Number(address) < last) return false;
    last = Number(address);
    if (opcode === 'Insert' && (Number(p5) & LAST_ROWID) !== 0) return true;
    if (opcode === 'VUpdate' && Number(p1) !== 0) return true;
  }
  return false;
}
