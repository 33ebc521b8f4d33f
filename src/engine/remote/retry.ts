import type { NetworkRetryConfig } from '../../config.js';
import { NetworkError } from '../../errors.js';

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
  for (let attempt = 0; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      const again = error instanceof NetworkError && (repeatable || !error.reached);
      if (!again || attempt >= retry.attempts || stopped()) throw error;
      const pause = Math.min(retry.minDelay * 2 ** attempt, retry.maxDelay) * (0.5 + Math.random() / 2);
      await sleep(Math.min(Math.max(pause, error.retryAfter ?? 0), LONGEST_WAIT), stopped);
      if (stopped()) throw error;
    }
  }
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
