import { alias, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { eq, sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { drizzle } from '../../../src/dialect/drizzle/index.js';
import { openMemory } from '../../support/database.js';

const shops = sqliteTable('shops', { id: integer().primaryKey(), name: text() });
const brands = sqliteTable('brands', {
  id: integer().primaryKey(),
  shopId: integer(),
  logo: text(),
  color: text(),
  extra: text({ mode: 'json' }),
});

async function scene() {
  const client = await openMemory(`
    create table shops (id integer primary key, name text);
    create table brands (id integer primary key, shopId integer, logo text, color text, extra text);
    insert into shops values (1, null), (2, 'two');
    insert into brands values (7, 1, null, 'red', 'null'), (8, 999, null, 'blue', null);`);
  return drizzle({ client });
}

const absent = null;

describe('the object of a joined table', () => {
  it.each([
    ['first', { logo: brands.logo, color: brands.color }],
    ['last', { color: brands.color, logo: brands.logo }],
  ])('is there when the column that is NULL comes %s', async (_name, fields) => {
    const db = await scene();
    const select = db.select({ id: shops.id, brand: fields }).from(shops);
    const rows = await select.leftJoin(brands, eq(brands.shopId, shops.id)).orderBy(shops.id);
    expect(rows).toEqual([
      { id: 1, brand: { logo: null, color: 'red' } },
      { id: 2, brand: absent },
    ]);
    const right = await db
      .select({ color: brands.color, shop: { name: shops.name, id: shops.id } })
      .from(shops)
      .rightJoin(brands, eq(brands.shopId, shops.id))
      .orderBy(brands.id);
    expect(right).toEqual([
      { color: 'red', shop: { name: null, id: 1 } },
      { color: 'blue', shop: absent },
    ]);
    const full = await db
      .select({ shop: { name: shops.name, id: shops.id }, brand: fields })
      .from(shops)
      .fullJoin(brands, eq(brands.shopId, shops.id))
      .orderBy(sql`${shops.id} nulls last`);
    expect(full).toEqual([
      { shop: { name: null, id: 1 }, brand: { logo: null, color: 'red' } },
      { shop: { name: 'two', id: 2 }, brand: absent },
      { shop: absent, brand: { logo: null, color: 'blue' } },
    ]);
  });

  it('is decided by a column that is never NULL, wherever that is selected', async () => {
    const db = await scene();
    const rows = await db
      .select({ id: shops.id, key: brands.id, brand: { logo: brands.logo } })
      .from(shops)
      .leftJoin(brands, eq(brands.shopId, shops.id))
      .orderBy(shops.id);
    expect(rows).toEqual([
      { id: 1, key: 7, brand: { logo: null } },
      { id: 2, key: null, brand: absent },
    ]);
  });

  it('is null one level deeper too, and what it holds is not lost', async () => {
    const db = await scene();
    const other = alias(brands, 'other');
    // Drizzle runs objects in objects, which its types do not know.
    const fields = {
      nested: { brand: { logo: brands.logo, key: brands.id } },
      brand: { logo: brands.logo, other: { color: other.color }, more: { color: brands.color } },
    } as unknown as { nested: { brand: typeof brands.logo } };
    const rows = await db
      .select(fields)
      .from(shops)
      .leftJoin(brands, eq(brands.shopId, shops.id))
      .leftJoin(other, eq(other.id, 8))
      .orderBy(shops.id);
    expect(rows).toEqual([
      {
        nested: { brand: { logo: null, key: 7 } },
        brand: { logo: null, other: { color: 'blue' }, more: { color: 'red' } },
      },
      { nested: { brand: absent }, brand: { logo: null, other: { color: 'blue' }, more: absent } },
    ]);
  });

  it('is there when its only value is stored and decodes to null', async () => {
    const db = await scene();
    const rows = await db
      .select({ brand: { extra: brands.extra } })
      .from(shops)
      .leftJoin(brands, eq(brands.shopId, shops.id))
      .orderBy(shops.id);
    expect(rows).toEqual([{ brand: { extra: null } }, { brand: absent }]);
  });

  it('is the same for many rows, in streams and in batches', async () => {
    const db = await scene();
    await db.run(sql`insert into shops select value, 'n' from generate_series(3, 100)`);
    const query = () =>
      db
        .select({ brand: { logo: brands.logo, color: brands.color } })
        .from(shops)
        .leftJoin(brands, eq(brands.shopId, shops.id))
        .orderBy(shops.id);
    const expected = [
      { brand: { logo: null, color: 'red' } },
      ...Array.from({ length: 99 }, () => ({ brand: absent })),
    ];
    expect(await query()).toEqual(expected);
    expect(await db.batch([query()])).toEqual([expected]);
    const streamed = [];
    for await (const row of db.stream(query())) streamed.push(row);
    expect(streamed).toEqual(expected);
  });
});
