import { CapabilityError } from '../../errors.js';
import { rowwiseDelete } from '../../sql/bare-delete.js';
import { analyze, type AnalyzedStatement } from '../../sql/statement.js';

const [HAS_INDEXES, HAS_ENTRIES] = analyze(`
  SELECT 1 FROM sqlite_schema WHERE name = 'libsql_vector_meta_shadow';
  SELECT 1 FROM libsql_vector_meta_shadow`).statements as [AnalyzedStatement, AnalyzedStatement];

/**
 * Keeps the vector indexes of the database right where libsql 0.5.29 would not: a DELETE without a condition leaves them
 * what it deleted, and VACUUM doubles the rows of their table.
 *
 * @param exists - whether a query has rows
 * @returns the statement to run
 * @throws {@link CapabilityError} for VACUUM of a database with a vector index
 */
export function keepVectorIndexes(
  statement: AnalyzedStatement,
  exists: (query: AnalyzedStatement) => boolean,
): AnalyzedStatement {
  if (statement.verb === 'DELETE') {
    const rowwise = rowwiseDelete(statement);
    return rowwise !== statement && exists(HAS_INDEXES) ? rowwise : statement;
  }
  if (statement.verb === 'VACUUM' && exists(HAS_INDEXES) && exists(HAS_ENTRIES)) {
    throw new CapabilityError(
      'vacuum',
      'VACUUM would damage the vector indexes of this database; drop them before it, and create them again afterwards',
    );
  }
  return statement;
}
