import { Lexer, TokenKind } from './lexer.js';
import { analyze, type AnalyzedStatement } from './statement.js';

const checked = new WeakMap<AnalyzedStatement, AnalyzedStatement>();

/**
 * The statement with `WHERE 1` if it deletes all rows of a table without a condition. SQLite empties such a table at once and
 * tells no index; that of vectors then keeps what was deleted, and refuses the same rows anew (libsql 0.5.29).
 */
export function rowwiseDelete(statement: AnalyzedStatement): AnalyzedStatement {
  if (statement.verb !== 'DELETE') return statement;
  let found = checked.get(statement);
  if (found === undefined) {
    found = withCondition(statement);
    checked.set(statement, found);
  }
  return found;
}

function withCondition(statement: AnalyzedStatement): AnalyzedStatement {
  const { text } = statement;
  const end = endOfTable(text);
  if (end === undefined) return statement;
  // The line break ends a comment.
  const [rewritten] = analyze(`${text.slice(0, end)}\n WHERE 1 ${text.slice(end)}`).statements;
  return rewritten ?? statement;
}

/** Where a condition would stand; undefined when there is one. */
function endOfTable(text: string): number | undefined {
  const lexer = new Lexer(text);
  let depth = 0;
  let deleting = false;
  let end = 0;
  for (let kind = lexer.next(); kind !== TokenKind.End; kind = lexer.next()) {
    const token = text.slice(lexer.start, lexer.end).toUpperCase();
    if (token === '(') depth++;
    else if (token === ')') depth--;
    else if (depth === 0 && kind === TokenKind.Word) {
      if (token === 'DELETE') deleting = true;
      else if (deleting && token === 'WHERE') return undefined;
      else if (deleting && /^(RETURNING|ORDER|LIMIT)$/.test(token)) return end;
    }
    if (token !== ';') end = lexer.end;
  }
  return end;
}
