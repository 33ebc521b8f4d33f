import { onlyKeys, wholeNumber } from './checks.js';

/** How often and how fast a transaction is run again after a lock or write conflict. */
export interface RetryConfig {
  /** How many times the callback is run again after its first run. */
  readonly attempts: number;
  /** Longest pause before the first repetition in ms; it doubles with each. @default 10 */
  readonly minDelay?: number;
  /** Upper bound of a pause in ms. @default 500 */
  readonly maxDelay?: number;
}

const RETRY_KEYS: ReadonlySet<string> = new Set(['attempts', 'minDelay', 'maxDelay']);

/**
 * Completes a `retry` option.
 *
 * @param key - its name, for messages
 * @throws {@link ConfigError} when a number in it is out of range or a key unknown
 */
export function resolveRetry(value: number | RetryConfig | undefined, key = 'retry'): Required<RetryConfig> {
  const retry: Partial<RetryConfig> =
    typeof value === 'object' && value !== null ? value : numberOfTimes(value);
  onlyKeys(key, retry, RETRY_KEYS);
  return {
    attempts: wholeNumber(retry === value ? `${key}.attempts` : key, retry.attempts, 0, 0, 10_000),
    minDelay: wholeNumber(`${key}.minDelay`, retry.minDelay, 10, 0, 2 ** 31 - 1),
    maxDelay: wholeNumber(`${key}.maxDelay`, retry.maxDelay, 500, 0, 2 ** 31 - 1),
  };
}

function numberOfTimes(attempts: number | undefined): Partial<RetryConfig> {
  return attempts === undefined ? {} : { attempts };
}
