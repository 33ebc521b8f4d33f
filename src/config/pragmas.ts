import { ConfigError } from '../errors.js';
import { pragmaBoolean } from '../sql/pragma-value.js';
import { typeName, wholeNumber } from './checks.js';
import type { Target } from './target.js';

/** A value that a pragma can be set to: a number, a boolean or one of SQLite's words such as `'wal'`. */
export type PragmaValue = string | number | boolean;

/** What is set on every connection. A server has settings of its own, foreign keys among them. */
const DEFAULTS: Readonly<Record<Target['kind'], Readonly<Record<string, PragmaValue>>>> = {
  // A log that a reader has made grow is cut when it begins again; otherwise it would keep its size.
  file: { journal_mode: 'wal', synchronous: 'normal', foreign_keys: true, journal_size_limit: 16_777_216 },
  memory: { foreign_keys: true },
  replica: {},
  remote: {},
  client: {},
};

/** Pragmas of SQLite3MC that take or change the key of a file. */
export const KEY_PRAGMAS: ReadonlySet<string> = new Set(
  'key rekey hexkey hexrekey textkey textrekey'.split(' '),
);

/** The keys of a config that pragmas concern. */
interface PragmaKeys {
  readonly busyTimeout?: number;
  readonly pragmas?: Readonly<Record<string, PragmaValue>> | false;
}

/**
 * The pragmas of every connection, and the time that statements wait for a lock, which may be given as a pragma too.
 *
 * @throws {@link ConfigError} naming the pragma or key that is wrong
 */
export function resolvePragmas(
  target: Target,
  config: PragmaKeys,
): {
  readonly busyTimeout: number;
  readonly pragmas: Record<string, PragmaValue>;
  readonly ignored: string[];
} {
  const { busy_timeout: byPragma, ...given } = checkPragmas(
    config.pragmas === false ? undefined : config.pragmas,
  );
  const key =
    config.busyTimeout === undefined && byPragma !== undefined ? 'pragmas.busy_timeout' : 'busyTimeout';
  const busyTimeout = wholeNumber(key, config.busyTimeout ?? byPragma, 5_000, 0, 2 ** 31 - 1);
  if (byPragma !== undefined && byPragma !== busyTimeout) {
    throw new ConfigError('pragmas.busy_timeout', 'contradicts "busyTimeout"; give one of the two');
  }
  const ignored =
    target.kind === 'replica' && given['journal_mode'] !== undefined ? ['pragmas.journal_mode'] : [];
  if (ignored.length > 0) delete given['journal_mode'];
  const defaults = config.pragmas === false ? {} : defaultsOf(target);
  return { busyTimeout, pragmas: { ...defaults, ...given }, ignored };
}

function defaultsOf(target: Target): Readonly<Record<string, PragmaValue>> {
  if (target.kind !== 'file' || target.mode !== 'ro') return DEFAULTS[target.kind];
  const { journal_mode: _mode, ...readable } = DEFAULTS.file;
  return readable;
}

/** @throws {@link ConfigError} naming the pragma that can't be set, or not to this value */
function checkPragmas(
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
    if (KEY_PRAGMAS.has(lower)) throw new ConfigError(key, 'use the key "encryptionKey"');
    const valid =
      typeof value === 'boolean' ||
      (typeof value === 'number' && Number.isSafeInteger(value)) ||
      (typeof value === 'string' && /^[a-z_][a-z0-9_-]*$/i.test(value));
    if (!valid) throw new ConfigError(key, 'expected a whole number, a boolean or one word');
    checked[lower] = lower === 'query_only' ? onOrOff(key, value) : value;
  }
  return checked;
}

function onOrOff(key: string, value: PragmaValue): 0 | 1 {
  const on = pragmaBoolean(value);
  if (on !== undefined) return on ? 1 : 0;
  throw new ConfigError(key, 'expected true or false');
}
