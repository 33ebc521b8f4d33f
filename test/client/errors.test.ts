import { createClient as createUpstream, LibsqlError as TheirError } from '@libsql/client';
import { drizzle } from 'drizzle-orm/libsql';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Client, createClient, LibsqlBatchError, LibsqlError } from '../../src/client/index.js';
import { DatabaseError } from '../../src/index.js';
import { temporaryFile } from '../support/database.js';
import { rejection } from '../support/outcome.js';
import { type Sqld, startSqld } from '../support/sqld.js';

const SETUP = `
  drop table if exists child; drop table if exists parent; drop table if exists t;
  create table t (id integer primary key, name text unique, age not null check (age > 0)) strict;
`.replace('not null', 'integer not null');

const insert = (values: string): string => `insert into t (id, name, age) values ${values}`;

/** What goes wrong, and the code of it at every place. */
const MISTAKES: readonly (readonly [
  name: string,
  code: string,
  run: (client: Client) => Promise<unknown>,
])[] = [
  ['a syntax error', 'SQLITE_ERROR', (c) => c.execute('selec 1')],
  ['no such table', 'SQLITE_ERROR', (c) => c.execute('select * from nowhere')],
  ['no such column', 'SQLITE_ERROR', (c) => c.execute('select nope from t')],
  ['no such function', 'SQLITE_ERROR', (c) => c.execute('select nope()')],
  ['a table that exists', 'SQLITE_ERROR', (c) => c.execute('create table t (a)')],
  ['malformed JSON', 'SQLITE_ERROR', (c) => c.execute("select json('{')")],
  ['too large a value', 'SQLITE_TOOBIG', (c) => c.execute('select zeroblob(2000000000)')],
  ['UNIQUE', 'SQLITE_CONSTRAINT', (c) => c.execute(insert("(2, 'a', 1)"))],
  ['PRIMARY KEY', 'SQLITE_CONSTRAINT', (c) => c.execute(insert("(1, 'b', 1)"))],
  ['NOT NULL', 'SQLITE_CONSTRAINT', (c) => c.execute(insert("(2, 'b', null)"))],
  ['CHECK', 'SQLITE_CONSTRAINT', (c) => c.execute(insert("(2, 'b', 0)"))],
  ['a batch', 'SQLITE_CONSTRAINT', (c) => c.batch(['select 1', insert("(1, 'b', 1)")], 'write')],
  ['a read batch', 'SQLITE_CONSTRAINT', (c) => c.batch(['select 1', insert("(2, 'b', null)")])],
  ['a migration', 'SQLITE_CONSTRAINT', (c) => c.migrate(['select 1', insert("(2, 'b', null)")])],
  ['a script', 'SQLITE_CONSTRAINT', (c) => c.executeMultiple(`select 1; ${insert("(2, 'b', null)")}`)],
  [
    'in a transaction',
    'SQLITE_CONSTRAINT',
    (c) => inTransaction(c, (tx) => tx.execute(insert("(1, 'b', 1)"))),
  ],
  ['a batch in one', 'SQLITE_CONSTRAINT', (c) => inTransaction(c, (tx) => tx.batch([insert("(2, 'b', 0)")]))],
  ['after its end', 'TRANSACTION_CLOSED', (c) => inTransaction(c, async (tx) => await afterEnd(tx))],
  ['no statement', 'SQL_NO_STATEMENT', (c) => c.execute('-- nothing')],
  ['two statements', 'SQL_MANY_STATEMENTS', (c) => c.execute('select 1; select 2')],
  ['a value that is missing', 'ARGS_INVALID', (c) => c.execute('select ?, ?', [1])],
  ['a value too many', 'ARGS_INVALID', (c) => c.execute('select ?', [1, 2])],
  ['a client that is closed', 'CLIENT_CLOSED', async (c) => await closed(c)],
];

type Tx = Awaited<ReturnType<Client['transaction']>>;

async function inTransaction(client: Client, run: (tx: Tx) => Promise<unknown>): Promise<unknown> {
  const tx = await client.transaction('write');
  try {
    return await run(tx);
  } finally {
    tx.close();
  }
}

async function afterEnd(tx: Tx): Promise<unknown> {
  await tx.commit();
  return await tx.execute('select 1');
}

async function closed(client: Client): Promise<unknown> {
  client.close();
  return await client.execute('select 1');
}

interface Shape {
  readonly name: string;
  readonly code: string;
  readonly extendedCode?: string;
  readonly rawCode?: number;
  readonly statementIndex?: number;
}

async function shapeOf(
  create: (config: { url: string }) => Client,
  url: string,
  run: (client: Client) => Promise<unknown>,
): Promise<Shape | 'done'> {
  const client = create({ url });
  try {
    await client.executeMultiple(`${SETUP} ${insert("(1, 'a', 1)")}`);
    const outcome = await run(client).then(
      () => 'done' as const,
      (error: unknown) => error as Shape,
    );
    if (outcome === 'done') return outcome;
    const { name, code, extendedCode, rawCode, statementIndex } = outcome;
    if (create === createClient) expect(outcome).toBeInstanceOf(LibsqlError);
    return {
      name,
      code,
      ...(extendedCode && { extendedCode, rawCode }),
      ...(statementIndex !== undefined && { statementIndex }),
    } as Shape;
  } finally {
    client.close();
  }
}

describe('a mistake', () => {
  let server: Sqld;
  const stops: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    server = await startSqld({}, (stop) => stops.push(stop));
  });
  afterAll(async () => {
    await Promise.all(stops.map((stop) => stop()));
  });

  it.each(MISTAKES)('%s has the code %s, on a file and at a server', async (name, code, run) => {
    const ours = await shapeOf(createClient, `file:${temporaryFile()}`, run);
    expect(ours).toMatchObject({ code });
    const theirs = await shapeOf(createUpstream, `file:${temporaryFile()}`, run);
    // The real one takes more on a file than at a server, and has no code for an empty text.
    if (!/^SQL_|^ARGS_/.test(code)) expect(ours).toEqual(theirs);
    for (const url of [server.url, server.wsUrl]) {
      expect(await shapeOf(createClient, url, run)).toEqual(ours);
      const there = (await shapeOf(createUpstream, url, run)) as Shape;
      // It hands on what the server says: no extended code, and other words for an error of the SQL.
      const known = code === 'SQLITE_ERROR' ? /^SQL_PARSE_ERROR$|^SQL_INPUT_ERROR$|^SQLITE_UNKNOWN$/ : /./;
      expect(there.code).toMatch(known);
      if (code !== 'SQLITE_ERROR' && code !== 'CLIENT_CLOSED')
        expect([name, there.code]).toEqual([name, code]);
    }
  });
});

it('the error is a LibsqlError of turso-dialect/client, whose cause is the DatabaseError', async () => {
  const client = createClient({ url: ':memory:' });
  onTestFinished(() => client.close());
  const error = await rejection(client.execute('select * from nowhere'));
  expect(error).toBeInstanceOf(LibsqlError);
  expect(error).not.toBeInstanceOf(LibsqlBatchError);
  // The class of another package, whose import an application changes with that of createClient().
  expect(error).not.toBeInstanceOf(TheirError);
  expect((error as Error).cause).toBeInstanceOf(DatabaseError);
  const wrapped = await rejection(drizzle(client).run('select * from nowhere'));
  expect((wrapped as Error).cause).toBeInstanceOf(LibsqlError);
});
