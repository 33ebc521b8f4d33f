import { protocolError } from '../../../errors.js';
import { TransportError } from './transport.js';

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
 * @throws {@link TransportError} when it could not be opened
 */
export async function openSocket(url: string, signal: AbortSignal, events: SocketEvents): Promise<Socket> {
  const { WebSocket: Own } = globalThis as unknown as {
    WebSocket?: new (url: string, protocols: string[]) => AnyWebSocket;
  };
  if (Own !== undefined) return await opened(new Own(url, PROTOCOLS), undefined, signal, events);
  const { WebSocket } = (await import('ws')) as unknown as {
    WebSocket: new (url: string, protocols: string[], options: object) => NodeWebSocket;
  };
  const options = {
    ...{ perMessageDeflate: false, followRedirects: false },
    ...{ maxPayload: LARGEST_MESSAGE, closeTimeout: CLOSED_WITHIN },
  };
  const socket = new WebSocket(url, PROTOCOLS, options);
  return await opened(socket, socket, signal, events);
}

/** Waits until a socket is open. @param node - the same, where it is one of `ws` */
async function opened(
  socket: AnyWebSocket,
  node: NodeWebSocket | undefined,
  signal: AbortSignal,
  events: SocketEvents,
): Promise<Socket> {
  let open = false;
  let failure: unknown;
  let connection: { ref(): void; unref(): void } | undefined;
  const close = (): void => (node === undefined ? socket.close() : node.terminate());
  node?.on('upgrade', (response) => {
    connection = response.socket;
  });
  await new Promise<void>((resolve, reject) => {
    const fail = (reason: unknown): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      reject(reason instanceof UpgradeRefused ? reason : noAgreement(reason));
    };
    const aborted = (): void => {
      fail(signal.reason);
      close();
    };
    const timer = setTimeout(() => {
      fail(Object.assign(new Error('connect ETIMEDOUT'), { code: 'ETIMEDOUT', syscall: 'connect' }));
      close();
    }, CONNECTED_WITHIN);
    if (signal.aborted) aborted();
    else signal.addEventListener('abort', aborted, { once: true });
    node?.on('unexpected-response', (request, { statusCode = 0, headers }) => {
      fail(new UpgradeRefused(statusCode, headers['retry-after']));
      request.destroy();
    });
    socket.addEventListener('open', () => {
      open = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      resolve();
    });
    socket.addEventListener('message', ({ data }) => {
      // The protocols that were asked for are made of text.
      if (typeof data === 'string') events.message(data);
    });
    socket.addEventListener('error', ({ error, message }) => {
      failure = error ?? new Error(typeof message === 'string' ? message : 'the WebSocket failed');
      // A browser tells of the failure with an event of its own, and closes then.
      if (!open) fail(failure);
    });
    socket.addEventListener('close', ({ code }) => {
      const reason = failure ?? new Error(`the WebSocket was closed with code ${code}`);
      if (!open) fail(reason);
      else events.closed(reason as Error);
    });
  });
  return toSocket(socket, connection, close);
}

function toSocket(
  socket: AnyWebSocket,
  held: { ref(): void; unref(): void } | undefined,
  close: () => void,
): Socket {
  return {
    protocol: socket.protocol,
    get open() {
      return socket.readyState === OPEN;
    },
    send: (text) => socket.send(text),
    close,
    setBusy: held === undefined ? undefined : (busy) => (busy ? held.ref() : held.unref()),
  };
}

function noAgreement(reason: unknown): Error {
  const { message, code } = reason as { message?: unknown; code?: unknown };
  if (code === undefined && typeof message === 'string' && NO_AGREEMENT.test(message)) {
    return protocolError('it does not speak hrana3 or hrana2 over WebSocket');
  }
  return new TransportError(reason, false);
}
