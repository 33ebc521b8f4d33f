// Calls functions in ways that end the process if they reach the engine as they are written.
import { open } from '../../../src/index.js';

const [url = ''] = process.argv.slice(2);

await using db = open(url);
await db.script(`
  create table notes (id integer primary key, embedding F32_BLOB(3));
  create index notes_embedding on notes (libsql_vector_idx(embedding));
  insert into notes values (1, vector('[1,2,3]')), (2, vector('[3,2,1]')), (3, vector('[0,1,0]'));`);
const near = "vector_top_k('notes_embedding', vector('[1,2,3]')";
for (const sql of [
  "select length(padl('a', 4294967297))",
  'select length("padr"(\'a\', (4294967297)))',
  "select length([PADC] ('a', 4294967297 /* ) */))",
  "select hex(rightstr('a', -9999999)), hex(rightstr('abc', 1000000000000000000))",
  "select length(replicate('ab', 2147483648))",
  'select libsql_vector_idx()',
  "select fts3_tokenizer('simple', x'4141414141414141')",
  `select id from ${near}) where k = 0`,
  `select id from ${near}, 1) where k = 0`,
  `select id from ${near}, 1) n where 0 = n.k`,
  `select id from ${near}, 1) where k in (0, -1)`,
  `select n.id from (select 0 as k) join ${near}, 1) n using (k)`,
  `select n.id from (select 0 as k) t join ${near}, 1) n on n.k = t.k`,
  `select n.id from notes t join vector_top_k('notes_embedding', t.embedding, t.id) n on n.k = 0 and n.vector = vector('[1,2,3]')`,
  `create view if not exists nearby as select id, k from ${near}, 2)`,
  'select id from nearby where k = 0',
  `select id from vector_top_k('notes_embedding', (select embedding from notes where id in (select id from ${near}, 0)) limit 1), 5)`,
  `select id from vector_top_k('notes_embedding', (select embedding from notes where id in (select id from ${near}, 0 - 1)) limit 1), 268435455)`,
  `select (select id from ${near}, (select count(*) - 3 from ${near}, 0)))) from notes`,
]) {
  await db.execute(sql).catch(() => {});
}
console.log('done');
