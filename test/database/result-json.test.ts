import { createClient } from '@libsql/client';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sql } from 'drizzle-orm';
import { integer, sqliteTable } from 'drizzle-orm/sqlite-core';
import { drizzle } from '../../src/dialect/drizzle/index.js';
import type { RowObject } from '../../src/index.js';
import { openMemory } from '../support/database.js';

describe('results', () => {
  it("are the same JSON as those of @libsql/client's", async () => {
    const client = createClient({ url: ':memory:', intMode: 'bigint' });
    onTestFinished(() => client.close());
    const db = await openMemory('', { intMode: 'bigint' });
    const texts = [
      'create table t (id integer primary key, a integer, b blob, c text, d real)',
      "insert into t values (1, 9007199254740993, x'0102ff', 'text', 1.5), (2, null, x'', '', 2.5)",
      'select * from t',
      'select a as length, b as "0", 1 as a, 2 as "1" from t',
      'update t set a = 1',
    ];
    for (const text of texts) {
      const theirs = JSON.parse(JSON.stringify(await client.execute(text))) as Record<string, unknown>;
      const ours = JSON.parse(JSON.stringify(await db.execute(text))) as Record<string, unknown>;
      expect(Object.keys(ours)).toEqual(Object.keys(theirs));
      // What `lastInsertRowid` is after an update, and the types of columns, are documented to differ.
      const { columns, rows, rowsAffected } = ours;
      if (!text.includes('length')) {
        expect({ columns, rows, rowsAffected }).toEqual({
          columns: theirs.columns,
          rows: theirs.rows,
          rowsAffected: theirs.rowsAffected,
        });
      }
      if (text.startsWith('insert')) expect(ours.lastInsertRowid).toBe(theirs.lastInsertRowid);
    }
  });

  it('of inserts can be written as JSON on every path', async () => {
    const db = drizzle({ client: await openMemory('create table t (id integer primary key)') });
    const table = sqliteTable('t', { id: integer().primaryKey() });
    const insert = sql`insert into t default values`;
    const [inBatch] = await db.batch([db.insert(table).values({ id: 7 })]);
    const results = [
      [await db.insert(table).values({ id: 6 }), '6'],
      [inBatch, '7'],
      [await db.run(insert), '8'],
      [await db.$client.execute('insert into t default values'), '9'],
      [(await db.$client.batch(['insert into t default values']))[0], '10'],
      [await db.$client.prepare('insert into t default values').run(), '11'],
      [await db.transaction((tx) => tx.run(insert)), '12'],
    ] as const;
    for (const [result, rowid] of results) {
      expect(JSON.parse(JSON.stringify(result))).toMatchObject({ lastInsertRowid: rowid, rows: [] });
    }
    const arrays = await db.$client.execute("select id, x'01' from t where id < 8", [], { rowMode: 'array' });
    expect(JSON.parse(JSON.stringify(arrays))).toMatchObject({
      rows: [
        [6, 'AQ=='],
        [7, 'AQ=='],
      ],
    });
  });
});

describe('rows', () => {
  const text = "select 1 as a, 'b' as b, x'ff' as c, 9007199254740993 as d";

  it('have their values by index, a length and JSON, and no keys but their columns', async () => {
    const db = await openMemory('', { intMode: 'bigint' });
    for (const { rows } of [await db.execute(text), ...(await db.batch([text, text]))]) {
      const [row] = rows as [RowObject];
      expect(Object.keys(row)).toEqual(['a', 'b', 'c', 'd']);
      expect({ ...row }).toStrictEqual({ a: 1n, b: 'b', c: Uint8Array.of(255), d: 9007199254740993n });
      expect(Array.from(row as unknown as ArrayLike<unknown>)).toEqual(Object.values(row));
      expect([row.length, row[0], row[3], row[4]]).toEqual([4, 1n, 9007199254740993n, undefined]);
      expect(JSON.stringify(row)).toBe('{"a":"1","b":"b","c":"/w==","d":"9007199254740993"}');
      expect(structuredClone(row)).toEqual({ ...row });
      const { a, ...rest } = row;
      expect([a, Object.keys(rest)]).toEqual([1n, ['b', 'c', 'd']]);
    }
  });

  it('are plain for whoever asks', async () => {
    const db = await openMemory();
    const [row] = (await db.execute("select 1 as a, 'b' as b")).rows as [RowObject];
    const { inspect } = await import('node:util');
    expect(inspect(row)).toBe("{ a: 1, b: 'b' }");
    expect(row).toStrictEqual({ a: 1, b: 'b' });
    expect(row.constructor).toBe(Object);
    expect(row instanceof Object).toBe(true);
    row.length = 5;
    row[0] = 6;
    expect([row.length, row[0], Object.keys(row).toSorted()]).toEqual([5, 6, ['0', 'a', 'b', 'length']]);
  });

  it('have every column under its name, whatever that is, and every value by its index where no column has that name', () => {
    const name = fc.oneof(
      fc.constantFrom(
        'length',
        'toJSON',
        'constructor',
        '__proto__',
        'isPrototypeOf',
        '0',
        '1',
        '2',
        '10',
        'a',
      ),
      fc.string({ minLength: 1, maxLength: 3 }).filter((given) => !given.includes('\0')),
    );
    return fc.assert(
      fc.asyncProperty(fc.uniqueArray(name, { minLength: 1, maxLength: 12 }), async (names) => {
        const db = await openMemory();
        const list = names.map((given, i) => `${i + 100} as "${given.replaceAll('"', '""')}"`);
        const [row] = (await db.execute(`select ${list.join(', ')}`)).rows as [RowObject];
        await db.close();
        expect(Object.keys(row).toSorted()).toEqual(names.toSorted());
        for (const [i, given] of names.entries()) {
          expect(Object.getOwnPropertyDescriptor(row, given)).toMatchObject({
            value: i + 100,
            enumerable: true,
          });
          const named = names.indexOf(String(i));
          expect(row[i]).toBe(named < 0 ? i + 100 : named + 100);
        }
        if (!names.includes('length')) expect(row.length).toBe(names.length);
      }),
      { numRuns: 100 },
    );
  });
});
