import { DatabaseError, protocolError } from '../../../errors.js';
import { TransportError } from './transport.js';
import { wsPackage } from './ws-package.js';

/** How long a connection may take to be made, in ms. */
const CONNECTED_WITHIN = 10_000;

/** The newest version of the protocol first. */
const PROTOCOLS = ['hrana3', 'hrana2'];

/** The largest message that is taken, in bytes; a server sends 10 MB at most (sqld 0.24). */
const LARGEST_MESSAGE = 256 * 1024 * 1024;

/** How long a server may take to close a socket after it has said so, in ms. */
const CLOSED_WITHIN = 1_000;

/** WebSocket.OPEN */
const OPEN = 1;

/** How `ws` 8 tells of an answer that is not that of a server which speaks WebSocket and one of our protocols. */
const NO_AGREEMENT = /^(?:Server sent|Invalid) /;

/** What is told of a socket once it is open. */
export interface SocketEvents {
  message(text: string): void;
  /** Told once. Nothing follows. */
  closed(reason: Error): void;
}

/** An open WebSocket. */
export interface Socket {
  /** The protocol that the server has chosen. */
  readonly protocol: string;
  /** Whether it is open, and nobody has said that it closes. */
  readonly open: boolean;
  send(text: string): void;
  /** Ends it at once. */
  close(): void;
  /** Whether the process waits for it to close; missing where a process always does. */
  readonly setBusy: ((busy: boolean) => void) | undefined;
}

/** The server answered the request for a WebSocket with an HTTP status. */
export class UpgradeRefused extends Error {
  readonly status: number;
  readonly code = '';
  /** The wait that the server asks for, as its header says. */
  readonly retryAfter: string | undefined;

  constructor(status: number, retryAfter: string | undefined) {
    super(`HTTP status ${status}`);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** The part of WebSocket that the runtime's own and the package `ws` have in common. */
interface AnyWebSocket {
  readonly protocol: string;
  readonly readyState: number;
  send(text: string): void;
  close(): void;
  addEventListener(type: 'open', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { code: number; reason: string }) => void): void;
  addEventListener(type: 'error', listener: (event: { error?: unknown; message?: unknown }) => void): void;
}

interface UpgradeResponse {
  readonly statusCode?: number;
  readonly headers: { readonly 'retry-after'?: string };
}

/** What `ws` has beyond that. */
interface NodeWebSocket extends AnyWebSocket {
  terminate(): void;
  on(type: 'upgrade', listener: (response: { socket: { ref(): void; unref(): void } }) => void): void;
  on(
    type: 'unexpected-response',
    listener: (request: { destroy(): void }, response: UpgradeResponse) => void,
  ): void;
}

/**
 * Opens a WebSocket: the runtime's own where there is one, else that of the package `ws`.
 *
 * @throws {@link TransportError} or {@link UpgradeRefused} when it could not be opened
 */
export async function openSocket(url: string, signal: AbortSignal, events: SocketEvents): Promise<Socket> {
  const { WebSocket: Own } = globalThis as unknown as {
    WebSocket?: new (url: string, protocols: string[]) => AnyWebSocket;
  };
  if (Own !== undefined) {
    const socket = new Own(url, PROTOCOLS);
    return await new OpeningSocket(socket, () => socket.close(), events).opened(signal);
  }
  const WebSocket = await loadWebSocket();
  const options = {
    ...{ perMessageDeflate: false, followRedirects: false },
    ...{ maxPayload: LARGEST_MESSAGE, closeTimeout: CLOSED_WITHIN },
  };
  const socket = new WebSocket(url, PROTOCOLS, options);
  const opening = new OpeningSocket(socket, () => socket.terminate(), events);
  socket.on('upgrade', (response) => opening.setConnection(response.socket));
  socket.on('unexpected-response', (request, { statusCode = 0, headers }) => {
    opening.fail(new UpgradeRefused(statusCode, headers['retry-after']));
    request.destroy();
  });
  return await opening.opened(signal);
}

type NodeWebSocketClass = new (url: string, protocols: string[], options: object) => NodeWebSocket;

/** @throws {@link DatabaseError} where `ws` is missing, or is bundled in a form that can't be loaded */
async function loadWebSocket(): Promise<NodeWebSocketClass> {
  let cause: unknown;
  try {
    const { WebSocket } = ((await wsPackage()) ?? {}) as { WebSocket?: NodeWebSocketClass };
    if (typeof WebSocket === 'function') return WebSocket;
  } catch (thrown) {
    cause = thrown;
  }
  throw new DatabaseError(
    'this runtime has no WebSocket, and the package "ws" could not be loaded; install it, and mark it as external when ' +
      'bundling',
    { code: 'NOT_SUPPORTED', kind: 'capability', cause },
  );
}

/** Whether the process waits for a connection to close. */
interface Referable {
  ref(): void;
  unref(): void;
}

/** A socket until it is open, and what it tells from then on. */
class OpeningSocket {
  readonly #socket: AnyWebSocket;
  readonly #close: () => void;
  readonly #events: SocketEvents;
  #connection: Referable | undefined;
  #failure: unknown;
  #open = false;
  #settle: { readonly resolve: () => void; readonly reject: (reason: unknown) => void } | undefined;

  constructor(socket: AnyWebSocket, close: () => void, events: SocketEvents) {
    this.#socket = socket;
    this.#close = close;
    this.#events = events;
    socket.addEventListener('open', () => {
      this.#open = true;
      this.#settle?.resolve();
    });
    // The protocols that are asked for are made of text.
    socket.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') events.message(data);
    });
    // It closes after an error, of which some runtimes tell nothing more.
    socket.addEventListener('error', ({ error, message }) => {
      this.#failure = error ?? new Error(typeof message === 'string' ? message : 'the WebSocket failed');
      this.fail(this.#failure);
    });
    socket.addEventListener('close', ({ code }) => this.#closed(code));
  }

  setConnection(connection: Referable): void {
    this.#connection = connection;
  }

  /** Ends the wait, if it is not open yet. */
  fail(reason: unknown): void {
    this.#settle?.reject(reason instanceof UpgradeRefused ? reason : noAgreement(reason));
  }

  /** Waits until it is open. */
  async opened(signal: AbortSignal): Promise<Socket> {
    const giveUp = (reason: unknown): void => {
      this.fail(reason);
      this.#close();
    };
    const late = Object.assign(new Error('connect ETIMEDOUT'), { code: 'ETIMEDOUT', syscall: 'connect' });
    const timer = setTimeout(() => giveUp(late), CONNECTED_WITHIN);
    const aborted = (): void => giveUp(signal.reason);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#settle = { resolve, reject };
        signal.addEventListener('abort', aborted, { once: true });
        if (signal.aborted) aborted();
      });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
    }
    return this.#asSocket();
  }

  #asSocket(): Socket {
    const connection = this.#connection;
    const socket = this.#socket;
    return {
      protocol: socket.protocol,
      get open() {
        return socket.readyState === OPEN;
      },
      send: (text) => socket.send(text),
      close: this.#close,
      setBusy:
        connection === undefined ? undefined : (busy) => (busy ? connection.ref() : connection.unref()),
    };
  }

  #closed(code: number): void {
    const reason = this.#failure ?? new Error(`the WebSocket was closed with code ${code}`);
    if (this.#open) this.#events.closed(reason as Error);
    else this.fail(reason);
  }
}

function noAgreement(reason: unknown): Error {
  const { message, code } = reason as { message?: unknown; code?: unknown };
  if (code === undefined && typeof message === 'string' && NO_AGREEMENT.test(message)) {
    return protocolError('it does not speak hrana3 or hrana2 over WebSocket');
  }
  return new TransportError(reason, false);
}
