import { ConfigError } from '../errors.js';

/** Fewer characters than this are no key for AES-256, they can be guessed. */
const SHORTEST_KEY = 32;

/**
 * Checks the key of a file before a driver sees it: libsql 0.5.29 takes one of any length, and the empty one leaves the
 * file unencrypted.
 *
 * @throws {@link ConfigError} that does not show the key
 */
export function checkEncryptionKey(key: unknown, name = 'encryptionKey'): string | undefined {
  if (key === undefined) return undefined;
  if (typeof key !== 'string' || key.length < SHORTEST_KEY || key.includes('\0')) {
    throw new ConfigError(name, `expected a string of at least ${SHORTEST_KEY} characters without U+0000`);
  }
  return key;
}
