// Prints the names of the functions of the engine that can make text which is not UTF-8. It calls each with blobs, with
// parts of characters, with formats and with JSON, and reads what it gives as bytes, which ends no process.
import { open } from '../../../src/index.js';

const VALUES = [
  ...[
    "x'ff41'",
    "x'c3'",
    "x'80c3'",
    "x'7b2261223a22ff227d'",
    "x'22ff22'",
    "'é'",
    "'aé'",
    "'a'",
    "'%s'",
    "'%.1s'",
    "'%c'",
  ],
  ...["'$'", "'$.a'", '\'"\\ud800"\'', '\'{"a":"\\ud800"}\'', '\'{"\\ud800":1}\'', '1', '2', '55296', 'null'],
];
/** Beyond this many combinations of values, every n-th is tried. */
const MOST = 300;

await using db = open(':memory:');
const functions = await db.execute(`
  select name, narg, max(type = 'w') as window, max(type = 's') as scalar
  from pragma_function_list group by name, narg order by name`);
const decoder = new TextDecoder('utf-8', { fatal: true });
const found = new Set<string>();
for (const { name, narg, scalar } of functions.rows) {
  const counts = Number(narg) >= 0 ? [Number(narg)] : [1, 2, 3];
  for (const count of counts)
    for (const args of combinations(count)) await call(String(name), args, scalar === 1);
}
for (const operator of ['||', '->', '->>'])
  for (const [left, right] of combinations(2)) await look(operator, `${left} ${operator} ${right}`);
for (const [value] of combinations(1)) await look('cast', `cast(${value} as text)`);
for (const table of ['json_each', 'json_tree'])
  for (const column of ['key', 'value', 'atom', 'fullkey', 'path', 'json'])
    for (const [value] of combinations(1)) await look(table, column, `from ${table}(${value})`);
console.log(JSON.stringify([...found].toSorted()));

async function call(name: string, args: readonly string[], scalar: boolean): Promise<void> {
  if (found.has(name)) return;
  const quoted = /^[a-z_0-9]+$/.test(name) ? name : `"${name}"`;
  await look(name, `${quoted}(${args.join(', ')})`);
  if (!scalar && !found.has(name)) await look(name, `${quoted}(${args.join(', ')}) over ()`);
}

async function look(name: string, expression: string, from = ''): Promise<void> {
  if (found.has(name)) return;
  const sql = `select typeof(x) as type, cast(x as blob) as bytes from (select ${expression} as x ${from} limit 3)`;
  const rows = await db.execute(sql).then(
    (result) => result.rows,
    () => [],
  );
  for (const { type, bytes } of rows) {
    if (type !== 'text') continue;
    try {
      decoder.decode(bytes as Uint8Array);
    } catch {
      found.add(name);
    }
  }
}

function combinations(count: number): string[][] {
  const total = VALUES.length ** count;
  // Odd, so that every place goes through all values.
  const step = Math.ceil(total / MOST) | 1;
  const all: string[][] = [];
  for (let i = 0; i < total; i += step) {
    const at = (place: number): string =>
      VALUES[Math.floor(i / VALUES.length ** place) % VALUES.length] ?? '';
    all.push(Array.from({ length: count }, (_, place) => at(place)));
  }
  return all;
}
