/** Two letters at least, so that `C:\data.db` is a path. */
const SCHEME = /^([a-z][a-z0-9+.-]+):/i;

/** The scheme of a URL in lower case; undefined for a path. */
export function schemeOf(url: string): string | undefined {
  return SCHEME.exec(url)?.[1]?.toLowerCase();
}
