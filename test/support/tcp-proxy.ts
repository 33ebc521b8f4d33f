import { createServer, connect as connectTo, type Socket } from 'node:net';

/** What a proxy does with new and open connections. */
type Fault =
  | { readonly kind: 'none' }
  /** Everything is swallowed, both ways; the sockets stay open. */
  | { readonly kind: 'half-open' }
  /** The answer is swallowed, and the connection destroyed a moment later, when all of the request is done. */
  | { readonly kind: 'cut-answer' }
  /** The connection is destroyed after so many bytes of the answer. */
  | { readonly kind: 'cut-after'; readonly bytes: number }
  /** A request is answered here and never reaches the server. */
  | { readonly kind: 'answer'; readonly response: string };

/** A TCP proxy in front of a real server, which counts and can be told to misbehave. */
export interface Proxy {
  readonly port: number;
  /** `http://127.0.0.1:…` */
  readonly url: string;
  /** `ws://127.0.0.1:…` */
  readonly wsUrl: string;
  /** HTTP requests that came since {@link reset}, as `POST /v2/pipeline`. */
  readonly requests: readonly string[];
  /** Text frames that a WebSocket client sent since {@link reset}. */
  readonly messages: number;
  /**
   * Round trips since {@link reset}: how often a client spoke that had been answered, on any connection. What comes in
   * several pieces before the answer is one.
   */
  readonly roundTrips: number;
  /** Connections of clients that are open. */
  readonly connections: number;
  reset(): void;
  /** What happens to the next `times` requests, or to all until `heal()`; over HTTP only to those that contain a text. */
  fail(fault: Exclude<Fault, { kind: 'none' | 'answer' }>, times?: number, containing?: string): void;
  /** Answers the next `times` requests itself. */
  respond(status: number, body?: string, headers?: Record<string, string>, times?: number): void;
  /** Holds every byte back for this long, in ms. */
  delay(ms: number): void;
  /** Lets so many bytes a second come from the server. */
  rate(bytes: number): void;
  heal(): void;
  /** Destroys all connections. */
  cut(): void;
  /** Refuses new connections, and destroys those there are, until `listen()`. */
  refuse(): Promise<void>;
  listen(): Promise<void>;
}

/** How long a server takes at most for what a test sends, in ms. */
const DONE_WITHIN = 50;

const NONE: Fault = { kind: 'none' };

/** See {@link Proxy}. */
export class TcpProxy implements Proxy {
  port = 0;
  requests: string[] = [];
  messages = 0;
  roundTrips = 0;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  readonly #clients = new Set<Socket>();
  #server = createServer((client) => this.#accept(client));
  #fault: Fault = NONE;
  #rate = 0;
  #line: Promise<void> = Promise.resolve();
  #times = Infinity;
  #containing = '';
  #delay = 0;

  constructor(target: number) {
    this.#target = target;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get wsUrl(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  get connections(): number {
    return this.#clients.size;
  }

  reset(): void {
    this.requests = [];
    this.messages = 0;
    this.roundTrips = 0;
  }

  fail(fault: Fault, times = Infinity, containing = ''): void {
    this.#fault = fault;
    this.#times = times;
    this.#containing = containing;
  }

  respond(status: number, body = '', headers: Record<string, string> = {}, times = Infinity): void {
    const all = { 'content-length': String(Buffer.byteLength(body)), ...headers };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    this.fail({ kind: 'answer', response: `HTTP/1.1 ${status} x\r\n${lines.join('')}\r\n${body}` }, times);
  }

  delay(ms: number): void {
    this.#delay = ms;
  }

  rate(bytes: number): void {
    this.#rate = bytes;
  }

  heal(): void {
    this.#fault = NONE;
    this.#delay = 0;
    this.#rate = 0;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async refuse(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }

  async listen(): Promise<void> {
    this.#server = createServer((client) => this.#accept(client));
    await new Promise<void>((resolve) => this.#server.listen(this.port, '127.0.0.1', resolve));
    const address = this.#server.address();
    if (address !== null && typeof address === 'object') this.port = address.port;
  }

  #accept(client: Socket): void {
    this.#clients.add(client);
    client.on('close', () => this.#clients.delete(client));
    const server = connectTo(this.#target, '127.0.0.1');
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    let fault = this.#fault;
    let answered = 0;
    let upgraded = false;
    let waiting = false;
    client.on('data', (chunk: Buffer) => {
      if (!waiting) this.roundTrips++;
      waiting = true;
      const head = upgraded ? undefined : /^([A-Z]+ \S+) HTTP\/1\.1\r\n/.exec(chunk.toString('latin1'))?.[1];
      if (head !== undefined) {
        this.requests.push(head);
        upgraded = /\r\nupgrade: websocket/i.test(chunk.toString('latin1'));
        fault = this.#take(chunk);
        answered = 0;
      } else if (upgraded) {
        if (fault.kind === 'none') fault = this.#take(chunk);
        // A frame may come with others in one piece; its length is not looked into.
        this.messages++;
      }
      if (fault.kind === 'answer') client.write(fault.response);
      else if (fault.kind !== 'half-open') this.#later(() => server.write(chunk));
    });
    server.on('data', (chunk: Buffer) => {
      waiting = false;
      if (fault.kind === 'half-open') return;
      if (fault.kind === 'cut-answer') return void setTimeout(() => client.resetAndDestroy(), DONE_WITHIN);
      if (fault.kind === 'cut-after') {
        const rest = fault.bytes - answered;
        answered += chunk.length;
        if (chunk.length >= rest) {
          client.write(chunk.subarray(0, Math.max(0, rest)), () => client.resetAndDestroy());
          return;
        }
      }
      if (this.#rate > 0) this.#slowly(client, chunk);
      else this.#later(() => client.write(chunk));
    });
  }

  #take(request: Buffer): Fault {
    if (this.#fault.kind === 'none' || !request.includes(this.#containing)) return NONE;
    if (this.#times-- <= 0) {
      this.#fault = NONE;
      return NONE;
    }
    return this.#fault;
  }

  /** One after the other, in pieces of 50 ms. */
  #slowly(client: Socket, chunk: Buffer): void {
    this.#line = this.#line.then(async () => {
      for (let at = 0; at < chunk.length && !client.destroyed; ) {
        const size = this.#rate > 0 ? Math.ceil(this.#rate / 20) : chunk.length;
        client.write(chunk.subarray(at, at + size));
        at += size;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    });
  }

  #later(run: () => void): void {
    if (this.#delay > 0) setTimeout(run, this.#delay);
    else run();
  }
}
