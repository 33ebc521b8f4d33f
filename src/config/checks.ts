import { ConfigError } from '../errors.js';

/** @throws {@link ConfigError} when it is none of the allowed words */
export function oneOf<T extends string>(
  key: string,
  value: T | undefined,
  allowed: readonly T[],
  fallback: T,
): T {
  if (value === undefined) return fallback;
  if (allowed.includes(value)) return value;
  const shown = typeof value === 'string' ? JSON.stringify(value) : typeName(value);
  throw new ConfigError(key, `expected ${allowed.map((name) => `'${name}'`).join(', ')}; got ${shown}`);
}

/** @throws {@link ConfigError} when it is no whole number or out of range */
export function wholeNumber(key: string, value: unknown, fallback: number, min: number, max: number): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  const got = typeof value === 'number' ? String(value) : typeName(value);
  throw new ConfigError(key, `expected a whole number from ${min} to ${max}, got ${got}`);
}

/** @throws {@link ConfigError} when it is no boolean */
export function boolean(key: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value === 'boolean') return value;
  throw new ConfigError(key, `expected a boolean, got ${typeName(value)}`);
}

/** @throws {@link ConfigError} when it is no function */
export function optionalFunction<T>(key: string, value: T | undefined): T | undefined {
  if (value === undefined || typeof value === 'function') return value;
  throw new ConfigError(key, `expected a function, got ${typeName(value)}`);
}

/** @throws {@link ConfigError} when an object has a key that it may not have */
export function onlyKeys(key: string, value: object, known: ReadonlySet<string>): void {
  const unknown = Object.keys(value).find((name) => !known.has(name));
  if (unknown !== undefined) throw new ConfigError(`${key}.${unknown}`, 'unknown key');
}

/** What a message says of a value that it must not show. */
export function typeName(value: unknown): string {
  return value === null ? 'null' : typeof value;
}

/** @throws {@link ConfigError} when it is no number or out of range */
export function number(key: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && value >= min && value <= max) return value;
  const got = typeof value === 'number' ? String(value) : typeName(value);
  throw new ConfigError(key, `expected a number from ${min} to ${max}, got ${got}`);
}
