import type { Connection } from '../engine/engine.js';
import type { ConstraintError } from '../errors.js';
import { setConstraintCode } from '../result-codes.js';
import { analyze, type AnalyzedStatement } from '../sql/statement.js';
import type { SqlValue } from '../values.js';
import { type BrokenRules, brokenRules } from './broken-rules.js';

/**
 * The unique indexes over these columns in the order in which SQLite checks them. A name that several schemas have may be
 * that of any of them.
 */
const [FIND_INDEXES] = analyze(`
  SELECT l.name, l.origin, l.partial, (
    SELECT group_concat(upper(coll)) FROM (SELECT coll FROM pragma_index_xinfo(l.name, t.schema) WHERE key ORDER BY seqno)
  )
  FROM pragma_table_list AS t, pragma_index_list(t.name, t.schema) AS l
  WHERE t.name = ?1 AND l."unique" AND ?2 = (
    SELECT group_concat(i.name, char(31)) FROM (SELECT name FROM pragma_index_info(l.name, t.schema) ORDER BY seqno) AS i
  ) AND 1 = (SELECT count(*) FROM pragma_table_list WHERE name = ?1)
  ORDER BY l.seq`).statements as [AnalyzedStatement];

const PRIMARY_KEY = 1555;
const UNIQUE = 2067;

/** A unique index, or the primary key. */
interface UniqueIndex {
  readonly name: string;
  readonly primaryKey: boolean;
  readonly partial: boolean;
  readonly collations: readonly string[];
}

/** Only rows are looked for in an index of the schema; a CREATE INDEX fails with its own. */
const CHANGES_ROWS = /^(?:insert|replace|update|delete|with)\b/i;

/** Asks the database what the message of an error does not tell, and puts it there. */
export async function ask(connection: Connection, error: ConstraintError): Promise<void> {
  const rules = error.extendedCode === undefined ? await findRules(connection, error) : undefined;
  if (rules?.length === 1) setConstraintCode(error, rules[0] as number);
  const { index, table, columns, rawCode, sql = '' } = error;
  if (index !== undefined || table === undefined || !CHANGES_ROWS.test(sql)) return;
  const several = rules !== undefined && rules.length > 1;
  if (!several && rawCode !== PRIMARY_KEY && rawCode !== UNIQUE) return;
  const found = await findIndexes(connection, table, columns);
  if (several) decide(error, rules, found);
  else error.index = nameOf(found, error);
}

/** The codes that the statement can fail with in these words, in the order in which it checks them. */
async function findRules(connection: Connection, error: ConstraintError): Promise<BrokenRules> {
  const [statement] = analyze(`EXPLAIN ${error.sql}`).statements;
  if (error.sql === undefined || statement === undefined) return [];
  // The file of a replica leaves out checks (libsql 0.5.29).
  const { rows } = await connection.execute(statement, [], { fetch: 'all', atWriter: true });
  return brokenRules(rows, error.message);
}

async function findIndexes(
  connection: Connection,
  table: string,
  columns: readonly string[],
): Promise<UniqueIndex[]> {
  const { rows } = await connection.execute(FIND_INDEXES, [table, columns.join('\u001f')], {
    fetch: 'all',
    atWriter: true,
  });
  return rows.map(([name, origin, partial, collations]: SqlValue[]) => ({
    name: String(name),
    primaryKey: origin === 'pk',
    partial: Number(partial) !== 0,
    collations: String(collations).split(','),
  }));
}

/** Of several rules with one message the one that is checked first is the broken one, if the others can't break without it. */
function decide(error: ConstraintError, rules: BrokenRules, found: readonly UniqueIndex[]): void {
  const primaryKey = rules[0] === PRIMARY_KEY;
  const first = found.find((index) => index.primaryKey === primaryKey);
  // The primary key without an index is the rowid, which is equal wherever one of the others is.
  if (first === undefined ? !primaryKey : !breaksFirst(first, found)) return;
  setConstraintCode(error, rules[0] as number);
  error.index = first?.name;
}

function nameOf(found: readonly UniqueIndex[], { rawCode, sql = '' }: ConstraintError): string | undefined {
  const candidates = found.filter((index) => index.primaryKey === (rawCode === PRIMARY_KEY));
  const [first] = candidates;
  if (first === undefined || candidates.length === 1) return first?.name;
  // An upsert passes over the index that it names.
  return breaksFirst(first, candidates) && !/\bon\s+conflict\b/i.test(sql) ? first.name : undefined;
}

/** Whether rows that are equal for one of `others` are equal for `first` too, which is checked before them. */
function breaksFirst(first: UniqueIndex, others: readonly UniqueIndex[]): boolean {
  const covers = (collation: string, i: number, other: UniqueIndex): boolean =>
    other.collations[i] === collation || other.collations[i] === 'BINARY';
  return (
    !first.partial && others.every((other) => first.collations.every((name, i) => covers(name, i, other)))
  );
}
