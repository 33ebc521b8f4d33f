import type { Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  AuthError,
  type Config,
  type Database,
  InterruptedError,
  NetworkError,
  open,
  ProtocolError,
} from '../../../src/index.js';
import { collect, failure } from '../../support/outcome.js';
import {
  frame,
  type RawServer,
  response,
  result,
  startRawServer,
  unframe,
  upgrade,
} from '../../support/raw-server.js';
import { pause } from '../../support/time.js';

/** Longest time that a call may take that a timeout bounds, in ms: far more than the timeouts below. */
const BOUND = 5_000;

interface Message {
  readonly type: string;
  readonly request_id: number;
  readonly request: { readonly type: string };
}

type Reply = (socket: Socket, message: Message, socketNumber: number) => void;

const say = (socket: Socket, message: unknown): void =>
  void socket.write(frame(1, typeof message === 'string' ? message : JSON.stringify(message)));

/** Answers as a server does that has one row for every statement. */
const right: Reply = (socket, { type, request_id, request }) => {
  if (type === 'hello') return say(socket, { type: 'hello_ok' });
  const rows = request.type === 'execute' ? { result: result(['right']) } : {};
  say(socket, { type: 'response_ok', request_id, response: { type: request.type, ...rows } });
};

const isExecute = ({ request }: Message): boolean => request?.type === 'execute';

/** A server that speaks Hrana over WebSocket as `reply` does; over HTTP it takes everything. */
async function start(reply: Reply, protocol: string | undefined = 'hrana3'): Promise<RawServer> {
  let sockets = 0;
  return await startRawServer((socket, { head }) => {
    if (!/upgrade: websocket/i.test(head)) return void socket.write(response(200, '{}'));
    const number = sockets++;
    socket.write(upgrade(head, protocol));
    let received: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      const { texts, rest } = unframe(Buffer.concat([received, chunk]));
      received = rest;
      for (const text of texts) reply(socket, JSON.parse(text) as Message, number);
    });
  });
}

function connect(url: string, config: Partial<Config> = {}): Database {
  const database = open({ url, networkRetry: 0, ...config });
  onTestFinished(() => database.close());
  return database;
}

/** Has the first socket behave oddly when a statement comes, and the next ones as they should. */
const oddOnce =
  (odd: (socket: Socket, message: Message) => void): Reply =>
  (socket, message, number) =>
    number === 0 && isExecute(message) ? odd(socket, message) : right(socket, message, number);

it('a server as it should be', async () => {
  const database = connect((await start(right)).wsUrl);
  expect((await database.execute('select 1')).rows).toEqual([{ v: 'right' }]);
});

describe('a message', () => {
  it.each<[string, (socket: Socket, message: Message) => void]>([
    ['that is no JSON', (socket) => say(socket, 's3cret')],
    ['that is null', (socket) => say(socket, 'null')],
    ['that is a list', (socket) => say(socket, '["s3cret"]')],
    ['of an unknown type', (socket, { request_id }) => say(socket, { type: 's3cret', request_id })],
    ['that answers nothing', (socket) => say(socket, { type: 'response_ok', request_id: 99, response: {} })],
    ['without a number', (socket) => say(socket, { type: 'response_ok', response: {} })],
    [
      'with a text as number',
      (socket) => say(socket, { type: 'response_ok', request_id: '2', response: {} }),
    ],
    ['without a response', (socket, { request_id }) => say(socket, { type: 'response_ok', request_id })],
    ['without an error', (socket, { request_id }) => say(socket, { type: 'response_error', request_id })],
    ['that is no UTF-8', (socket) => void socket.write(frame(1, Buffer.of(0x22, 0xff, 0x22)))],
    ['in a frame that is none', (socket) => void socket.write(Buffer.of(0xff, 0xff, 0xff, 0xff))],
    ['that is masked', (socket) => void socket.write(Buffer.of(0x81, 0x81, 1, 2, 3, 4, 5))],
    ['with a reserved opcode', (socket) => void socket.write(frame(5, 's3cret'))],
  ])('%s is a ProtocolError for all that wait, and the next statement works', async (_, odd) => {
    const server = await start(oddOnce(odd));
    const database = connect(server.wsUrl);
    const calls = [database.execute('select 1'), database.execute('insert into t values (1)')];
    for (const error of await Promise.all(calls.map((call) => failure(call)))) {
      // One that came with a result of its own may be right.
      expect(error).toBeInstanceOf(ProtocolError);
      expect(error.message).not.toContain('s3cret');
    }
    expect((await database.execute('select 1')).rows).toEqual([{ v: 'right' }]);
  });

  it('before the first of ours ends the socket, and the next statement works', async () => {
    let sockets = 0;
    const server = await startRawServer((socket, { head }) => {
      if (!/upgrade: websocket/i.test(head)) return void socket.write(response(200, '{}'));
      if (sockets++ === 0) {
        socket.write(Buffer.concat([Buffer.from(upgrade(head, 'hrana3')), frame(1, '"no"')]));
        return;
      }
      socket.write(upgrade(head, 'hrana3'));
      let received: Buffer = Buffer.alloc(0);
      socket.on('data', (chunk: Buffer) => {
        const { texts, rest } = unframe(Buffer.concat([received, chunk]));
        received = rest;
        for (const text of texts) right(socket, JSON.parse(text) as Message, 1);
      });
    });
    const database = connect(server.wsUrl);
    await failure(database.execute('select 1'), ProtocolError);
    expect((await database.execute('select 1')).rows).toEqual([{ v: 'right' }]);
    await expect.poll(() => server.open).toBe(1);
  });

  it('after the answer, or of bytes, changes nothing', async () => {
    const database = connect(
      (
        await start((socket, message, number) => {
          socket.write(frame(2, 'bytes'));
          socket.write(frame(9, 'ping'));
          right(socket, message, number);
        })
      ).wsUrl,
    );
    for (let i = 0; i < 3; i++) expect((await database.execute('select 1')).rows).toEqual([{ v: 'right' }]);
  });
});

describe('a socket', () => {
  const codes = [...Array.from({ length: 16 }, (_, i) => 1000 + i), 3000, 4000, 4999];
  it.each(codes)('that is closed with %i fails what waits, and the next statement works', async (code) => {
    for (const ending of ['ends', 'stays'] as const) {
      const server = await start(
        oddOnce((socket) => {
          socket.write(frame(8, Buffer.concat([Buffer.of(code >> 8, code & 0xff), Buffer.from('s3cret')])));
          if (ending === 'ends') socket.end();
        }),
      );
      const database = connect(server.wsUrl);
      const start_ = performance.now();
      const error = await failure(database.execute('insert into t values (1)'));
      // Some codes must not be sent, which makes the frame invalid.
      expect(['network', 'protocol']).toContain(error.kind);
      if (error instanceof NetworkError) expect(error).toMatchObject({ reached: true, retryable: false });
      expect(error.message).not.toContain('s3cret');
      expect((await database.execute('select 1')).rows).toEqual([{ v: 'right' }]);
      expect(performance.now() - start_).toBeLessThan(BOUND);
      await database.close();
    }
  });

  it.each<[string, (socket: Socket) => void]>([
    ['is reset', (socket) => socket.resetAndDestroy()],
    ['is half closed', (socket) => socket.end()],
    ['breaks off in a frame', (socket) => socket.end(frame(1, '{"type":').subarray(0, 5))],
    [
      'says that it closes, and does not',
      (socket) => void socket.removeAllListeners('end').write(frame(8, Buffer.alloc(0))),
    ],
  ])('that %s fails what waits, and the next statement works', async (_, odd) => {
    const server = await start(oddOnce(odd));
    const database = connect(server.wsUrl);
    const begun = performance.now();
    const error = await failure(database.execute('insert into t values (1)'), NetworkError);
    expect(error).toMatchObject({ reached: true, retryable: false });
    expect((await database.execute('select 1')).rows).toEqual([{ v: 'right' }]);
    expect(performance.now() - begun).toBeLessThan(BOUND);
  });

  it('that closes while it is idle is not used for the next statement', async () => {
    const server = await start((socket, message, number) => {
      right(socket, message, number);
      if (number > 0 || !isExecute(message)) return;
      socket.removeAllListeners('end').write(frame(8, Buffer.of(3, 0xe8)));
    });
    const database = connect(server.wsUrl);
    await database.execute('select 1');
    await pause(20);
    const begun = performance.now();
    expect((await database.execute('insert into t values (1)')).rows).toEqual([{ v: 'right' }]);
    expect(performance.now() - begun).toBeLessThan(BOUND);
  });

  it('on which nothing comes is bounded by the timeout and close()', async () => {
    const server = await start(() => {});
    for (const authToken of ['t0ken', async () => await Promise.resolve('t0ken')]) {
      const database = connect(server.wsUrl, { authToken });
      for (const call of [
        () => database.execute('select 1', [], { timeout: 100 }),
        () => database.batch(['select 1'], { timeout: 100 }),
        () => database.transaction((tx) => tx.execute('select 1'), { timeout: 100 }),
        () => collect(database.stream('select 1', [], { timeout: 100 })),
      ]) {
        expect((await failure(call, InterruptedError)).code).toBe('TIMEOUT');
      }
      const endless = failure(database.execute('select 1'));
      await pause(20);
      await database.close();
      expect((await endless).code).toBe('DATABASE_CLOSED');
    }
    await expect.poll(() => server.open).toBe(0);
  });

  it('on which nothing comes is given up after 20 to 30 s, also when its token is not answered', {
    timeout: 60_000,
  }, async () => {
    const silent = await start(() => {});
    const mute = await start((socket, message, number) => {
      if (message.type === 'hello') right(socket, message, number);
    });
    const begun = performance.now();
    const waiting = [
      connect(silent.wsUrl),
      connect(silent.wsUrl, { authToken: async () => await Promise.resolve('t0ken') }),
      connect(mute.wsUrl, { authToken: async () => await Promise.resolve('t0ken') }),
    ].map((database) => failure(database.execute('insert into t values (1)'), NetworkError));
    for (const error of await Promise.all(waiting)) expect(error.message).toContain('nothing for 20 s');
    const after = performance.now() - begun;
    expect(after).toBeGreaterThan(19_000);
    expect(after).toBeLessThan(45_000);
  });
});

describe('the request for a socket', () => {
  it.each([401, 403])('refused with %i is an AuthError', async (status) => {
    const server = await startRawServer(
      (socket) => void socket.write(response(status, '{"error":"s3cret"}')),
    );
    const error = await failure(connect(server.wsUrl).execute('select 1'), AuthError);
    expect(error.status).toBe(status);
  });

  it.each([200, 302, 400, 404, 426, 429, 500, 503])(
    'refused with %i is a NetworkError, and nothing was sent',
    async (status) => {
      const elsewhere = await startRawServer((socket) => void socket.write(response(200)));
      const server = await startRawServer(
        (socket) => void socket.end(response(status, 's3cret', { location: elsewhere.wsUrl })),
      );
      const database = connect(server.wsUrl, { authToken: 't0ken' });
      const error = await failure(database.execute('insert into t values (1)'), NetworkError);
      expect(error).toMatchObject({ status, reached: false, retryable: true });
      expect(error.message).not.toContain('s3cret');
      expect(elsewhere.requests).toEqual([]);
    },
  );

  it('is made again when it was refused, as late as the server asks', async () => {
    let refused = 0;
    const well = await start(right);
    const server = await startRawServer((socket, { head }) => {
      if (refused++ === 0) return void socket.end(response(503, '', { 'retry-after': '1' }));
      socket.write(upgrade(head, 'hrana3'));
      let received: Buffer = Buffer.alloc(0);
      socket.on('data', (chunk: Buffer) => {
        const { texts, rest } = unframe(Buffer.concat([received, chunk]));
        received = rest;
        for (const text of texts) right(socket, JSON.parse(text) as Message, 0);
      });
    });
    expect(well.requests).toEqual([]);
    const database = connect(server.wsUrl, { networkRetry: 2 });
    const begun = performance.now();
    expect((await database.execute('insert into t values (1)')).rows).toEqual([{ v: 'right' }]);
    expect(performance.now() - begun).toBeGreaterThan(900);
  });

  it.each([
    ['no subprotocol', undefined],
    ['a subprotocol that nobody asked for', 'graphql-ws'],
    ['an old subprotocol', 'hrana1'],
  ])('answered with %s is a ProtocolError', async (_, protocol) => {
    const server = await start(right, protocol);
    // A default parameter would stand for undefined.
    const plain = await startRawServer((socket, { head }) => void socket.write(upgrade(head, undefined)));
    await failure(
      connect((protocol === undefined ? plain : server).wsUrl).execute('select 1'),
      ProtocolError,
    );
  });

  it.each([
    ['nothing', ''],
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
    [
      'a wrong key',
      'HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n',
    ],
    ['another upgrade', 'HTTP/1.1 101 x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n'],
  ])('answered with %s is an error or bounded', async (name, bytes) => {
    const server = await startRawServer((socket) => void socket.write(bytes));
    const error = await failure(connect(server.wsUrl).execute('select 1', [], { timeout: 300 }));
    expect(error).toBeInstanceOf(name === 'nothing' ? InterruptedError : ProtocolError);
  });
});

it('a refusal of the token is an AuthError', async () => {
  const server = await start((socket) =>
    say(socket, { type: 'hello_error', error: { message: 'no', code: 'X' } }),
  );
  for (const authToken of ['t0ken', async () => await Promise.resolve('t0ken')]) {
    const error = await failure(connect(server.wsUrl, { authToken }).execute('select 1'), AuthError);
    expect(error.status).toBe(401);
  }
});
