/**
 * Where SQLite's tokens end. Each `endOf…` function takes the text and an index and returns the index after
 * the token; the complement (`~end`, negative) says that SQLite refuses the token that ends there.
 */

const BOM = 0xfeff;
/** Class of the characters that SQLite takes for blank space. */
const SPACE = 1;
/** Class of the decimal digits. */
export const DIGIT = 2;
const HEX = 4;
/** Class of the characters of an identifier; every character from U+0080 on is one too. */
export const NAME = 8;

const CLASSES = new Uint8Array(128);
for (const code of [9, 10, 11, 12, 13, 32]) CLASSES[code] = SPACE;
for (let code = 48; code <= 57; code++) CLASSES[code] = DIGIT | HEX | NAME;
for (let code = 65; code <= 90; code++) CLASSES[code] = CLASSES[code + 32] = NAME | (code <= 70 ? HEX : 0);
CLASSES[36] = CLASSES[95] = NAME; // $ _

/**
 * Whether the character at `index` is of the class `mask`. False past the end of the text.
 *
 * @example
 * ```ts
 * import { isClass, DIGIT } from './scan.js';
 *
 * isClass('a1', 1, DIGIT); // true
 * ```
 */
export function isClass(sql: string, index: number, mask: number): boolean {
  if (index >= sql.length) return false;
  const code = sql.charCodeAt(index);
  return code < 128 ? ((CLASSES[code] ?? 0) & mask) !== 0 : mask === NAME;
}

/**
 * The end of the run of characters of the class `mask` that starts at `index`.
 *
 * @example
 * ```ts
 * import { endOfClass, DIGIT } from './scan.js';
 *
 * endOfClass('a12b', 1, DIGIT); // 3
 * ```
 */
export function endOfClass(sql: string, index: number, mask: number): number {
  let end = index;
  while (isClass(sql, end, mask)) end++;
  return end;
}

/**
 * The end of the blank space, comments and byte order marks at `index`.
 *
 * @example
 * ```ts
 * import { skipBlank } from './scan.js';
 *
 * skipBlank('  -- c\n select', 0); // 8
 * ```
 */
export function skipBlank(sql: string, index: number): number {
  let i = index;
  while (i < sql.length) {
    const code = sql.charCodeAt(i);
    if (code === 32) {
      i++;
    } else if (code > 47 && code < 128) {
      return i;
    } else if (code === 45 && sql.charCodeAt(i + 1) === 45) {
      const newline = sql.indexOf('\n', i + 2);
      i = newline < 0 ? sql.length : newline + 1;
    } else if (code === 47 && sql.charCodeAt(i + 1) === 42 && i + 2 < sql.length) {
      // A text that ends in `/*` is a syntax error in SQLite, hence the length check; and `/*/` is open.
      const close = sql.indexOf('*/', i + 2);
      i = close < 0 ? sql.length : close + 2;
    } else if (code === BOM) {
      i++;
    } else if (code < 128 && CLASSES[code] === SPACE) {
      // SQLite's tokenizer takes a vertical tab for blank space only right after other blank space.
      if (code === 11 && (i === index || !isClass(sql, i - 1, SPACE))) return i;
      i++;
    } else {
      return i;
    }
  }
  return i;
}

/**
 * The end of a token in quotes, where a doubled quote is a part of it; `index` is after the first quote.
 *
 * @example
 * ```ts
 * import { endOfQuoted } from './scan.js';
 *
 * endOfQuoted("'it''s'", 1, "'"); // 7
 * ```
 */
export function endOfQuoted(sql: string, index: number, quote: string): number {
  for (let from = index; ; ) {
    const close = sql.indexOf(quote, from);
    if (close < 0) return ~sql.length;
    if (sql[close + 1] !== quote) return close + 1;
    from = close + 2;
  }
}

/**
 * The end of a `[name]`; `index` is after the bracket.
 *
 * @example
 * ```ts
 * import { endOfBracketed } from './scan.js';
 *
 * endOfBracketed('[a b]', 1); // 5
 * ```
 */
export function endOfBracketed(sql: string, index: number): number {
  const close = sql.indexOf(']', index);
  return close < 0 ? ~sql.length : close + 1;
}

/**
 * The end of an `x'00ff'`; `start` is at the `x`.
 *
 * @example
 * ```ts
 * import { endOfBlob } from './scan.js';
 *
 * endOfBlob("x'00ff'", 0); // 7
 * ```
 */
export function endOfBlob(sql: string, start: number): number {
  const digits = endOfClass(sql, start + 2, HEX);
  if (sql.charCodeAt(digits) === 39 && (digits - start) % 2 === 0) return digits + 1;
  const close = sql.indexOf("'", digits);
  return close < 0 ? ~sql.length : ~(close + 1);
}

/**
 * The end of a number; `start` is at its first digit or its point.
 *
 * @example
 * ```ts
 * import { endOfNumber } from './scan.js';
 *
 * endOfNumber('1e-5', 0); // 4
 * ```
 */
export function endOfNumber(sql: string, start: number): number {
  let end = start;
  if (
    sql.charCodeAt(start) === 48 &&
    (sql.charCodeAt(start + 1) | 0x20) === 120 &&
    isClass(sql, start + 2, HEX)
  ) {
    end = endOfClass(sql, start + 2, HEX);
  } else {
    end = endOfClass(sql, start, DIGIT);
    if (sql.charCodeAt(end) === 46) end = endOfClass(sql, end + 1, DIGIT);
    if ((sql.charCodeAt(end) | 0x20) === 101) {
      const sign = sql.charCodeAt(end + 1);
      const digits = sign === 43 || sign === 45 ? end + 2 : end + 1;
      if (isClass(sql, digits, DIGIT)) end = endOfClass(sql, digits, DIGIT);
    }
  }
  return isClass(sql, end, NAME) ? ~endOfClass(sql, end, NAME) : end;
}

/**
 * The end of a named parameter; `start` is at its prefix. SQLite takes the Tcl forms `$a::b` and `$a(b;c)`
 * after every prefix, not only after `$`.
 *
 * @example
 * ```ts
 * import { endOfNamedParameter } from './scan.js';
 *
 * endOfNamedParameter('$a::b(c) + 1', 0); // 8
 * ```
 */
export function endOfNamedParameter(sql: string, start: number): number {
  let end = start + 1;
  let letters = 0;
  for (; end < sql.length; end++) {
    if (isClass(sql, end, NAME)) {
      letters++;
    } else if (sql[end] === '(' && letters > 0) {
      do end++;
      while (end < sql.length && sql[end] !== ')' && !isClass(sql, end, SPACE));
      return sql[end] === ')' ? end + 1 : ~end;
    } else if (sql[end] === ':' && sql[end + 1] === ':') {
      end++;
    } else {
      break;
    }
  }
  return letters > 0 ? end : ~end;
}

/**
 * The end of an operator.
 *
 * @example
 * ```ts
 * import { endOfOperator } from './scan.js';
 *
 * endOfOperator('->>', 0); // 3
 * ```
 */
export function endOfOperator(sql: string, start: number): number {
  const next = sql[start + 1];
  switch (sql[start]) {
    case '-':
      return next === '>' ? (sql[start + 2] === '>' ? start + 3 : start + 2) : start + 1;
    case '<':
      return next === '=' || next === '>' || next === '<' ? start + 2 : start + 1;
    case '>':
      return next === '=' || next === '>' ? start + 2 : start + 1;
    case '|':
      return next === '|' ? start + 2 : start + 1;
    case '!':
      return next === '=' ? start + 2 : ~(start + 1);
    case '+':
    case '*':
    case '/':
    case '%':
    case '&':
    case '~':
      return start + 1;
    default:
      return ~(start + 1);
  }
}
