import { LibsqlDialect } from '@libsql/kysely-libsql';
import { Kysely, SqliteDialect } from 'kysely';
import { TursoDialect } from 'turso-dialect/kysely';
import { ROWS } from '../contenders.mjs';
import { measure } from '../measure.mjs';

const POINTS = 2_000;

/** Runs `select(id)` for POINTS different ids. */
async function points(select) {
  for (let i = 0; i < POINTS; i++) await select(((i * 7919) % ROWS) + 1);
}

/** Kysely on every dialect that is compared, and Kysely's own work apart: building and compiling without running. */
export async function kyselyCases({ path, bare, ours: drizzled, betterSqlite3 }) {
  const ours = new Kysely({ dialect: new TursoDialect({ database: drizzled.$client }) });
  const theirs = new Kysely({ dialect: new LibsqlDialect({ url: `file:${path}` }) });
  const better =
    betterSqlite3 && new Kysely({ dialect: new SqliteDialect({ database: betterSqlite3.$client }) });
  const point = (db) => (id) => db.selectFrom('people').selectAll().where('id', '=', id);
  const scan = (db) => db.selectFrom('people').selectAll();
  const bareById = bare.prepare('select * from "people" where "id" = ?');
  const bareScan = bare.prepare('select * from "people"');
  const run = (db) => () => points((id) => point(db)(id).execute());
  const results = [
    await measure('Kysely: point select', POINTS, {
      ours: run(ours),
      '@libsql/kysely-libsql': run(theirs),
      'bare libsql all()': () => points((id) => bareById.all([id])),
      'Kysely, compiling only': () => points((id) => point(ours)(id).compile()),
      ...(better && { 'SqliteDialect on better-sqlite3': run(better) }),
    }),
    await measure('Kysely: 10,000-row select', 1, {
      ours: () => scan(ours).execute(),
      '@libsql/kysely-libsql': () => scan(theirs).execute(),
      'bare libsql all()': () => bareScan.all([]),
      'Kysely, compiling only': () => scan(ours).compile(),
      ...(better && { 'SqliteDialect on better-sqlite3': () => scan(better).execute() }),
    }),
  ];
  await theirs.destroy();
  return results;
}
