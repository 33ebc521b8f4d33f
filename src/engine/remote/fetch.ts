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
    if (!token.renewable) return await fetch(input, { ...init, signal: signal() ?? null });
    const request = new Request(input, init);
    const again = request.clone();
    const bearer = await token.get();
    const response = await send(fetch, request, bearer, signal());
    if (response.status !== 401) return response;
    const other = await token.get(bearer);
    return other === bearer ? response : await send(fetch, again, other, signal());
  };
}

async function send(
  fetch: typeof globalThis.fetch,
  request: Request,
  bearer: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Response> {
  if (bearer !== undefined) request.headers.set('authorization', `Bearer ${bearer}`);
  return await fetch(request, { signal: signal ?? null });
}
