import { ConfigError } from '../errors.js';
import { typeName } from './checks.js';
import { toPath } from './path.js';

/** A run-time loadable extension of SQLite: the path of its library, or the path with the function that starts it. */
export type Extension = string | { readonly path: string; readonly entryPoint?: string };

/** An extension, checked. */
export interface ResolvedExtension {
  readonly path: string;
  readonly entryPoint: string | undefined;
}

/** @throws {@link ConfigError} when it is no list of extensions */
export function resolveExtensions(
  extensions: readonly Extension[] | undefined,
): readonly ResolvedExtension[] {
  if (extensions === undefined) return [];
  if (!Array.isArray(extensions)) {
    throw new ConfigError('extensions', `expected an array, got ${typeName(extensions)}`);
  }
  return extensions.map((extension: Extension, index) => {
    const key = `extensions[${index}]`;
    const given = typeof extension === 'string' ? { path: extension } : extension;
    if (typeof given !== 'object' || given === null) {
      throw new ConfigError(key, `expected a path or { path, entryPoint }, got ${typeName(given)}`);
    }
    // U+0000 in a path aborts the process in libsql 0.5.29.
    const path = toPath(given.path, (problem, cause) => new ConfigError(`${key}.path`, problem, cause));
    const { entryPoint } = given;
    if (entryPoint !== undefined && !/^[a-z_]\w*$/i.test(entryPoint)) {
      throw new ConfigError(`${key}.entryPoint`, 'expected the name of a function');
    }
    return { path, entryPoint };
  });
}
