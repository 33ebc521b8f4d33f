import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Client, createClient } from '@libsql/client';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  BusyError,
  CapabilityError,
  ConstraintError,
  type Database,
  DatabaseError,
  InterruptedError,
  open,
  ReadOnlyError,
  TransactionError,
  TransactionLostError,
} from '../../../src/index.js';
import { fromClient } from '../../../src/database/from-client.js';
import { failure } from '../../support/outcome.js';
import { startSqld } from '../../support/sqld.js';
import { gate, pause } from '../../support/time.js';

async function scene(protocol: 'http' | 'ws'): Promise<{ database: Database; other: Database; url: string }> {
  const sqld = await startSqld();
  const url = protocol === 'http' ? sqld.url : sqld.wsUrl;
  const database = open(url);
  const other = open(sqld.url);
  onTestFinished(async () => {
    await database.close();
    await other.close();
  });
  await database.execute('create table items (name text unique)');
  return { database, other, url };
}

const insert = (on: Pick<Database, 'execute'>, name: string): Promise<unknown> =>
  on.execute('insert into items values (?)', [name]);

async function names(database: Database): Promise<unknown[]> {
  return (
    await database.execute('select name from items order by name', [], { rowMode: 'array' })
  ).rows.flat();
}

const ENDLESS = 'with recursive c(x) as (select 1 union all select x + 1 from c) select count(*) from c';

describe.each(['http', 'ws'] as const)('%s', (protocol) => {
  it('a transaction whose lock was taken away is lost; nothing of it and after it is kept', async () => {
    const { database, other } = await scene(protocol);
    let first: unknown;
    const running = database.transaction(async (tx) => {
      await insert(tx, 'a');
      // Whoever waits for 5 seconds gets the lock.
      await insert(other, 'b');
      first = await failure(insert(tx, 'c'), DatabaseError);
      await insert(tx, 'd');
    });
    const error = await failure(running, TransactionLostError);
    expect(error.cause).toBe(first);
    expect(await names(other)).toEqual(['b']);
  });

  it('a failure that ends the transaction is the last that is run in it', async () => {
    const { database } = await scene(protocol);
    await insert(database, 'a');
    const seen: unknown[] = [];
    const running = database.transaction(async (tx) => {
      await insert(tx, 'b');
      seen.push(await failure(tx.execute("insert or rollback into items values ('a')"), ConstraintError));
      seen.push(await failure(insert(tx, 'c'), TransactionLostError));
    });
    const error = await failure(running, TransactionLostError);
    expect(error.cause).toBe(seen[0]);
    expect(await names(database)).toEqual(['a']);
  });

  it('any other failure leaves it open', async () => {
    const { database } = await scene(protocol);
    await database.transaction(async (tx) => {
      await insert(tx, 'a');
      await failure(insert(tx, 'a'), ConstraintError);
      await failure(tx.execute('select * from missing'), DatabaseError);
      await insert(tx, 'b');
    });
    expect(await names(database)).toEqual(['a', 'b']);
  });

  it('a transaction that has read before somebody else wrote fails at once when it writes, and may be repeated', async () => {
    const { database, other } = await scene(protocol);
    const attempts: number[] = [];
    const upgrade = (name: string, retry: number): Promise<void> =>
      database.transaction(
        async (tx) => {
          await tx.execute('select * from items');
          if (attempts.push(retry) === 1) await insert(other, `before ${name}`);
          const start = performance.now();
          try {
            await insert(tx, name);
          } finally {
            expect(performance.now() - start).toBeLessThan(1_000);
          }
        },
        { behavior: 'deferred', retry },
      );
    const error = await failure(upgrade('a', 0), BusyError);
    expect(error).toMatchObject({ rawCode: 517, retryable: true });
    attempts.length = 0;
    await upgrade('b', 3);
    expect(attempts).toEqual([3, 3]);
    expect(await names(database)).toEqual(['b', 'before a', 'before b']);
    // Nothing keeps the server's lock.
    await insert(other, 'c');
  });

  it("'read' is a snapshot in which nothing can be written", async () => {
    const { database, other } = await scene(protocol);
    await database.transaction(
      async (tx) => {
        expect((await tx.execute('select count(*) as n from items')).rows).toEqual([{ n: 0 }]);
        await insert(other, 'a');
        expect((await tx.execute('select count(*) as n from items')).rows).toEqual([{ n: 0 }]);
        for (const sql of [
          "insert into items values ('b')",
          'create table t (a)',
          'pragma user_version = 7',
        ]) {
          await failure(tx.execute(sql), ReadOnlyError);
        }
      },
      { behavior: 'read' },
    );
    await failure(database.batch(["insert into items values ('b')"], { behavior: 'read' }), ReadOnlyError);
    expect(await names(other)).toEqual(['a']);
  });

  it('a savepoint is undone alone', async () => {
    const { database } = await scene(protocol);
    await database.transaction(async (tx) => {
      const undone = tx.transaction(async (nested) => {
        await insert(nested, 'a');
        throw new Error('no');
      });
      await expect(undone).rejects.toThrow('no');
      await tx.transaction((nested) => insert(nested, 'b'));
      await insert(tx, 'c');
    });
    expect(await names(database)).toEqual(['b', 'c']);
  });

  it('a script may have transactions of its own, and must end them', async () => {
    const { database } = await scene(protocol);
    await database.script("begin; insert into items values ('a'); commit; insert into items values ('b')");
    await failure(database.script("begin; insert into items values ('c')"), TransactionError);
    await failure(
      database.script("begin; insert into items values ('d'); insert into items values ('a')"),
      ConstraintError,
    );
    expect(await names(database)).toEqual(['a', 'b']);
    await insert(database, 'e');
    expect(await names(database)).toEqual(['a', 'b', 'e']);
  });

  it('a setting of a connection is refused where it would be lost, and holds in a script', async () => {
    const { database } = await scene(protocol);
    for (const pragma of ['foreign_keys = off', 'defer_foreign_keys = on']) {
      expect((await failure(database.execute(`pragma ${pragma}`), CapabilityError)).capability).toBe(
        'pragma',
      );
    }
    await database.script(`
      create table children (item text references items (name));
      pragma foreign_keys = off;
      insert into children values ('nobody')`);
    expect((await database.execute('select * from children')).rows).toEqual([{ item: 'nobody' }]);
    await failure(database.execute("insert into children values ('no one')"), ConstraintError);
    expect((await database.execute('pragma foreign_keys')).rows).toEqual([{ foreign_keys: 1 }]);
  });

  it('a connection that was used and rests for a while is none the worse', async () => {
    const { database } = await scene(protocol);
    await database.script('pragma foreign_keys = off; select 1');
    await database.transaction((tx) => insert(tx, 'a'));
    // A server forgets a stream of HTTP after 10 seconds.
    await pause(11_000);
    await database.transaction((tx) => insert(tx, 'b'));
    await database.script("insert into items values ('c')");
    expect(await names(database)).toEqual(['a', 'b', 'c']);
  });

  it('an abort stops the statement on the server', async () => {
    const { database, other } = await scene(protocol);
    const abort = new AbortController();
    const running = database.transaction(async (tx) => {
      await insert(tx, 'a');
      setTimeout(() => abort.abort(), 100);
      await tx.execute(ENDLESS, [], { signal: abort.signal });
    });
    expect((await failure(running, InterruptedError)).code).toBe('ABORTED');
    if (protocol === 'ws') return;
    // Its lock is free at once, not after the 5 seconds that a lock can be kept.
    const start = performance.now();
    await insert(other, 'b');
    expect(performance.now() - start).toBeLessThan(4_000);
    expect(await names(other)).toEqual(['b']);
  });

  it('an abort of one leaves the others alone', async () => {
    const { database } = await scene(protocol);
    const stopped = database.execute(ENDLESS, [], { timeout: 150 });
    const kept = Array.from({ length: 10 }, () => database.execute('select 1 as one'));
    expect((await failure(stopped, InterruptedError)).code).toBe('TIMEOUT');
    for (const { rows } of await Promise.all(kept)) expect(rows).toEqual([{ one: 1 }]);
  });

  it('hundreds of calls at a time stay below what the server allows', async () => {
    const { database } = await scene(protocol);
    const calls: Promise<unknown>[] = [];
    for (let i = 0; i < 300; i++) {
      calls.push(database.execute('select ?', [i]));
      if (i % 5 === 0) calls.push(database.transaction((tx) => tx.execute('select 1'), { behavior: 'read' }));
    }
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([]);
  });

  it('a result that is larger than the server sends at once can be streamed', async () => {
    const { database } = await scene(protocol);
    const sql =
      "with recursive c(x) as (select 1 union all select x + 1 from c limit 30) select x, printf('%.*c', 500000, 'x') as s from c";
    let rows = 0;
    for await (const { s } of database.stream(sql)) {
      expect(String(s).length).toBe(500_000);
      rows++;
    }
    expect(rows).toBe(30);
  });

  it('a stream that is left is stopped', async () => {
    const { database } = await scene(protocol);
    const endless = 'with recursive c(x) as (select 1 union all select x + 1 from c) select x from c';
    for (let i = 0; i < 30; i++) {
      for await (const { x } of database.stream(endless)) {
        if (Number(x) > 10) break;
      }
    }
    expect((await database.execute('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  it('writers queue at the server', async () => {
    const { database, other } = await scene(protocol);
    const free = gate();
    const holding = database.transaction(async (tx) => {
      await insert(tx, 'a');
      await free.opened;
    });
    const waiting = insert(other, 'b');
    await pause(200);
    free.open();
    await holding;
    await waiting;
    expect(await names(other)).toEqual(['a', 'b']);
  });
});

it('a transaction that rests too long is ended by the server, over http', async () => {
  const { database, other } = await scene('http');
  let first: unknown;
  const running = database.transaction(async (tx) => {
    await insert(tx, 'a');
    await pause(12_000);
    first = await failure(insert(tx, 'b'), DatabaseError);
    await insert(tx, 'c');
  });
  expect((await failure(running, TransactionLostError)).cause).toBe(first);
  expect(first).toBeInstanceOf(TransactionLostError);
  expect(await names(other)).toEqual([]);
});

describe('a client that was handed in', () => {
  async function withClient(use: (client: Client, database: Database) => Promise<void>): Promise<void> {
    const { url } = await scene('http');
    const client = createClient({ url });
    onTestFinished(() => client.close());
    await use(client, fromClient(client));
  }

  it('fails at once when it writes in a transaction that has read before somebody else wrote', async () => {
    await withClient(async (client, database) => {
      const start = performance.now();
      const upgrade = database.transaction(
        async (tx) => {
          await tx.execute('select * from items');
          await client.execute("insert into items values ('before')");
          await insert(tx, 'a');
        },
        { behavior: 'deferred' },
      );
      expect(await failure(upgrade, BusyError)).toMatchObject({ rawCode: 517, retryable: true });
      expect(performance.now() - start).toBeLessThan(2_000);
    });
  });

  it('stays open when the database is closed', async () => {
    await withClient(async (client, database) => {
      await insert(database, 'a');
      await database.close();
      expect((await client.execute('select name from items')).rows[0]?.['name']).toBe('a');
    });
  });

  it('can not be stopped, and says so', async () => {
    await withClient(async (_, database) => {
      for (const call of [
        () => database.execute('select 1', [], { timeout: 1_000 }),
        () => database.batch(['select 1'], { signal: new AbortController().signal }),
        () => database.transaction((tx) => tx.execute('select 1'), { timeout: 1_000 }),
      ]) {
        expect((await failure(call, CapabilityError)).capability).toBe('interrupt');
      }
    });
  });

  it('of a file works by its public methods', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'turso-client-'));
    const client = createClient({ url: `file:${folder}/a.db` });
    onTestFinished(() => {
      client.close();
      rmSync(folder, { recursive: true, force: true });
    });
    const database = fromClient(client);
    await database.script('create table items (name text not null unique)');
    await database.transaction(async (tx) => {
      await insert(tx, 'a');
      await tx.transaction((inner) => insert(inner, 'b'));
    });
    const failing = database.transaction(async (tx) => {
      await insert(tx, 'c');
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(
      (await client.execute('select name from items order by name')).rows.map(({ name }) => name),
    ).toEqual(['a', 'b']);
    expect(await failure(insert(database, 'a'), DatabaseError)).toMatchObject({
      kind: 'constraint',
      extendedCode: 'SQLITE_CONSTRAINT_UNIQUE',
      table: 'items',
    });
  });

  it('of a memory database has one connection, which statements wait for', async () => {
    const client = createClient({ url: ':memory:' });
    onTestFinished(() => client.close());
    const database = fromClient(client);
    await database.execute('create table items (name text not null)');
    const holding = database.transaction(async (tx) => {
      await insert(tx, 'a');
      await pause(100);
      await insert(tx, 'b');
    });
    await pause(20);
    const outside = database.execute('select count(*) as n from items');
    const second = database.transaction((tx) => insert(tx, 'c'));
    await holding;
    await second;
    expect((await outside).rows[0]).not.toEqual({ n: 0 });
    expect((await database.execute('select count(*) as n from items')).rows).toEqual([{ n: 3 }]);
  });
});
