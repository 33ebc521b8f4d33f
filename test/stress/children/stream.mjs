/** Streams a million rows and tells how much resident memory that added, in MB. argv: path. */
import { open } from 'turso-dialect';

const [, , path] = process.argv;
const db = open(path);
await db.execute('select 1');
for await (const _row of db.stream('select id, name, n from rows limit 20000')) {
  // Warms up what is compiled and allocated once.
}
const megabytes = () => process.memoryUsage.rss() / 2 ** 20;
const before = megabytes();
let peak = before;
let count = 0;
let ticks = 0;
const interval = setInterval(() => ticks++, 5);
for await (const row of db.stream('select id, name, n from rows')) {
  if (++count % 10_000 === 0) peak = Math.max(peak, megabytes());
  if (row.id !== count) throw new Error(`row ${count} has id ${row.id}`);
}
clearInterval(interval);
await db.close();
console.log(JSON.stringify({ count, added: peak - before, ticks }));
