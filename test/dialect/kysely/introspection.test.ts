import { SqliteIntrospector } from 'kysely';
import { expect, it } from 'vitest';
import { describeTables, TursoIntrospector } from '../../../src/dialect/kysely/index.js';
import { openMemory } from '../../support/database.js';
import { openKysely } from './scene.js';

const SCHEMA = `
  create table users (
    id integer primary key,
    name varchar(20) not null,
    created text not null default current_timestamp,
    upper_name text generated always as (upper(name)) stored,
    name_length integer as (length(name))
  );
  create table counted (n INTEGER PRIMARY KEY AUTOINCREMENT, note);
  create table pairs (a integer, b integer, primary key (a, b)) without rowid;
  create table keyed (k integer primary key, v) without rowid;
  create table descending (d integer primary key desc);
  create table texts (t text primary key);
  create table sqliteish (a);
  create view names as select name, name_length + 1 as more from users;
  create virtual table documents using fts5(title, body);
  create virtual table boxes using rtree(id, x0, x1);
  create table embeddings (id integer primary key, e F32_BLOB(3));
  create index embeddings_e on embeddings (libsql_vector_idx(e));
`;

it('tells of tables and views, and hides what belongs to indexes', async () => {
  const db = openKysely({ database: await openMemory(SCHEMA) });
  const tables = await db.introspection.getTables();
  expect(tables.filter(({ isView }) => isView).map(({ name }) => name)).toEqual(['names']);
  expect(tables.map(({ name }) => name)).toEqual([
    ...['boxes', 'counted', 'descending', 'documents', 'embeddings', 'keyed', 'names', 'pairs', 'sqliteish'],
    ...['texts', 'users'],
  ]);
  expect(await db.introspection.getSchemas()).toEqual([]);
});

it('tells of columns: types, defaults, keys that fill themselves, generated ones', async () => {
  const db = openKysely({ database: await openMemory(SCHEMA) });
  const tables = await describeTables(db);
  const columns = (table: string) => tables.find(({ name }) => name === table)?.columns;
  const plain = { isNullable: true, isAutoIncrementing: false, hasDefaultValue: false };
  expect(columns('users')).toMatchObject([
    { ...plain, name: 'id', dataType: 'INTEGER', isAutoIncrementing: true },
    { ...plain, name: 'name', dataType: 'varchar(20)', isNullable: false, generated: undefined },
    { name: 'created', dataType: 'TEXT', hasDefaultValue: true, defaultValue: 'current_timestamp' },
    { name: 'upper_name', hasDefaultValue: true, defaultValue: undefined, generated: 'stored' },
    { name: 'name_length', dataType: 'INTEGER', hasDefaultValue: true, generated: 'virtual' },
  ]);
  expect(columns('names')).toMatchObject([{ name: 'name' }, { name: 'more' }]);
  expect(columns('documents')?.map(({ name }) => name)).toEqual(['title', 'body']);
  expect(columns('embeddings')).toMatchObject([{}, { name: 'e', dataType: 'F32_BLOB(3)' }]);
  const filled = tables.flatMap(({ name, columns: all }) =>
    all.filter((column) => column.isAutoIncrementing).map((column) => `${name}.${column.name}`),
  );
  expect(filled).toEqual(['counted.n', 'embeddings.id', 'users.id']);
});

it('gives exactly the fields that the installed Kysely gives', async () => {
  const simple = `create table users (id integer primary key, name text not null default 'a');
    create view names as select name from users;`;
  const db = openKysely({ database: await openMemory(simple) });
  const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);
  const stock = (await new SqliteIntrospector(db).getTables()).toSorted(byName);
  expect(stock).toHaveLength(2);
  const tables = (await db.introspection.getTables()).toSorted(byName);
  expect(tables).toStrictEqual(stock);
  expect((await new TursoIntrospector(db).getMetadata()).tables).toHaveLength(2);
});

it("hides the migrator's tables unless it is asked", async () => {
  const db = openKysely({
    database: await openMemory(
      'create table kysely_migration (name); create table kysely_migration_lock (id)',
    ),
  });
  expect(await db.introspection.getTables()).toEqual([]);
  expect(await db.introspection.getTables({ withInternalKyselyTables: true })).toHaveLength(2);
});
