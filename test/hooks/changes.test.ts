import { describe, expect, it, vi } from 'vitest';
import { ChangeCapture } from '../../src/engine/libsql/change-capture.js';
import type { ChangeEvent, Database } from '../../src/index.js';
import { openFile, openMemory } from '../support/database.js';
import { failure } from '../support/outcome.js';

const SCHEMA = `
  create table users (id integer primary key, name text unique, boss integer references users(id) on delete set null);
  create table pairs (a text, b blob, v, primary key (a, b)) without rowid;
  create table log (line);
  create table odd (rowid text, _rowid_ text, oid text);
  create view named as select id, name from users;
`;

const kinds: [string, (setup: string) => Promise<Database>][] = [
  ['memory', openMemory],
  ['file', async (setup) => (await openFile(setup)).db],
];

/** Lets the listeners be called. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function collect(
  db: Database,
  tables: 'all' | string[] = 'all',
): { events: ChangeEvent[]; stop: () => void } {
  const events: ChangeEvent[] = [];
  return { events, stop: db.onChange(tables, (event) => void events.push(event)) };
}

function short({ table, operation, rowid, key }: ChangeEvent): unknown[] {
  return [operation, table, key ?? rowid];
}

describe.each(kinds)('change events in %s', (_kind, openWith) => {
  it('name rows without rowid by their key, exactly', async () => {
    const db = await openWith(SCHEMA);
    const { events } = collect(db);
    await db.execute('insert into pairs values (?, ?, 1)', ["it's", new Uint8Array([0, 255])]);
    await db.execute('update pairs set v = 2');
    await db.execute("update pairs set a = 'other'");
    await db.execute('delete from pairs');
    await settle();
    const first = { a: "it's", b: new Uint8Array([0, 255]) };
    const second = { ...first, a: 'other' };
    expect(events.map(short)).toEqual([
      ['insert', 'pairs', first],
      ['update', 'pairs', first],
      ['delete', 'pairs', first],
      ['insert', 'pairs', second],
      ['delete', 'pairs', second],
    ]);
    expect(events[0]?.rowid).toBeUndefined();
  });

  it('give rowids beyond 2^53, and none where columns hide it', async () => {
    const db = await openWith(SCHEMA);
    const { events } = collect(db);
    await db.execute('insert into users (id) values (9007199254740993)');
    await db.execute("insert into odd values ('a', 'b', 'c')");
    await settle();
    expect(events.map(short)).toEqual([
      ['insert', 'users', 9007199254740993n],
      ['insert', 'odd', undefined],
    ]);
  });

  it('tell what REPLACE and foreign keys remove and change', async () => {
    const db = await openWith(SCHEMA);
    await db.execute("insert into users values (1, 'a', null), (2, 'b', 1), (3, 'c', 2)");
    const { events } = collect(db);
    await db.execute("insert or replace into users values (3, 'a', null)");
    await settle();
    expect(events.map(short)).toEqual(
      expect.arrayContaining([
        ['delete', 'users', 1n],
        ['delete', 'users', 3n],
        ['insert', 'users', 3n],
      ]),
    );
    events.length = 0;
    await db.execute('delete from users where id = 2');
    await settle();
    expect(events.map(short)).toEqual([['delete', 'users', 2n]]);
  });

  it('leave triggers of the schema as they are, and tell what these do', async () => {
    const db = await openWith(SCHEMA);
    await db.script(
      `create trigger t after delete on users begin insert into log values ('deleted ' || old.id); end;
      create trigger r after insert on log when new.line like 'deleted%' begin insert into log values ('again'); end`,
    );
    await db.execute("insert into users (id, name) values (1, 'a')");
    const { events } = collect(db);
    // Displaced by its name: no trigger of the schema fires, as ever.
    await db.execute("replace into users (id, name) values (2, 'a')");
    await settle();
    expect((await db.execute('select * from log')).rows).toEqual([]);
    await db.execute('delete from users');
    await settle();
    // The order of a statement's own row and of what its triggers do is SQLite's affair.
    expect(
      events
        .map(short)
        .map(([operation, table]) => `${operation} ${table}`)
        .toSorted(),
    ).toEqual([...['delete users', 'insert log', 'insert log', 'insert users']]);
  });

  it('follow the schema: tables that are made, renamed, rebuilt and dropped, by whomever', async () => {
    const db = await openWith(SCHEMA);
    const { events } = collect(db, ['late', 'renamed', 'users']);
    await db.transaction(async (tx) => {
      await tx.execute('create table late (id integer primary key)');
      await tx.execute('insert into late values (1)');
    });
    await db
      .transaction(async (tx) => {
        await tx.execute('create table renamed (a)');
        await tx.execute('insert into renamed values (1)');
        throw new Error('undone');
      })
      .catch(() => {});
    await db.execute('insert into late values (2)');
    await db.execute('alter table late rename to renamed');
    await db.execute('insert into renamed values (3)');
    await db.execute('drop table renamed');
    await db.script('create table renamed (x); insert into renamed values (4); drop table users');
    await settle();
    expect(events.map(short)).toEqual([
      ['insert', 'late', 1n],
      ['insert', 'late', 2n],
      ['insert', 'renamed', 3n],
      ['insert', 'renamed', 1n],
    ]);
  });

  it('know savepoints, failed statements and failed commits', async () => {
    const db = await openWith(
      `${SCHEMA} create table later (u references users(id) deferrable initially deferred);`,
    );
    const { events } = collect(db);
    let rollbacks = 0;
    db.onRollback(() => rollbacks++);
    await db.transaction(async (tx) => {
      await tx.execute("insert into users (id, name) values (1, 'a')");
      await failure(tx.execute("insert into users (id, name) values (2, 'b'), (3, 'a')"));
      await tx
        .transaction(async (nested) => {
          await nested.execute("insert into users (id, name) values (4, 'd')");
          throw new Error('undone');
        })
        .catch(() => {});
      await tx.execute("insert into users (id, name) values (5, 'e')");
    });
    await settle();
    expect(events.map(short)).toEqual([
      ['insert', 'users', 1n],
      ['insert', 'users', 5n],
    ]);
    events.length = 0;
    await failure(db.transaction((tx) => tx.execute('insert into later values (99)')));
    await failure(db.execute("insert into users (id, name) values (6, 'e')"));
    await failure(
      db.transaction(async (tx) => {
        await tx.execute("insert into users (id, name) values (7, 'g')");
        await tx.execute("insert or rollback into users (id, name) values (8, 'e')");
      }),
    );
    await settle();
    expect(events).toEqual([]);
    expect(rollbacks).toBe(3);
    await db.execute("insert into users (id, name) values (9, 'i')");
    await settle();
    expect(events.map(short)).toEqual([['insert', 'users', 9n]]);
  });

  it('know the savepoints and transactions of a script', async () => {
    const db = await openWith('create table t (id integer primary key)');
    const { events } = collect(db);
    await db.script(`
      begin; insert into t values (1);
      savepoint a; insert into t values (2); savepoint b; insert into t values (3); release b; rollback to a;
      insert into t values (4); release a; commit;
      insert into t values (5);
      savepoint alone; insert into t values (6); release alone;
      begin; insert into t values (7); rollback`);
    await settle();
    expect(events.map(({ rowid }) => Number(rowid))).toEqual([1, 4, 5, 6]);
  });

  it('hinder no change of the schema, and leave recursive_triggers as the config has it', async () => {
    const db = await openWith(SCHEMA);
    await db.pragma.setRecursiveTriggers(true);
    const { events, stop } = collect(db);
    await db.execute("insert into users (id, name) values (1, 'a')");
    await db.script('alter table users drop column boss; alter table users rename column name to called');
    await db.script(
      'alter table pairs rename column a to first; create index i on users (called); drop view named',
    );
    await db.script('alter table users add column extra; drop table odd; vacuum; reindex; analyze');
    await db.execute("insert into pairs values ('x', 'y', 1)");
    await settle();
    expect(events.map(short)).toEqual([
      ['insert', 'users', 1n],
      ['insert', 'pairs', { first: 'x', b: 'y' }],
    ]);
    stop();
    await db.execute("insert into users (id, called) values (2, 'b')");
    expect(await db.pragma.recursiveTriggers()).toBe(true);
  });

  it('come in the order of the commits, from statements of every kind', async () => {
    const db = await openWith('create table t (id integer primary key)');
    const { events } = collect(db);
    const insert = 'insert into t values (?)';
    const work = Array.from({ length: 60 }, (_, i) => async (): Promise<unknown> => {
      if (i % 4 === 0) return db.execute(insert, [i]);
      if (i % 4 === 1) return db.transaction((tx) => tx.execute(insert, [i]));
      if (i % 4 === 2) return db.execute(insert, [i], { timeout: 20_000 });
      return db.script(`begin immediate; insert into t values (${i}); commit`);
    });
    await Promise.all(work.map((run) => run()));
    await settle();
    expect(events).toHaveLength(60);
    // Each commit has the next number.
    await db.execute('create table seen (id)');
    const rowids = events.map(({ rowid }) => Number(rowid));
    expect(rowids.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i));
    await db.batch([
      { sql: insert, args: [100] },
      { sql: insert, args: [101] },
    ]);
    for await (const row of db.stream('insert into t values (102) returning id'))
      expect(row).toEqual({ id: 102 });
    await settle();
    expect(events.slice(60).map(({ table, rowid }) => [table, rowid])).toEqual([
      ['t', 100n],
      ['t', 101n],
      ['t', 102n],
    ]);
  });

  it('are not lost when there are many', async () => {
    const db = await openWith('create table t (id integer primary key)');
    const { events } = collect(db);
    for (let round = 0; round < 3; round++) {
      await db.execute('insert into t select value from generate_series(?, ?)', [
        round * 7_000 + 1,
        (round + 1) * 7_000,
      ]);
      await failure(db.execute('insert into t values (1)'));
    }
    await settle();
    expect(events).toHaveLength(21_000);
    expect(new Set(events.map(({ rowid }) => rowid)).size).toBe(21_000);
  });

  it('are recorded by the triggers that are there, also after something was rolled back', async () => {
    const db = await openWith('create table t (id integer primary key); insert into t values (1)');
    const { events } = collect(db);
    await db.execute('insert into t values (2)');
    const made = vi.spyOn(ChangeCapture.prototype, 'prepare');
    const names = "select group_concat(name) as names from sqlite_temp_schema where type = 'trigger'";
    const before = (await db.execute(names)).rows;
    for (let i = 0; i < 5; i++) {
      await failure(db.execute('insert into t values (1)'));
      await db.execute('insert into t values (?)', [10 + i]);
    }
    expect((await db.execute(names)).rows).toEqual(before);
    expect(made.mock.calls.length).toBe(10);
    made.mockRestore();
    await settle();
    expect(events.map(({ rowid }) => Number(rowid))).toEqual([2, 10, 11, 12, 13, 14]);
  });

  it('do not change what a write tells', async () => {
    const db = await openWith('create table t (id integer primary key, v)');
    collect(db);
    const result = await db.execute('insert into t (v) values (1), (2) returning id');
    expect(result).toMatchObject({ rowsAffected: 2, lastInsertRowid: 2n, rows: [{ id: 1 }, { id: 2 }] });
    expect(await db.metadata()).toMatchObject({ lastInsertRowid: 2n, changes: 2 });
    expect((await db.execute('delete from t')).rowsAffected).toBe(2);
  });

  it('outlive a listener that fails, and any of them may write', async () => {
    const db = await openWith('create table t (id integer primary key); create table copy (id)');
    const warnings: unknown[] = [];
    const listen = (warning: Error): void => void warnings.push(warning.message);
    process.on('warning', listen);
    db.onChange('all', () => {
      throw new Error('thrown by a listener');
    });
    // oxlint-disable-next-line typescript/no-misused-promises -- what happens to it is what is tested
    db.onChange(['t'], async ({ rowid }) => {
      await db.execute('insert into copy values (?)', [rowid ?? null]);
      throw new Error('rejected by a listener');
    });
    await db.execute('insert into t values (5)');
    // Others may warn of something else in between.
    await expect
      .poll(() => warnings)
      .toEqual(expect.arrayContaining(['thrown by a listener', 'rejected by a listener']));
    process.off('warning', listen);
    expect((await db.execute('select id from copy')).rows).toEqual([{ id: 5 }]);
  });

  it('cost nothing once nobody listens: no triggers, tables or settings stay', async () => {
    const db = await openWith(SCHEMA);
    const { stop, events } = collect(db);
    await db.transaction((tx) => tx.execute("insert into log values ('a')"));
    stop();
    await db.transaction((tx) => tx.execute("insert into log values ('b')"));
    await db.execute("insert into log values ('c')");
    await settle();
    expect(events).toHaveLength(1);
    const count = 'select count(*) as n from sqlite_temp_schema';
    expect((await db.execute(count)).rows).toEqual([{ n: 0 }]);
    await db.transaction(async (tx) => expect((await tx.execute(count)).rows).toEqual([{ n: 0 }]));
    expect(await db.pragma.recursiveTriggers()).toBe(false);
  });
});

describe('change events of a file', () => {
  it('are of this handle; others are watched for', async () => {
    const { db, other } = await openFile(SCHEMA);
    const { events } = collect(db);
    let changes = 0;
    const stop = await db.watch(() => changes++, { interval: 2 });
    other.exec("insert into log values ('other')");
    await expect.poll(() => changes).toBe(1);
    expect(events).toEqual([]);
    await db.execute("insert into log values ('own')");
    await expect.poll(() => changes).toBe(2);
    expect(events).toHaveLength(1);
    await stop();
    await stop();
  });

  it('end with the database, and the watcher with it', async () => {
    const { db, other } = await openFile(SCHEMA);
    const { events } = collect(db);
    let changes = 0;
    await db.watch(() => changes++, { interval: 2 });
    await db.close();
    other.exec("insert into log values ('other')");
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect([events.length, changes]).toEqual([0, 0]);
  });

  it('ask for an interval that is one', async () => {
    const { db } = await openFile();
    for (const interval of [0, -1, 1.5, Number.NaN]) {
      expect((await failure(db.watch(() => {}, { interval }))).code).toBe('CONFIG_INVALID');
    }
  });
});
