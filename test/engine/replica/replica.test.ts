import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import NativeDatabase from 'libsql';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  AuthError,
  ConfigError,
  ConstraintError,
  DatabaseError,
  EncryptionKeyError,
  NetworkError,
  open,
  ReadOnlyError,
  SyncError,
  TransactionLostError,
} from '../../../src/index.js';
import { makeIssuer } from '../../support/jwt.js';
import { collect, failure } from '../../support/outcome.js';
import { namesIn, replicaScene } from '../../support/replica.js';
import { LONGEST_STALL, pause, withStall } from '../../support/time.js';

describe('where a statement is run', () => {
  it('reads ask nobody but the file', async () => {
    const { open: connect, proxy, add } = await replicaScene();
    await add('a', 'b');
    const database = connect();
    await database.ready();
    await proxy.reset();
    expect(await namesIn(database)).toEqual(['a', 'b']);
    await database.transaction((tx) => namesIn(tx), { behavior: 'read' });
    await database.batch(['select 1', 'select 2']);
    await collect(database.stream('select * from items'));
    await database.execute('pragma table_info(items)');
    expect(await proxy.roundTrips()).toBe(0);
  });

  it('writes are done by the server and seen by the reads after them', async () => {
    const { open: connect, outside } = await replicaScene();
    const database = connect();
    const result = await database.execute("insert into items (name) values ('a') returning id");
    expect(result.rows).toEqual([{ id: 1 }]);
    expect(await namesIn(database)).toEqual(['a']);
    await database.batch(["insert into items (name) values ('b')", 'select 1']);
    expect(await namesIn(database)).toEqual(['a', 'b']);
    await database.transaction(async (tx) => {
      await tx.execute("insert into items (name) values ('c')");
      expect(await namesIn(tx)).toEqual(['a', 'b', 'c']);
      expect(await namesIn(database)).toEqual(['a', 'b']);
    });
    expect(await namesIn(database)).toEqual(['a', 'b', 'c']);
    await database.script(
      "begin; insert into items (name) values ('d'); commit; insert into items (name) values ('e')",
    );
    expect(await namesIn(database)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect((await outside.execute('select count(*) as n from items')).rows[0]?.['n']).toBe(5);
  });

  it('a transaction that only read costs no sync', async () => {
    const { open: connect } = await replicaScene();
    let syncs = 0;
    const database = connect({ onSync: () => syncs++ });
    await database.ready();
    await database.transaction((tx) => namesIn(tx));
    await database.transaction((tx) => namesIn(tx), { behavior: 'read' });
    expect(syncs).toBe(1);
  });

  it('a script of many writes is synced once', async () => {
    const { open: connect } = await replicaScene();
    let syncs = 0;
    const database = connect({ onSync: () => syncs++ });
    await database.ready();
    await database.script(
      "insert into items (name) values ('a'); insert into items (name) values ('b'); select 1",
    );
    expect(syncs).toBe(2);
    expect(await namesIn(database)).toEqual(['a', 'b']);
  });

  it('a statement that is run again gives the rows of its new values', async () => {
    const { open: connect, add } = await replicaScene();
    await add('a', 'b', 'c');
    const database = connect();
    const statement = database.prepare('select name from items where id = ?');
    for (const [id, name] of [
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
      [1, 'a'],
    ] as const) {
      expect(await statement.all([id])).toEqual([{ name }]);
    }
    await add('d');
    await database.sync();
    expect(await statement.all([4])).toEqual([{ name: 'd' }]);
  });

  it('named parameters reach the server, which ended the process in the binding', async () => {
    const { open: connect } = await replicaScene();
    const database = connect();
    await database.execute('insert into items (id, name) values (:id, @name)', { id: 7, name: 'a' });
    const { rows } = await database.execute('select * from items where id = $id', { id: 7 });
    expect(rows).toEqual([{ id: 7, name: 'a' }]);
  });

  it('a broken rule is told as on a file', async () => {
    const { open: connect } = await replicaScene();
    const database = connect();
    await database.script(
      "create unique index by_name on items (name); insert into items (name) values ('a')",
    );
    const unique = await failure(database.execute("insert into items (name) values ('a')"), ConstraintError);
    expect(unique).toMatchObject({
      constraint: 'unique',
      table: 'items',
      columns: ['name'],
      index: 'by_name',
    });
    const key = await failure(database.execute("insert into items values (1, 'b')"), ConstraintError);
    expect(key).toMatchObject({ constraint: 'primaryKey' });
  });

  it("'read' is a snapshot of the file in which nothing can be written", async () => {
    const { open: connect, add } = await replicaScene();
    const database = connect();
    await database.transaction(
      async (tx) => {
        expect(await namesIn(tx)).toEqual([]);
        await add('a');
        await failure(tx.execute("insert into items (name) values ('b')"), ReadOnlyError);
        expect(await namesIn(tx)).toEqual([]);
      },
      { behavior: 'read' },
    );
    await database.sync();
    expect(await namesIn(database)).toEqual(['a']);
  });

  it('a transaction does not outlive its server, and nothing of it is kept', async () => {
    const { open: connect, sqld, outside } = await replicaScene();
    const database = connect({ networkRetry: 0 });
    await database.ready();
    const running = database.transaction(async (tx) => {
      await tx.execute("insert into items (name) values ('a')");
      await sqld.stop();
      await failure(tx.execute("insert into items (name) values ('b')"), DatabaseError);
      await sqld.start();
      await tx.execute("insert into items (name) values ('c')");
    });
    await failure(running, TransactionLostError);
    expect((await outside.execute('select * from items')).rows).toEqual([]);
  });
});

describe('opening', () => {
  it('fails while the server is away, with the reason', async () => {
    const { open: connect, proxy } = await replicaScene();
    await connect().ready();
    await proxy.refuse();
    const error = await failure(
      connect({ name: 'other', networkRetry: 0 }).execute('select 1'),
      NetworkError,
    );
    expect(error.reached).toBe(false);
    await failure(connect({ networkRetry: 0 }).execute('select 1'), NetworkError);
    await proxy.listen();
  });

  it("with 'serve-stale' serves what is there, and tries the server again", async () => {
    const { open: connect, proxy, add } = await replicaScene();
    await add('a');
    const first = connect();
    await first.ready();
    await first.close();
    await proxy.refuse();
    await add('b');
    const events: string[] = [];
    const database = connect({
      startup: 'serve-stale',
      networkRetry: 0,
      onSync: ({ trigger }) => events.push(trigger),
      onSyncError: (_error, trigger) => events.push(`failed ${trigger}`),
    });
    expect(await namesIn(database)).toEqual(['a']);
    expect(database.syncStatus()).toMatchObject({ state: 'stale', lastSyncAt: undefined });
    expect(database.syncStatus().lastError).toBeInstanceOf(NetworkError);
    await failure(database.execute("insert into items (name) values ('c')"), NetworkError);
    await proxy.listen();
    await expect.poll(() => database.syncStatus().state, { timeout: 10_000 }).toBe('synced');
    expect(events[0]).toBe('failed startup');
    expect(events.at(-1)).toBe('reconnect');
    expect(await namesIn(database)).toEqual(['a', 'b']);
    await database.execute("insert into items (name) values ('d')");
    expect(await namesIn(database)).toEqual(['a', 'b', 'd']);
  });

  it("with 'serve-stale' serves what is there where nothing can be written", async () => {
    const { open: connect, folder, add } = await replicaScene();
    await add('a');
    const first = connect();
    await first.ready();
    await first.close();
    // As on a disk that is only read.
    rmSync(path.join(folder, 'replica.db-owner'), { force: true });
    mkdirSync(path.join(folder, 'replica.db-owner'));
    const error = await failure(connect().ready(), SyncError);
    expect(error.message).toContain('-owner');
    expect(await namesIn(connect({ startup: 'serve-stale' }))).toEqual(['a']);
  });

  it("with 'serve-stale' there must be something to serve", async () => {
    const { open: connect, proxy } = await replicaScene();
    await proxy.refuse();
    await failure(connect({ startup: 'serve-stale', networkRetry: 0 }).execute('select 1'), NetworkError);
    await proxy.listen();
  });

  it('does not hang on a server that swallows everything, and leaves the event loop free', async () => {
    const { open: connect, proxy } = await replicaScene();
    await proxy.fail({ kind: 'half-open' });
    const { outcome, stall } = await withStall(() => connect().execute('select 1', [], { timeout: 500 }));
    expect(outcome.status).toBe('rejected');
    expect(stall).toBeLessThan(LONGEST_STALL);
    await proxy.heal();
  });

  it('can be tried again', async () => {
    const { open: connect, proxy, add } = await replicaScene();
    await add('a');
    await proxy.refuse();
    const database = connect({ networkRetry: 0 });
    await failure(database.execute('select 1'), NetworkError);
    await proxy.listen();
    expect(await namesIn(database)).toEqual(['a']);
  });

  it.each<[string, (file: string) => void]>([
    [
      'a database of its own',
      (file) => {
        const native = new NativeDatabase(file);
        native.exec('create table mine (a); insert into mine values (1)');
        native.close();
      },
    ],
    ['a file that is no database', (file) => writeFileSync(file, 'my novel')],
    [
      'an index whose database was deleted',
      (file) => writeFileSync(`${file}-client_wal_index`, Buffer.alloc(32)),
    ],
    ['a log whose database was deleted', (file) => writeFileSync(`${file}-wal`, 'log')],
  ])('refuses %s and leaves it as it is', async (_, prepare) => {
    const { open: connect, folder } = await replicaScene();
    const file = path.join(folder, 'replica.db');
    prepare(file);
    const bytes = existsSync(file) ? readFileSync(file) : undefined;
    for (const startup of ['require-sync', 'serve-stale'] as const) {
      const error = await failure(connect({ startup }).execute('select 1'), SyncError);
      expect(error.code).toBe('NOT_A_REPLICA');
    }
    expect(existsSync(file) ? readFileSync(file) : undefined).toEqual(bytes);
  });

  it('refuses a replica whose database was deleted, which would be an empty one', async () => {
    const { open: connect, folder, add } = await replicaScene();
    await add('a');
    const first = connect();
    await first.ready();
    await first.close();
    rmSync(path.join(folder, 'replica.db'));
    const error = await failure(connect().execute('select 1'), SyncError);
    expect(error.message).toContain('delete');
    for (const rest of ['-client_wal_index', '-wal', '-shm']) {
      rmSync(path.join(folder, `replica.db${rest}`), { force: true });
    }
    expect(await namesIn(connect())).toEqual(['a']);
  });

  it('takes any path', async () => {
    const { open: connect, add } = await replicaScene();
    await add('a');
    expect(await namesIn(connect({ name: 'a b%20?#ä' }))).toEqual(['a']);
  });
});

describe('tokens', () => {
  it('that the server does not take are an AuthError at once', async () => {
    const issuer = makeIssuer();
    const { open: connect } = await replicaScene({ publicKey: issuer.publicKey, token: issuer.token() });
    for (const authToken of ['n0nsense', issuer.token({ seconds: -7_200 })]) {
      const error = await failure(connect({ authToken }).execute('select 1'), AuthError);
      expect(error.message).not.toContain(authToken);
    }
    await failure(connect({ authToken: () => 'a\nb' }).execute('select 1'), ConfigError);
  });

  it('are replaced before they expire, for the sync too', async () => {
    const issuer = makeIssuer();
    const { open: connect, outside } = await replicaScene({
      publicKey: issuer.publicKey,
      token: issuer.token(),
    });
    let asked = 0;
    const database = connect({
      authToken: () => {
        asked++;
        return issuer.token({ seconds: 2 });
      },
    });
    await database.ready();
    await pause(1_500);
    const before = asked;
    await outside.execute("insert into items (name) values ('a')");
    await database.sync();
    expect(await namesIn(database)).toEqual(['a']);
    expect(asked).toBeGreaterThan(before);
  });
});

it('each sync has the token of its moment', { timeout: 60_000 }, async () => {
  const issuer = makeIssuer();
  const scene = await replicaScene({ publicKey: issuer.publicKey, token: issuer.token() });
  const state = { seconds: 2 };
  const database = scene.open({
    afterWrite: 'none',
    authToken: () => issuer.token({ seconds: state.seconds }),
  });
  await database.ready();
  state.seconds = -7_200;
  await pause(1_500);
  await failure(database.sync(), AuthError);
  state.seconds = 3_600;
  await scene.add('a');
  await database.sync();
  expect(await namesIn(database)).toEqual(['a']);
});

describe('encryption', () => {
  it('keeps the file unreadable without its key', async () => {
    const { open: connect, folder, add } = await replicaScene();
    await add('s3cret-row');
    const database = connect({ encryptionKey: 'k3y'.repeat(11) });
    expect(await namesIn(database)).toEqual(['s3cret-row']);
    await database.execute("insert into items (name) values ('b')");
    expect(await namesIn(database)).toEqual(['s3cret-row', 'b']);
    await database.freeze(path.join(folder, 'copy.db'));
    await database.close();
    for (const name of ['replica.db', 'replica.db-wal', 'copy.db']) {
      const file = path.join(folder, name);
      if (existsSync(file)) expect(readFileSync(file).includes('s3cret-row')).toBe(false);
    }
    for (const startup of ['serve-stale', 'require-sync'] as const) {
      for (const key of [{ encryptionKey: 'wrong'.repeat(7) }, {}]) {
        const wrong = connect({ ...key, startup });
        const error = await failure(namesIn(wrong), EncryptionKeyError);
        expect(error.message).not.toMatch(/k3y|wrong/);
      }
    }
  });
});

describe('freeze', () => {
  it('makes a database of its own, and the replica goes on', async () => {
    const { open: connect, folder, add } = await replicaScene();
    await add('a');
    const database = connect();
    await database.execute("insert into items (name) values ('b')");
    const file = path.join(folder, 'copy.db');
    await database.freeze(file);
    expect(existsSync(`${file}-wal`)).toBe(false);
    const copy = open(file);
    onTestFinished(() => copy.close());
    await copy.execute("insert into items (name) values ('only here')");
    expect(await namesIn(copy)).toEqual(['a', 'b', 'only here']);
    await database.execute("insert into items (name) values ('c')");
    expect(await namesIn(database)).toEqual(['a', 'b', 'c']);
  });

  it('overwrites nothing', async () => {
    const { open: connect, folder } = await replicaScene();
    const file = path.join(folder, 'copy.db');
    writeFileSync(file, 'mine');
    const error = await failure(connect().freeze(file), DatabaseError);
    expect(error).toMatchObject({ kind: 'io' });
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect(existsSync(`${file}.draft`)).toBe(false);
    await failure(connect().freeze(path.join(folder, 'missing', 'copy.db')), DatabaseError);
  });

  it('has one moment of the database, whatever is written and synced meanwhile', async () => {
    const { open: connect, outside, folder } = await replicaScene();
    await outside.execute('create table pairs (a integer, b integer)');
    const database = connect();
    const other = connect({ name: 'replica' });
    const state = { writing: true };
    const writers = (async () => {
      for (let i = 0; state.writing; i++) {
        await outside.batch([
          { sql: 'insert into pairs values (?, 0)', args: [i] },
          { sql: 'update pairs set b = ? where a = ?', args: [i, i] },
        ]);
        await other.sync();
      }
    })();
    for (let i = 0; i < 10; i++) {
      const file = path.join(folder, `copy-${i}.db`);
      await database.freeze(file);
      const copy = open(file);
      expect((await copy.execute('select count(*) as n from pairs where a <> b')).rows).toEqual([{ n: 0 }]);
      expect((await copy.execute('pragma integrity_check')).rows).toEqual([{ integrity_check: 'ok' }]);
      await copy.close();
    }
    state.writing = false;
    await writers;
  });
});
