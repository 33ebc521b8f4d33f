// Calls every function and table-valued function of the engine with random arguments, in many contexts. What is under way
// is written to a file first, since the process may end at any call.
import { openSync, writeSync } from 'node:fs';
import { open } from '../../../src/index.js';
import { generator, type Generator } from '../random-calls.js';

const [file = '', seed = '', part = '', parts = '', calls = ''] = process.argv.slice(2);

await using db = open(':memory:');
await db.script(`
  create table t (id integer primary key, a, e F32_BLOB(3));
  insert into t values (1, 'a', vector('[1,2,3]')), (2, x'ff00', vector('[3,2,1]')), (3, null, vector('[0,1,0]'));
  create index t_e on t (libsql_vector_idx(e));
  create virtual table f5 using fts5 (body); insert into f5 values ('a b c'), ('é a'), ('');
  create virtual table f4 using fts4 (body); insert into f4 values ('a b c'), ('é a'), ('');
  create virtual table r using rtree (id, x0, x1); insert into r values (1, 0, 1), (2, 5, 9);`);
const functions = await db.execute(`
  select name, json_group_array(distinct narg) as arities, max(type = 's') as scalar
  from pragma_function_list group by name order by name`);
const modules = await db.execute('select name from pragma_module_list order by name');
const subjects = [
  ...functions.rows.map(({ name, arities, scalar }) => ({
    name: String(name),
    known: { name: String(name), arities: JSON.parse(String(arities)) as number[], scalar: scalar === 1 },
  })),
  ...modules.rows.map(({ name }) => ({ name: String(name), known: undefined })),
];

const log = openSync(file, 'w');
const counts: Record<string, number> = { ok: 0 };
for (const [i, { name, known }] of subjects.entries()) {
  if (i % Number(parts) !== Number(part)) continue;
  const random = generator(`${seed} ${name}`);
  for (let n = 0; n < Number(calls); n++) {
    const draw = (): [string, unknown[]] =>
      known === undefined ? random.tableCall(name) : random.call(known);
    let [sql, values] = draw();
    // Padding to a billion characters, which the engine does before it finds them too many, takes seconds.
    const slow = (): boolean =>
      name.startsWith('pad') && n % 20 > 0 && values.some((value) => Number(value) > 1e6);
    while (slow()) [sql, values] = draw();
    note(sql, values, random);
    try {
      await db.execute(sql, values);
      counts['ok'] = (counts['ok'] ?? 0) + 1;
    } catch (error) {
      const { code = String(error) } = error as { code?: string };
      counts[code] = (counts[code] ?? 0) + 1;
    }
  }
}
console.log(JSON.stringify({ subjects: subjects.length, counts }));

function note(sql: string, values: readonly unknown[], random: Generator): void {
  writeSync(log, `${sql} ${values.map(random.describe).join(', ')}\n`, 0);
}
