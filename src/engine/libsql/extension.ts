import path from 'node:path';
import type { ResolvedExtension } from '../../config.js';
import { CapabilityError, ConfigError } from '../../errors.js';
import type { NativeDatabase } from './native.js';

/**
 * Loads an extension into a connection.
 *
 * @throws {@link ConfigError} when it can't be loaded
 * @throws {@link CapabilityError} for an entry point that SQLite would not find by itself
 */
export function loadExtension(native: NativeDatabase, extension: ResolvedExtension, index: number): void {
  const { path: file, entryPoint } = extension;
  const found = ['sqlite3_extension_init', derivedEntryPoint(file)];
  // The binding aborts the process when it is given one (libsql 0.5.29).
  if (entryPoint !== undefined && !found.includes(entryPoint)) {
    throw new CapabilityError(
      'extensionEntryPoint',
      `the libsql engine can only start an extension by ${found.join(' or ')}, which SQLite derives from the name of the file`,
    );
  }
  try {
    native.loadExtension(path.resolve(file));
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new ConfigError(`extensions[${index}]`, `the extension could not be loaded: ${reason}`, thrown);
  }
}

/** See "Loading an Extension" on https://www.sqlite.org/loadext.html. */
function derivedEntryPoint(file: string): string {
  const name = path
    .basename(file)
    .replace(/^lib/, '')
    .replace(/\..*$/s, '')
    .replace(/[^a-z]/gi, '');
  return `sqlite3_${name.toLowerCase()}_init`;
}
