import { Lexer, TokenKind } from './lexer.js';

const NAME = 'vector_top_k';
/** The most rows that an index is asked for. */
const MOST = 10_000;

/**
 * Keeps every `vector_top_k(index, vector, k)` of a text within bounds: 0 and very large numbers end the process of libsql
 * 0.5.29, and that of a server. A k that is no plain number from 1 to 10000 becomes an expression that is one.
 *
 * @example
 * ```ts
 * import { clampTopK } from './top-k.js';
 *
 * clampTopK("select id from vector_top_k('i', ?, :k)");
 * // select id from vector_top_k('i', ?, max(1, min(10000, ifnull(cast(:k as integer), 1))))
 * ```
 */
export function clampTopK(sql: string): string {
  if (!sql.toLowerCase().includes(NAME)) return sql;
  let text = '';
  let copied = 0;
  for (const { start, end } of findCounts(sql)) {
    const count = sql.slice(start, end);
    if (/^\s*\d{1,5}\s*$/.test(count) && Number(count) >= 1 && Number(count) <= MOST) continue;
    // The line break ends a comment.
    text += `${sql.slice(copied, start)} max(1, min(${MOST}, ifnull(cast(${count.trim()}\n as integer), 1)))`;
    copied = end;
  }
  return text + sql.slice(copied);
}

/** Where the third arguments of the calls stand, nested ones left out. */
function findCounts(sql: string): { start: number; end: number }[] {
  const counts: { start: number; end: number }[] = [];
  const lexer = new Lexer(sql);
  let called = false;
  let open: { depth: number; argument: number; start: number } | undefined;
  let depth = 0;
  for (let kind = lexer.next(); kind !== TokenKind.End; kind = lexer.next()) {
    if (kind === TokenKind.LeftParen) {
      depth++;
      if (called && open === undefined) open = { depth, argument: 1, start: lexer.end };
    } else if (kind === TokenKind.Comma && open?.depth === depth) {
      open.argument++;
      open.start = lexer.end;
    } else if (kind === TokenKind.RightParen) {
      if (open?.depth === depth) {
        if (open.argument === 3) counts.push({ start: open.start, end: lexer.start });
        open = undefined;
      }
      depth--;
    }
    called = isName(sql.slice(lexer.start, lexer.end), kind);
  }
  return counts;
}

function isName(token: string, kind: TokenKind): boolean {
  if (kind === TokenKind.Word) return token.toLowerCase() === NAME;
  const quoted = kind === TokenKind.QuotedName || kind === TokenKind.String;
  return quoted && token.slice(1, -1).toLowerCase() === NAME;
}
