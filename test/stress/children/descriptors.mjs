/** Uses many transactions and opens many databases under a low limit of file descriptors. argv: folder. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'turso-dialect';

const [, , folder] = process.argv;
const descriptors = () => (existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0);

const one = open(join(folder, 'one.db'));
await one.execute('create table t (n integer)');
for (let i = 0; i < 2_000; i++) await one.transaction((tx) => tx.execute('insert into t values (?)', [i]));
const { rows } = await one.execute('select count(*) as n from t');
await one.close();

let most = 0;
for (let i = 0; i < 500; i++) {
  const db = open(join(folder, `many-${i}.db`));
  await db.execute('create table t (n integer)');
  await db.execute('insert into t values (?)', [i]);
  await db.transaction((tx) => tx.execute('update t set n = n + 1'));
  for await (const _row of db.stream('select n from t')) break;
  await db.close();
  most = Math.max(most, descriptors());
}
console.log(JSON.stringify({ transactions: rows[0].n, most, left: descriptors() }));
