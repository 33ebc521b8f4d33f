import { NetworkError } from '../../errors.js';
import type { TokenSource } from './token.js';

/** What requests of one connection have in common. */
export interface FetchContext {
  readonly fetch: typeof globalThis.fetch;
  readonly token: TokenSource;
  /** Stops what is under way; another one comes in its place. */
  readonly signal: () => AbortSignal | undefined;
}

/**
 * A `fetch` that adds the token and can be stopped. A request that is refused for its token has done nothing, so it is
 * sent once more when there is another token.
 */
export function fetchWith({ fetch, token, signal }: FetchContext): typeof globalThis.fetch {
  return async (input, init) => {
    // The client has put a token that does not change into the request already.
    if (!token.renewable) {
      if (input instanceof Request) dontCompress(input);
      return checked(await fetch(input, { ...init, signal: either(signal(), init?.signal) }));
    }
    const request = new Request(input, init);
    dontCompress(request);
    const again = request.clone();
    const bearer = await token.get();
    const response = await send(fetch, request, bearer, signal());
    if (response.status !== 401) return checked(response);
    const other = await token.get(bearer);
    return other === bearer ? response : checked(await send(fetch, again, other, signal()));
  };
}

async function send(
  fetch: typeof globalThis.fetch,
  request: Request,
  bearer: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Response> {
  if (bearer !== undefined) request.headers.set('authorization', `Bearer ${bearer}`);
  return await fetch(request, { signal: either(signal, request.signal) });
}

const LOOPBACK = /^https?:\/\/(?:127\.\d+\.\d+\.\d+|localhost|\[::1\])[:/]/;

/** On the same machine it takes longer to compress an answer than to send it. */
function dontCompress(request: Request): void {
  if (LOOPBACK.test(request.url)) request.headers.set('accept-encoding', 'identity');
}

function either(one: AbortSignal | undefined, other: AbortSignal | null | undefined): AbortSignal | null {
  return one && other ? AbortSignal.any([one, other]) : (one ?? other ?? null);
}

/** What stands between us and the server, or the server itself, has no time for this request. */
const UNAVAILABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** The client would not tell when to ask again. */
function checked(response: Response): Response {
  const { status } = response;
  if (!UNAVAILABLE.has(status)) return response;
  void response.body?.cancel();
  const reached = status !== 429;
  throw new NetworkError(`the server answered with HTTP status ${status}`, {
    status,
    reached,
    retryable: !reached,
    retryAfter: waitOf(response.headers.get('retry-after')),
  });
}

/** Seconds or a date, RFC 9110 §10.2.3; in ms from now. */
function waitOf(header: string | null): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
