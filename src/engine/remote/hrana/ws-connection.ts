import { AuthError, NetworkError, protocolError } from '../../../errors.js';
import { unreadable } from '../transport/unreadable.js';
import { openSocket, type Socket } from '../transport/web-socket.js';
import { asObject, decodeError, parseJson } from './message.js';
import { StoredTexts } from './stored-texts.js';

/** After so long without any message while an answer is due the server is asked for a sign of life, in ms. */
const SILENT_FOR = 10_000;

/** A runtime whose process waits for its sockets has an idle one closed after so long, in ms. */
const IDLE_FOR = 5_000;

/** A request with more characters may be too long for a server. */
const LONG_REQUEST = 8_000_000;

/** The number of no stored text: to drop it changes nothing, and every server answers that at once. */
const NO_TEXT = 2 ** 31 - 1;

/** A call that waits for its answer. */
interface Pending {
  readonly resolve: (response: Record<string, unknown>) => void;
  readonly reject: (reason: unknown) => void;
}

/** One WebSocket to a server, on which any number of streams run side by side. */
export class WsConnection {
  /** The token that it was opened with, once and for all. */
  readonly bearer: string | undefined;
  /** Texts are stored for all of its streams. */
  readonly texts = new StoredTexts();
  /** Fulfilled when the server has taken the token. */
  readonly welcomed: Promise<void>;
  readonly #ended: (connection: WsConnection) => void;
  readonly #pending = new Map<number, Pending>();
  readonly #numbers = { request: 0, stream: 0, cursor: 0 };
  #socket: Socket | undefined;
  #failure: Error | undefined;
  /** Length of the longest request since none was waiting, in characters. */
  #longest = 0;
  #welcome: { readonly resolve: () => void; readonly reject: (reason: Error) => void } | undefined;
  #streams = 0;
  #heard = false;
  #silent = 0;
  #watch: ReturnType<typeof setInterval> | undefined;
  #idle: ReturnType<typeof setTimeout> | undefined;
  #retired = false;

  private constructor(bearer: string | undefined, ended: (connection: WsConnection) => void) {
    this.bearer = bearer;
    this.#ended = ended;
    this.welcomed = new Promise((resolve, reject) => {
      this.#welcome = { resolve, reject };
    });
    this.welcomed.catch(ignore);
  }

  /**
   * Opens a connection.
   *
   * @param ended - called once, when it is closed
   * @throws {@link TransportError} or {@link UpgradeRefused} when it could not be opened
   */
  static async open(
    url: string,
    bearer: string | undefined,
    signal: AbortSignal,
    ended: (connection: WsConnection) => void,
  ): Promise<WsConnection> {
    const connection = new WsConnection(bearer, ended);
    const socket = await openSocket(url, signal, {
      message: (text) => connection.#receive(text),
      closed: (reason) => connection.#fail(closed(reason, connection.#longest)),
    });
    connection.#begin(socket);
    return connection;
  }

  get open(): boolean {
    return this.#failure === undefined && !this.#retired && this.#socket?.open !== false;
  }

  /** Version of the protocol. */
  get version(): number {
    return this.#socket?.protocol === 'hrana2' ? 2 : 3;
  }

  /** Counts a stream. @returns its number */
  enter(): number {
    this.#streams++;
    return this.#numbers.stream++;
  }

  /** Counts a stream that has ended. */
  leave(): void {
    this.#streams--;
    this.#rest();
  }

  nextCursor(): number {
    return this.#numbers.cursor++;
  }

  /**
   * Sends a request and waits for its answer.
   *
   * @param request - as JSON text without its braces
   */
  async request(request: string): Promise<Record<string, unknown>> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#socket?.open === false) {
      throw new NetworkError('the server has closed the connection', { reached: false, retryable: true });
    }
    const id = this.#numbers.request++;
    return await new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      clearTimeout(this.#idle);
      this.#socket?.setBusy?.(true);
      if (this.#pending.size === 1 || request.length > this.#longest) this.#longest = request.length;
      this.#socket?.send(`{"type":"request","request_id":${id},"request":{${request}}}`);
    });
  }

  /** Sends a request whose answer is of no interest. */
  tell(request: string): void {
    if (this.#failure === undefined) this.request(request).catch(ignore);
  }

  /** Lets no stream begin, and ends with the last, or after `ms` at the latest. */
  retire(ms: number): void {
    this.#retired = true;
    const timer = setTimeout(() => this.close(), ms);
    (timer as { unref?: () => void }).unref?.();
    this.#rest();
  }

  /** Ends it at once. */
  close(): void {
    this.#fail(new NetworkError('the connection to the server was closed', { reached: true }));
  }

  #begin(socket: Socket): void {
    // The server may have spoken first.
    if (this.#failure !== undefined) {
      socket.close();
      throw this.#failure;
    }
    if (!/^hrana[23]$/.test(socket.protocol)) {
      socket.close();
      throw protocolError('it does not speak hrana3 or hrana2 over WebSocket');
    }
    this.#socket = socket;
    // What follows need not wait for the answer: a server that refuses the token refuses the rest.
    socket.send(`{"type":"hello","jwt":${JSON.stringify(this.bearer ?? null)}}`);
    this.#watch = setInterval(() => this.#listen(), SILENT_FOR);
    (this.#watch as { unref?: () => void }).unref?.();
    this.#rest();
  }

  /** Whether an answer is due. */
  get #waiting(): boolean {
    return this.#pending.size > 0 || this.#welcome !== undefined;
  }

  #receive(text: string): void {
    this.#heard = true;
    try {
      this.#dispatch(asObject(parseJson(text), 'a message'));
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #dispatch(message: Record<string, unknown>): void {
    const { type } = message;
    if (type === 'hello_ok') {
      this.#welcome?.resolve();
      this.#welcome = undefined;
      this.#rest();
      return;
    }
    if (type === 'hello_error') {
      const { message: reason } = decodeError(message['error']);
      this.#fail(new AuthError(`the server does not accept the token: ${reason}`, { status: 401 }));
      return;
    }
    const id = message['request_id'];
    const pending = typeof id === 'number' ? this.#pending.get(id) : undefined;
    if (pending === undefined) throw protocolError('a message answers no request');
    if (type === 'response_ok') pending.resolve(asObject(message['response'], 'a response'));
    else if (type === 'response_error') pending.reject(decodeError(message['error']));
    else throw protocolError('a message is of an unknown type');
    this.#pending.delete(id as number);
    this.#rest();
  }

  /** A peer that vanished without a word is noticed by its silence. */
  #listen(): void {
    if (!this.#waiting || this.#heard) this.#silent = 0;
    else this.#silent++;
    this.#heard = false;
    if (this.#silent === 1) this.tell(`"type":"close_sql","sql_id":${NO_TEXT}`);
    if (this.#silent === 2) {
      const seconds = (2 * SILENT_FOR) / 1_000;
      this.#fail(new NetworkError(`the server has sent nothing for ${seconds} s`, { reached: true }));
    }
  }

  /** Has the process not wait for a socket that nobody uses. */
  #rest(): void {
    if (this.#failure !== undefined || this.#waiting) return;
    if (this.#retired && this.#streams === 0) {
      this.close();
      return;
    }
    const { setBusy } = this.#socket ?? {};
    if (setBusy !== undefined) setBusy(false);
    else if (this.#streams === 0) {
      clearTimeout(this.#idle);
      this.#idle = setTimeout(() => this.close(), IDLE_FOR);
    }
  }

  #fail(reason: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason;
    this.#welcome?.reject(reason);
    this.#ended(this);
    clearInterval(this.#watch);
    clearTimeout(this.#idle);
    this.#socket?.setBusy?.(true);
    this.#socket?.close();
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(reason);
  }
}

/** @param longest - of the requests that wait for an answer, in characters */
function closed(reason: Error, longest: number): Error {
  const garbled = unreadable(reason);
  if (garbled !== undefined) return garbled;
  // sqld 0.24 closes a WebSocket without a word when a message is longer than it takes (13 MB pass, 17 MB do not).
  const likely =
    longest > LONG_REQUEST
      ? `; a request of ${(longest / 1e6).toFixed(1)} MB was sent, and a server may take no message as long as that: ` +
        'send less at a time, or use the http: URL'
      : '';
  return new NetworkError(
    `the connection to the server failed: ${codeOf(reason) ?? reason.message}${likely}`,
    {
      reached: true,
      cause: reason,
    },
  );
}

function codeOf(reason: Error): string | undefined {
  const { code } = reason as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

function ignore(): void {}
