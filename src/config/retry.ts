import { ConfigError } from '../errors.js';
import { wholeNumber } from './checks.js';

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
 * @throws {@link ConfigError} when a number in it is out of range or a key unknown
 */
export function resolveRetry(value: number | RetryConfig | undefined): Required<RetryConfig> {
  const retry: Partial<RetryConfig> =
    typeof value === 'object' && value !== null ? value : numberOfTimes(value);
  const unknown = Object.keys(retry).find((key) => !RETRY_KEYS.has(key));
  if (unknown !== undefined) throw new ConfigError(`retry.${unknown}`, 'unknown key');
  return {
    attempts: wholeNumber('retry', retry.attempts, 0, 0, 10_000),
    minDelay: wholeNumber('retry.minDelay', retry.minDelay, 10, 0, 2 ** 31 - 1),
    maxDelay: wholeNumber('retry.maxDelay', retry.maxDelay, 500, 0, 2 ** 31 - 1),
  };
}

function numberOfTimes(attempts: number | undefined): Partial<RetryConfig> {
  return attempts === undefined ? {} : { attempts };
}
