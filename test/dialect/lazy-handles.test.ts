import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Kysely } from 'kysely';
import { describe, expect, it } from 'vitest';
import { drizzle, nearest, type TursoDatabase, vector } from '../../src/dialect/drizzle/index.js';
import { TursoDialect } from '../../src/dialect/kysely/index.js';
import { ConfigError, open } from '../../src/index.js';
import { pragma } from '../../src/pragma/index.js';
import { openDatabase } from '../support/database.js';
import { collect } from '../support/outcome.js';

const notes = sqliteTable('notes', {
  id: integer().primaryKey(),
  text: text(),
  embedding: vector({ dimensions: 2 }),
});
const schema = { notes };
const SETUP = `create table notes (id integer primary key, text text, embedding f32_blob(2));
  insert into notes (text, embedding) values ('a', vector32('[1,2]')), ('b', null);`;

/** What applications do with an object between making and using it. */
const disguises: Record<string, <T extends object>(real: T) => T> = {
  'a lazy Proxy': (real) => new Proxy({} as typeof real, { get: (_, key) => real[key as never] }),
  'a Proxy with bound methods': (real) =>
    new Proxy({} as typeof real, {
      get: (_, key) => {
        const value: unknown = real[key as never];
        return typeof value === 'function' ? (value.bind(real) as unknown) : value;
      },
    }),
  'a Proxy that passes itself on': (real) =>
    new Proxy(real, { get: (target, key, receiver) => Reflect.get(target, key, receiver) }),
  'Object.create()': (real) => Object.create(real) as typeof real,
  'a copy': (real) =>
    Object.assign(Object.create(Object.getPrototypeOf(real) as object), real) as typeof real,
};

describe.each(Object.entries(disguises))('%s', (_name, disguise) => {
  it("of Drizzle's database works as it does itself, and so does one of its transactions", async () => {
    const client = openDatabase({ url: ':memory:' });
    await client.script(SETUP);
    const db = disguise(drizzle({ client, schema })) as TursoDatabase<typeof schema>;
    expect(await db.select({ text: notes.text }).from(notes)).toHaveLength(2);
    expect(await db.query.notes.findMany()).toHaveLength(2);
    expect(await db.$count(notes)).toBe(2);
    expect(await db.batch([db.select({ id: notes.id }).from(notes)])).toEqual([[{ id: 1 }, { id: 2 }]]);
    expect(await collect(db.stream(db.select({ id: notes.id }).from(notes)))).toHaveLength(2);
    expect((await db.$client.execute('select 1 as one')).rows[0]).toMatchObject({ one: 1 });
    expect(await nearest(db, notes.embedding, [1, 2], { k: 1 })).toMatchObject([{ id: 1 }]);
    await db.transaction(async (real) => {
      const tx = disguise(real);
      await tx.insert(notes).values({ text: 'c' });
      await tx
        .transaction(async (nested) => {
          await disguise(nested).insert(notes).values({ text: 'd' });
          throw new Error('undone');
        })
        .catch(() => {});
      expect(await tx.query.notes.findMany()).toHaveLength(3);
      expect(await tx.batch([tx.select().from(notes)])).toMatchObject([{ length: 3 }]);
      expect(await collect(tx.stream(tx.select().from(notes)))).toHaveLength(3);
      expect(await collect(tx.$client.stream('select 1'))).toHaveLength(1);
    });
    expect(await db.$count(notes)).toBe(3);
  });

  it('of our database, transaction or statement works as it does itself', async () => {
    const real = openDatabase({ url: ':memory:' });
    const db = disguise(real);
    await db.script(SETUP);
    expect(await db.batch(['select 1', 'select 2'])).toHaveLength(2);
    expect(await collect(db.stream('select * from notes'))).toHaveLength(2);
    expect(await db.pragma.userVersion()).toBe(0);
    expect((await db.explain('select 1')).nodes).toHaveLength(1);
    expect((await db.metadata()).changes).toBe(2);
    await db.ready();
    const changed: unknown[] = [];
    const stop = db.onChange('all', (event) => changed.push(event.table));
    const commits: unknown[] = [];
    db.onCommit(() => commits.push(1));
    db.onRollback(() => {});
    const statement = disguise(db.prepare('select text from notes where id = ?'));
    expect(await statement.get([1])).toEqual({ text: 'a' });
    expect(await statement.all([1])).toHaveLength(1);
    expect(await statement.columns()).toHaveLength(1);
    expect(await collect(statement.iterate([1]))).toHaveLength(1);
    expect([statement.sql.length > 0, statement.readOnly, statement.parameters().length]).toEqual([
      true,
      true,
      1,
    ]);
    let left: typeof real extends { transaction: infer _ } ? unknown : never;
    await db.transaction(async (inner) => {
      const tx = disguise(inner);
      left = tx;
      await tx.execute("insert into notes (text) values ('c')");
      await tx.transaction(async (nested) => {
        expect((await disguise(nested).execute('select 1 as n')).rows).toHaveLength(1);
      });
      await tx.script('select 1; select 2');
      expect(await tx.batch(['select 1'])).toHaveLength(1);
      expect(await collect(tx.stream('select * from notes'))).toHaveLength(3);
      expect(tx.behavior).toBe('immediate');
      expect((await tx.prepare('select 1 as n').all()).length).toBe(1);
      expect((await tx.metadata()).changes).toBe(1);
      expect(await tx.pragma.userVersion()).toBe(0);
    });
    await expect((left as typeof real).execute('select 1')).rejects.toThrow('the transaction has ended');
    await statement.close();
    await expect(statement.all([1])).rejects.toThrow('the statement is closed');
    expect(changed).toEqual(['notes']);
    expect(commits.length).toBeGreaterThan(0);
    stop();
    const reader = db.restricted([{ effect: 'allow', actions: ['read'] }]);
    expect((await disguise(reader).execute('select 1')).rows).toHaveLength(1);
    db.interrupt();
    expect(() => db.syncStatus()).toThrow('has a server to sync with');
    expect(db.closed).toBe(false);
    await db.close();
    expect([db.closed, real.closed]).toEqual([true, true]);
  });
});

it('a database that is opened when it is first used can be given to drizzle()', async () => {
  let real: ReturnType<typeof open> | undefined;
  const lazy = new Proxy({} as ReturnType<typeof open>, {
    get: (_, key) => (real ??= open(':memory:'))[key as never],
  });
  const db = drizzle({ client: lazy });
  expect(await db.all('select 1 as one')).toEqual([{ one: 1 }]);
  expect(await db.transaction((tx) => tx.all('select 1 as one'))).toEqual([{ one: 1 }]);
  await db.$client.close();
});

it('pragma() takes a lazy Proxy', async () => {
  const database = openDatabase({ url: ':memory:' });
  const lazily = disguises['a Proxy with bound methods'] as <T extends object>(real: T) => T;
  const handles = [database, drizzle(database), new Kysely({ dialect: new TursoDialect({ database }) })];
  for (const [index, real] of handles.entries()) {
    await pragma(lazily(real)).setUserVersion(index + 1);
    expect(await pragma(real).userVersion()).toBe(index + 1);
  }
  await expect(pragma(lazily({}) as never).userVersion()).rejects.toThrow(ConfigError);
});
