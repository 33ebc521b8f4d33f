import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/config.js';
import type { Database } from '../../src/database/database.js';
import type { Executor } from '../../src/database/executor.js';
import { connectSecond, openDatabase, openFile, openMemory, temporaryFile } from '../support/database.js';
import { failure, rejection } from '../support/outcome.js';

async function pragma(db: Executor, name: string): Promise<unknown> {
  const { rows } = await db.execute(`pragma ${name}`, [], { rowMode: 'array' });
  return rows[0]?.[0];
}

/** What a pragma says on every connection that several open transactions, streams and the autocommit one use. */
async function everywhere(db: Database, name: string): Promise<unknown[]> {
  const streams = [1, 2].map(() =>
    db.stream(`select ${name} as v, value from pragma_${name}, generate_series(1, 9)`),
  );
  const said: unknown[] = [await pragma(db, name)];
  for (const stream of streams) said.push((await stream.next()).value?.v);
  const inside = (depth: number): Promise<void> =>
    db.transaction(
      async (tx) => {
        said.push(await pragma(tx, name));
        if (depth > 1) await inside(depth - 1);
      },
      { behavior: 'deferred' },
    );
  await inside(3);
  for (const stream of streams) await stream.return();
  return said;
}

describe('a connection that goes back', () => {
  it('leaves no temporary table, setting or attached database to who has one next', async () => {
    const other = temporaryFile('other.db');
    const { db } = await openFile('create table t (temp)', {
      onConnect: (connection) => connection.script('create temp table mine (a)'),
    });
    const lent = { timeout: 9_000 };
    await db.transaction(async (tx) => {
      await tx.execute('create temp table left_behind (a)');
      await tx.execute('drop table temp.mine');
      await tx.execute('pragma cache_size = 77');
    });
    await db.script(
      `attach '${other}' as other; create temporary view seen as select 1; pragma foreign_keys = off`,
    );
    const names =
      'select name from sqlite_temp_schema union all select name from pragma_database_list order by 1';
    for (let i = 0; i < 3; i++) {
      expect((await db.execute(names, [], { ...lent, rowMode: 'array' })).rows).toEqual([
        ['main'],
        ['mine'],
        ['temp'],
      ]);
      await db.transaction(async (tx) => {
        expect((await tx.execute(names, [], { rowMode: 'array' })).rows).toEqual([
          ['main'],
          ['mine'],
          ['temp'],
        ]);
        expect(await pragma(tx, 'cache_size')).not.toBe(77);
        expect(await pragma(tx, 'foreign_keys')).toBe(1);
      });
    }
  });

  it('is used again otherwise', async () => {
    let opened = 0;
    const { db } = await openFile('create table t (temp)', { onConnect: () => void opened++ });
    for (let i = 0; i < 5; i++) await db.transaction((tx) => tx.execute('update t set temp = 1'));
    expect(opened).toBe(2);
  });
});

describe('the default pragmas', () => {
  it.each([
    ['journal_mode', 'wal'],
    ['synchronous', 1],
    ['foreign_keys', 1],
  ])('hold on every connection to a file: %s', async (name, value) => {
    const { db } = await openFile();
    expect(await everywhere(db, name)).toEqual([value, value, value, value, value, value]);
  });

  it('change the journal mode of the file itself', async () => {
    const { other, db } = await openFile();
    await db.ready();
    expect(other.value('pragma journal_mode')).toBe('wal');
  });

  it('enforce foreign keys in transactions, outside, on files and in memory', async () => {
    const schema = 'create table p (id integer primary key); create table c (p references p(id))';
    for (const db of [await openMemory(schema), (await openFile(schema)).db]) {
      const sql = 'insert into c values (9)';
      expect(await failure(db.execute(sql))).toMatchObject({ constraint: 'foreignKey' });
      expect(await failure(db.transaction((tx) => tx.execute(sql)))).toMatchObject({
        constraint: 'foreignKey',
      });
      expect(await failure(db.execute(sql, [], { timeout: 9_000 }))).toMatchObject({
        constraint: 'foreignKey',
      });
    }
  });
});

describe('config.pragmas', () => {
  it('adds to the defaults and replaces them, on every connection', async () => {
    const { db } = await openFile('', {
      pragmas: { cache_size: -4321, foreign_keys: false, synchronous: 'full' },
    });
    expect(new Set(await everywhere(db, 'cache_size'))).toEqual(new Set([-4321]));
    expect(new Set(await everywhere(db, 'foreign_keys'))).toEqual(new Set([0]));
    expect(new Set(await everywhere(db, 'synchronous'))).toEqual(new Set([2]));
    expect(await pragma(db, 'journal_mode')).toBe('wal');
  });

  it('sets another journal mode', async () => {
    const { db, other } = await openFile('create table t (a)', { pragmas: { journal_mode: 'DELETE' } });
    expect(other.value('pragma journal_mode')).toBe('delete');
    expect(await pragma(db, 'synchronous')).toBe(1);
  });

  it('changes a file back from WAL', async () => {
    const { db, file } = await openFile('create table t (a)');
    await db.close();
    const again = openDatabase({ url: file, pragmas: { journal_mode: 'delete' } });
    await again.ready();
    expect(connectSecond(file).value('pragma journal_mode')).toBe('delete');
  });

  it('fails where the journal mode can not be had', async () => {
    const db = openDatabase({ url: ':memory:', pragmas: { journal_mode: 'wal' } });
    expect(await failure(db.ready())).toMatchObject({ code: 'NOT_SUPPORTED', capability: 'journal_mode' });
  });

  it('set to false leaves a database as it is', async () => {
    const file = temporaryFile();
    const made = connectSecond(file);
    made.exec('create table t (a)');
    const db = openDatabase({ url: file, pragmas: false });
    await db.execute('insert into t values (1)');
    expect(await pragma(db, 'journal_mode')).toBe('delete');
    expect(await pragma(db, 'synchronous')).toBe(2);
    expect(made.value('pragma journal_mode')).toBe('delete');
  });
});

describe('onConnect', () => {
  it('is called once for every connection, before its first use', async () => {
    let calls = 0;
    const config: Partial<Config> = {
      onConnect: async ({ script }) => {
        calls++;
        await script('create temp table mine (a); insert into mine values (1), (2)');
      },
    };
    const { db } = await openFile('', config);
    const count = 'select count(*) as n from mine';
    expect((await db.execute(count)).rows).toEqual([{ n: 2 }]);
    expect(calls).toBe(1);
    await db.transaction(async (outer) => {
      expect((await outer.execute(count)).rows).toEqual([{ n: 2 }]);
      await db.transaction(async (tx) => expect((await tx.execute(count)).rows).toEqual([{ n: 2 }]), {
        behavior: 'read',
      });
    });
    expect(calls).toBe(3);
    await db.transaction((tx) => tx.execute(count));
    expect(calls).toBe(3);
  });

  it('may call what SQL of statements may not, and control transactions', async () => {
    const { db, look } = await openFile('', {
      onConnect: ({ script }) =>
        script(
          "begin; create table if not exists t (a); insert into t select typeof(readfile('/missing')); commit",
        ),
    });
    await db.ready();
    expect(look('select a from t')).toEqual([['null']]);
  });

  it('that throws is what the first use fails with, and is called again', async () => {
    const problem = new Error('not today');
    let calls = 0;
    const { db } = await openFile('', {
      onConnect: () => {
        if (++calls === 1) throw problem;
      },
    });
    expect(await rejection(db.execute('select 1'))).toBe(problem);
    expect((await db.execute('select 1 as a')).rows).toEqual([{ a: 1 }]);
    expect(calls).toBe(2);
  });

  it('that rejects for a second connection fails that transaction only', async () => {
    let calls = 0;
    const { db } = await openFile('create table t (a)', {
      onConnect: async ({ script }) => {
        if (++calls === 3) await script('select * from missing');
      },
    });
    await db.transaction(async (tx) => {
      await tx.execute('select 1');
      expect((await failure(db.transaction(() => 1, { behavior: 'read' }))).message).toContain(
        'no such table',
      );
      await tx.execute('insert into t values (1)');
    });
    expect((await db.execute('select a from t')).rows).toEqual([{ a: 1 }]);
  });
});

describe('concurrency', () => {
  it('is how many transactions and streams are open at a time; the others wait', async () => {
    const { db } = await openFile('create table t (a)', { concurrency: 2 });
    let open = 0;
    let most = 0;
    const read = (): Promise<void> =>
      db.transaction(
        async (tx) => {
          most = Math.max(most, ++open);
          await tx.execute('select * from t');
          await new Promise((resolve) => setImmediate(resolve));
          open--;
        },
        { behavior: 'read' },
      );
    await Promise.all(Array.from({ length: 20 }, read));
    expect(most).toBe(2);
  });

  it('tells who waits too long what to do', async () => {
    const { db } = await openFile('create table t (a)', { concurrency: 1, busyTimeout: 30 });
    const rows = db.stream('select value from generate_series(1, 999)', [], { batchSize: 1 });
    await rows.next();
    const error = await failure(db.transaction(() => 1));
    expect(error).toMatchObject({ code: 'SQLITE_BUSY', kind: 'busy', retryable: true });
    expect(error.message).toContain('all 1 connections were in use for 30 ms');
    await rows.return();
    expect(await db.transaction(() => 1)).toBe(1);
  });
});
