import type { NetworkRetryConfig } from '../../config.js';
import { NetworkError, suppress } from '../../errors.js';

/** Longest time that a server can make us wait by its Retry-After, in ms. */
const LONGEST_WAIT = 10_000;

/**
 * Runs a request again after a failure of the network, with growing, random pauses.
 *
 * @param repeatable - whether it does no harm to run it twice
 */
export async function withRetry<T>(
  run: () => Promise<T>,
  repeatable: boolean,
  retry: Required<NetworkRetryConfig>,
  stopped: () => boolean,
): Promise<T> {
  let first: NetworkError | undefined;
  for (let attempt = 0; ; attempt++) {
    try {
      return await run();
    } catch (thrown) {
      const error = withEarlier(thrown, first);
      const again = thrown instanceof NetworkError && (repeatable || !thrown.reached);
      if (!again || attempt >= retry.attempts || stopped()) throw error;
      first = error as NetworkError;
      const pause = Math.min(retry.minDelay * 2 ** attempt, retry.maxDelay) * (0.5 + Math.random() / 2);
      await sleep(Math.min(Math.max(pause, thrown.retryAfter ?? 0), LONGEST_WAIT), stopped);
      if (stopped()) throw error;
    }
  }
}

/** What did not reach the server this time may have reached it before, and that is what the caller must know. */
function withEarlier(thrown: unknown, earlier: NetworkError | undefined): unknown {
  if (!(thrown instanceof NetworkError) || thrown.reached || earlier?.reached !== true) return thrown;
  suppress(earlier, thrown);
  return earlier;
}

/** Waits in short steps, so that whoever stops it does not wait for it. */
async function sleep(ms: number, stopped: () => boolean): Promise<void> {
  const end = performance.now() + ms;
  while (!stopped()) {
    const left = end - performance.now();
    if (left <= 0) return;
    await new Promise((resolve) => setTimeout(resolve, Math.min(left, 20)));
  }
}
