import { relations } from 'drizzle-orm';
import { blob, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { drizzle } from '../../../src/dialect/drizzle/index.js';
import { openMemory } from '../../support/database.js';

/** SQLite takes 127 arguments in a call of a function, and 2,000 columns in a table. */
describe.each([127, 128, 300, 2000])('a relation to a table of %i columns', (count) => {
  const fill = Array.from({ length: count - 3 }, (_, i) => `c${i}`);
  const parents = sqliteTable('parents', { id: integer().primaryKey() });
  const children = sqliteTable('children', {
    id: integer().primaryKey(),
    parentId: integer(),
    ...Object.fromEntries(fill.map((name) => [name, text()])),
    bytes: blob({ mode: 'buffer' }),
  });
  const schema = {
    parents,
    children,
    parentsRelations: relations(parents, ({ many }) => ({ children: many(children) })),
    childrenRelations: relations(children, ({ one }) => ({
      parent: one(parents, { fields: [children.parentId], references: [parents.id] }),
    })),
  };

  it('gives every column in its place, for one row and many, and at every level', async () => {
    const client = await openMemory(`
      create table parents (id integer primary key);
      create table children (id integer primary key, parentId integer, ${fill.join(', ')}, bytes blob);
      insert into parents values (1), (2);
      insert into children (id, parentId, c0, c${count - 4}, bytes) values (7, 1, '[1]', 'last', x'0102'), (8, 1, 'b', null, null);`);
    const db = drizzle({ client, schema });
    const row = (values: object) => ({ ...Object.fromEntries(fill.map((name) => [name, null])), ...values });
    const [first, second] = [
      row({ id: 7, parentId: 1, c0: '[1]', [`c${count - 4}`]: 'last', bytes: Buffer.of(1, 2) }),
      row({ id: 8, parentId: 1, c0: 'b', bytes: null }),
    ];
    expect(await db.query.parents.findMany({ with: { children: true } })).toEqual([
      { id: 1, children: [first, second] },
      { id: 2, children: [] },
    ]);
    const deep = await db.query.children.findFirst({
      columns: { id: true },
      with: {
        parent: {
          with: {
            children: { orderBy: (child, { desc }) => desc(child.id), limit: 1, with: { parent: true } },
          },
        },
      },
    });
    expect(deep).toEqual({ id: 7, parent: { id: 1, children: [{ ...second, parent: { id: 1 } }] } });
  });
});
