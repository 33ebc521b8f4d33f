import type { SqlValue } from '../values.js';

/** Extended result codes of constraints, each once. */
export type BrokenRules = readonly number[];

const SQLITE_CONSTRAINT = 19;
const FOREIGN_KEY = 787;
const TRIGGER = 1811;
const DATATYPE = 3091;

const FOREIGN_KEY_FAILED = 'FOREIGN KEY constraint failed';

/** What the fifth operand of a Halt says of the rule, https://www.sqlite.org/opcode.html#Halt. */
const RULES: Readonly<Record<number, string>> = { 1: 'NOT NULL', 2: 'UNIQUE', 3: 'CHECK', 4: 'FOREIGN KEY' };

/**
 * The codes that a statement can fail with when SQLite says `message`, in the order in which it checks the rules. Its bytecode
 * has the code and the message of each; those of virtual tables, STRICT types and the foreign keys that are checked at the
 * end are not there. Empty where nothing is certain.
 *
 * @param rows - what EXPLAIN gives; the programs of triggers follow that of the statement
 */
export function brokenRules(rows: readonly SqlValue[][], message: string): BrokenRules {
  const codes = new Set<number>();
  const opcodes = new Set<string>();
  let counted = 0;
  for (const [, opcode, p1, p2, , p4, p5] of rows) {
    opcodes.add(String(opcode));
    const halts = opcode === 'Halt' || opcode === 'HaltIfNull';
    const fails = halts && Number(p1) !== 0 && messageOf(String(p4 ?? ''), Number(p5)) === message;
    if (fails) codes.add(Number(p1));
    // Each key that refers to a deleted row is counted; ON DELETE RESTRICT fails before the count is looked at.
    if (opcode === 'FkCounter' && Number(p2) > 0) counted++;
    if (fails && Number(p1) === TRIGGER) counted--;
  }
  if (message === FOREIGN_KEY_FAILED && (codes.size === 0 || counted > 0)) codes.add(FOREIGN_KEY);
  if (opcodes.has('TypeCheck') && /^cannot store \w+ value in /.test(message)) codes.add(DATATYPE);
  // Only virtual tables fail without a rule of SQLite's.
  if (codes.size === 0 && opcodes.has('VUpdate')) codes.add(SQLITE_CONSTRAINT);
  return [...codes];
}

function messageOf(subject: string, rule: number): string {
  const name = RULES[rule];
  if (name === undefined) return subject;
  return subject === '' ? `${name} constraint failed` : `${name} constraint failed: ${subject}`;
}
