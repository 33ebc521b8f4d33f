import { TransportError } from './transport.js';

/** How long a connection may take to be made, in ms. */
const CONNECTED_WITHIN = 10_000;

/** The newest version of the protocol first. */
const PROTOCOLS = ['hrana3', 'hrana2'];

/** The largest message that is taken, in bytes; a server sends 10 MB at most (sqld 0.24). */
const LARGEST_MESSAGE = 256 * 1024 * 1024;

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

  constructor(status: number) {
    super(`HTTP status ${status}`);
    this.status = status;
  }
}

/** The part of WebSocket that the runtime's own and the package `ws` have in common. */
interface AnyWebSocket {
  readonly protocol: string;
  send(text: string): void;
  close(): void;
  addEventListener(type: 'open', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { code: number; reason: string }) => void): void;
  addEventListener(type: 'error', listener: (event: { error?: unknown; message?: unknown }) => void): void;
}

/** What `ws` has beyond that. */
interface NodeWebSocket extends AnyWebSocket {
  terminate(): void;
  on(type: 'upgrade', listener: (response: { socket: { ref(): void; unref(): void } }) => void): void;
  on(
    type: 'unexpected-response',
    listener: (request: { destroy(): void }, response: { statusCode?: number }) => void,
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
  const options = { perMessageDeflate: false, followRedirects: false, maxPayload: LARGEST_MESSAGE };
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
      reject(reason instanceof UpgradeRefused ? reason : new TransportError(reason, false));
    };
    const aborted = (): void => {
      fail(signal.reason);
      close();
    };
    const timer = setTimeout(() => {
      fail(Object.assign(new Error('connect ETIMEDOUT'), { code: 'ETIMEDOUT', syscall: 'connect' }));
      close();
    }, CONNECTED_WITHIN);
    signal.addEventListener('abort', aborted, { once: true });
    node?.on('unexpected-response', (request, { statusCode = 0 }) => {
      fail(new UpgradeRefused(statusCode));
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
  const held = connection;
  return {
    protocol: socket.protocol,
    send: (text) => socket.send(text),
    close,
    setBusy: held === undefined ? undefined : (busy) => (busy ? held.ref() : held.unref()),
  };
}
