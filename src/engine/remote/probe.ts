import { toRemoteError } from './failure.js';

/**
 * Asks a server for nothing, over HTTP, to find out whether it can be reached and takes the token.
 *
 * @param url - without a slash at its end
 * @param timeout - how long the server may take, in ms
 * @throws {@link AuthError} or {@link NetworkError} that tells why not
 */
export async function probe(url: string, fetch: typeof globalThis.fetch, timeout: number): Promise<void> {
  try {
    const response = await fetch(`${url}/v2/pipeline`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ baton: null, requests: [{ type: 'close' }] }),
      signal: AbortSignal.timeout(timeout),
    });
    await response.body?.cancel();
    if (!response.ok) throw Object.assign(new Error('refused'), { status: response.status });
  } catch (thrown) {
    throw toRemoteError(thrown);
  }
}
