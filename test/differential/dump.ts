import { Inexact, rowsIn, show } from './compare.js';
import type { Oracle } from './oracle.js';
import type { Session, Target } from './outcome.js';

/** What exists, without what engines keep for themselves. */
const OBJECTS = `
  select type, name, tbl_name, sql from sqlite_schema
  where name not like 'sqlite\\_%' escape '\\' and name not like 'libsql\\_%' escape '\\'
  order by type, name`;

/** A table of the database afterwards that differs. */
export interface DumpDifference {
  readonly field: string;
  readonly expected: string;
  readonly actual: string;
}

/** Compares all that is in two databases: the schema, every row with its rowid, and what AUTOINCREMENT remembers. */
export async function compareDumps(
  oracle: Oracle,
  target: Target,
  session: Session,
): Promise<DumpDifference | undefined> {
  const schema = await compareQuery(oracle, target, session, OBJECTS);
  if (schema !== undefined) return schema;
  const { rows } = oracle.run({
    sql: "select name, sql from sqlite_schema where type = 'table' order by name",
    args: [],
  });
  for (const [name, sql] of rows) {
    // Shadow tables of FTS5 and R*Tree are how these work inside.
    if (/^(t\d+_|sqlite_stat)/.test(String(name))) continue;
    const rowid = !/without rowid/i.test(String(sql)) && name !== 'sqlite_sequence';
    const different = await compareQuery(
      oracle,
      target,
      session,
      `select ${rowid ? 'rowid, ' : ''}* from ${String(name)}`,
    );
    if (different !== undefined) return different;
  }
  return undefined;
}

async function compareQuery(
  oracle: Oracle,
  target: Target,
  session: Session,
  sql: string,
): Promise<DumpDifference | undefined> {
  const answer = oracle.run({ sql, args: [] });
  let expected: string[];
  try {
    expected = rowsIn(answer, 'array', target.intMode);
  } catch (error) {
    // This mode can't read it.
    if (error instanceof Inexact) return undefined;
    throw error;
  }
  const actual = (await session.look(sql)).map(show);
  const [left, right] = [expected.toSorted().join('\n'), actual.toSorted().join('\n')];
  return left === right
    ? undefined
    : { field: 'database', expected: `${sql.trim()}\n${left}`, actual: right };
}
