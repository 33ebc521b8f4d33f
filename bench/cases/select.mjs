import { eq, sql } from 'drizzle-orm';
import { people, ROWS } from '../contenders.mjs';
import { measure } from '../measure.mjs';

const POINTS = 2_000;

/** Runs `select(id)` for POINTS different ids. */
async function points(select) {
  for (let i = 0; i < POINTS; i++) await select(((i * 7919) % ROWS) + 1);
}

export async function selectCases({ bare, client, theirs, ours, betterSqlite3 }) {
  const bareById = bare.prepare('select id, name, age from people where id = ?').raw();
  const bareScan = bare.prepare('select id, name, age from people').raw();
  const prepared = (db) =>
    db
      .select()
      .from(people)
      .where(eq(people.id, sql.placeholder('id')))
      .prepare();
  const [oursById, theirsById] = [prepared(ours), prepared(theirs)];
  const betterById = betterSqlite3 && prepared(betterSqlite3);
  const unprepared = (db) => (id) => db.select().from(people).where(eq(people.id, id));
  const clientById = (id) =>
    client.execute({ sql: 'select id, name, age from people where id = ?', args: [id] });
  return [
    await measure('prepared point select (all)', POINTS, {
      ours: () => points((id) => oursById.all({ id })),
      'drizzle-orm/libsql': () => points((id) => theirsById.all({ id })),
      'bare libsql raw().all()': () => points((id) => bareById.all([id])),
      '@libsql/client execute': () => points(clientById),
      ...(betterById && { 'drizzle-orm/better-sqlite3': () => points((id) => betterById.all({ id })) }),
    }),
    await measure('prepared point select (get)', POINTS, {
      ours: () => points((id) => oursById.get({ id })),
      'drizzle-orm/libsql': () => points((id) => theirsById.get({ id })),
      'bare libsql raw().get()': () => points((id) => bareById.get([id])),
    }),
    await measure('unprepared point select', POINTS, {
      ours: () => points(unprepared(ours)),
      'drizzle-orm/libsql': () => points(unprepared(theirs)),
      'ours, building only': () => points((id) => unprepared(ours)(id).toSQL()),
      'drizzle-orm/libsql, building only': () => points((id) => unprepared(theirs)(id).toSQL()),
      ...(betterSqlite3 && { 'drizzle-orm/better-sqlite3': () => points(unprepared(betterSqlite3)) }),
    }),
    await measure('10,000-row select', 1, {
      ours: () => ours.select().from(people),
      'drizzle-orm/libsql': () => theirs.select().from(people),
      'bare libsql raw().all()': () => bareScan.all([]),
      '@libsql/client execute': () => client.execute('select id, name, age from people'),
      ...(betterSqlite3 && { 'drizzle-orm/better-sqlite3': () => betterSqlite3.select().from(people) }),
    }),
  ];
}
