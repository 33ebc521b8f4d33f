import {
  DIGIT,
  endOfBlob,
  endOfBracketed,
  endOfClass,
  endOfNamedParameter,
  endOfNumber,
  endOfOperator,
  endOfQuoted,
  isClass,
  NAME,
  skipBlank,
} from './scan.js';
import { findWord, hashWord, Word } from './words.js';

/** The kinds of token that {@link Lexer} tells apart. */
export const TokenKind = {
  /** The end of the text. */
  End: 0,
  /** A keyword or a bare identifier. */
  Word: 1,
  /** `"a"`, `` `a` `` or `[a]`. */
  QuotedName: 2,
  /** `'text'`. */
  String: 3,
  /** `x'00ff'`. */
  Blob: 4,
  /** `1`, `.5`, `1e5`, `0xff`. */
  Number: 5,
  /** `?`, `?1`, `:a`, `@a`, `$a`, `#a`. */
  Parameter: 6,
  /** `;`. */
  Semicolon: 7,
  /** `(`. */
  LeftParen: 8,
  /** `)`. */
  RightParen: 9,
  /** `,`. */
  Comma: 10,
  /** `.` that starts no number. */
  Dot: 11,
  /** `=` or `==`. */
  Equals: 12,
  /** Any other operator. */
  Operator: 13,
  /** What SQLite's tokenizer refuses: an open quote, `1a`, a stray control character. */
  Illegal: 14,
} as const;

/** One of the numbers of {@link TokenKind}. */
export type TokenKind = (typeof TokenKind)[keyof typeof TokenKind];

// Most tokens of a long INSERT are these; a table look-up is several times faster than the switch.
const SINGLES = new Uint8Array(128);
SINGLES[59] = TokenKind.Semicolon;
SINGLES[40] = TokenKind.LeftParen;
SINGLES[41] = TokenKind.RightParen;
SINGLES[44] = TokenKind.Comma;

/**
 * Reads the tokens of a SQL text as SQLite 3.45's own tokenizer does, one at a time and without allocating.
 * Blank space and comments are skipped; an unterminated block comment runs to the end of the text. It never
 * throws: what SQLite refuses is a token of kind {@link TokenKind.Illegal}. A NUL, at which the engines stop
 * reading, is such a token too.
 *
 * @example
 * ```ts
 * import { Lexer, TokenKind } from './lexer.js';
 *
 * const lexer = new Lexer("select 'it''s' -- text");
 * lexer.next() === TokenKind.Word;   // lexer.word === Word.Select
 * lexer.next() === TokenKind.String; // lexer.start === 7, lexer.end === 14
 * lexer.next() === TokenKind.End;
 * ```
 */
export class Lexer {
  readonly #sql: string;
  #kind: TokenKind = TokenKind.End;
  #word: Word = Word.Other;
  #start = 0;
  #end = 0;

  constructor(sql: string) {
    this.#sql = sql;
  }

  /** The kind of the current token, {@link TokenKind.End} before the first {@link Lexer.next}. */
  get kind(): TokenKind {
    return this.#kind;
  }

  /** Which known word the current token is; {@link Word.Other} for all else, quoted names included. */
  get word(): Word {
    return this.#word;
  }

  /** Index of the first UTF-16 code unit of the current token. */
  get start(): number {
    return this.#start;
  }

  /** Index after the last UTF-16 code unit of the current token. */
  get end(): number {
    return this.#end;
  }

  /** Moves to the next token and returns its kind. */
  next(): TokenKind {
    const sql = this.#sql;
    const start = skipBlank(sql, this.#end);
    this.#start = start;
    this.#word = Word.Other;
    if (start >= sql.length) return this.#take(TokenKind.End, start);
    const code = sql.charCodeAt(start);
    const single = code < 128 ? (SINGLES[code] ?? 0) : 0;
    if (single !== 0) {
      this.#kind = single as TokenKind;
      this.#end = start + 1;
      return this.#kind;
    }
    return this.#nextLong(sql, start, code);
  }

  /** Reads a token that may have more than one character. */
  #nextLong(sql: string, start: number, code: number): TokenKind {
    switch (code) {
      case 63: // ?
        return this.#take(TokenKind.Parameter, endOfClass(sql, start + 1, DIGIT));
      case 39: // '
        return this.#take(TokenKind.String, endOfQuoted(sql, start + 1, "'"));
      case 34: // "
        return this.#take(TokenKind.QuotedName, endOfQuoted(sql, start + 1, '"'));
      case 96: // `
        return this.#take(TokenKind.QuotedName, endOfQuoted(sql, start + 1, '`'));
      case 91: // [
        return this.#take(TokenKind.QuotedName, endOfBracketed(sql, start + 1));
      case 35: // #
      case 36: // $
      case 58: // :
      case 64: // @
        return this.#take(TokenKind.Parameter, endOfNamedParameter(sql, start));
      case 46: // .
        return isClass(sql, start + 1, DIGIT)
          ? this.#take(TokenKind.Number, endOfNumber(sql, start))
          : this.#take(TokenKind.Dot, start + 1);
      case 61: // =
        return this.#take(TokenKind.Equals, sql.charCodeAt(start + 1) === 61 ? start + 2 : start + 1);
      case 88: // X
      case 120: // x
        if (sql.charCodeAt(start + 1) === 39) return this.#take(TokenKind.Blob, endOfBlob(sql, start));
        return this.#takeWord(start);
      default:
        if (isClass(sql, start, DIGIT)) return this.#take(TokenKind.Number, endOfNumber(sql, start));
        if (isClass(sql, start, NAME)) return this.#takeWord(start);
        return this.#take(TokenKind.Operator, endOfOperator(sql, start));
    }
  }

  /** Ends the current token; a negative end is the complement of the end of an illegal token. */
  #take(kind: TokenKind, end: number): TokenKind {
    this.#kind = end < 0 ? TokenKind.Illegal : kind;
    this.#end = end < 0 ? ~end : end;
    return this.#kind;
  }

  #takeWord(start: number): TokenKind {
    const sql = this.#sql;
    let hash = 0;
    let end = start;
    for (; isClass(sql, end, NAME); end++) {
      hash = hashWord(hash, sql.charCodeAt(end));
    }
    this.#word = findWord(sql, start, end, hash);
    return this.#take(TokenKind.Word, end);
  }
}
