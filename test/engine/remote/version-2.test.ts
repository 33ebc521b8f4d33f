import { createServer, connect as connectTo, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ConstraintError, type Database, open, TransactionLostError } from '../../../src/index.js';
import { collect, failure } from '../../support/outcome.js';
import { response } from '../../support/raw-server.js';
import { startSqld } from '../../support/sqld.js';

/** A real server of which only version 2 of the protocol can be reached. */
async function startOld(): Promise<{ readonly port: number; readonly paths: string[] }> {
  const sqld = await startSqld();
  const paths: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const target = connectTo(sqld.port, '127.0.0.1');
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        target.destroy();
      });
    }
    client.on('data', (chunk: Buffer) => {
      const text = chunk.toString('latin1');
      const path = /^[A-Z]+ (\S+) HTTP\/1\.1\r\n/.exec(text)?.[1];
      if (path !== undefined) paths.push(path);
      if (path?.startsWith('/v3') === true) {
        client.end(response(404));
        return;
      }
      target.write(text.replace('hrana3,hrana2', 'hrana2'), 'latin1');
    });
    target.on('data', (chunk: Buffer) => client.write(chunk));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as { port: number }).port, paths };
}

const LONG = `insert into items values (?) /* ${'x'.repeat(500)} */`;

describe.each(['http', 'ws'] as const)('a server with version 2 only, over %s', (protocol) => {
  async function connect(): Promise<{ database: Database; paths: string[] }> {
    const { port, paths } = await startOld();
    const database = open({ url: `${protocol}://127.0.0.1:${port}`, networkRetry: 0 });
    onTestFinished(() => database.close());
    return { database, paths };
  }

  it('a stream may be the first call', async () => {
    const { database } = await connect();
    expect(await collect(database.stream("select 1 as a union all select 'b'"))).toEqual([
      { a: 1 },
      { a: 'b' },
    ]);
    expect(await collect(database.stream('select 2 as a'))).toEqual([{ a: 2 }]);
  });

  it('a batch may be the first call, with a long text that repeats', async () => {
    const { database } = await connect();
    const batch = [
      'create table items (name text unique)',
      ...['a', 'b', 'c'].map((name) => ({ sql: LONG, args: [name] })),
    ];
    await database.batch(batch);
    expect((await database.execute('select count(*) as n from items')).rows).toEqual([{ n: 3 }]);
  });

  it('a transaction may be the first call, and is asked for its state', async () => {
    const { database } = await connect();
    await database.transaction(async (tx) => {
      await tx.execute('create table items (name text unique)');
      await tx.execute(LONG, ['a']);
      await tx.execute(LONG, ['b']);
      await failure(tx.execute(LONG, ['b']), ConstraintError);
      await tx.transaction((inner) => inner.execute(LONG, ['c']));
      expect(await collect(tx.stream('select name from items order by name'))).toEqual(
        ['a', 'b', 'c'].map((name) => ({ name })),
      );
    });
    const lost = database.transaction(async (tx) => {
      await tx.execute(LONG, ['d']);
      await failure(tx.execute("insert or rollback into items values ('a')"), ConstraintError);
      await tx.execute(LONG, ['g']);
    });
    expect(await failure(lost)).toBeInstanceOf(TransactionLostError);
    const undone = database.transaction(async (tx) => {
      await tx.execute(LONG, ['e']);
      throw new Error('no');
    });
    await expect(undone).rejects.toThrow('no');
    expect((await database.execute('select count(*) as n from items')).rows).toEqual([{ n: 3 }]);
    await failure(
      database.batch([
        { sql: LONG, args: ['f'] },
        { sql: LONG, args: ['a'] },
      ]),
      ConstraintError,
    );
    expect((await database.execute('select count(*) as n from items')).rows).toEqual([{ n: 3 }]);
  });

  it('it is asked once which version it has', async () => {
    const { database, paths } = await connect();
    for (let i = 0; i < 3; i++) await database.execute('select 1');
    await collect(database.stream('select 1'));
    expect(paths.filter((path) => path.startsWith('/v3'))).toHaveLength(protocol === 'http' ? 1 : 0);
  });
});
