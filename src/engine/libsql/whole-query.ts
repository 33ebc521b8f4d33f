import { Lexer, TokenKind } from '../../sql/lexer.js';
import type { AnalyzedStatement } from '../../sql/statement.js';
import { Word } from '../../sql/words.js';

/**
 * A query with the same rows, computed as a whole in its first step, which is the one that the binding runs on another
 * thread (libsql 0.5.29); the other steps only copy rows. Undefined for statements that can't stand in a WITH clause.
 *
 * Being materialized must change neither a value nor what is computed (SQLite 3.45.1):
 * - With a LIMIT, that of a view too, the result columns of a materialized query are computed for every row that is
 *   sorted, and not for those alone that are left. So the query is made to stand in a subquery that can't be merged with
 *   its surroundings, since both have a LIMIT. With an ORDER BY of its own and no LIMIT it would be merged, and an
 *   expression that is sorted by computed twice; then the query itself is materialized.
 * - A column that is read from a subquery turns integers into REAL if its first SELECT gives a REAL column. A further
 *   SELECT, of text and without rows, takes that affinity from it; a single value gets a `+`.
 *
 * @param columnCount - how many columns the statement has; asked where that matters
 */
export function wholeQuery(statement: AnalyzedStatement, columnCount: () => number): string | undefined {
  if (statement.verb !== 'SELECT' && statement.verb !== 'VALUES') return undefined;
  const { text } = statement;
  const shape = shapeOf(text);
  if (shape === undefined) return undefined;
  let query = text;
  if (shape.compound) {
    const none = Array.from({ length: columnCount() }, () => "''").join(', ');
    query = `${text.slice(0, shape.tail)}\nUNION ALL SELECT ${none} WHERE 0 ${text.slice(shape.tail)}`;
  } else {
    for (const at of shape.values.toReversed()) query = `${query.slice(0, at)}+${query.slice(at)}`;
  }
  // The line break ends a comment at the end of the text.
  const body = shape.limited || !shape.ordered ? `SELECT * FROM (${query}\n) LIMIT -1` : `${query}\n`;
  return `WITH "__turso_dialect_result" AS MATERIALIZED (${body}) SELECT * FROM "__turso_dialect_result"`;
}

interface Shape {
  /** Whether several SELECTs are put together. */
  readonly compound: boolean;
  /** Whether the whole has a LIMIT, and an ORDER BY. */
  readonly limited: boolean;
  readonly ordered: boolean;
  /** Where the ORDER BY or LIMIT of the whole begins, or the text ends. */
  readonly tail: number;
  /** Where the result columns begin that are nothing but a subquery of several SELECTs. */
  readonly values: number[];
}

/** Undefined where parentheses don't match: what is wrong alone could be right inside of others. */
function shapeOf(text: string): Shape | undefined {
  const lexer = new Lexer(text);
  let compound = false;
  let limited = false;
  let ordered = false;
  let tail: number | undefined;
  const values: number[] = [];
  let depth = 0;
  /** Whether the next token begins a result column. */
  let begins = false;
  /** A result column that is in parentheses so far. */
  let value: number | undefined;
  let compoundInside = false;
  for (let kind = lexer.next(); kind !== TokenKind.End; kind = lexer.next()) {
    const { word, start } = lexer;
    if (kind === TokenKind.LeftParen) {
      if (depth++ === 0) {
        value = begins ? start : undefined;
        compoundInside = false;
      }
    } else if (kind === TokenKind.RightParen) {
      if (--depth < 0) return undefined;
    } else if (depth > 0) {
      if (isCompound(word)) compoundInside = true;
    } else {
      if (value !== undefined && compoundInside && endsValue(kind, word, text.slice(start, lexer.end))) {
        values.push(value);
      }
      value = undefined;
      if (isCompound(word)) compound = true;
      else if (word === Word.Limit) limited = true;
      else if (word === Word.Order) ordered = true;
      if (isCompound(word)) tail = undefined;
      else if (word === Word.Limit || word === Word.Order) tail ??= start;
    }
    begins = depth === 0 && (word === Word.Select || kind === TokenKind.Comma || isQuantifier(text, lexer));
  }
  if (value !== undefined && compoundInside) values.push(value);
  return depth === 0 ? { compound, limited, ordered, tail: tail ?? text.length, values } : undefined;
}

function isCompound(word: Word): boolean {
  return word === Word.Union || word === Word.Intersect || word === Word.Except;
}

function isQuantifier(text: string, { start, end, word }: Lexer): boolean {
  return word === Word.Other && end - start <= 8 && /^(?:all|distinct)$/i.test(text.slice(start, end));
}

/** Whether a parenthesized value is the whole result column if this token follows. */
function endsValue(kind: TokenKind, word: Word, token: string): boolean {
  if (kind === TokenKind.Comma || kind === TokenKind.QuotedName || kind === TokenKind.String) return true;
  if (kind !== TokenKind.Word || word === Word.In) return false;
  return !/^(?:and|between|collate|glob|is|isnull|like|match|not|notnull|or|regexp)$/i.test(token);
}
