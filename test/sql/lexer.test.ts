import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Lexer, TokenKind } from '../../src/sql/lexer.js';
import { lineAndColumn } from '../../src/sql/position.js';
import { Word } from '../../src/sql/words.js';

const NAMES = Object.fromEntries(Object.entries(TokenKind).map(([name, kind]) => [kind, name]));

/** The tokens as `Kind text`, so that a difference reads well. */
function tokens(sql: string): string[] {
  const lexer = new Lexer(sql);
  const result: string[] = [];
  while (lexer.next() !== TokenKind.End) {
    result.push(`${NAMES[lexer.kind]} ${sql.slice(lexer.start, lexer.end)}`);
  }
  return result;
}

describe('blank space and comments', () => {
  it.each([
    ['', []],
    [' \t\r\n\f', []],
    ['-- to the end', []],
    ['-- a\r\n1', ['Number 1']],
    ['1--2', ['Number 1']],
    ['1- -2', ['Number 1', 'Operator -', 'Operator -', 'Number 2']],
    ['/* a */1/* b', ['Number 1']],
    ['/*/1', []],
    ['/**/1', ['Number 1']],
    ['/* /* */1', ['Number 1']],
    ["/* ' */1", ['Number 1']],
    ["-- '\n1", ['Number 1']],
    ['1 /*', ['Number 1', 'Operator /', 'Operator *']],
    ['\ufeffa', ['Word a']],
    ['"a"\ufeff(', ['QuotedName "a"', 'LeftParen (']],
    ['a\ufeff', ['Word a\ufeff']],
    [' \v1', ['Number 1']],
    ['\v1', ['Illegal \v', 'Number 1']],
  ])('%j', (sql, expected) => expect(tokens(sql)).toEqual(expected));
});

describe('quotes', () => {
  it.each([
    ["'it''s'", ["String 'it''s'"]],
    ["'a''b;c'", ["String 'a''b;c'"]],
    ["''''", ["String ''''"]],
    ["'a\\'b", ["String 'a\\'", 'Word b']],
    ["'-- /* ?'", ["String '-- /* ?'"]],
    ['"a""b" [a"b] `a``b`', ['QuotedName "a""b"', 'QuotedName [a"b]', 'QuotedName `a``b`']],
    ['[a]]', ['QuotedName [a]', 'Illegal ]']],
    ["'open", ["Illegal 'open"]],
    ['"open;', ['Illegal "open;']],
    ['[open', ['Illegal [open']],
    ["x'00fF' X''", ["Blob x'00fF'", "Blob X''"]],
    ["x'0' 1", ["Illegal x'0'", 'Number 1']],
    ["x'0g'';", ["Illegal x'0g'", "Illegal ';"]],
    ['x "y"', ['Word x', 'QuotedName "y"']],
  ])('%j', (sql, expected) => expect(tokens(sql)).toEqual(expected));
});

describe('numbers, names and operators', () => {
  it.each([
    [
      '1 1.5 .5 1. 1e5 1.e+5 .5E-3',
      ['1', '1.5', '.5', '1.', '1e5', '1.e+5', '.5E-3'].map((n) => `Number ${n}`),
    ],
    ['0x1F 0XaB', ['Number 0x1F', 'Number 0XaB']],
    ['1a 1_000 0xg 1e', ['Illegal 1a', 'Illegal 1_000', 'Illegal 0xg', 'Illegal 1e']],
    ['5.readfile', ['Illegal 5.readfile']],
    ['a.b', ['Word a', 'Dot .', 'Word b']],
    ['_a1$ é 名前', ['Word _a1$', 'Word é', 'Word 名前']],
    ['a->b->>c', ['Word a', 'Operator ->', 'Word b', 'Operator ->>', 'Word c']],
    [
      '<= <> << >= >> || != ==',
      ['<=', '<>', '<<', '>=', '>>', '||', '!='].map((o) => `Operator ${o}`).concat('Equals =='),
    ],
    ['~a%b&c', ['Operator ~', 'Word a', 'Operator %', 'Word b', 'Operator &', 'Word c']],
    ['!', ['Illegal !']],
    ['\0', ['Illegal \0']],
    ['(,);', ['LeftParen (', 'Comma ,', 'RightParen )', 'Semicolon ;']],
  ])('%j', (sql, expected) => expect(tokens(sql)).toEqual(expected));

  it('knows words in any case and only whole ones', () => {
    const wordOf = (sql: string) => {
      const lexer = new Lexer(sql);
      lexer.next();
      return lexer.word;
    };
    expect(wordOf('ReTuRnInG')).toBe(Word.Returning);
    for (const [name, word] of Object.entries(Word)) expect(wordOf(name === 'Other' ? 'x' : name)).toBe(word);
    for (const sql of ['selected', 'selec', '"select"', '\u017felect', 'select_', 'in\u00e9']) {
      expect(wordOf(sql)).toBe(Word.Other);
    }
  });
});

describe('parameters', () => {
  it.each([
    ['? ?1 ?1a', ['Parameter ?', 'Parameter ?1', 'Parameter ?1', 'Word a']],
    [':a @b $c #d', ['Parameter :a', 'Parameter @b', 'Parameter $c', 'Parameter #d']],
    ['$a::b $::c @a::b', ['Parameter $a::b', 'Parameter $::c', 'Parameter @a::b']],
    ['$a(b;c)d :a(1)', ['Parameter $a(b;c)', 'Word d', 'Parameter :a(1)']],
    ['$a(b c)', ['Illegal $a(b', 'Word c', 'RightParen )']],
    ['$a(', ['Illegal $a(']],
    [': ::a', ['Illegal :', 'Illegal :', 'Parameter :a']],
    ['a:b', ['Word a', 'Parameter :b']],
  ])('%j', (sql, expected) => expect(tokens(sql)).toEqual(expected));
});

it('covers any text with tokens that follow each other', () => {
  const piece = fc.constantFrom(
    "'",
    '"',
    '`',
    '[',
    ']',
    '/*',
    '*/',
    '--',
    '\n',
    ' ',
    '(',
    ')',
    ';',
    '$a(',
    '::',
    'x',
    '0',
    '.',
    'é',
    '\0',
    '\v',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string({ unit: 'binary' }))), (pieces) => {
      const sql = pieces.join('');
      const lexer = new Lexer(sql);
      let last = 0;
      while (lexer.next() !== TokenKind.End) {
        expect(lexer.start).toBeGreaterThanOrEqual(last);
        expect(lexer.end).toBeGreaterThan(lexer.start);
        last = lexer.end;
      }
      expect(last).toBeLessThanOrEqual(sql.length);
      expect(lexer.next()).toBe(TokenKind.End);
    }),
    { seed: 7, numRuns: 2000 },
  );
});

it('tells line and column', () => {
  const text = 'ab\r\ncd\n\nx';
  expect([0, 1, 4, 5, 7, 8, 99, -1].map((offset) => Object.values(lineAndColumn(text, offset)))).toEqual([
    [1, 1],
    [1, 2],
    [2, 1],
    [2, 2],
    [3, 1],
    [4, 1],
    [4, 2],
    [1, 1],
  ]);
});
