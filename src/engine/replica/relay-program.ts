import type { Socket } from 'node:net';
import type { MessagePort } from 'node:worker_threads';
import type { AnswerCheck } from './history-check.js';

/** What the thread of the relay is asked for. */
export type RelayRequest =
  | {
      readonly type: 'open';
      readonly id: number;
      /** The server: where it is, and what its name is for the server itself. */
      readonly host: string;
      readonly port: number;
      readonly tls: boolean;
      readonly authority: string;
      readonly namespace: string;
      /** What a request must bring as its token, and gets the real one for. */
      readonly secret: string;
      /** How long the server may take for the request with which a replica is opened, in ms. */
      readonly openWithin: number;
      /** What is known of the log, and how many bytes came; see `history-check.ts`. */
      readonly shared: SharedArrayBuffer;
    }
  | { readonly type: 'token'; readonly id: number; readonly token: string | undefined }
  /** Ends every connection and refuses others, or takes them again. */
  | { readonly type: 'cut' | 'mend' | 'close'; readonly id: number };

/** What it answers to `open`. */
export interface RelayAnswer {
  readonly id: number;
  readonly port: number;
}

/**
 * The program of the relay, which runs in a thread of its own from its own source text: it must not use anything of
 * this module, nor syntax for which a compiler needs helpers. It is a thread because the binding (libsql 0.5.29) opens a replica synchronously, with a request.
 */
// oxlint-disable-next-line eslint/max-lines-per-function -- it runs from its source text, so nothing of it can stand outside
export function relayProgram(checkAnswers: (shared: Int32Array) => AnswerCheck): void {
  const { connect: connectPlain, createServer } = process.getBuiltinModule('node:net');
  const { parentPort } = process.getBuiltinModule('node:worker_threads');
  const port = parentPort as MessagePort;

  interface Route {
    readonly request: Extract<RelayRequest, { type: 'open' }>;
    readonly shared: Int32Array;
    readonly sockets: Set<Socket>;
    readonly server: ReturnType<typeof createServer>;
    token: string | undefined;
    cut: boolean;
  }
  const routes = new Map<number, Route>();

  /**
   * Passes requests on with their heads rewritten.
   *
   * @returns what is to be sent for what came; undefined when the request is not ours
   */
  // oxlint-disable-next-line eslint/max-lines-per-function -- it runs from its source text, so nothing of it can stand outside
  function rewriter(route: Route, begin: (path: string) => void): (data: Buffer) => Buffer | undefined {
    let state: 'head' | 'body' | 'size' | 'chunk' | 'trailer' = 'head';
    /** Bytes of the body that are still to come; of a chunk with its line break, where it is sent in chunks. */
    let left = 0;
    let rest: Buffer = Buffer.alloc(0);

    function take(length: number): Buffer {
      const part = rest.subarray(0, length);
      rest = rest.subarray(length);
      return part;
    }

    function rewrite(text: string): string | undefined {
      let ours = false;
      const lines: string[] = [];
      begin(text.slice(0, text.indexOf(' HTTP/')));
      for (const field of text.slice(0, -4).split('\r\n')) {
        const [, name = '', value = ''] = /^([^:\s]+): *(.*)$/.exec(field) ?? [];
        const key = name.toLowerCase();
        if (key === 'authorization' || key === 'x-authorization') {
          if (value !== `Bearer ${route.request.secret}`) return undefined;
          ours = true;
          if (route.token !== undefined) lines.push(`${name}: Bearer ${route.token}`);
        } else if (key === 'host') lines.push(`${name}: ${route.request.authority}`);
        else if (key === 'x-namespace-bin') lines.push(`${name}: ${route.request.namespace}`);
        else {
          lines.push(field);
          if (key === 'content-length') left = Number(value);
          if (key === 'content-length' && left > 0) state = 'body';
          if (key === 'transfer-encoding') state = 'size';
        }
      }
      return ours ? `${lines.join('\r\n')}\r\n\r\n` : undefined;
    }

    function line(bytes: Buffer): Buffer | undefined {
      const text = bytes.toString('latin1');
      if (state === 'head') {
        const head = rewrite(text);
        return head === undefined ? undefined : Buffer.from(head, 'latin1');
      }
      if (state === 'size') {
        left = Number.parseInt(text, 16) + 2;
        state = left === 2 ? 'trailer' : 'chunk';
      } else if (text === '\r\n') state = 'head';
      return bytes;
    }

    return (data) => {
      rest = rest.length === 0 ? data : Buffer.concat([rest, data]);
      const parts: Buffer[] = [];
      while (rest.length > 0) {
        if (state === 'body' || state === 'chunk') {
          const part = take(Math.min(left, rest.length));
          left -= part.length;
          parts.push(part);
          if (left === 0) state = state === 'body' ? 'head' : 'size';
          continue;
        }
        const mark = state === 'head' ? '\r\n\r\n' : '\r\n';
        const end = rest.indexOf(mark);
        if (end < 0) break;
        const sent = line(take(end + mark.length));
        if (sent === undefined) return undefined;
        parts.push(sent);
      }
      return Buffer.concat(parts);
    };
  }

  function connectServer(route: Route): Socket {
    const { host, port: to, tls } = route.request;
    // CONNECTIONS, whose name another thread does not know.
    Atomics.add(route.shared, 20, 1);
    if (!tls) return connectPlain(to, host);
    const { connect } = process.getBuiltinModule('node:tls');
    const { isIP } = process.getBuiltinModule('node:net');
    // An address is no name for TLS.
    const servername = isIP(host) === 0 ? host : '';
    return connect({ host, port: to, servername, ALPNProtocols: ['http/1.1'] });
  }

  /** Ties two ends together. */
  function tie(route: Route, socket: Socket, other: Socket, isServer: boolean): void {
    route.sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => {
      route.sockets.delete(socket);
      // What the server has sent is passed on before its end is.
      if (isServer) other.end();
      else other.destroy();
    });
    socket.on('drain', () => other.resume());
  }

  function cut(route: Route): void {
    route.cut = true;
    for (const socket of route.sockets) socket.destroy();
  }

  function accept(route: Route, client: Socket): void {
    if (route.cut) return void client.destroy();
    const server = connectServer(route);
    let timer: NodeJS.Timeout | undefined;
    const check = checkAnswers(route.shared);
    const rewrite = rewriter(route, (path) => {
      check.begin(path);
      // The first request of a replica is this one, and the event loop of its process waits for it.
      if (path.startsWith('GET ')) timer = setTimeout(() => client.destroy(), route.request.openWithin);
    });
    tie(route, client, server, false);
    tie(route, server, client, true);
    client.on('close', () => clearTimeout(timer));
    client.on('data', (data: Buffer) => {
      const sent = rewrite(data);
      if (sent === undefined) client.destroy();
      else if (!server.write(sent)) client.pause();
    });
    server.on('data', (data: Buffer) => {
      clearTimeout(timer);
      Atomics.add(route.shared, 0, data.length);
      const passed = check.push(data);
      if (passed === undefined) cut(route);
      else if (passed.length > 0 && !client.write(passed)) server.pause();
    });
  }

  function open(request: Extract<RelayRequest, { type: 'open' }>): void {
    const server = createServer();
    const shared = new Int32Array(request.shared);
    const route: Route = { request, server, shared, token: undefined, cut: false, sockets: new Set() };
    routes.set(request.id, route);
    server.on('connection', (client) => accept(route, client));
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const answer: RelayAnswer = { id: request.id, port: (address as { port: number }).port };
      port.postMessage(answer);
    });
  }

  port.on('message', (request: RelayRequest) => {
    if (request.type === 'open') return open(request);
    const route = routes.get(request.id);
    if (route === undefined) return;
    if (request.type === 'token') route.token = request.token;
    else if (request.type === 'mend') route.cut = false;
    else {
      cut(route);
      if (request.type === 'cut') return;
      route.server.close();
      routes.delete(request.id);
    }
  });
}
