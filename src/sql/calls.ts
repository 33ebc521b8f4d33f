import { Lexer, TokenKind } from './lexer.js';

/** A part of a text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A call in a SQL text. */
export interface Call {
  /** In lower case, without quotes. */
  readonly name: string;
  /** Where the name starts. */
  readonly start: number;
  /** From the first token of each argument to its last one. `f()` and `f(*)` have none. */
  readonly args: readonly Span[];
}

/**
 * Finds the calls of some functions, nested ones too, in the order of their closing parentheses. A name counts however it
 * is quoted. An open parenthesis that is never closed is no call.
 *
 * @param names - in lower case
 *
 * @example
 * ```ts
 * import { findCalls } from './calls.js';
 *
 * findCalls('select "F"(1, (2))', new Set(['f'])); // [{ name: 'f', start: 7, args: [{ start: 11, end: 12 }, …] }]
 * ```
 */
export function findCalls(sql: string, names: ReadonlySet<string>): Call[] {
  const calls: Call[] = [];
  const open: Frame[] = [];
  const lexer = new Lexer(sql);
  let name: { readonly name: string; readonly start: number } | undefined;
  for (let kind = lexer.next(); kind !== TokenKind.End; kind = lexer.next()) {
    const { start, end } = lexer;
    const frame = open.at(-1);
    if (kind === TokenKind.RightParen) {
      open.pop();
      if (frame?.call !== undefined) calls.push({ ...frame.call, args: argumentsOf(sql, frame) });
      extend(open.at(-1), start, end);
    } else if (kind === TokenKind.Comma) {
      frame?.args.push(undefined);
    } else {
      extend(frame, start, end);
      if (kind === TokenKind.LeftParen) open.push({ call: name, args: [undefined] });
    }
    const spelt = nameOf(sql, lexer);
    name = names.has(spelt) ? { name: spelt, start } : undefined;
  }
  return calls;
}

/** What a parenthesis holds so far. */
interface Frame {
  readonly call: { readonly name: string; readonly start: number } | undefined;
  /** Undefined where nothing stands yet. */
  readonly args: (Span | undefined)[];
}

function extend(frame: Frame | undefined, start: number, end: number): void {
  if (frame === undefined) return;
  const last = frame.args.length - 1;
  frame.args[last] = { start: frame.args[last]?.start ?? start, end };
}

function argumentsOf(sql: string, { args }: Frame): Span[] {
  const given = args.filter((span) => span !== undefined);
  const [first] = given;
  return given.length === 1 && sql.slice(first?.start, first?.end) === '*' ? [] : given;
}

/**
 * The name in lower case that the current token spells, or ''. A doubled quote in it stays doubled.
 *
 * @example
 * ```ts
 * import { nameOf } from './calls.js';
 * import { Lexer } from './lexer.js';
 *
 * const lexer = new Lexer('[ReadFile](1)');
 * lexer.next();
 * nameOf('[ReadFile](1)', lexer); // 'readfile'
 * ```
 */
export function nameOf(sql: string, { kind, start, end }: Lexer): string {
  const quoted = kind === TokenKind.QuotedName || kind === TokenKind.String;
  if (!quoted && kind !== TokenKind.Word) return '';
  const edge = quoted ? 1 : 0;
  return sql.slice(start + edge, end - edge).toLowerCase();
}
