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

/** {@link askRows} by the names of the columns. */
export async function askObjects(executor: Executor, sql: string): Promise<Record<string, SqlValue>[]> {
  const { columns, rows } = await askRows(executor, sql);
  return rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i] as SqlValue])));
}

const ASKED = { fetch: 'all', columns: true } as const;
