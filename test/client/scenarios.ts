import type { Client, LibsqlError } from '../../src/client/index.js';
import { rejection } from '../support/outcome.js';

/** What a call fails with, as far as both packages tell the same. */
export async function failureOf(call: Promise<unknown>): Promise<unknown> {
  const error = (await rejection(call)) as LibsqlError & { statementIndex?: number };
  const { name, code, extendedCode, rawCode, statementIndex, message } = error;
  // That of a batch has its code twice in `@libsql/client` 0.18.
  const told = message.replace(`${code}: ${code}: `, `${code}: `);
  return { name, code, extendedCode, rawCode, statementIndex, message: told };
}

export const bytes = new Uint8Array([0, 1, 255]);
export const SETUP = 'create table t (id integer primary key, a, name text unique)';

/** What is run on a client of `@libsql/client` and on one of this package, and must give the same. */
export const SCENARIOS: Readonly<Record<string, (client: Client) => Promise<unknown>>> = {
  'values of every kind': async (client) => {
    const args = [null, 1.5, 7n, 'x', true, new Date(12), bytes, bytes.buffer];
    const { rows } = await client.execute('select ? a, ? b, ? c, ? d, ? e, ? f, ? g, ? h', args);
    const [row] = rows;
    return [row, Array.from(row ?? []), Object.keys(row ?? {}), row?.['g'] instanceof ArrayBuffer];
  },
  'names of parameters': async (client) => {
    const sql = 'select :a a, @b b, $c c';
    return [
      (await client.execute({ sql, args: { a: 1, b: 2, c: 3 } })).rows,
      (await client.execute({ sql, args: { ':a': 1, '@b': 2, $c: 3 } })).rows,
      (await client.execute(sql, { a: 1, b: 2, c: 3 })).rows,
    ];
  },
  'columns of one name': async (client) => {
    const { columns, rows } = await client.execute('select 1 as a, 2 as a, 3 as b');
    return [columns, rows, rows[0]?.[1], rows[0]?.length];
  },
  'columns named like an index or the length': async (client) => {
    const texts = [
      'select 1, 2',
      'select 5 as "1", 6 as "0"',
      "select 'a', 'b' as \"0\", 'c' as length",
      'select 7 as "0"',
    ];
    const results = await client.batch(texts);
    return results.map(({ columns, rows: [row] }) => [
      ...[columns, Array.from(row ?? []), row?.length, row?.['1'], row?.['2'], row?.['0']],
    ]);
  },
  'declared types': async (client) => {
    const { columns, columnTypes } = await client.execute('select id, name, 1 from t');
    return [columns, columnTypes];
  },
  'an insert': async (client) => {
    const result = await client.execute("insert into t (a) values ('x'), ('y')");
    return [result.rowsAffected, result.lastInsertRowid, JSON.stringify(result)];
  },
  'JSON of rows': async (client) => JSON.stringify(await client.execute("select 1, 'a', x'00ff', null, 2.5")),
  'a batch': async (client) => {
    const results = await client.batch(
      [
        ['insert into t (a) values (?)', [5.5]],
        { sql: 'select a from t where a > :a', args: { a: 1 } },
        'select 2',
      ],
      'write',
    );
    return results.map(({ rows, rowsAffected }) => [rows, rowsAffected]);
  },
  'a batch that fails': async (client) => {
    const batch = client.batch(["insert into t (name) values ('a')", "insert into t (name) values ('a')"]);
    return [await failureOf(batch), (await client.execute('select * from t')).rows.length];
  },
  'a batch with an unknown mode': async (client) =>
    await client.batch(['select 1'], 'sometimes' as 'read').then(
      () => 'done',
      () => 'refused',
    ),
  'a broken constraint': async (client) => {
    await client.execute("insert into t (name) values ('a')");
    return [
      await failureOf(client.execute("insert into t (name) values ('a')")),
      await failureOf(client.execute('insert into t (id) values (1)')),
    ];
  },
  'a table that is not there': async (client) => await failureOf(client.execute('select * from nowhere')),
  'a commit': async (client) => {
    const tx = await client.transaction('write');
    await tx.execute({ sql: 'insert into t (a) values (?)', args: ['x'] });
    const inside = (await tx.execute('select count(*) from t')).rows[0]?.[0];
    const open = tx.closed;
    await tx.commit();
    return [inside, open, tx.closed, (await client.execute('select a from t')).rows];
  },
  'a rollback and a close': async (client) => {
    const states: unknown[] = [];
    for (const end of ['rollback', 'close'] as const) {
      const tx = await client.transaction();
      await tx.execute("insert into t (a) values ('x')");
      await tx[end]();
      tx.close();
      await tx.rollback();
      states.push(tx.closed, await failureOf(tx.execute('select 1')), await failureOf(tx.commit()));
    }
    return [states, (await client.execute('select a from t')).rows];
  },
  'a batch in a transaction that fails': async (client) => {
    const tx = await client.transaction('deferred');
    const error = await failureOf(
      tx.batch(["insert into t (a) values ('x')", 'insert into nowhere values (1)']),
    );
    await tx.commit();
    return [error, (await client.execute('select a from t')).rows];
  },
  'a script': async (client) => {
    await client.executeMultiple(
      'insert into t (a) values (1); begin; insert into t (a) values (2); commit; -- end',
    );
    const failed = await failureOf(
      client.executeMultiple('insert into t (a) values (3); insert into nowhere values (1)'),
    );
    const tx = await client.transaction();
    await tx.executeMultiple('insert into t (a) values (4); insert into t (a) values (5)');
    await tx.commit();
    return [(failed as LibsqlError).code, (await client.execute('select a from t order by id')).rows];
  },
  'a migration that rebuilds a table': async (client) => {
    await client.executeMultiple(`pragma foreign_keys = on; insert into t (id) values (1);
      create table child (t integer references t (id) on delete cascade); insert into child values (1)`);
    const results = await client.migrate([
      'create table t2 (id integer primary key, a, name text unique)',
      { sql: 'insert into t2 (id, a) select id, ? from t', args: ['new'] },
      'drop table t',
      'alter table t2 rename to t',
    ]);
    const failed = await failureOf(client.migrate(['drop table child', 'drop table nowhere']));
    return [
      results.length,
      failed,
      (await client.execute('select child.t, a from child join t on t.id = child.t')).rows,
      (await client.execute('pragma foreign_keys')).rows[0]?.[0],
    ];
  },
  'a client that is closed': async (client) => {
    const states: unknown[] = [client.protocol, client.closed];
    client.close();
    states.push(
      client.closed,
      await failureOf(client.execute('select 1')),
      await failureOf(client.batch(['select 1'])),
    );
    await client.reconnect();
    return [states, client.closed, (await client.execute('select count(*) as n from t')).rows];
  },
};
