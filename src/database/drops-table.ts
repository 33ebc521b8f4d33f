import type { AnalyzedStatement } from '../sql/statement.js';

/** Whether a statement drops a table, as far as its text tells; in doubt it does. */
export function dropsTable({ verb, text }: AnalyzedStatement): boolean {
  return verb === 'DROP' && !/^drop\s+(index|view|trigger)\b/i.test(text);
}
