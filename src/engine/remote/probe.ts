import { orAborted } from './calls.js';
import { toRemoteError } from './failure.js';
import type { HttpServer } from './hrana/http-server.js';

/**
 * Asks a server for nothing, over HTTP, to find out whether it can be reached and takes the token.
 *
 * @param timeout - how long the server may take, in ms
 * @throws {@link AuthError} or {@link NetworkError} that tells why not
 */
export async function probe(server: HttpServer, timeout: number): Promise<void> {
  try {
    const body = '{"baton":null,"requests":[{"type":"close"}]}';
    const signal = AbortSignal.timeout(timeout);
    // Every version has this path.
    const answer = await orAborted(server.post(server.url, '/v2/pipeline', body, signal), signal);
    answer.cancel();
  } catch (thrown) {
    throw toRemoteError(thrown);
  }
}
