import { protocolError } from '../../../errors.js';
import { TextCollector } from './text.js';
import { type HttpAnswer, type HttpRequest, type HttpTransport, TransportError } from './transport.js';

type Fetch = typeof globalThis.fetch;

/**
 * Requests by `fetch`, which every runtime has.
 *
 * @param custom - a function of the application in its place. It is given a `Request`, as `@libsql/client` does
 */
export function fetchTransport(custom: Fetch | undefined): HttpTransport {
  const send = custom === undefined ? globalThis.fetch : byRequest(custom);
  return {
    send: async (request) => {
      const response = await respond(send, request);
      return new FetchAnswer(response);
    },
    close: () => {},
  };
}

function byRequest(custom: Fetch): Fetch {
  // The signal is given once more: the one of a Request does not reach the body once the Request was collected.
  return async (url, init) =>
    await custom(new Request(url, init), init?.signal ? { signal: init.signal } : {});
}

async function respond(fetch: Fetch, { url, headers, body, signal }: HttpRequest): Promise<Response> {
  let response: Response;
  try {
    // Workers know 'follow' and 'manual' only.
    response = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'manual' });
  } catch (cause) {
    throw new TransportError(cause, !neverSent(cause));
  }
  if (typeof response?.status !== 'number') throw protocolError('the function "fetch" gave no Response');
  if (signal.aborted) void response.body?.cancel().catch(ignore);
  return response;
}

class FetchAnswer implements HttpAnswer {
  readonly #response: Response;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;

  constructor(response: Response) {
    this.#response = response;
  }

  get status(): number {
    // A browser hides the status of a redirect that it does not follow.
    return this.#response.type === 'opaqueredirect' ? 302 : this.#response.status;
  }

  header(name: string): string | undefined {
    return this.#response.headers.get(name) ?? undefined;
  }

  async text(): Promise<string> {
    // React Native has no stream of the body.
    if (this.#response.body === undefined) return await this.#wholeText();
    const text = new TextCollector();
    for (;;) {
      const piece = await this.read();
      if (piece === undefined) return text.text();
      text.add(piece);
    }
  }

  async read(): Promise<Uint8Array | undefined> {
    this.#reader ??= this.#response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined;
    try {
      return (await this.#reader?.read())?.value;
    } catch (cause) {
      throw new TransportError(cause, true);
    }
  }

  async #wholeText(): Promise<string> {
    try {
      return await this.#response.text();
    } catch (cause) {
      throw new TransportError(cause, true);
    }
  }

  cancel(): void {
    const { body } = this.#response;
    const cancelled = this.#reader === undefined ? body?.cancel() : this.#reader.cancel();
    cancelled?.catch(ignore);
  }
}

/** Codes of failures before a connection was made. */
const NOT_CONNECTED: ReadonlySet<unknown> = new Set([
  ...['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'UND_ERR_CONNECT_TIMEOUT'],
  ...['CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN'],
  ...['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'ERR_TLS_CERT_ALTNAME_INVALID'],
]);

/**
 * Whether nothing can have been sent. A code like EHOSTUNREACH ends connections that are open as well, so it counts only
 * together with the call that failed.
 */
export function neverSent(failure: unknown): boolean {
  let reason = failure as
    | { code?: unknown; syscall?: unknown; message?: unknown; cause?: unknown }
    | undefined;
  for (let depth = 0; typeof reason === 'object' && reason !== null && depth < 8; depth++) {
    if (NOT_CONNECTED.has(reason.code) || reason.syscall === 'connect' || reason.syscall === 'getaddrinfo') {
      return true;
    }
    const { errors } = reason as { errors?: unknown };
    // Every address of the host was tried.
    if (Array.isArray(errors) && errors.length > 0 && errors.every(neverSent)) return true;
    if (/^(?:connect|getaddrinfo) E[A-Z_]+\b|^bad port$/.test(String(reason.message))) return true;
    reason = reason.cause as typeof reason;
  }
  return false;
}

function ignore(): void {}
