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
    const answer = await orTimedOut(server.post(server.url, '/v2/pipeline', body, signal), signal);
    answer.cancel();
  } catch (thrown) {
    throw toRemoteError(thrown);
  }
}

/** A `fetch` or a token function of the application may heed no signal. */
async function orTimedOut<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => {});
  return await new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}
