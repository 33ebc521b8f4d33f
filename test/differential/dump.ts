import { Inexact, rowsIn, show } from './compare.js';
import { hasInfinity } from './infinity.js';
import type { Answer, Oracle } from './oracle.js';
import type { Session, Target } from './outcome.js';

/** What exists, without what engines keep for themselves. */
const OBJECTS = `select type, name, tbl_name, sql from sqlite_schema
  where name not like 'sqlite\\_%' escape '\\' and name not like 'libsql\\_%' escape '\\'
  order by type, name`;

/** All that is in a database: the schema, every row with its rowid, and what AUTOINCREMENT remembers. */
export type Dump = readonly { readonly sql: string; readonly answer: Answer }[];

/** All that SQLite itself has in a database. */
export function dumpOf(oracle: Oracle): Dump {
  const ask = (sql: string) => ({ sql, answer: oracle.run({ sql, args: [] }) });
  const { rows } = ask("select name, sql from sqlite_schema where type = 'table' order by name").answer;
  // Shadow tables of FTS5 and R*Tree are how these work inside, and a server keeps no statistics.
  const tables = rows.filter(([name]) => !/^(t\d+_|sqlite_stat)/.test(String(name)));
  return [
    ask(OBJECTS),
    ...tables.map(([name, sql]) => {
      const rowid = !/without rowid/i.test(String(sql)) && name !== 'sqlite_sequence';
      return ask(`select ${rowid ? 'rowid, ' : ''}* from ${String(name)}`);
    }),
  ];
}

/** A table of the database afterwards that differs. */
export interface DumpDifference {
  readonly field: 'database';
  readonly expected: string;
  readonly actual: string;
}

/** The first table that a target has otherwise. */
export async function compareDump(
  dump: Dump,
  target: Target,
  session: Session,
): Promise<DumpDifference | undefined> {
  for (const { sql, answer } of dump) {
    const different = await compareTable(answer, sql, target, session);
    if (different !== undefined) return different;
  }
  return undefined;
}

async function compareTable(
  answer: Answer,
  sql: string,
  target: Target,
  session: Session,
): Promise<DumpDifference | undefined> {
  if (target.place !== 'memory' && target.place !== 'file' && hasInfinity(answer)) return undefined;
  let rows: string[];
  try {
    rows = rowsIn(answer, 'array', target.intMode);
  } catch (error) {
    // This mode can't read it.
    if (error instanceof Inexact) return undefined;
    throw error;
  }
  const expected = rows.toSorted().join('\n');
  let actual: string;
  try {
    actual = (await session.look(sql)).map(show).toSorted().join('\n');
  } catch (error) {
    actual = String(error);
  }
  return expected === actual ? undefined : { field: 'database', expected: `${sql}\n${expected}`, actual };
}
