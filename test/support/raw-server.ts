import { createHash } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A request as it came. */
export interface RawRequest {
  /** First line and headers. */
  readonly head: string;
  readonly body: string;
  /** Counted from 0, over all connections. */
  readonly number: number;
}

/** A server that answers, or does not, as a test says, byte by byte. */
export interface RawServer {
  readonly port: number;
  /** `http://127.0.0.1:…` */
  readonly url: string;
  /** `ws://127.0.0.1:…` */
  readonly wsUrl: string;
  readonly requests: readonly RawRequest[];
  /** Connections that are open. */
  readonly open: number;
}

/** Starts a server that gives every request to a test, and ends with it. */
export async function startRawServer(
  answer: (socket: Socket, request: RawRequest) => void,
): Promise<RawServer> {
  const requests: RawRequest[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('end', () => socket.end());
    let received = Buffer.alloc(0);
    let upgraded = false;
    socket.on('data', (chunk: Buffer) => {
      if (upgraded) return;
      received = Buffer.concat([received, chunk]);
      const end = received.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = received.subarray(0, end).toString();
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (received.length < end + 4 + length) return;
      const body = received.subarray(end + 4, end + 4 + length).toString();
      received = received.subarray(end + 4 + length);
      upgraded = /upgrade: websocket/i.test(head);
      const request = { head, body, number: requests.length };
      requests.push(request);
      answer(socket, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return {
    ...{ port, url: `http://127.0.0.1:${port}`, wsUrl: `ws://127.0.0.1:${port}`, requests },
    get open() {
      return sockets.size;
    },
  };
}

/** A response as text. Its length is told unless a header says otherwise. */
export function response(
  status: number,
  body: string | Uint8Array = '',
  headers: Readonly<Record<string, string>> = {},
): Buffer {
  const bytes = Buffer.from(body);
  const chunked = 'transfer-encoding' in headers || 'content-length' in headers;
  const all = { ...(chunked ? {} : { 'content-length': String(bytes.length) }), ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status} x\r\n${lines.join('')}\r\n`), bytes]);
}

/** The answer to a pipeline whose first request is a statement with these rows of one column `v`. */
export function rowsAnswer(values: readonly string[]): string {
  return JSON.stringify({
    baton: null,
    base_url: null,
    results: [{ type: 'ok', response: { type: 'execute', result: result(values) } }],
  });
}

/** A result of one column `v`. */
export function result(values: readonly string[]): object {
  return {
    cols: [{ name: 'v', decltype: null }],
    rows: values.map((value) => [{ type: 'text', value }]),
    ...{ affected_row_count: 0, last_insert_rowid: null },
  };
}

/** Agrees to speak WebSocket. @param protocol - none if it is undefined */
export function upgrade(head: string, protocol: string | undefined): string {
  const key = /sec-websocket-key: (\S+)/i.exec(head)?.[1] ?? '';
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  const chosen = protocol === undefined ? '' : `Sec-WebSocket-Protocol: ${protocol}\r\n`;
  return (
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    `${chosen}Sec-WebSocket-Accept: ${accept}\r\n\r\n`
  );
}

/** A frame as servers send it (RFC 6455 §5.2). */
export function frame(opcode: number, payload: Uint8Array | string): Buffer {
  const bytes = Buffer.from(payload);
  const long = bytes.length > 125;
  const head = Buffer.alloc(long ? 4 : 2);
  head[0] = 0x80 | opcode;
  head[1] = long ? 126 : bytes.length;
  if (long) head.writeUInt16BE(bytes.length, 2);
  return Buffer.concat([head, bytes]);
}

/** The texts of what a client has sent in whole, short or middling frames. */
export function unframe(bytes: Buffer): { readonly texts: string[]; readonly rest: Buffer } {
  const texts: string[] = [];
  let at = 0;
  while (bytes.length >= at + 6) {
    let length = (bytes[at + 1] as number) & 0x7f;
    let start = at + 2;
    if (length === 126) {
      length = bytes.readUInt16BE(at + 2);
      start += 2;
    }
    if (bytes.length < start + 4 + length) break;
    const mask = bytes.subarray(start, start + 4);
    const payload = bytes
      .subarray(start + 4, start + 4 + length)
      .map((byte, i) => byte ^ (mask[i % 4] as number));
    if (((bytes[at] as number) & 0x0f) === 1) texts.push(Buffer.from(payload).toString());
    at = start + 4 + length;
  }
  return { texts, rest: bytes.subarray(at) };
}
