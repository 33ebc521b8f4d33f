import type { Secret } from '../../../secret.js';
import type { TokenSource } from '../token.js';
import { TextCollector } from '../transport/text.js';
import type { HttpAnswer, HttpTransport } from '../transport/transport.js';
import { asObject } from './message.js';
import { Replication } from './replication.js';

/** How much of the body of a failure is looked at, in bytes. */
const LONGEST_REASON = 4_096;

/** How sqld 0.24 says, as text, that it does not know a stream. */
const INVALID_BATON = 'Received an invalid baton';

/** An answer with a status that is no success. */
export class HttpStatusError extends Error {
  readonly status: number;
  /** Code of the server, `''` where its body tells none. */
  readonly code: string;
  /** The wait that the server asks for, as its header says. */
  readonly retryAfter: string | undefined;
  /** Whether {@link message} is what the server said. */
  readonly told: boolean;

  constructor(answer: HttpAnswer, reason: { message: string; code: string } | undefined) {
    super(reason?.message ?? `HTTP status ${answer.status}`);
    this.status = answer.status;
    this.code = reason?.code ?? '';
    this.told = reason !== undefined;
    this.retryAfter = answer.header('retry-after');
  }
}

/** What a {@link HttpServer} is made of. */
export interface HttpServerParts {
  /** Address without a slash at its end. */
  readonly url: string;
  readonly transport: HttpTransport;
  readonly token: TokenSource;
  readonly encryptionKey: Secret<string | undefined>;
  /** Leave it to the runtime to ask for a compressed answer. */
  readonly compression: boolean;
  /** Whether a read replica waits until it has what was seen before. */
  readonly readYourWrites: boolean;
}

/** A server over HTTP: what its streams have in common. */
export class HttpServer {
  readonly url: string;
  /** Version of the protocol, once an answer has told it. */
  version: 2 | 3 | undefined;
  readonly replication: Replication;
  readonly #parts: HttpServerParts;

  constructor(parts: HttpServerParts) {
    this.#parts = parts;
    this.url = parts.url;
    this.replication = new Replication(parts.readYourWrites);
  }

  /**
   * Sends a request with the token. One that is refused for its token has done nothing, so it is sent once more when
   * there is another token.
   *
   * @param base - the address, which the server may have changed
   * @throws {@link HttpStatusError}, {@link TransportError}
   */
  async post(base: string, path: string, body: string, signal: AbortSignal): Promise<HttpAnswer> {
    const { token } = this.#parts;
    const bearer = await token.get();
    let answer = await this.#send(base + path, body, bearer, signal);
    if (answer.status === 401 && token.renewable) {
      const other = await token.get(bearer);
      if (other !== bearer) {
        answer.cancel();
        answer = await this.#send(base + path, body, other, signal);
        if (answer.status === 401) token.refuse(other);
      }
    }
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw new HttpStatusError(answer, await reasonOf(answer));
  }

  /** Closes the connections that are kept for further requests. */
  close(): void {
    this.#parts.transport.close();
  }

  async #send(
    url: string,
    body: string,
    bearer: string | undefined,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const { transport, encryptionKey, compression } = this.#parts;
    const key = encryptionKey.reveal();
    return await transport.send({
      url,
      headers: {
        'content-type': 'application/json',
        // sqld 0.24 compresses in pieces of 84 bytes, which takes a hundred times as long as no compression.
        ...(compression ? {} : { 'accept-encoding': 'identity' }),
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        ...(key === undefined ? {} : { 'x-turso-encryption-key': key }),
      },
      body,
      signal,
    });
  }
}

/** The address that an answer asks to use from now on; it must not be one without encryption if ours has it. */
export function movedTo(base: string, wanted: unknown): string {
  if (typeof wanted !== 'string' || !URL.canParse(wanted)) return base;
  const { protocol } = new URL(wanted);
  const allowed = protocol === 'https:' || (protocol === 'http:' && base.startsWith('http:'));
  return allowed ? wanted.replace(/\/+$/, '') : base;
}

/** `{ message, code }` of the protocol or `{ error }` of the server's other parts; undefined if it is neither. */
async function reasonOf(answer: HttpAnswer): Promise<{ message: string; code: string } | undefined> {
  const type = answer.header('content-type') ?? '';
  if (!type.includes('json') && !type.includes('text/plain')) {
    answer.cancel();
    return undefined;
  }
  try {
    const text = new TextCollector(LONGEST_REASON);
    for (let piece = await answer.read(); piece !== undefined; piece = await answer.read()) text.add(piece);
    const body = text.text();
    // The server was started again, and with it its streams are gone (sqld 0.24).
    if (body.startsWith(INVALID_BATON)) return { message: INVALID_BATON, code: 'BATON_INVALID' };
    const { message, error, code } = asObject(JSON.parse(body), 'a failure');
    const told = message ?? error;
    if (typeof told !== 'string') return undefined;
    return { message: told, code: typeof code === 'string' ? code : '' };
  } catch {
    answer.cancel();
    return undefined;
  }
}
