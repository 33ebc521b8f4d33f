import { describe, expect, it, vi } from 'vitest';
import { drizzle, migrate } from '../../src/dialect/drizzle/index.js';
import { LibsqlConnection } from '../../src/engine/libsql/connection.js';
import {
  AccessError,
  type AccessRule,
  CapabilityError,
  ConfigError,
  ConstraintError,
  type Database,
  DatabaseError,
} from '../../src/index.js';
import { runProgram } from '../support/child.js';
import { openDatabase, openFile, openMemory, temporaryFile } from '../support/database.js';
import { collect, failure, thrownBy } from '../support/outcome.js';
import { startSqld } from '../support/sqld.js';

const SCHEMA = `
  create table open (id integer primary key, v, secret);
  create table hidden (id integer primary key, v);
  create table "Odd ""name" (v);
  create table kids (id integer primary key, parent references hidden(id) on delete cascade);
  create view shows as select v from hidden;
  create view shows_shows as select v from shows;
  create temp view sneaky as select v from main.hidden;
  create table silent (v);
  create trigger leak after insert on silent begin insert into open (v) select v from hidden; end;
  create virtual table words using fts5(body);
  insert into open values (1, 'o', 's'); insert into hidden values (1, 'h'); insert into words values ('hidden words');
`;

const allow = (actions: AccessRule['actions'], ...tables: string[]): AccessRule => ({
  effect: 'allow',
  ...(actions && { actions }),
  ...(tables.length > 0 && { tables }),
});

async function refusal(db: Database, sql: string): Promise<AccessError> {
  const error = await failure(db.execute(sql), AccessError);
  expect(error).toMatchObject({ code: 'SQLITE_AUTH', rawCode: 23, kind: 'access', sql });
  return error;
}

describe('what a rule matches', () => {
  it('is decided by the first rule, and what none matches is refused', async () => {
    const db = await openMemory(SCHEMA);
    const view = db.restricted([
      { effect: 'deny', tables: ['hid*', 'sqlite_*'] },
      allow(['read'], 'H*', 'o?en', 'ODD*'),
    ]);
    await view.execute('select * from open');
    await view.execute('select * from "Odd ""name"');
    expect(await refusal(view, 'select * from hidden')).toMatchObject({ action: 'read', table: 'hidden' });
    expect(await refusal(view, 'select * from kids')).toMatchObject({ table: 'kids' });
    await refusal(view, 'select * from sqlite_master');
    await refusal(view, 'insert into open (v) values (1)');
    await refusal(db.restricted([]), 'select * from open');
    // Nothing is touched, so there is nothing to allow.
    expect((await db.restricted([]).execute('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  it('may be everything: a rule without actions, tables and columns', async () => {
    const db = await openMemory(SCHEMA);
    const view = db.restricted([{ effect: 'deny', actions: ['schema', 'attach'] }, allow(undefined)]);
    await view.execute("insert into silent values ('x')");
    await view.execute('pragma user_version = 4');
    await view.execute('vacuum');
    expect((await refusal(view, 'create table x (a)')).message).toBe(
      'the statement may not change the schema',
    );
    expect((await refusal(view, 'drop table open')).action).toBe('schema');
    expect((await refusal(view, "attach ':memory:' as other")).action).toBe('attach');
    await refusal(view, 'alter table open add column x');
    await refusal(view, 'analyze');
  });

  it('is a literal pattern but for * and ?', async () => {
    const db = await openMemory('create table "a.c" (v); create table abc (v); create table "a*" (v)');
    const view = db.restricted([allow(['read'], 'a.c', 'a+', '(x|abc)')]);
    await view.execute('select * from "a.c"');
    await refusal(view, 'select * from abc');
  });

  it.each<[unknown, string]>([
    ['all', 'rules'],
    [[null], 'rules[0]'],
    [[{}], 'rules[0].effect'],
    [[{ effect: 'allow' }, { effect: 'maybe' }], 'rules[1].effect'],
    [[{ effect: 'allow', action: 'read' }], 'rules[0].action'],
    [[{ effect: 'allow', actions: 'read' }], 'rules[0].actions'],
    [[{ effect: 'allow', actions: ['write'] }], 'rules[0].actions'],
    [[{ effect: 'allow', tables: 'users' }], 'rules[0].tables'],
    [[{ effect: 'allow', columns: ['a'] }], 'rules[0].columns'],
    [[{ effect: 'allow', actions: ['read', 'update'], columns: ['a'] }], 'rules[0].columns'],
  ])('%j is refused, naming %s', async (rules, key) => {
    const db = await openMemory();
    expect(thrownBy(() => db.restricted(rules as AccessRule[]), ConfigError).key).toBe(key);
  });
});

it('runs a statement with bytes that are no text', async () => {
  const { stdout, code } = await runProgram('restricted-blob.ts');
  expect({ stdout, code }).toEqual({ stdout: 'ae30 1\n', code: 0 });
});

it('tells which statement of a batch failed, at a server too', async () => {
  const { url } = await startSqld();
  for (const db of [await openMemory(), openDatabase({ url })]) {
    await db.script('create table open (a primary key); create table hidden (a)');
    const view = db.restricted([{ effect: 'deny', tables: ['hidden'] }, allow(undefined)]);
    const fine = 'insert into open values (1)';
    for (const [bad, type] of [
      ['select missing from open', DatabaseError],
      ['select * from hidden', AccessError],
      ["attach ':memory:' as o", DatabaseError],
      ['insert into open values (2), (2)', ConstraintError],
    ] as const) {
      expect(await failure(view.batch([fine, bad]), type)).toMatchObject({ statementIndex: 1, sql: bad });
      expect(await failure(view.batch([bad]), type)).toMatchObject({ statementIndex: 0, sql: bad });
      const alone = await failure(view.execute(bad), type);
      expect({ sql: alone.sql, index: alone.statementIndex }).toEqual({ sql: bad, index: undefined });
    }
    expect((await db.execute('select * from open')).rows).toEqual([]);
  }
});

it.each(['http', 'ws'])('keeps what OR FAIL keeps, at a server too (%s)', async (scheme) => {
  const { url } = await startSqld();
  const db = openDatabase({ url: url.replace(/^http/, scheme) });
  const view = db.restricted([allow(undefined)]);
  const failing = 'insert or fail into t values (1), (2), (1), (3)';
  const ways: readonly [(sql: string) => Promise<unknown>, number][] = [
    [(sql) => view.execute(sql), 2],
    [(sql) => view.prepare(sql).run(), 2],
    [(sql) => collect(view.stream(sql)), 2],
    [(sql) => view.script(sql), 2],
    [(sql) => view.batch([sql]), 0],
  ];
  for (const [run, kept] of ways) {
    await db.script('drop table if exists t; create table t (a unique)');
    await failure(run(failing), ConstraintError);
    await failure(run(failing.replace('fail', 'rollback')), ConstraintError);
    expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: kept }]);
  }
});

describe('a way around the rules', () => {
  const rules = [
    { effect: 'deny', actions: ['read'], tables: ['open'], columns: ['secret'] } as const,
    allow(['read'], 'open'),
    allow(['insert'], 'open', 'silent'),
    allow(['read', 'insert'], 'words'),
  ];

  it.each([
    'select * from shows',
    'select * from shows_shows',
    'select * from sneaky',
    'select * from temp.sneaky',
    'select * from HIDDEN',
    'select * from "hidden"',
    'select * from [hidden]',
    'select * from `hidden`',
    "select * from 'hidden'",
    'select * from main.hidden',
    'select * from/**/hidden',
    'select * from -- open\n hidden',
    'with open as (select v from hidden) select * from open',
    'with recursive r(v) as (select v from hidden union select v from r) select * from r',
    'select (select v from hidden)',
    'select exists (select 1 from hidden)',
    'select 1 from open where v in shows',
    'select count(*) from hidden',
    'select * from open natural join hidden',
    'select open.v from open left join hidden on 1',
    'values ((select v from hidden))',
    'select v from open union all select v from hidden',
    'explain select * from hidden',
    'explain query plan select * from hidden',
    'insert into open (v) select v from hidden',
    "insert into silent values ('x')",
    'insert into hidden (v) values (1)',
    'insert or replace into open (id, v) values (1, (select v from hidden))',
    'delete from hidden',
    'delete from open',
    'update open set v = 1',
    'update hidden set v = 1',
    'select secret from open',
    'select * from open',
    'select open.* from open',
    'select "secret" from open',
    'select v from open where secret is not null',
    'select v from open order by secret',
    'select max(secret) from open',
    'insert into open (v) values (1) returning (select v from hidden)',
    'insert into open (id, v) values (1, 1) on conflict (id) do update set v = 2',
    'create table copy as select * from hidden',
    'create temp view mine as select * from hidden',
    'create trigger mine after insert on open begin select * from hidden; end',
    "attach 'file::memory:' as other",
    'detach temp',
    'pragma table_info(hidden)',
    'pragma writable_schema = 1',
    "select * from pragma_table_info('hidden')",
    'select name from pragma_table_list',
    'select sql from sqlite_schema',
    'select * from sqlite_temp_master',
    "select * from json_each('[1]')",
    'select * from words_content',
    'update words set body = 1',
    'vacuum',
    'reindex',
    'drop table hidden',
    'alter table hidden rename to open2',
  ])('is none: %s', async (sql) => {
    const db = await openMemory(SCHEMA);
    const view = db.restricted(rules);
    const look = 'select (select count(*) from hidden) as h, (select count(*) from open) as o';
    const before = (await db.execute(look)).rows;
    await refusal(view, sql);
    await failure(
      view.transaction((tx) => tx.execute(sql)),
      AccessError,
    );
    await failure(view.execute(sql, [], { timeout: 9_000 }), AccessError);
    await failure(view.batch(['select 1', sql]), AccessError);
    const stream = async (): Promise<void> => {
      for await (const row of view.stream(sql)) expect(row).toBeUndefined();
    };
    await failure(stream(), AccessError);
    await failure(view.script(`select 1; ${sql}`), AccessError);
    await failure(view.prepare(sql).columns(), AccessError);
    expect((await db.execute(look)).rows).toEqual(before);
  });

  it('is not what is allowed', async () => {
    const db = await openMemory(SCHEMA);
    const view = db.restricted(rules);
    expect((await view.execute('select id, v, rowid from open')).rows).toHaveLength(1);
    await view.execute("insert into open (v) values ('x') returning id, secret");
    expect((await view.execute("select * from words where words match 'words'")).rows).toHaveLength(1);
    await view.execute("insert into words values ('more')");
    const found = 'with c as (select v from open) select count(*) as n from c';
    expect((await view.execute(found)).rows).toEqual([{ n: 2 }]);
  });

  it('is no other method of the handle', async () => {
    const { db, file } = await openFile(SCHEMA);
    const view = db.restricted([allow(undefined)]);
    const uses: (() => unknown)[] = [
      () => view.close(),
      () => view.interrupt(),
      () => view.onChange('all', () => {}),
      () => view.onCommit(() => {}),
      () => view.onRollback(() => {}),
      () => view.watch(() => {}),
      () => view.rekey('x'.repeat(40)),
      () => view.copyTo(`${file}.copy`),
      () => view.freeze(`${file}.copy`),
      () => view.sync(),
      () => view.syncStatus(),
    ];
    for (const use of uses) await failure(async () => use(), CapabilityError);
    await failure(db.restricted([]).pragma.setCacheSize(9), AccessError);
    await failure(db.restricted([]).pragma.foreignKeys(), AccessError);
    expect(await db.pragma.cacheSize()).not.toBe(9);
    await db.execute('select 1');
  });

  it('is no migration, and no setting of the database', async () => {
    const { db } = await openFile(SCHEMA);
    const view = db.restricted([allow(['read', 'insert'])]);
    const migrations = [{ tag: '0000_first', sql: 'create table migrated (a)', when: 1 }];
    const error = await failure(migrate(drizzle({ client: view }), { migrations } as never));
    expect(['access', 'capability', 'config']).toContain(error.kind);
    await failure(db.restricted([]).pragma.setBusyTimeout(1), AccessError);
    expect(await db.pragma.busyTimeout()).toBe(5_000);
    const found = "select count(*) as n from sqlite_schema where name = 'migrated'";
    expect((await db.execute(found)).rows).toEqual([{ n: 0 }]);
  });

  it('is not needed for the counter of AUTOINCREMENT, which is guarded like any table otherwise', async () => {
    const db = await openMemory('create table auto (id integer primary key autoincrement, v)');
    const view = db.restricted([allow(['insert'], 'auto')]);
    await view.execute('insert into auto (v) values (1)');
    await view.execute('insert into auto (id, v) values (7, 1)');
    for (const sql of [
      'select * from sqlite_sequence',
      'update sqlite_sequence set seq = 99',
      "insert into sqlite_sequence values ('auto', 99)",
      'insert into auto (v) select seq from "SQLITE_sequence"',
    ]) {
      await refusal(view, sql);
    }
    expect((await db.execute('select seq from sqlite_sequence')).rows).toEqual([{ seq: 7 }]);
  });

  it('is no column that is called like the rowid', async () => {
    const db = await openMemory(
      "create table named (id integer primary key, rowid text); insert into named values (1, 's3cret')",
    );
    const view = db.restricted([allow(['read'], 'named')].map((rule) => ({ ...rule, columns: ['id'] })));
    expect((await view.execute('select id from named')).rows).toEqual([{ id: 1 }]);
    expect(await refusal(view, 'select rowid from named')).toMatchObject({ column: 'rowid' });
  });

  it('is no view of a view: both must allow', async () => {
    const db = await openMemory(SCHEMA);
    const readers = db.restricted([allow(['read'])]);
    await readers.execute('select * from hidden');
    const inner = readers.restricted([allow(undefined, 'open')]);
    await inner.execute('select * from open');
    await refusal(inner, 'select * from hidden');
    await refusal(inner, 'insert into open (v) values (1)');
    await failure(readers.restricted([allow(undefined)]).pragma.setCacheSize(9), AccessError);
    await failure(readers.restricted([allow(undefined)]).execute('pragma cache_size = 9'), AccessError);
  });

  it('is no pragma function of a view of a view', async () => {
    const db = await openMemory(SCHEMA);
    const strict = db.restricted([allow(['read'])]);
    const inner = strict.restricted([allow(undefined)]).restricted([allow(undefined)]);
    const before = await db.pragma.busyTimeout();
    for (const use of [
      () => inner.pragma.setBusyTimeout(before + 1),
      () => inner.pragma.setUserVersion(9),
      () => inner.pragma.userVersion(),
      () => inner.pragma.foreignKeys(),
    ]) {
      await failure(use(), AccessError);
    }
    expect(await db.pragma.busyTimeout()).toBe(before);
    expect(await db.pragma.userVersion()).toBe(0);
  });
});

describe('a decision', () => {
  it('is made once per text, and again when the schema has changed, by whomever', async () => {
    const { db, file } = await openFile(SCHEMA);
    const view = db.restricted([allow(['read'], 'open')]);
    await db.execute('create view fine as select v from open');
    const execute = vi.spyOn(LibsqlConnection.prototype, 'execute');
    const explained = (): number => execute.mock.calls.filter(([{ verb }]) => verb === 'EXPLAIN').length;
    for (let i = 0; i < 20; i++) await view.execute('select * from fine');
    expect(explained()).toBe(1);
    const other = openDatabase({ url: file });
    await other.script('drop view fine; create view fine as select v from hidden');
    await refusal(view, 'select * from fine');
    await refusal(view, 'select * from fine');
    expect(explained()).toBe(2);
    await db.script('drop view fine; create view fine as select id from open');
    await view.execute('select * from fine');
    // A temporary table takes the place of another.
    await db.execute('create temp table open as select v from hidden');
    await view.execute('select v from main.open');
    execute.mockRestore();
  });

  it('is of one connection, since each may have temporary views of its own', async () => {
    const { db } = await openFile(SCHEMA);
    const view = db.restricted([allow(['read'], 'open')]);
    const sql = 'select v from open';
    await view.transaction((tx) => tx.execute(sql));
    await view.execute(sql);
    // On the connection for what stands outside transactions.
    await db.execute('create temp view open as select v from hidden');
    await view.transaction((tx) => tx.execute(sql));
    expect(await refusal(view, sql)).toMatchObject({ table: 'hidden' });
    await view.transaction((tx) => tx.execute(sql));
    await refusal(view, sql);
  });

  it('is made where the statement will run', async () => {
    const { db } = await openFile(SCHEMA);
    const view = db.restricted([allow(['read'], 'open')]);
    // Hides the table of that name on the connection for what stands outside transactions, and nowhere else.
    await db.execute('create temp view hidden as select v from main.open');
    const sql = 'select v from hidden';
    expect((await view.execute(sql)).rows).toEqual([{ v: 'o' }]);
    await failure(view.execute(sql, [], { timeout: 9_000 }), AccessError);
    await failure(view.stream(sql).next(), AccessError);
    await failure(
      view.transaction((tx) => tx.execute(sql)),
      AccessError,
    );
    await failure(view.script(sql), AccessError);
  });

  it('holds for many at once', async () => {
    const { db } = await openFile(SCHEMA);
    const view = db.restricted([allow(['read'], 'open')]);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 200 }, (_, i) =>
        view.execute(`select v from ${i % 2 ? 'open' : 'hidden'} limit ${i % 7}`),
      ),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(
      Array.from({ length: 200 }, (_, i) => (i % 2 ? 'fulfilled' : 'rejected')),
    );
  });

  it('is made for the databases that are attached, too', async () => {
    const other = temporaryFile('other.db');
    const attached = openDatabase({ url: other });
    await attached.script('create table open (v); create table hidden (v); insert into hidden values (9)');
    const db = await openMemory(`attach '${other}' as o; create table mine (v)`);
    const view = db.restricted([allow(['read'], 'open', 'mine')]);
    await view.execute('select * from o.open');
    await refusal(view, 'select * from o.hidden');
    await refusal(view, 'select * from hidden');
  });

  it('holds while a listener has changes recorded, and through changes of the schema that a view may make', async () => {
    for (const db of [await openMemory(SCHEMA), (await openFile(SCHEMA)).db]) {
      const rowids: unknown[] = [];
      db.onChange('all', ({ rowid }) => void rowids.push(rowid));
      const view = db.restricted([allow(['read', 'insert', 'update'], 'open')]);
      await view.execute("insert into open (v) values ('x')");
      await view.execute("insert into open (v) values ('y') returning id");
      await view.transaction((tx) => tx.execute("update open set v = 'z' where id = 2"));
      await view.execute("update open set v = 'a' where id = 2", [], { timeout: 9_000 });
      expect(rowids).toEqual([2n, 3n, 2n, 2n]);
      await refusal(view, 'select * from temp.__turso_dialect_changes');
      const whole = db.restricted([allow(undefined), allow(['read'], 'sqlite_schema')]);
      await whole.execute('create table made (a)');
      await whole.execute('alter table made add column b', [], { timeout: 9_000 });
      await whole.script('drop table made; create table made (b); insert into made values (1)');
      await whole
        .transaction(async (tx) => {
          await tx.execute('create table more (a)');
          await tx.transaction(() => tx.execute('insert into more values (1)')).catch(() => {});
        })
        .catch(() => {});
      await whole.execute('analyze');
      await whole.execute("attach ':memory:' as o");
      await whole.execute('create table o.far (a)');
      await whole.execute('insert into o.far values (1)');
      expect((await whole.execute('select * from made')).rows).toEqual([{ b: 1 }]);
    }
  });

  it('is not kept when a setting or the statistics of the connection change the bytecode', async () => {
    const db = await openMemory(`${SCHEMA}
      create table salaries (id integer primary key, name, secret); create index s on salaries (name, secret);
      insert into salaries select value, value % 2, value from generate_series(1, 500); pragma foreign_keys = 0`);
    const view = db.restricted([
      { effect: 'deny', actions: ['read'], columns: ['secret'] },
      allow(['read', 'insert'], 'salaries', 'kids'),
    ]);
    await view.execute('insert into kids (parent) values (1)');
    await db.execute('pragma foreign_keys = 1');
    expect(await refusal(view, 'insert into kids (parent) values (1)')).toMatchObject({ table: 'hidden' });
    await db.pragma.setForeignKeys(false);
    await view.execute('insert into kids (parent) values (1)');
    await db.pragma.setForeignKeys(true);
    await refusal(view, 'insert into kids (parent) values (1)');
  });
});

describe('metadata() of a view', () => {
  it('tells nothing of what others wrote on its connection', async () => {
    const db = await openMemory(SCHEMA);
    const view = db.restricted([allow(['read', 'insert'], 'open')]);
    await db.execute("insert into hidden values (4711, 'h')");
    const refused = { capability: 'restricted' };
    expect(await failure(view.metadata(), CapabilityError)).toMatchObject(refused);
    await view.transaction(async (tx) => {
      await tx.execute("insert into open (v) values ('o')");
      expect(await failure(tx.metadata(), CapabilityError)).toMatchObject(refused);
    });
    expect((await db.metadata()).lastInsertRowid).toBe(2n);
  });
});
