import type { SqlValue } from '../../values.js';
import type { Executor } from '../executor.js';

/**
 * The rows of a question that this package asks for itself, as arrays. Integers are numbers where that is exact, whatever
 * `intMode` the user wants for results.
 */
export async function askRows(
  executor: Executor,
  sql: string,
): Promise<{ readonly columns: readonly string[]; readonly rows: readonly SqlValue[][] }> {
  const statement = executor.statements.one(sql);
  const abort = executor.abortFrom(undefined);
  try {
    const { rows, columns = [] } = await executor.runStatement(statement, [], ASKED, abort);
    return { columns: columns.map(({ name }) => name), rows };
  } finally {
    abort?.dispose();
  }
}

const ASKED = { fetch: 'all', columns: true } as const;
