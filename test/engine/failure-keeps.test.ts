import NativeDatabase from 'libsql';
import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/index.js';
import { openDatabase, openFile, openMemory } from '../support/database.js';
import { failure } from '../support/outcome.js';
import { startSqld } from '../support/sqld.js';

const SCHEMA = `
  create table log (n);
  create table t (a unique);
  create table kept (a unique on conflict fail);
  create table undone (a unique on conflict rollback);
  create table after_fail (a);
  create trigger after_fail_now after insert on after_fail when new.a = 3
    begin insert into log values (new.a); select raise(fail, 'no threes'); end;
  create table before_fail (a);
  create trigger before_fail_now before insert on before_fail
    begin insert into log values (new.a); select raise(fail, 'nothing'); end;
  create table raised (a);
  create trigger raised_abort after insert on raised when new.a = 3 begin select raise(abort, 'abort'); end;
  create table rolled (a);
  create trigger rolled_back after insert on rolled when new.a = 3 begin select raise(rollback, 'rollback'); end;
  create table logged (a unique);
  create trigger logged_before before insert on logged begin insert into log values (new.a); end;
  insert into logged values (3); delete from log;
  create table parent (id integer primary key);
  create table child (a unique, p references parent deferrable initially deferred);`;

const TABLES = [
  'log',
  't',
  'kept',
  'undone',
  'after_fail',
  'before_fail',
  'raised',
  'rolled',
  'logged',
  'child',
];
const DUMP = TABLES.map((name) => `select '${name}' as name, a from (select * from ${name}) `)
  .join(' union all ')
  .replace('a from (select * from log)', 'n from log')
  .concat('order by 1, 2');

const FAILING = [
  'insert into t values (1), (2), (1)',
  'insert or abort into t values (1), (2), (1)',
  'insert or fail into t values (1), (2), (1), (3)',
  'insert or rollback into t values (1), (2), (1)',
  'insert into kept values (1), (2), (1), (3)',
  'insert into undone values (1), (2), (1), (3)',
  'insert or fail into undone values (1), (2), (1), (3)',
  'insert into after_fail values (1), (2), (3), (4)',
  'insert into before_fail values (1), (2)',
  'insert into raised values (1), (2), (3), (4)',
  'insert into rolled values (1), (2), (3), (4)',
  'insert or fail into logged values (3)',
  'insert into logged values (1), (3)',
  // What was kept breaks another rule at the end, so nothing of it stays.
  'insert or fail into child values (1, 9), (1, 9)',
  'insert or fail into log select abs(case value when 3 then -9223372036854775807 - 1 else value end) from json_each(?1)',
];

const MANY = '[1,2,3]';

/** What SQLite itself does, with the statement alone or in a transaction that has written and commits. */
function oracle(sql: string, inTransaction: boolean): unknown[][] {
  const native = new NativeDatabase(':memory:');
  native.exec(SCHEMA);
  if (inTransaction) native.exec('begin; insert into log values (100)');
  expect(() => native.exec(sql.replace('?1', `'${MANY}'`))).toThrow();
  if (native.inTransaction) {
    try {
      native.exec('commit');
    } catch {
      native.exec('rollback');
    }
  }
  const rows = native.prepare(DUMP).raw().all() as unknown[][];
  native.close();
  return rows;
}

const argsOf = (sql: string): string[] => (sql.includes('?1') ? [MANY] : []);

const ALONE: Readonly<Record<string, (db: Database, sql: string) => PromiseLike<unknown>>> = {
  execute: (db, sql) => db.execute(sql, argsOf(sql)),
  'with a timeout': (db, sql) => db.execute(sql, argsOf(sql), { timeout: 20_000 }),
  prepared: (db, sql) => db.prepare(sql).run(argsOf(sql)),
  'in an independent batch': async (db, sql) => {
    const [outcome] = await db.batch([{ sql, args: argsOf(sql) }], { atomic: false });
    if (outcome?.status === 'rejected') throw outcome.reason;
  },
  'in a script': (db, sql) => db.script(sql.replace('?1', `'${MANY}'`)),
};

const TARGETS: Readonly<Record<string, () => Promise<Database>>> = {
  memory: () => openMemory(),
  file: async () => (await openFile()).db,
  http: async () => openDatabase({ url: (await startSqld()).url }),
  ws: async () => openDatabase({ url: (await startSqld()).wsUrl }),
};

async function empty(db: Database): Promise<void> {
  await db.script(
    TABLES.map((name) => `delete from ${name};`).join('') + 'insert into logged values (3); delete from log',
  );
}

async function dump(db: Database): Promise<unknown[][]> {
  return (await db.execute(DUMP, [], { rowMode: 'array' })).rows;
}

describe.each(Object.entries(TARGETS))('what a failed statement keeps (%s)', (_, openTarget) => {
  it('is what SQLite keeps, alone and in a transaction', { timeout: 60_000 }, async () => {
    const db = await openTarget();
    await db.script(SCHEMA);
    for (const sql of FAILING) {
      for (const [name, run] of Object.entries(ALONE)) {
        await empty(db);
        await failure(run(db, sql));
        expect(await dump(db), `${name}: ${sql}`).toEqual(oracle(sql, false));
      }
      await empty(db);
      const running = db.transaction(async (tx) => {
        await tx.execute('insert into log values (100)');
        await failure(tx.execute(sql, argsOf(sql)));
      });
      await running.catch(() => {});
      expect(await dump(db), `in a transaction: ${sql}`).toEqual(oracle(sql, true));
    }
  });
});

describe('what a failed statement keeps, and listeners', () => {
  it.each([
    ['insert or fail into t values (1), (2), (1)', ['t', 't']],
    ['insert or fail into logged values (4), (3)', ['log', 'logged', 'log']],
    ['insert into before_fail values (1)', ['log']],
    ['insert into t values (1), (2), (1)', undefined],
    ['insert or rollback into t values (1), (2), (1)', undefined],
    ['insert into raised values (1), (3)', undefined],
  ])('%s', async (sql, tables) => {
    for (const options of [{}, { timeout: 20_000 }]) {
      const { db } = await openFile(SCHEMA);
      const told: string[] = [];
      db.onChange('all', ({ table }) => told.push(table));
      db.onRollback(() => told.push('rollback'));
      await failure(db.execute(sql, [], options));
      expect(told).toEqual(tables ?? ['rollback']);
    }
  });

  it('does not write what was undone', async () => {
    const { db, other } = await openFile('create table t (a unique)');
    const version = (): unknown => other.value('pragma data_version');
    const before = version();
    await failure(db.execute('insert into t values (1), (2), (1)'));
    expect(version()).toBe(before);
    await failure(db.execute('insert or fail into t values (1), (2), (1)'));
    expect(version()).not.toBe(before);
  });
});
