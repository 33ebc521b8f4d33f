import { inspect } from 'node:util';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  AuthError,
  type Config,
  type Database,
  DatabaseError,
  InterruptedError,
  NetworkError,
  open,
  ProtocolError,
} from '../../../src/index.js';
import { collect, failure } from '../../support/outcome.js';
import {
  type RawRequest,
  type RawServer,
  response,
  rowsAnswer,
  startRawServer,
} from '../../support/raw-server.js';
import { pause } from '../../support/time.js';

/** Longest time that a call may take that a timeout bounds, in ms: far more than the timeouts below. */
const BOUND = 5_000;
const JSON_TYPE = { 'content-type': 'application/json' };
const ANSWER = rowsAnswer(['right']);
const CURSOR = [
  '{"baton":"b","base_url":null}',
  '{"type":"step_begin","step":0,"cols":[{"name":"v","decltype":null}]}',
  '{"type":"row","row":[{"type":"text","value":"right"}]}',
  '{"type":"step_end","affected_row_count":0,"last_insert_rowid":null}',
];

type Transport = (typeof TRANSPORTS)[number];
const TRANSPORTS = ['of Node', 'of fetch'] as const;

function connect(transport: Transport, url: string, config: Partial<Config> = {}): Database {
  const own = transport === 'of fetch' ? { fetch: globalThis.fetch } : {};
  const database = open({ url, networkRetry: 0, ...own, ...config });
  onTestFinished(() => database.close());
  return database;
}

const isCursor = ({ head }: RawRequest): boolean => head.startsWith('POST /v3/cursor');

/** Node's fetch makes further connections of its own after one that was given up, and keeps them for 4 s. */
async function noneOpen(transport: Transport, server: RawServer): Promise<void> {
  if (transport === 'of Node') await expect.poll(() => server.open).toBe(0);
}

describe.each(TRANSPORTS)('transport %s', (transport) => {
  it.each<[string, string | Buffer]>([
    ['nothing', ''],
    ['half of a head', 'HTTP/1.1 200 OK\r\ncontent-le'],
    ['a head alone', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n'],
    ['half of a body', `HTTP/1.1 200 OK\r\ncontent-length: ${ANSWER.length}\r\n\r\n${ANSWER.slice(0, 30)}`],
    ['half of a chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{"baton"'],
    [
      'half of a gzip',
      Buffer.concat([
        response(200, '', { 'content-length': '99', 'content-encoding': 'gzip' }),
        gzipSync(ANSWER).subarray(0, 20),
      ]),
    ],
    [
      'a failure whose reason never ends',
      `HTTP/1.1 500 x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{`,
    ],
  ])('%s and then silence ends with the timeout, and with close()', async (_, bytes) => {
    const server = await startRawServer((socket) => socket.write(bytes));
    const database = connect(transport, server.url);
    const start = performance.now();
    const calls = [
      database.execute('select 1', [], { timeout: 150 }),
      database.execute('insert into t values (1)', [], { timeout: 150 }),
      database.batch(['select 1'], { timeout: 150 }),
      database.transaction((tx) => tx.execute('select 1'), { timeout: 150 }),
      collect(database.stream('select 1', [], { timeout: 150 })),
    ];
    for (const error of await Promise.all(calls.map((call) => failure(call)))) {
      expect(error).toBeInstanceOf(InterruptedError);
      expect(error.code).toBe('TIMEOUT');
    }
    const endless = failure(database.execute('select 1'));
    await pause(20);
    await database.close();
    expect((await endless).code).toBe('DATABASE_CLOSED');
    expect(performance.now() - start).toBeLessThan(BOUND);
    await noneOpen(transport, server);
  });

  it.each<[string, string]>([
    ['at once', ''],
    ['in the head', 'HTTP/1.1 200 OK\r\ncontent-le'],
    ['after the head', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n'],
    ['in the body', `HTTP/1.1 200 OK\r\ncontent-length: ${ANSWER.length}\r\n\r\n${ANSWER.slice(0, 30)}`],
    ['in a chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{"baton"'],
    ['before the last chunk', `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nnull\r\n`],
  ])('a connection that is reset or closed %s is a NetworkError', async (_, bytes) => {
    let how: 'reset' | 'end' = 'reset';
    const server = await startRawServer((socket) => {
      socket.write(bytes, () => (how === 'reset' ? socket.resetAndDestroy() : socket.end()));
    });
    const database = connect(transport, server.url);
    for (how of ['reset', 'end'] as const) {
      const error = await failure(database.execute('insert into t values (1)'), NetworkError);
      expect(error).toMatchObject({ reached: true, retryable: false, status: undefined });
      await failure(collect(database.stream('select 1')), NetworkError);
    }
  });

  it.each<[string, Buffer | string]>([
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
    ['bad chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\ns3cret\r\n'],
    ['html', response(200, '<html>s3cret', { 'content-type': 'text/html' })],
    ['null', response(200, 'null', JSON_TYPE)],
    ['an array', response(200, '["s3cret"]', JSON_TYPE)],
    ['nothing', response(204)],
    ['an empty text', response(200)],
    ['a baton that is none', response(200, '{"baton":7,"results":[]}', JSON_TYPE)],
    [
      'bytes that are no UTF-8',
      response(
        200,
        Buffer.concat([Buffer.from('{"s3cret":"'), Buffer.of(0xff), Buffer.from('"}')]),
        JSON_TYPE,
      ),
    ],
    ['what is no gzip', response(200, 's3cret s3cret', { 'content-encoding': 'gzip' })],
    ['what is no deflate', response(200, 's3cret s3cret', { 'content-encoding': 'deflate' })],
    ['what is no brotli', response(200, 's3cret s3cret', { 'content-encoding': 'br' })],
    ['an unknown coding', response(200, 's3cret s3cret', { 'content-encoding': 's3cret' })],
  ])('an answer of %s is a ProtocolError that shows nothing of it', async (_, bytes) => {
    const server = await startRawServer((socket) => void socket.write(bytes));
    const database = connect(transport, server.url);
    const calls = [
      () => database.execute('select 1'),
      () => database.batch(['insert into t values (1)']),
      () => database.transaction((tx) => tx.execute('select 1')),
      () => collect(database.stream('select 1')),
    ];
    for (const call of calls) {
      const error = await failure(call);
      const cause = error instanceof ProtocolError ? error : error.cause;
      expect(cause).toBeInstanceOf(ProtocolError);
      expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/s3cret|73 33 63 72 65 74/);
    }
  });

  it('an answer that switches to another protocol is no answer', async () => {
    const server = await startRawServer(
      (socket) => void socket.write('HTTP/1.1 101 x\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
    );
    const error = await failure(connect(transport, server.url).execute('select 1'));
    expect(error).toBeInstanceOf(transport === 'of Node' ? ProtocolError : NetworkError);
  });

  it('a status that is no success is a NetworkError or AuthError with the status, and shows no body that is not JSON', async () => {
    let bytes = response(200);
    const server = await startRawServer((socket) => void socket.write(bytes));
    const database = connect(transport, server.url);
    for (const status of [300, 301, 304, 400, 404, 405, 413, 418, 429, 451, 500, 501, 502, 503, 504, 599]) {
      for (const type of ['text/html', 'text/plain', 'application/json', 'application/octet-stream']) {
        bytes = response(status, status === 304 ? '' : 's3cret {', { 'content-type': type });
        const error = await failure(database.execute('insert into t values (1)'), NetworkError);
        const notReached = status === 429;
        expect(error).toMatchObject({ status, reached: !notReached, retryable: notReached });
        expect(error.message + String(error.cause)).not.toContain('s3cret');
      }
    }
    for (const status of [401, 403]) {
      bytes = response(status, 's3cret');
      const error = await failure(database.execute('select 1'), AuthError);
      expect(error.status).toBe(status);
    }
    bytes = response(500, '{"error":"the disk is full"}', JSON_TYPE);
    expect((await failure(database.execute('select 1'))).message).toContain('the disk is full');
  });

  it('a reason without end is not read', async () => {
    const server = await startRawServer((socket) => {
      socket.write('HTTP/1.1 500 x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n');
      const more = (): void => {
        if (!socket.destroyed) socket.write(`4000\r\n${'x'.repeat(0x4000)}\r\n`, () => setImmediate(more));
      };
      more();
    });
    const error = await failure(connect(transport, server.url).execute('select 1'), NetworkError);
    expect(error.status).toBe(500);
    await noneOpen(transport, server);
  });

  it.each(['1000000', '9'.repeat(400), 'Fri, 31 Dec 9999 23:59:59 GMT', '-5', 'soon', ''])(
    'a Retry-After of %s is bounded by the timeout',
    async (after) => {
      const server = await startRawServer(
        (socket) => void socket.write(response(503, '', { 'retry-after': after })),
      );
      const database = connect(transport, server.url, {
        networkRetry: { attempts: 1, minDelay: 1, maxDelay: 2 },
      });
      const start = performance.now();
      await failure(database.execute('select 1', [], { timeout: 200 }));
      expect(performance.now() - start).toBeLessThan(BOUND);
    },
  );

  it.each([301, 302, 303, 307, 308])('a redirect (%i) is not followed', async (status) => {
    const elsewhere = await startRawServer((socket) => void socket.write(response(200, ANSWER, JSON_TYPE)));
    const server = await startRawServer(
      (socket) => void socket.write(response(status, '', { location: `${elsewhere.url}/v3/pipeline` })),
    );
    const database = connect(transport, server.url, {
      ...{ authToken: 't0ken', remoteEncryptionKey: 'a2V5', networkRetry: 1 },
    });
    for (const call of [
      () => database.execute('select ?', ['s3cret']),
      () => database.transaction((tx) => tx.execute('select 1')),
      () => collect(database.stream('select 1')),
      () => database.ready(),
    ]) {
      const error = await failure(call);
      expect(error).toBeInstanceOf(NetworkError);
      expect((error as NetworkError).status).toBe(status);
    }
    expect(elsewhere.requests).toEqual([]);
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['gzip, br', (bytes: Buffer) => brotliCompressSync(gzipSync(bytes))],
  ] as const)('an answer in %s is read, though nobody asked for it', async (coding, compress) => {
    const server = await startRawServer((socket, request) => {
      const body = isCursor(request) ? CURSOR.join('\n') : ANSWER;
      socket.write(response(200, compress(Buffer.from(body)), { ...JSON_TYPE, 'content-encoding': coding }));
    });
    const database = connect(transport, server.url);
    expect((await database.execute('select 1')).rows).toEqual([{ v: 'right' }]);
    expect(await collect(database.stream('select 1'))).toEqual([{ v: 'right' }]);
  });

  it('an answer that comes byte by byte is read', async () => {
    const server = await startRawServer((socket, request) => {
      const bytes = response(200, isCursor(request) ? CURSOR.join('\n') : ANSWER, JSON_TYPE);
      let at = 0;
      const next = (): void => {
        if (at < bytes.length) socket.write(bytes.subarray(at, ++at), () => setImmediate(next));
      };
      next();
    });
    const database = connect(transport, server.url);
    expect((await database.execute('select 1')).rows).toEqual([{ v: 'right' }]);
    expect(await collect(database.stream('select 1'))).toEqual([{ v: 'right' }]);
  });

  it('what is sent after the end of an answer is not that of the next statement: the connection is closed', async () => {
    let closed = 0;
    const server = await startRawServer((socket, { number }) => {
      socket.once('close', () => closed++);
      socket.write(response(200, rowsAnswer([String(number)]), JSON_TYPE));
      setTimeout(() => socket.write(response(200, rowsAnswer(['wrong']), JSON_TYPE)), 5);
    });
    const database = connect(transport, server.url, { networkRetry: 2 });
    for (let i = 0; i < 5; i++) {
      expect((await database.execute('select 1')).rows).toEqual([{ v: String(i) }]);
      await expect.poll(() => closed).toBe(i + 1);
    }
  });

  it('a stream that breaks in its head leaves no connection open', async () => {
    const server = await startRawServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n"no"\n\r\n');
    });
    const database = connect(transport, server.url);
    await failure(collect(database.stream('select 1')), ProtocolError);
    await noneOpen(transport, server);
  });

  it('a stream that says nothing of its end is no whole result', async () => {
    const server = await startRawServer((socket, request) => {
      socket.write(response(200, isCursor(request) ? CURSOR.slice(0, 3).join('\n') : ANSWER, JSON_TYPE));
    });
    const database = connect(transport, server.url);
    const rows: unknown[] = [];
    const reading = (async () => {
      for await (const row of database.stream('select 1')) rows.push(row);
    })();
    await failure(reading, NetworkError);
  });
});

it('an answer of more than 256 MB is a ProtocolError', async () => {
  const chunk = Buffer.alloc(1024 * 1024, 'x');
  const server = await startRawServer((socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\n');
    const more = (): void => {
      if (!socket.destroyed) socket.write(chunk, () => setImmediate(more));
    };
    more();
  });
  const error = await failure(connect('of Node', server.url).execute('select 1'), ProtocolError);
  expect(error.message).toContain('too large');
  await noneOpen('of Node', server);
});

it('a fetch that never settles, heeds no signal or gives no response is bounded', async () => {
  const never = new Promise<Response>(() => {});
  const database = connect('of Node', 'http://127.0.0.1:1', { fetch: async () => await never });
  const error = await failure(database.execute('select 1', [], { timeout: 100 }), InterruptedError);
  expect(error.code).toBe('TIMEOUT');
  for (const odd of [undefined, null, 7, {}, { status: 'x' }]) {
    const other = connect('of Node', 'http://127.0.0.1:1', { fetch: async () => odd as never });
    await failure(other.execute('select 1'), ProtocolError);
  }
  const throwing = connect('of Node', 'http://127.0.0.1:1', {
    fetch: () => {
      throw new Error('no');
    },
  });
  expect(await failure(throwing.execute('select 1'), DatabaseError)).toMatchObject({ kind: 'network' });
});
