import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.js';
import { ParameterError, TransactionError } from '../../src/errors.js';
import { isWriteLocked, openFile, openMemory, temporaryFile } from '../support/database.js';
import { failure } from '../support/outcome.js';
import { LONGEST_STALL, turn, withStall } from '../support/time.js';

const PLACES: readonly [string, () => Promise<Database>][] = [
  ['a file', async () => (await openFile()).db],
  ['memory', () => openMemory()],
];

async function column(db: Database, sql: string): Promise<unknown[]> {
  return (await db.execute(sql, [], { rowMode: 'array' })).rows.map((row) => row[0]);
}

describe.each(PLACES)('a script on %s', (_place, openPlace) => {
  it('may hold triggers, strings, comments and names with semicolons', async () => {
    const db = await openPlace();
    const result = await db.script(`
      -- a comment; with a semicolon
      create table "a;b" (x text default ';', [y;z] text, \`w;\` text); /* another;
      one */ ;;
      create table log (line);
      create trigger after_insert after insert on "a;b" when new.x <> ';' begin
        insert into log values ('one; ' || new.x);
        update log set line = case line when 'x' then 'y' else line || ';' end;
      end;
      insert into "a;b" (x) values ('it''s; quoted'), (';');
      select 'never looked at; but run' from log`);
    expect(result).toEqual({ statementCount: 5 });
    expect(await column(db, 'select line from log')).toEqual(["one; it's; quoted;"]);
    expect(await column(db, 'select x from "a;b"')).toEqual(["it's; quoted", ';']);
  });

  it.each(['', ' \n', ';;;', '-- nothing', '/* nothing */;'])('of nothing does nothing: %j', async (sql) => {
    const db = await openPlace();
    expect(await db.script(sql)).toEqual({ statementCount: 0 });
    expect(await db.script(sql, { atomic: true })).toEqual({ statementCount: 0 });
  });

  it('keeps what stands before a statement that failed, and tells where it is', async () => {
    const db = await openPlace();
    const error = await failure(
      db.script(
        'create table t (a unique);\ninsert into t values (1);\n\n  insert into t values (1);\ninsert into t values (2)',
      ),
    );
    expect(error).toMatchObject({
      code: 'SQLITE_CONSTRAINT',
      statementIndex: 2,
      position: { offset: 56, line: 4, column: 3 },
      sql: 'insert into t values (1)',
    });
    expect(error.message).toMatch(
      /^statement 3 of the script \(line 4, column 3\): UNIQUE constraint failed: t\.a/,
    );
    expect(await column(db, 'select a from t')).toEqual([1]);
  });

  it('counts lines and columns as editors do', async () => {
    const db = await openPlace();
    const error = await failure(db.script("select 1;\r\nselect '😀'; selec 2"));
    expect([error.statementIndex, error.position]).toEqual([2, { offset: 24, line: 2, column: 14 }]);
  });

  it('keeps nothing of an atomic one that failed', async () => {
    const db = await openPlace();
    await db.script('create table t (a unique)');
    for (const options of [{ atomic: true }, { atomic: true, timeout: 9_000 }]) {
      const error = await failure(
        db.script('insert into t values (1); create table u (a); insert into t values (1)', options),
      );
      expect([error.statementIndex, error.position?.column]).toEqual([2, 47]);
      expect(await column(db, "select name from sqlite_schema where type = 'table'")).toEqual(['t']);
      expect(await column(db, 'select a from t')).toEqual([]);
    }
    expect(await db.script('insert into t values (1); insert into t values (2)', { atomic: true })).toEqual({
      statementCount: 2,
    });
    expect(await column(db, 'select a from t')).toEqual([1, 2]);
  });

  it('may have transactions of its own', async () => {
    const db = await openPlace();
    await db.script(`create table t (a);
      begin; insert into t values (1); savepoint s; insert into t values (2); rollback to s; release s; commit;
      begin immediate; insert into t values (3); rollback;
      insert into t values (4);`);
    expect(await column(db, 'select a from t')).toEqual([1, 4]);
  });

  it('that fails in a transaction of its own leaves nothing of that', async () => {
    const db = await openPlace();
    await db.script('create table t (a unique)');
    const error = await failure(
      db.script(
        'insert into t values (1); begin; insert into t values (2); insert into t values (1); commit',
      ),
    );
    expect(error.statementIndex).toBe(3);
    expect(await column(db, 'select a from t')).toEqual([1]);
    await db.transaction((tx) => tx.execute('insert into t values (5)'));
    expect(await column(db, 'select a from t')).toEqual([1, 5]);
  });

  it('that does not end its transaction is rolled back and told so', async () => {
    const db = await openPlace();
    await db.script('create table t (a)');
    const error = await failure(
      db.script('insert into t values (1); begin; insert into t values (2)'),
      TransactionError,
    );
    expect(error.code).toBe('TRANSACTION_CONTROL');
    expect(error.message).toContain('which was rolled back');
    expect(await column(db, 'select a from t')).toEqual([1]);
    await db.execute('insert into t values (3)');
    expect(await column(db, 'select a from t')).toEqual([1, 3]);
  });

  it('that ends a transaction which is not open fails there', async () => {
    const db = await openPlace();
    const error = await failure(db.script('create table t (a); commit; create table u (a)'));
    expect(error.message).toContain('no transaction is active');
    expect(error.statementIndex).toBe(1);
    expect(await column(db, 'select name from sqlite_schema')).toEqual(['t']);
  });

  it.each<[string, string, number, object]>([
    ['create table t (a); begin; commit', 'TRANSACTION_CONTROL', 1, { atomic: true }],
    ['create table t (a); insert into t values (?)', 'PARAMETER_INVALID', 1, {}],
    ['create table t (a); insert into t values (:a)', 'PARAMETER_INVALID', 1, { atomic: true }],
    ['create table t (a); explain pragma busy_timeout = 5', 'NOT_SUPPORTED', 1, {}],
    ["create table t (a); select 1; select readfile('x')", 'FUNCTION_REFUSED', 2, {}],
  ])('is looked through before any of it is run: %s', async (sql, code, statementIndex, options) => {
    const db = await openPlace();
    const error = await failure(db.script(sql, options));
    expect(error).toMatchObject({ code, statementIndex });
    expect(error.position?.line).toBe(1);
    if (code === 'PARAMETER_INVALID') expect(error).toBeInstanceOf(ParameterError);
    expect(await column(db, 'select name from sqlite_schema')).toEqual([]);
  });

  it('refuses a file function before anything is run, even in a trigger', async () => {
    const db = await openPlace();
    const file = temporaryFile('x.txt');
    const script = `create table t (a); create trigger w after insert on t begin select writefile('${file}', 'x'); end;
      insert into t values (1);`;
    expect((await failure(db.script(script))).code).toBe('FUNCTION_REFUSED');
    expect(existsSync(file)).toBe(false);
  });

  it.each([42, undefined, null, {}, 'select 1\0; drop table t'])('of %j is refused', async (sql) => {
    const db = await openPlace();
    expect(['PARAMETER_INVALID', 'SQLITE_ERROR']).toContain((await failure(db.script(sql as string))).code);
  });

  it('gives way to the event loop', async () => {
    const db = await openPlace();
    const insert = 'insert into t select value from generate_series(1, 200);';
    const inserts = Array.from({ length: 5000 }, () => insert).join('\n');
    const { outcome, stall } = await withStall(() =>
      db.script(`create table t (a); begin; ${inserts} commit`).then(({ statementCount }) => statementCount),
    );
    expect(outcome).toEqual({ status: 'fulfilled', value: 5003 });
    expect(stall).toBeLessThan(LONGEST_STALL);
    expect(await column(db, 'select count(*) from t')).toEqual([1_000_000]);
  });

  it('may hold what stands outside transactions', async () => {
    const db = await openPlace();
    await db.script('pragma user_version = 7; create table t (a); vacuum; analyze; pragma user_version');
    expect(await column(db, 'pragma user_version')).toEqual([7]);
  });
});

describe('a script whose handle is closed meanwhile', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 400])(
    'does not resolve in its own transaction of %i statements',
    async (count) => {
      const { db, look } = await openFile('create table t (a)');
      await db.transaction((tx) => tx.execute('select 1'));
      for (let i = 0; i < 20; i++) await db.execute('select value from generate_series(1, 1000)');
      // The last one takes long, so that the event loop has its turn after it, and not before.
      for (let i = 0; i < 3; i++) await turn();
      const last = 'select count(*) from generate_series(1, 1000000)';
      const running = db.script(`begin; ${'insert into t values (1);'.repeat(count)} ${last}`);
      const settled = running.then(
        () => undefined,
        (error: { code?: unknown }) => error.code,
      );
      await turn();
      await db.close();
      expect(['DATABASE_CLOSED', 'TRANSACTION_CONTROL']).toContain(await settled);
      expect(look('select count(*) from t')).toEqual([[0]]);
    },
  );

  it('resolves when it had done everything', async () => {
    const { db, look } = await openFile('create table t (a)');
    const running = db.script('begin; insert into t values (1); commit; insert into t values (2)');
    const settled = running.then(
      () => 'done',
      () => 'refused',
    );
    await turn();
    await db.close();
    expect(look('select count(*) from t')).toEqual([[(await settled) === 'done' ? 2 : 0]]);
  });
});

describe('the locks of a script', () => {
  it('are free after it, whether it worked or not', async () => {
    const { db, other, look } = await openFile('create table t (a unique)');
    await db.script('insert into t values (1); insert into t values (2)');
    expect(isWriteLocked(other)).toBe(false);
    await failure(db.script('begin; insert into t values (3); insert into t values (1)'));
    expect(isWriteLocked(other)).toBe(false);
    expect(look('select a from t')).toEqual([[1], [2]]);
  });
});
