import { describe, expect, it } from 'vitest';
import { AccessError, type AccessRule, type Database } from '../../src/index.js';
import { openMemory } from '../support/database.js';
import { failure } from '../support/outcome.js';

const DENY_COLUMNS: AccessRule = {
  ...{ effect: 'deny', actions: ['read'] },
  ...{ columns: ['salary', 'password', 'secret'] },
};
const allow = (actions: AccessRule['actions'], ...tables: string[]): AccessRule => ({
  effect: 'allow',
  ...(actions && { actions }),
  ...(tables.length > 0 && { tables }),
});

async function expectRefused(view: Database, sql: string, args: unknown[] = []): Promise<AccessError> {
  for (const options of [{}, { timeout: 9_000 }]) {
    await failure(view.execute(sql, args as never, options), AccessError);
  }
  await failure(view.stream(sql, args as never).next(), AccessError);
  return await failure(
    view.transaction((tx) => tx.execute(sql, args as never)),
    AccessError,
  );
}

const STAFF = `
  create table staff (id integer primary key, name text, salary integer, password text, n integer);
  insert into staff values (1, 'a', 50, 's3cret', 1), (2, 'b', 10, 'x', 1), (3, 'c', 30, 'y', 2);
`;

describe('the order of a column that may not be read', () => {
  const guarded = async (setup: string): Promise<Database> =>
    (await openMemory(STAFF + setup)).restricted([DENY_COLUMNS, allow(['read', 'insert'], 'staff')]);

  it.each([
    ['create index s on staff (salary)', 'select id from staff order by salary'],
    ['create index s on staff (salary)', 'select id from staff order by salary limit 1'],
    ['create index s on staff (salary)', 'select id from staff indexed by s'],
    ['create index s on staff (salary)', 'select id from staff'],
    ['create index s on staff (salary desc)', 'select (select id from staff order by salary limit 1)'],
    ['create index s on staff (n, salary)', 'select name from staff where n = 1'],
    ['create index s on staff (n, salary)', 'select name from staff where n in (1, 2) order by n'],
    ['create index s on staff (abs(salary))', 'select id from staff order by abs(salary)'],
    ['create index s on staff (n, salary % 7)', 'select id from staff where n = 1'],
    ['create unique index s on staff (salary)', 'select id from staff order by salary'],
    [
      'create index s on staff (name) where salary > 20',
      'select name from staff indexed by s where salary > 20',
    ],
  ])('is not told by an index: %s, %s', async (index, sql) => {
    const error = await expectRefused(await guarded(index), sql);
    expect(error).toMatchObject({ action: 'read', table: 'staff', column: 'salary' });
  });

  it('is not told by the key of a table without rowid, nor by an integer key', async () => {
    const db = await openMemory(`
      create table keyed (k text, secret text, v text, primary key (k, secret)) without rowid;
      create index by_v on keyed (v);
      create table numbered (secret integer primary key, v text)`);
    const view = db.restricted([DENY_COLUMNS, allow(['read'])]);
    await expectRefused(view, 'select v from keyed');
    await expectRefused(view, 'select v from keyed order by v');
    await expectRefused(view, 'select v from numbered');
    await expectRefused(view, 'select v from numbered order by v');
    // A key that is only not listed tells its order; one that is denied does not.
    const listed = db.restricted([{ ...allow(['read'], 'numbered'), columns: ['v'] }]);
    await listed.execute('select v from numbered');
  });

  it('leaves what needs no such index', async () => {
    const view = await guarded(`create index s on staff (salary); create index n on staff (n);
      create index p on staff (name) where salary > 20`);
    expect((await view.execute('select count(*) as n from staff')).rows).toEqual([{ n: 3 }]);
    expect((await view.execute('select id from staff order by id')).rows).toHaveLength(3);
    expect((await view.execute('select id from staff not indexed')).rows).toHaveLength(3);
    expect((await view.execute('select name from staff where n = 2')).rows).toEqual([{ name: 'c' }]);
    await view.execute("insert into staff (name, salary) values ('d', 4)");
  });
});

describe('what an index proves of a column that may not be read', () => {
  it.each([
    ["where password = 's3cret'", "select count(*) from staff where password = 's3cret'"],
    ["where password = 's3cret'", "select name from staff where password = 's3cret' and name > ''"],
    ['where salary > 20', 'select count(*) from staff where salary > 20'],
    ['where salary is not null', 'select count(*) from staff where salary is not null'],
  ])('is not told: %s, %s', async (where, sql) => {
    const db = await openMemory(`${STAFF} create index p on staff (name) ${where}`);
    await expectRefused(db.restricted([DENY_COLUMNS, allow(['read'], 'staff')]), sql);
  });

  it('is not told by the value of a parameter that has an index used', async () => {
    const db = await openMemory(`${STAFF}
      create index l on staff (name collate nocase, salary);
      create index p on staff (name, salary) where n = 1`);
    const view = db.restricted([DENY_COLUMNS, allow(['read'], 'staff')]);
    const like = 'select id from staff where name like ? and +n > 0';
    await view.execute(like, [null]);
    await view.execute(like, ['%a']);
    await expectRefused(view, like, ['a%']);
    await view.execute(like, ['%a']);
    const partial = 'select id from staff where n = ? and name > ?';
    await view.execute(partial, [2, 'b']);
    await expectRefused(view, partial, [1, 'b']);
  });

  it('is not told by a unique index that an INSERT meets, if the column is denied', async () => {
    const db = await openMemory(`${STAFF} create unique index u on staff (password)`);
    const sql = "insert or ignore into staff (password) values ('s3cret')";
    await expectRefused(db.restricted([DENY_COLUMNS, allow(['insert'], 'staff')]), sql);
    // Whoever may insert and is denied nothing learns from the failure that the value is taken.
    expect((await db.restricted([allow(['insert'], 'staff')]).execute(sql)).rowsAffected).toBe(0);
  });

  it('is what the schema says, which holds for every row', async () => {
    const db = await openMemory(
      'create table t (id integer primary key, secret not null); insert into t values (1, 2)',
    );
    const view = db.restricted([DENY_COLUMNS, allow(['read'], 't')]);
    expect((await view.execute('select id from t where secret is null')).rows).toEqual([]);
    await expectRefused(view, 'select id from t where secret = 2');
  });
});

describe('a generated column', () => {
  it.each(['stored', 'virtual'])('shows what it is made of: %s', async (kind) => {
    const db = await openMemory(`
      create table t (id integer primary key, secret text, open text,
        copy text generated always as (secret || '!') ${kind}, "of copy" as ([copy]) ${kind}, fine as (open || id) ${kind});
      create index c on t (copy); create index f on t (fine);
      insert into t (secret, open) values ('s', 'o')`);
    const view = db.restricted([DENY_COLUMNS, allow(['read'], 't')]);
    await expectRefused(view, 'select copy from t');
    await expectRefused(view, 'select "of copy" from t');
    await expectRefused(view, 'select id from t order by copy');
    expect((await view.execute('select fine from t order by fine')).rows).toEqual([{ fine: 'o1' }]);
  });
});

const HIDING: AccessRule[] = [
  { effect: 'deny', actions: ['read'], tables: ['secrets', 'private*'] },
  allow(['read', 'pragma', 'schema']),
];

describe('a table that may not be read', () => {
  const SCHEMA = `
    create table secrets (id integer primary key, body text, e F32_BLOB(3));
    create table open (id integer primary key, body text, e F32_BLOB(3));
    create index near on secrets (libsql_vector_idx(e)); create index near_open on open (libsql_vector_idx(e));
    create view shown as select id, body from secrets;
    create virtual table private using fts5(body);
    create virtual table docs using fts5(body);
    create virtual table over_secrets using fts5(body, content='secrets', content_rowid='id');
    create virtual table over_view using fts5(body, con=shown, content_rowid='id');
    create virtual table over_secrets4 using fts4(content="secrets", body);
    create virtual table terms using fts5vocab(private, row);
    create virtual table box using rtree(id, a, b);
    create virtual table pages using dbstat(main);
    create table sqlitedump (a);
    insert into secrets values (1, 'hidden', vector32('[1,2,3]')); insert into open values (1, 'o', vector32('[1,2,3]'));
    insert into private values ('hidden'); insert into docs values ('o'); analyze;
  `;
  const ALL = allow(['read', 'pragma', 'insert'], '*', 'private_*');

  it.each([
    'select hex(data) from sqlite_dbpage',
    "select hex(data) from sqlite_dbpage('main')",
    'select sql from sqlite_stmt',
    'select * from dbstat',
    'select * from pages',
    'select * from private',
    'select * from private_content',
    'select * from private_data',
    'select * from terms',
    'select * from over_secrets',
    "select rowid from over_secrets where over_secrets match 'hidden'",
    'select * from over_view',
    'select * from over_secrets4',
    'select * from near_shadow',
    'select * from libsql_vector_meta_shadow',
    "select id from vector_top_k('near', vector32('[1,2,3]'), 2)",
    "select id from vector_top_k('main.near', vector32('[1,2,3]'), 2)",
    "select id from vector_top_k('ne' || 'ar', vector32('[1,2,3]'), 2)",
    'select sql from sqlite_schema',
    'select * from sqlite_stat1',
    "select * from pragma_table_info('secrets')",
    'pragma foreign_key_check',
    'pragma integrity_check',
    "insert into over_secrets(over_secrets) values ('rebuild')",
    'drop table secrets',
    'alter table secrets rename to x',
  ])('is not shown by %s', async (sql) => {
    const db = await openMemory(SCHEMA);
    for (const rules of [
      HIDING,
      [...HIDING.slice(0, 1), ALL],
      [...HIDING.slice(0, 1), allow(['read', 'pragma', 'insert'], '*', 's*', 'p*', 'd*')],
    ]) {
      if (/^(?:drop|alter)/.test(sql) && rules === HIDING) continue;
      await failure(db.restricted(rules).execute(sql), AccessError);
    }
  });

  it('does not take the others along', async () => {
    const db = await openMemory(SCHEMA);
    const view = db.restricted([
      ...HIDING.slice(0, 1),
      allow(['read'], 'docs', 'open', 'b*', 'sqlite_schema', 'sqlitedump'),
    ]);
    await view.execute("select * from docs where docs match 'o'");
    await view.execute('select * from box');
    await view.execute('select name from sqlite_schema');
    await view.execute('select * from sqlitedump');
    const near =
      "select t.id from vector_top_k('near_open', vector32('[1,2,3]'), 2) v join open t on t.rowid = v.id";
    await failure(view.execute(near), AccessError);
    const searching = db.restricted([...HIDING.slice(0, 1), allow(['read'], 'open', 'vector_top_k')]);
    expect((await searching.execute(near)).rows).toEqual([{ id: 1 }]);
    await db.restricted(HIDING).execute("select value from json_each('[1]')");
    await failure(db.restricted(HIDING).execute('select * from docs'), AccessError);
    await db.restricted([allow(['read'], 'sqlite_dbpage')]).execute('select pgno from sqlite_dbpage');
    await db.restricted([allow(['read'], 'sqlite_*')]).execute('select pgno from sqlite_dbpage');
  });

  it('that shows every table is refused where one table is denied, though its own name is allowed', async () => {
    const db = await openMemory(SCHEMA);
    for (const name of ['sqlite_dbpage', 'dbstat', 'sqlite_stmt']) {
      const rules = [allow(['read'], name)];
      await db.restricted(rules).execute(`select count(*) from ${name}`);
      const denied = db.restricted([...HIDING.slice(0, 1), ...rules]);
      await failure(denied.execute(`select count(*) from ${name}`), AccessError);
    }
  });

  it('is looked for under its name in every database', async () => {
    const db = await openMemory(`${SCHEMA}
      create view both as select * from private;
      create temp view both as select 1 as body`);
    const view = db.restricted([...HIDING.slice(0, 1), allow(['read'], 'docs', 'both')]);
    await failure(view.execute('select * from main.both, docs'), AccessError);
  });
});
