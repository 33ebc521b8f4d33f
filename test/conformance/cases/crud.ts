import { expect, it } from 'vitest';
import { Increment, Slot } from '../builders.js';
import { type Cases, openScene, raw } from '../scene.js';

const ada = { id: 1, name: 'Ada', balance: 1.5, note: null };
const grace = { id: 2, name: 'Grace', balance: 0, note: "it's a note" };

export const crudCases: Cases = (target, builder) => {
  it('inserts rows that others see, and tells how many and the last id (#21, #60)', async () => {
    const { db, outside } = await openScene(target, builder);
    const { rows, rowsAffected, lastInsertRowid } = await db.run({
      op: 'insert',
      into: 'accounts',
      rows: [ada, grace],
    });
    expect([rows, rowsAffected, lastInsertRowid]).toEqual([undefined, 2, 2n]);
    expect(
      await outside.rows('select id, name, balance, note, typeof(id) from accounts order by id'),
    ).toEqual([
      [1, 'Ada', 1.5, null, 'integer'],
      [2, 'Grace', 0, "it's a note", 'integer'],
    ]);
  });

  it('gives the rows of a write that returns, and an empty list where there is none (#21)', async () => {
    const { db } = await openScene(target, builder);
    const inserted = await db.run({ op: 'insert', into: 'accounts', rows: [ada], returning: true });
    expect(inserted.rows).toEqual([{ id: 1, name: 'Ada', balance: 1.5, note: null }]);
    const none = { column: 'id', is: '=', value: 9 } as const;
    const set = { note: 'x' };
    expect(
      (await db.run({ op: 'update', table: 'accounts', set, where: [none], returning: true })).rows,
    ).toEqual([]);
    expect((await db.run({ op: 'delete', from: 'accounts', where: [none], returning: true })).rows).toEqual(
      [],
    );
  });

  it('selects with conditions, order, limit and offset without limit (#48)', async () => {
    const { db } = await openScene(target, builder);
    const rows = [1, 2, 3, 4].map((id) => ({ id, name: `name ${id}`, note: id % 2 === 0 ? 'even' : null }));
    await db.run({ op: 'insert', into: 'accounts', rows });
    const names = async (select: object): Promise<unknown[] | undefined> =>
      (await db.run({ op: 'select', from: 'accounts', columns: ['id'], ...select })).rows?.map(
        ({ id }) => id,
      );
    expect(
      await names({ where: [{ column: 'id', is: '>', value: 1 }], orderBy: [['id', 'desc']], limit: 2 }),
    ).toEqual([4, 3]);
    expect(await names({ orderBy: [['id', 'asc']], offset: 3 })).toEqual([4]);
    expect(await names({ where: [{ column: 'note', is: 'null' }] })).toEqual([1, 3]);
    expect(await names({ where: [{ column: 'id', is: 'in', values: [] }] })).toEqual([]);
    expect(await names({ where: [{ column: 'name', is: 'like', value: 'NAME 4' }] })).toEqual([4]);
    expect(await names({ where: [{ column: 'name', is: '=', value: 'NAME 4' }] })).toEqual([]);
  });

  it('updates in place and upserts without mixing up parameters (#40, #41, #42)', async () => {
    const { db, outside } = await openScene(target, builder);
    await db.run({ op: 'insert', into: 'accounts', rows: [ada] });
    await db.run({ op: 'update', table: 'accounts', set: { balance: new Increment(2) } });
    const again = { op: 'insert', into: 'accounts', rows: [{ id: 1, name: 'other', balance: 9 }] } as const;
    await db.run({ ...again, onConflict: { target: ['id'], update: 'nothing' } });
    await db.run({ ...again, onConflict: { target: ['id'], update: { note: 'seen' } } });
    expect(await outside.rows('select * from accounts')).toEqual([[1, 'Ada', 3.5, 'seen']]);
  });

  it('keeps reserved words as names (#85)', async () => {
    const { db, outside } = await openScene(target, builder);
    const row = { group: 'g', select: 1, User: 'u' };
    await db.run({
      op: 'insert',
      into: 'order',
      rows: [row],
      onConflict: { target: ['group'], update: { User: 'v' } },
    });
    await db.run({
      op: 'insert',
      into: 'order',
      rows: [row],
      onConflict: { target: ['group'], update: { User: 'v' } },
    });
    expect(await outside.rows('select * from "order"')).toEqual([['g', 1, 'v']]);
  });

  it('stores values exactly and gives them back (#1, #2, #26, #27, #28)', async () => {
    const { db, outside } = await openScene(target, builder);
    const bytes = new Uint8Array([9, 0, 255, 104, 9]).subarray(1, 4);
    await db.run({
      op: 'insert',
      into: 'samples',
      rows: [{ id: 1, i: 5, r: 0.1 + 0.2, t: 'a\\b é 🙂', b: bytes, a: 7 }],
    });
    expect(
      await outside.rows('select typeof(i), typeof(r), r = 0.1 + 0.2, t, hex(b), typeof(a), a from samples'),
    ).toEqual([['integer', 'real', 1, 'a\\b é 🙂', '00FF68', 'integer', 7]]);
    const { rows } = await db.run({ op: 'select', from: 'samples', columns: ['r', 't', 'b', 'a'] });
    expect(rows?.map(({ b, ...rest }) => ({ ...rest, b: [...(b as Uint8Array)] }))).toEqual([
      { r: 0.1 + 0.2, t: 'a\\b é 🙂', b: [0, 255, 104], a: 7 },
    ]);
    expect(await db.values('select typeof(?), json_array(?, ?), 7 / ?', [true, 1, 2, 2])).toEqual([
      ['integer', '[1,2]', 3],
    ]);
  });

  it('keeps duplicate names and column order in arrays, and names of empty results (#22, #23, #24)', async () => {
    const { db } = await openScene(target, builder);
    // Kysely's rows are objects, in which the last column of a name stays, as in its own dialects.
    const last = builder.name.startsWith('kysely');
    const values = await db.values('select ? as b, ? as a, ? as b', [1, 2, 3]);
    expect(values).toEqual([last ? [3, 2] : [1, 2, 3]]);
    const { rows } = await db.run(raw('select 1 as a, 2 as a'));
    expect(rows).toEqual([last ? { a: 2 } : { a: 1, 'a:1': 2 }]);
  });

  it('prepared operations take new values with each run (#70)', async () => {
    const { db } = await openScene(target, builder);
    await db.run({ op: 'insert', into: 'accounts', rows: [ada, grace] });
    const prepared = db.prepare({
      op: 'select',
      from: 'accounts',
      columns: ['name'],
      where: [{ column: 'id', is: '=', value: new Slot('id') }],
    });
    const names = await Promise.all([1, 2, 3, 1].map(async (id) => (await prepared.run({ id })).rows));
    expect(names).toEqual([[{ name: 'Ada' }], [{ name: 'Grace' }], [], [{ name: 'Ada' }]]);
  });

  it('streams what a query gives, and may be left early (#58, #59)', async () => {
    const { db, outside } = await openScene(target, builder);
    const rows = Array.from({ length: 600 }, (_, i) => ({ id: i + 1, name: `name ${i + 1}` }));
    await db.run({ op: 'insert', into: 'accounts', rows });
    const ids: unknown[] = [];
    const select = { op: 'select', from: 'accounts', columns: ['id'], orderBy: [['id', 'asc']] } as const;
    for await (const { id } of db.stream(select, { batchSize: 100 })) {
      ids.push(id);
      if (ids.length === 250) break;
    }
    expect(ids).toEqual(Array.from({ length: 250 }, (_, i) => i + 1));
    await db.run({ op: 'delete', from: 'accounts' });
    expect(await outside.rows('select count(*) from accounts')).toEqual([[0]]);
  });
};
