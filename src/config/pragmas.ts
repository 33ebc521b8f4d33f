import { ConfigError } from '../errors.js';
import { typeName } from './checks.js';

/** A value that a pragma can be set to: a number, a boolean or one of SQLite's words such as `'wal'`. */
export type PragmaValue = string | number | boolean;

/** Set by us on every connection; a value from outside would break what rests on it. */
const OWN_PRAGMAS: Readonly<Record<string, string>> = {
  busy_timeout: 'use the key "busyTimeout"; waiting is done without blocking the event loop',
  query_only: "use transactions with behavior 'read'",
};

/** Pragmas of SQLite3MC that take or change the key of a file. */
export const KEY_PRAGMAS: ReadonlySet<string> = new Set(
  'key rekey hexkey hexrekey textkey textrekey'.split(' '),
);

/** @throws {@link ConfigError} naming the pragma that can't be set, or not to this value */
export function checkPragmas(
  pragmas: Readonly<Record<string, PragmaValue>> | undefined,
): Record<string, PragmaValue> {
  if (pragmas === undefined) return {};
  if (typeof pragmas !== 'object' || pragmas === null || Array.isArray(pragmas)) {
    throw new ConfigError('pragmas', `expected an object or false, got ${typeName(pragmas)}`);
  }
  const checked: Record<string, PragmaValue> = {};
  for (const [name, value] of Object.entries(pragmas)) {
    const key = `pragmas.${name}`;
    const lower = name.toLowerCase();
    if (!/^[a-z_]+$/.test(lower)) throw new ConfigError(key, 'not the name of a pragma');
    if (OWN_PRAGMAS[lower] !== undefined) throw new ConfigError(key, OWN_PRAGMAS[lower]);
    if (KEY_PRAGMAS.has(lower)) throw new ConfigError(key, 'use the key "encryptionKey"');
    const valid =
      typeof value === 'boolean' ||
      (typeof value === 'number' && Number.isSafeInteger(value)) ||
      (typeof value === 'string' && /^[a-z_][a-z0-9_-]*$/i.test(value));
    if (!valid) throw new ConfigError(key, 'expected a whole number, a boolean or one word');
    checked[lower] = value;
  }
  return checked;
}
