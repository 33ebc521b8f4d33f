import { classifyFunction } from '../sql/function-classes.js';
import type { StatementAccess } from './access-rules.js';
import type { Instruction } from './bytecode.js';

/** Opcodes whose P4 is a function, as `name(number of arguments)`. */
const CALLS: ReadonlySet<string> = new Set(
  'Function PureFunc AggStep AggStep1 AggInverse AggValue AggFinal'.split(' '),
);

/**
 * What a trigger may ask about the statement that fires it. The statement itself would learn what others wrote: they share
 * its connection.
 */
const OF_TRIGGERS: ReadonlySet<string> = new Set([
  'changes',
  'last_insert_rowid',
  'last_rows_affected',
  'total_changes',
]);

/** SQLite calls these itself, for ALTER TABLE and ANALYZE and to fill a vector index; SQL can't, or is refused it. */
const INTERNAL = /^(?:sqlite_(?:rename_\w+|drop_column|fail)|stat_(?:init|push|get)|libsql_vector_idx)$/;

/**
 * The functions that a statement calls, itself or in views, triggers, generated columns, defaults and constraints, as far
 * as not everyone may call them.
 *
 * @param instructions - what EXPLAIN gives; the programs of triggers follow that of the statement
 */
export function functionAccesses(instructions: readonly Instruction[]): StatementAccess[] {
  const called = new Set<string>();
  let programs = 0;
  for (const { opcode, p4 } of instructions) {
    if (opcode === 'Init') programs++;
    if (!CALLS.has(opcode)) continue;
    const name = p4.replace(/\(-?\d+\)$/, '').toLowerCase();
    if (classifyFunction(name) === 'allowed' || INTERNAL.test(name)) continue;
    if (programs <= 1 || !OF_TRIGGERS.has(name)) called.add(name);
  }
  return [...called].map((name) => ({ action: 'function', table: name }));
}
