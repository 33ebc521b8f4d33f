import { expect, it } from 'vitest';
import { open } from '../../../src/index.js';

// In libsql 0.5.29 a statement that was iterated runs its next get() with the parameters of the iteration.
it('the first row is that of the parameters given now, whatever was asked before', async () => {
  await using db = open(':memory:');
  await db.execute('create table t (n integer primary key)');
  await db.execute('insert into t values (1), (2), (3)');
  const statement = db.prepare<{ n: number }>('select n from t where n >= ? order by n');
  const first = async (n: number): Promise<number | undefined> => (await statement.get([n]))?.n;
  const all = async (n: number): Promise<number[]> => (await statement.all([n])).map((row) => row.n);
  expect(await all(1)).toEqual([1, 2, 3]);
  expect(await first(2)).toBe(2);
  expect(await first(3)).toBe(3);
  expect(await all(2)).toEqual([2, 3]);
  expect(await first(1)).toBe(1);
  expect(await statement.get([2], { timeout: 5_000 })).toEqual({ n: 2 });
  expect(await first(3)).toBe(3);
  for await (const { n } of statement.iterate([3])) expect(n).toBe(3);
  expect(await first(1)).toBe(1);
});
