import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from '@libsql/client';
import { type Database, open, type ResultSet, type Transaction } from '../../../src/index.js';
import { fromClient } from '../../../src/database/from-client.js';
import { sqldForAll } from '../../support/sqld.js';

const sqld = sqldForAll();

beforeAll(async () => {
  const database = open(sqld().url);
  await database.script(`
    create table a (id integer primary key, x);
    create table b (id integer primary key, x);
    create table "w ""r" (id text primary key, x) without rowid;
    create view v as select * from a;
    create trigger v_insert instead of insert on v begin insert into a (x) values (new.x); end;
    create virtual table f using fts5(x);`);
  await database.close();
});

const CASES: readonly (readonly [name: string, sql: string, told: boolean])[] = [
  ['another table', 'insert into b (id, x) values (?, 1)', true],
  [
    'with a schema and a clause',
    'with c (x) as (select 1) insert or replace into main.b (id, x) select ?, x from c',
    true,
  ],
  ['WITHOUT ROWID', 'insert into "w ""r" (id) values (?)', false],
  ['WITHOUT ROWID, with a schema', 'replace into main . "w ""r" (id) values (?)', false],
  ['a view', 'insert into v (x) values (?)', false],
  ['RETURNING', 'insert into "w ""r" (id, x) values (?, 2) returning x', false],
  ['FTS5', 'insert into f (rowid, x) values (?, 1)', true],
];

describe.each(['http', 'ws', 'client http', 'client ws'] as const)('%s', (protocol) => {
  let database: Database;

  beforeAll(() => {
    const url = protocol.endsWith('http') ? sqld().url : sqld().wsUrl;
    database = protocol.startsWith('client') ? fromClient(createClient({ url })) : open(url);
  });

  afterAll(() => database.close());

  it.each(CASES)('a rowid is that of the statement, or none: %s', async (_, sql, told) => {
    let last = BigInt(Math.floor(Math.random() * 2 ** 40));
    const insert = async (on: Database | Transaction): Promise<void> => {
      const id = (last += 10n);
      const first = await on.execute('insert into a (id, x) values (?, 1)', [id]);
      expect(first.lastInsertRowid).toBe(id);
      expect(rowidOf(await on.execute(sql, [id]))).toBe(told ? id : undefined);
    };
    await insert(database);
    await database.transaction(insert);
    await database.transaction(async (tx) => await tx.transaction(insert));
    const id = (last += 10n);
    const [, , inserted] = await database.batch([
      'select 1',
      { sql: 'insert into a (id) values (?)', args: [id] },
      { sql, args: [id] },
      'delete from b',
    ]);
    expect(rowidOf(inserted as ResultSet)).toBe(told ? id : undefined);
  });

  it('nothing of a transaction is seen in the next, though its connection may be used again', async () => {
    for (let i = 0; i < 5; i++) {
      await database.transaction(async (tx) => {
        await tx.execute('pragma defer_foreign_keys = 1');
        await tx.execute('select 1');
      });
      await database.transaction(async (tx) => {
        const { rows } = await tx.execute('pragma defer_foreign_keys');
        expect(rows).toEqual([{ defer_foreign_keys: 0 }]);
      });
      await database.transaction((tx) => tx.execute('insert into b (x) values (1)'));
      expect((await database.execute('select changes() as n')).rows).toEqual([{ n: 0 }]);
    }
  });
});

function rowidOf({ lastInsertRowid }: ResultSet): bigint | undefined {
  return lastInsertRowid;
}
