import { describe, expect, it } from 'vitest';
import { Kysely } from 'kysely';
import type { ChangeEvent, Database } from '../../src/index.js';
import { drizzle } from '../../src/dialect/drizzle/index.js';
import { TursoDialect } from '../../src/dialect/kysely/index.js';
import { openFile, openMemory } from '../support/database.js';

const SETUP = 'create table t (a)';

const kinds: [string, () => Promise<Database>][] = [
  ['memory', () => openMemory(SETUP)],
  ['file', async () => (await openFile(SETUP)).db],
];

/** The rowids of inserts that were told since the last call. */
function listen(db: Database): () => Promise<unknown[]> {
  const events: ChangeEvent[] = [];
  db.onChange('all', (event) => events.push(event));
  return async () => {
    await Promise.resolve();
    return events.splice(0).map(({ operation, rowid }) => [operation, Number(rowid)]);
  };
}

describe.each(kinds)('change events (%s)', (_kind, connect) => {
  it.each([
    ['a pragma function', (db: Database) => db.pragma.setTempStore('file')],
    ['execute()', (db: Database) => db.execute('pragma temp_store = file')],
    [
      'execute() off-thread',
      (db: Database) => db.execute('pragma temp_store = file', [], { timeout: 9_000 }),
    ],
    ['a script', (db: Database) => db.script('pragma temp_store = file')],
    [
      'dropped by hand',
      (db: Database) => db.execute('drop table temp.__turso_dialect_changes').catch(() => {}),
    ],
  ])('go on after the temporary schema is gone by %s', async (_by, change) => {
    const db = await connect();
    const told = listen(db);
    await db.execute('insert into t values (1)');
    expect(await told()).toEqual([['insert', 1]]);
    await change(db);
    await db.execute('insert into t values (2)');
    expect(await told()).toEqual([['insert', 2]]);
    await db.transaction((tx) => tx.execute('insert into t values (3)'));
    expect(await told()).toEqual([['insert', 3]]);
    await db.execute('insert into t values (4)', [], { timeout: 9_000 });
    expect(await told()).toEqual([['insert', 4]]);
    await change(db);
    await db.script('begin; insert into t values (5); commit; insert into t values (6)');
    expect(await told()).toEqual([
      ['insert', 5],
      ['insert', 6],
    ]);
  });

  it('end without harm after the temporary schema is gone', async () => {
    const db = await connect();
    const stop = db.onChange('all', () => {});
    await db.execute('insert into t values (1)');
    await db.pragma.setTempStore('file');
    stop();
    await db.execute('insert into t values (2)');
    await db.transaction((tx) => tx.execute('insert into t values (3)'));
    expect((await db.execute('select count(*) as n from t')).rows).toEqual([{ n: 3 }]);
    expect((await db.execute('pragma recursive_triggers')).rows).toEqual([{ recursive_triggers: 0 }]);
  });

  it('need none of what the temporary schema holds to delete what was delivered', async () => {
    const db = await connect();
    const told = listen(db);
    await db.execute('insert into t select value from generate_series(1, 6000)');
    expect(await told()).toHaveLength(6000);
    await db.pragma.setTempStore('file');
    await db.execute('insert into t values (1)');
    expect(await told()).toEqual([['insert', 6001]]);
  });
});

describe.each(kinds)('a first write that is undone to a savepoint (%s)', (_kind, connect) => {
  it('in a nested transaction leaves a transaction that commits', async () => {
    const db = await connect();
    const told = listen(db);
    await db.transaction(async (tx) => {
      const undone = tx.transaction(async (nested) => {
        await nested.execute('insert into t values (1)');
        throw new Error('undo');
      });
      await expect(undone).rejects.toThrow('undo');
    });
    expect(await told()).toEqual([]);
    await db.transaction(async (tx) => {
      await tx
        .transaction(async (nested) => {
          await nested.execute('insert into t values (1)');
          throw new Error('undo');
        })
        .catch(() => {});
      await tx.execute('insert into t values (2)');
    });
    expect(await told()).toEqual([['insert', 1]]);
  });

  it('does not take the events of what was written before it', async () => {
    const db = await connect();
    const told = listen(db);
    await db.transaction(async (tx) => {
      await tx.execute('insert into t values (1)');
      await tx
        .transaction(async (nested) => {
          await nested.execute('create table other (a)');
          await nested.execute('insert into other values (1)');
          throw new Error('undo');
        })
        .catch(() => {});
    });
    expect(await told()).toEqual([['insert', 1]]);
  });

  it('by hand, in a script, leaves a transaction that commits', async () => {
    const db = await connect();
    const told = listen(db);
    await db.script('begin; savepoint s; insert into t values (1); rollback to s; commit');
    expect(await told()).toEqual([]);
    await db.script(
      'begin; savepoint s; insert into t values (1); rollback to s; insert into t values (2); commit',
    );
    expect(await told()).toEqual([['insert', 1]]);
  });

  it('of a builder leaves a transaction that commits', async () => {
    const database = await connect();
    const told = listen(database);
    const db = drizzle({ client: database });
    await db.transaction(async (tx) => {
      await tx
        .transaction(async (nested) => {
          await nested.run('insert into t values (1)');
          nested.rollback();
        })
        .catch(() => {});
    });
    const kysely = new Kysely<{ t: { a: number } }>({ dialect: new TursoDialect({ database }) });
    const trx = await kysely.startTransaction().execute();
    const nested = await trx.savepoint('s').execute();
    await nested.insertInto('t').values({ a: 1 }).execute();
    await nested.rollbackToSavepoint('s').execute();
    await trx.commit().execute();
    expect(await told()).toEqual([]);
  });
});
