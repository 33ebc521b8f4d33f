/**
 * Turns an index in UTF-16 code units into a line and a column, both counted from 1. Lines end at `\n`, so
 * `\r\n` works too. An index past the end counts as the end.
 *
 * @example
 * ```ts
 * import { lineAndColumn } from './position.js';
 *
 * lineAndColumn('select 1;\n  selec 2', 12); // { line: 2, column: 3 }
 * ```
 */
export function lineAndColumn(text, offset) {
  const end = Math.min(Math.max(offset, 0), text.length);
  let line = 1;
  let lineStart = 0;
  for (;;) {
    const newline = text.indexOf('\n', lineStart);
    if (newline < 0 || newline >= end) return { line, column: end - lineStart + 1 };
    line++;
    lineStart = newline + 1;
  }
}
