/** Writes groups of rows in every way and tells on stdout which are committed, until it is killed. argv: path, first group. */
import { writeSync } from 'node:fs';
import { open } from 'turso-dialect';

const [, , path, first] = process.argv;
const db = open(path);
const rows = (group) =>
  [1, 2, 3].map((part) => ({ sql: 'insert into log (grp, part) values (?, ?)', args: [group, part] }));
const ways = [
  (group) => db.execute('insert into log (grp, part) values (?, 1), (?, 2), (?, 3)', [group, group, group]),
  (group) => db.batch(rows(group)),
  (group) =>
    db.transaction(async (tx) => {
      for (const { sql, args } of rows(group)) await tx.execute(sql, args);
    }),
];
for (let group = Number(first); ; group++) {
  await ways[group % ways.length](group);
  writeSync(1, `${group}\n`);
}
