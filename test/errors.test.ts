import { describe, expect, it } from 'vitest';
import { findDatabaseError, isLockWait, suppress } from '../src/errors.js';
import { fromEngineFailure } from '../src/result-codes.js';
import * as errors from '../src/errors.js';
import { openFile, openMemory } from './support/database.js';
import { failure } from './support/outcome.js';

const { BusyError, ConstraintError, DatabaseError, InterruptedError, ReadOnlyError } = errors;

describe('a result code of the engine', () => {
  it.each([
    [5, BusyError, 'SQLITE_BUSY', undefined, 'busy', true],
    [261, BusyError, 'SQLITE_BUSY', 'SQLITE_BUSY_RECOVERY', 'busy', true],
    [517, BusyError, 'SQLITE_BUSY', 'SQLITE_BUSY_SNAPSHOT', 'busy', true],
    [6, BusyError, 'SQLITE_LOCKED', undefined, 'busy', false],
    [262, BusyError, 'SQLITE_LOCKED', 'SQLITE_LOCKED_SHAREDCACHE', 'busy', true],
    [8, ReadOnlyError, 'SQLITE_READONLY', undefined, 'readonly', false],
    [9, InterruptedError, 'SQLITE_INTERRUPT', undefined, 'interrupted', false],
    [11, DatabaseError, 'SQLITE_CORRUPT', undefined, 'corrupt', false],
    [26, DatabaseError, 'SQLITE_NOTADB', undefined, 'corrupt', false],
    [10, DatabaseError, 'SQLITE_IOERR', undefined, 'io', false],
    [14, DatabaseError, 'SQLITE_CANTOPEN', undefined, 'io', false],
    [13, DatabaseError, 'SQLITE_FULL', undefined, 'full', false],
    [1, DatabaseError, 'SQLITE_ERROR', 'SQLITE_ERROR', 'sql', false],
    [18, DatabaseError, 'SQLITE_TOOBIG', 'SQLITE_TOOBIG', 'sql', false],
    [23, DatabaseError, 'SQLITE_AUTH', 'SQLITE_AUTH', 'sql', false],
    [250, DatabaseError, 'SQLITE_ERROR', undefined, 'sql', false],
  ])('%i becomes its class', (rawCode, type, code, extendedCode, kind, retryable) => {
    const error = fromEngineFailure({ rawCode, message: 'm', sql: 'select 1' });
    expect(error).toBeInstanceOf(type);
    expect(error).toMatchObject({
      rawCode,
      code,
      extendedCode,
      kind,
      retryable,
      sql: 'select 1',
      message: 'm',
    });
  });

  it('tells waiting from starting again', () => {
    expect(isLockWait(fromEngineFailure({ rawCode: 5, message: '' }))).toBe(true);
    expect(isLockWait(fromEngineFailure({ rawCode: 262, message: '' }))).toBe(true);
    expect(isLockWait(fromEngineFailure({ rawCode: 517, message: '' }))).toBe(false);
    expect(isLockWait(fromEngineFailure({ rawCode: 6, message: '' }))).toBe(false);
    expect(isLockWait(new Error('SQLITE_BUSY'))).toBe(false);
  });
});

describe('a broken constraint', () => {
  const SCHEMA = `
    create table parent (id integer primary key);
    create table users (
      id integer primary key, slug text not null, team text, age integer constraint positive_age check (age > 0),
      parent integer references parent(id));
    create unique index users_team_slug on users (team, slug);
    create unique index users_lower on users (lower(slug)) where age = 99;
    create table pairs (a text, b text, primary key (a, b)) without rowid;
    create table typed (n integer) strict;
    create trigger no_zed before insert on users when new.slug = 'zed' begin select raise(abort, 'no zeds'); end;
    insert into users (id, slug, team, age) values (1, 'ada', 't', 99);
    insert into pairs values ('a', 'b');`;

  it.each([
    [
      "insert into users (slug, team) values ('ada', 't')",
      {
        constraint: 'unique',
        table: 'users',
        columns: ['team', 'slug'],
        index: 'users_team_slug',
        rawCode: 2067,
      },
    ],
    [
      "insert into users (slug, age) values ('ADA', 99)",
      { constraint: 'unique', table: undefined, columns: [], index: 'users_lower', rawCode: 2067 },
    ],
    [
      "insert into users (id, slug) values (1, 'x')",
      { constraint: 'primaryKey', table: 'users', columns: ['id'], index: undefined, rawCode: 1555 },
    ],
    [
      "insert into pairs values ('a', 'b')",
      {
        constraint: 'primaryKey',
        table: 'pairs',
        columns: ['a', 'b'],
        index: 'sqlite_autoindex_pairs_1',
        rawCode: 1555,
      },
    ],
    [
      'insert into users (slug) values (null)',
      { constraint: 'notNull', table: 'users', columns: ['slug'], index: undefined, rawCode: 1299 },
    ],
    [
      "insert into users (slug, age) values ('b', -1)",
      { constraint: 'check', table: undefined, columns: [], index: 'positive_age', rawCode: 275 },
    ],
    [
      "insert into users (slug, parent) values ('b', 7)",
      { constraint: 'foreignKey', table: undefined, columns: [], index: undefined, rawCode: 787 },
    ],
    [
      "insert into users (slug) values ('zed')",
      {
        constraint: 'trigger',
        table: undefined,
        columns: [],
        index: undefined,
        rawCode: 1811,
        message: 'no zeds',
      },
    ],
    [
      "insert into typed values ('x')",
      { constraint: 'datatype', table: 'typed', columns: ['n'], index: undefined, rawCode: 3091 },
    ],
  ])('%s tells all that SQLite tells', async (sql, details) => {
    const db = await openMemory(SCHEMA);
    const expected = { ...details, code: 'SQLITE_CONSTRAINT', kind: 'constraint', retryable: false, sql };
    expect(await failure(db.execute(sql), ConstraintError)).toMatchObject(expected);
    expect(
      await failure(
        db.transaction((tx) => tx.execute(sql)),
        ConstraintError,
      ),
    ).toMatchObject(expected);
    expect(await failure(db.batch([sql]), ConstraintError)).toMatchObject({ ...expected, statementIndex: 0 });
    expect(await failure(db.execute(sql, [], { timeout: 10_000 }), ConstraintError)).toMatchObject(expected);
  });

  it('is the same on a file', async () => {
    const { db } = await openFile(SCHEMA);
    const sql = "insert into users (slug, team) values ('ada', 't')";
    const named = { index: 'users_team_slug', table: 'users', columns: ['team', 'slug'] };
    expect(await failure(db.execute(sql), ConstraintError)).toMatchObject(named);
    expect(await failure(db.execute(sql, [], { timeout: 10_000 }), ConstraintError)).toMatchObject(named);
    expect(
      await failure(
        db.transaction((tx) => tx.execute(sql)),
        ConstraintError,
      ),
    ).toMatchObject(named);
  });

  it('never shows the value that broke it', async () => {
    const db = await openMemory(SCHEMA);
    await db.execute('insert into users (slug, team) values (?, ?)', ['s3cret', 's3cret']);
    const error = await failure(
      db.execute('insert into users (slug, team) values (?, ?)', ['s3cret', 's3cret']),
      ConstraintError,
    );
    expect(`${error.message} ${JSON.stringify(error)}`).not.toContain('s3cret');
  });
});

describe('errors of the database', () => {
  it('carry the statement and the message of SQLite', async () => {
    const db = await openMemory();
    const error = await failure(db.execute('select * from missing'));
    expect(error).toMatchObject({
      code: 'SQLITE_ERROR',
      kind: 'sql',
      rawCode: 1,
      sql: 'select * from missing',
    });
    expect(error.message).toContain('no such table: missing');
  });

  it.each([
    ['', 'NO_STATEMENT'],
    ['  \n ;; -- nothing\n', 'NO_STATEMENT'],
    ['select 1; select 2', 'MULTIPLE_STATEMENTS'],
    ['select 1; garbage', 'MULTIPLE_STATEMENTS'],
    ['selec 1', 'SQLITE_ERROR'],
    ["select 'a\0b'", 'SQLITE_ERROR'],
  ])('refuse the text %j', async (sql, code) => {
    const db = await openMemory();
    expect((await failure(db.execute(sql))).code).toBe(code);
    expect((await failure(async () => db.prepare(sql).all())).code).toBe(code);
  });

  it('refuse what is no text', async () => {
    const db = await openMemory();
    expect((await failure(db.execute(42 as never))).message).toContain('must be a string, got number');
  });

  it('have a name of their own, also for a class without its constructor name', () => {
    for (const [name, type] of Object.entries(errors)) {
      if (typeof type !== 'function' || !(type.prototype instanceof Error)) continue;
      expect(type.prototype.name).toBe(name);
    }
  });
});

describe('an error in an error', () => {
  it('is found through its causes', () => {
    const ours = fromEngineFailure({ rawCode: 5, message: 'locked' });
    expect(findDatabaseError(new Error('a', { cause: new Error('b', { cause: ours }) }))).toBe(ours);
    expect(findDatabaseError(new Error('a'))).toBeUndefined();
    expect(findDatabaseError('text')).toBeUndefined();
  });

  it('is not sought for ever in a circle', () => {
    const circle = new Error('circle');
    circle.cause = circle;
    expect(findDatabaseError(circle)).toBeUndefined();
  });

  it('keeps what failed later', () => {
    const first = fromEngineFailure({ rawCode: 5, message: 'first' });
    const later = new Error('later');
    suppress(new Error('wrapped', { cause: first }), later);
    expect(first.suppressed).toEqual([later]);
  });
});
