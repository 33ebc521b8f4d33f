// Stores JSON with escapes of lone surrogates in every way and reads strings out of it, which ends the process, or is an
// error of the server, if the escapes get there.
import { open } from '../../../src/index.js';

const [url = ''] = process.argv.slice(2);
const body = JSON.stringify({
  name: 'x\ud800',
  tags: ['\udc00', '\ud83d\ude00'],
  ['\udead']: 1,
  ok: '\\ud800',
});

await using db = open(url);
await db.script('create table if not exists j (body); delete from j');
const insert = 'insert into j values (?)';
await db.execute(insert, [body]);
await db.execute('insert into j values (:body)', { body });
await db.execute(insert, [body], { timeout: 9_000 });
await db.prepare(insert).run([body]);
await db.batch([{ sql: insert, args: [body] }]);
await db.batch([{ sql: insert, args: [body] }], { atomic: false });
await db.transaction((tx) => tx.execute(insert, [body]));
await db.transaction((tx) => tx.batch([{ sql: insert, args: [body] }]));

const texts = new Set<unknown>();
for (const sql of [
  "select json_extract(body, '$.name') as x from j",
  "select body ->> 'name' as x from j",
  "select body ->> '$.tags[0]' as x from j",
  'select t.key as x from j, json_each(body) t',
  "select t.atom as x from j, json_tree(body) t where type = 'text'",
  "select json_group_array(json_extract(body, '$.name')) as x from j",
  "select json_object('a', body ->> 'name') as x from j",
  "select upper(body ->> 'name') || 'y' as x from j",
]) {
  for (const { x } of (await db.execute(sql)).rows) texts.add(x);
}
for (const sql of [
  "select json_extract(?, '$.name') as x",
  "select ? ->> 'name' as x",
  'select key as x from json_each(?)',
]) {
  for (const { x } of (await db.execute(sql, [body])).rows) texts.add(x);
  for await (const { x } of db.stream(sql, [body])) texts.add(x);
}
console.log(JSON.stringify([...texts]));
