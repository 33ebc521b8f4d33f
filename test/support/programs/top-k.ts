// Asks a vector index for numbers of rows that end the process if they reach the engine.
import { open } from '../../../src/index.js';

const [url = ''] = process.argv.slice(2);

await using db = open(url);
await db.script(`
  create table notes (id integer primary key, embedding F32_BLOB(3));
  create index notes_embedding on notes (libsql_vector_idx(embedding));
  insert into notes values (1, vector('[1,2,3]')), (2, vector('[3,2,1]')), (3, vector('[0,1,0]'));`);
const counts: number[] = [];
for (const k of ['0', '-1', '2147483648', '268435455', '10001', 'null', '1 - 1']) {
  const { rows } = await db.execute(
    `select id from vector_top_k('notes_embedding', vector('[1,2,3]'), ${k})`,
  );
  counts.push(rows.length);
}
for (const k of [0, -1, 2 ** 31, 2, null]) {
  const { rows } = await db.execute("select id from vector_top_k('notes_embedding', vector('[1,2,3]'), ?)", [
    k,
  ]);
  counts.push(rows.length);
}
console.log(counts.join(' '));
