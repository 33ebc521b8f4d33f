import { describe, expect, it } from 'vitest';
import { type Database, open } from '../../src/index.js';

async function withTable(): Promise<Database> {
  const db = open(':memory:');
  await db.execute('create table t (n integer primary key)');
  return db;
}

const keys = async (db: Database): Promise<unknown[]> =>
  (await db.execute('select n from t order by n', [], { rowMode: 'array' })).rows.flat();

describe('a batch', () => {
  it('gives one result per statement', async () => {
    await using db = await withTable();
    const results = await db.batch([
      'insert into t values (1), (2)',
      { sql: 'update t set n = n + :by', args: { by: 10 } },
      'select n from t',
    ]);
    expect(results.map(({ rowsAffected }) => rowsAffected)).toEqual([2, 2, 0]);
    expect(results[2]?.rows).toEqual([{ n: 11 }, { n: 12 }]);
    expect(await db.batch([])).toEqual([]);
  });

  it('keeps nothing when one statement fails, and says which', async () => {
    await using db = await withTable();
    const failing = db.batch([
      'insert into t values (1)',
      'insert into t values (2)',
      'insert into t values (1)',
    ]);
    await expect(failing).rejects.toMatchObject({ constraint: 'primaryKey', statementIndex: 2 });
    expect(await keys(db)).toEqual([]);
  });

  it('checks every statement before it runs the first', async () => {
    await using db = await withTable();
    const failing = db.batch(['insert into t values (1)', { sql: 'select ?', args: [] }]);
    await expect(failing).rejects.toMatchObject({ code: 'PARAMETER_INVALID', statementIndex: 1 });
    expect(await keys(db)).toEqual([]);
  });

  it('gives every outcome with atomic: false', async () => {
    await using db = await withTable();
    const statements = ['insert into t values (1)', 'insert into t values (1)', 'insert into t values (2)'];
    const outcomes = await db.batch(statements, { atomic: false });
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: { constraint: 'primaryKey', statementIndex: 1 } });
    expect(await keys(db)).toEqual([1, 2]);
    expect(await db.batch(statements, { atomic: false, continueOnError: false })).toHaveLength(1);
  });

  it('is a savepoint in a transaction', async () => {
    await using db = await withTable();
    await db.transaction(async (tx) => {
      await tx.batch(['insert into t values (1)']);
      await tx.batch(['insert into t values (2)', 'insert into t values (1)']).catch(() => {});
    });
    expect(await keys(db)).toEqual([1]);
  });
});

describe('a script', () => {
  it('runs triggers, strings and comments with semicolons', async () => {
    await using db = await withTable();
    const { statementCount } = await db.script(`
      create table log (line text);
      create trigger tr after insert on t begin insert into log values ('a;b'); insert into log values ('c'); end;
      insert into t values (1); -- not; this
      /* nor; this */`);
    expect(statementCount).toBe(3);
    expect((await db.execute('select line from log')).rows).toEqual([{ line: 'a;b' }, { line: 'c' }]);
  });

  it('keeps what came before a failure, or nothing if atomic, and says where it failed', async () => {
    const failing = 'insert into t values (1);\n  insert into t values (1);';
    for (const atomic of [false, true]) {
      await using db = await withTable();
      const error = { statementIndex: 1, position: { line: 2, column: 3, offset: 28 } };
      await expect(db.script(failing, { atomic })).rejects.toMatchObject(error);
      await expect(db.script(failing, { atomic })).rejects.toThrow(
        /statement \d of the script \(line \d, column \d\)/,
      );
      expect(await keys(db)).toEqual(atomic ? [] : [1]);
    }
  });

  it('may control transactions, and one that is left open is rolled back', async () => {
    await using db = await withTable();
    await db.script('begin; insert into t values (1); commit;');
    await expect(db.script('begin; insert into t values (2)')).rejects.toMatchObject({
      code: 'TRANSACTION_CONTROL',
    });
    await expect(db.script('begin; select 1; commit', { atomic: true })).rejects.toMatchObject({
      code: 'TRANSACTION_CONTROL',
      statementIndex: 0,
    });
    expect(await keys(db)).toEqual([1]);
  });

  it('is looked at as a whole before any of it runs', async () => {
    await using db = await withTable();
    await expect(db.script("insert into t values (1); select readfile('x')")).rejects.toMatchObject({
      code: 'FUNCTION_REFUSED',
    });
    await expect(db.script('insert into t values (1); select ?')).rejects.toMatchObject({
      code: 'PARAMETER_INVALID',
    });
    expect(await keys(db)).toEqual([]);
  });
});

describe('file functions', () => {
  const sql = "select writefile('never-written', 'x')";

  it('are refused everywhere and allowed by config', async () => {
    await using db = await withTable();
    const refused = { code: 'FUNCTION_REFUSED' };
    await expect(db.execute(sql)).rejects.toMatchObject(refused);
    await expect(db.batch([sql])).rejects.toMatchObject(refused);
    await expect(db.stream(sql).next()).rejects.toMatchObject(refused);
    await expect(db.transaction((tx) => tx.execute(sql))).rejects.toMatchObject(refused);
    expect(() => db.prepare(sql)).toThrow(/refused/);
    await using allowed = open({ url: ':memory:', allowFileFunctions: true });
    expect((await allowed.execute("select typeof(readfile('no-such-file')) as t")).rows).toEqual([
      { t: 'null' },
    ]);
  });
});
