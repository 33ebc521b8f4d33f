/**
 * The value that the text of a PRAGMA sets.
 *
 * @returns undefined where it is no plain word or number
 */
export function pragmaValue(text: string): string | number | undefined {
  const value = /[=(]\s*['"]?([-+]?\w+)['"]?\s*\)?$/.exec(text)?.[1];
  return value !== undefined && /^[-+]?\d+$/.test(value) ? Number(value) : value;
}

/** What SQLite takes for a boolean; undefined for anything else. */
export function pragmaBoolean(value: unknown): boolean | undefined {
  const word = String(value).toLowerCase();
  if (['1', 'on', 'yes', 'true'].includes(word)) return true;
  return ['0', 'off', 'no', 'false'].includes(word) ? false : undefined;
}
