import { open } from '../../../src/index.js';

/** Bytes that are no text, in statements whose rowid has to be found out: as TEXT they would end the process. */
await using db = open(':memory:');
await db.script(`create table w (k primary key) without rowid;
  create table d (k primary key, a default x'ff', check (a <> x'fe')) without rowid; insert into w values (1)`);
for (const sql of [
  "insert into w values (x'ff')",
  'insert into d (k) values (1)',
  "replace into w values (x'ff') returning 1",
]) {
  const { rowsAffected, lastInsertRowid } = await db.execute(sql);
  console.log(rowsAffected, lastInsertRowid);
}
