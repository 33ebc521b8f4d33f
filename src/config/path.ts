import { typeName } from './checks.js';
import { schemeOf } from './scheme.js';

const FILE_URL = /^file:(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(#.*)?$/is;

/** Makes the error that says what is wrong with a path. */
export type Refusal = (problem: string, cause?: unknown) => Error;

/** What a `file:` URL says. */
export interface FileUrl {
  readonly path: string;
  /** Whether two slashes begin it. */
  readonly authority: boolean;
  readonly query: string | undefined;
}

/**
 * The path that a user's text means: a path, or a `file:` URL as in `config.url`. Node and the engine read it alike,
 * whereas each has a reading of its own for a bare `file:app.db`.
 *
 * @param refuse - makes the error for what is no path
 */
export function toPath(given: unknown, refuse: Refusal): string {
  if (typeof given !== 'string') throw refuse(`expected a path or a "file:" URL, got ${typeName(given)}`);
  const scheme = schemeOf(given);
  if (scheme === undefined) return checkedPath(given, refuse);
  if (scheme !== 'file') throw refuse(`expected a path or a "file:" URL, got one of the scheme "${scheme}:"`);
  const { path, query } = readFileUrl(given, refuse);
  if (query !== undefined && query !== '') throw refuse('the URL takes no query');
  return checkedPath(path, refuse);
}

/** Reads a `file:` URL as `@libsql/client` does: relative paths are allowed, the host is empty or `localhost`. */
export function readFileUrl(url: string, refuse: Refusal): FileUrl {
  const [, authority, rawPath = '', query, fragment] = FILE_URL.exec(url) ?? [];
  if (fragment !== undefined) throw refuse('a fragment ("#…") has no meaning in a file URL');
  if (authority !== undefined && authority !== '' && authority.toLowerCase() !== 'localhost') {
    throw refuse(
      'a file URL takes no host; write "file:/absolute/path.db", "file:///absolute/path.db" or "file:relative.db"',
    );
  }
  return { path: decodePath(rawPath, refuse), authority: authority !== undefined, query };
}

/** A path that Node and the engine read alike. */
export function checkedPath(path: string, refuse: Refusal): string {
  if (path === '') throw refuse('the path is empty');
  if (path.includes('\0')) throw refuse('the path contains the character U+0000');
  // The engine has a reading of its own for "file:", "libsql:" and the like, and ":memory:" is no file to it.
  return schemeOf(path) !== undefined || path === ':memory:' ? `./${path}` : path;
}

function decodePath(path: string, refuse: Refusal): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw refuse('the path has an invalid percent encoding', cause);
  }
}
