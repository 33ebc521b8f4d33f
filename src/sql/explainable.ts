import { Lexer, TokenKind } from './lexer.js';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The statement with empty blobs in place of the blob literals that are no UTF-8, for EXPLAIN: it shows the bytes of such a
 * literal as TEXT, which ends the process in libsql 0.5.29. What the statement does to which tables stays the same.
 *
 * @example
 * ```ts
 * import { toExplainable } from './explainable.js';
 *
 * toExplainable("insert into t values (x'ff', x'61')"); // insert into t values (x'', x'61')
 * ```
 */
export function toExplainable(sql: string): string {
  if (!/x'/i.test(sql)) return sql;
  const lexer = new Lexer(sql);
  let text = '';
  let done = 0;
  for (let kind = lexer.next(); kind !== TokenKind.End; kind = lexer.next()) {
    if (kind !== TokenKind.Blob || isText(sql.slice(lexer.start + 2, lexer.end - 1))) continue;
    text += `${sql.slice(done, lexer.start)}x''`;
    done = lexer.end;
  }
  return text + sql.slice(done);
}

function isText(hex: string): boolean {
  const bytes = Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  try {
    utf8.decode(bytes);
    return true;
  } catch {
    return false;
  }
}
