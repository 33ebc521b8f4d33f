import { sql } from 'drizzle-orm';
import { copies, ROWS } from '../contenders.mjs';
import { measure } from '../measure.mjs';

const INSERTS = 3_000;

export async function insertCases({ bare, theirs, ours, betterSqlite3 }) {
  const rows = Array.from({ length: ROWS }, (_, i) => ({ id: i + 1, name: `name ${i}`, age: i % 90 }));
  const bareInsert = bare.prepare('insert into copies values (?, ?, ?)');
  const empty = () => bare.exec('delete from copies');

  /** Every contender starts on an empty table; emptying it takes next to no time beside the inserts. */
  const inTransaction = (db) => async () => {
    empty();
    await db.transaction(async (tx) => {
      const [id, name, age] = ['id', 'name', 'age'].map((key) => sql.placeholder(key));
      const insert = tx.insert(copies).values({ id, name, age }).prepare();
      for (let i = 0; i < INSERTS; i++) await insert.run({ id: i + 1, name: 'a name', age: 30 });
    });
  };
  const bulk = (db) => async () => {
    empty();
    await db.insert(copies).values(rows);
  };
  return [
    await measure('prepared insert in a transaction', INSERTS, {
      ours: inTransaction(ours),
      'drizzle-orm/libsql': inTransaction(theirs),
      'bare libsql run()': () => {
        empty();
        bare.exec('begin immediate');
        for (let i = 0; i < INSERTS; i++) bareInsert.run([BigInt(i + 1), 'a name', 30n]);
        bare.exec('commit');
      },
    }),
    await measure('10,000-row insert().values([…])', 1, {
      ours: bulk(ours),
      'drizzle-orm/libsql': bulk(theirs),
      ...(betterSqlite3 && { 'drizzle-orm/better-sqlite3': bulk(betterSqlite3) }),
    }),
  ];
}
