import { DatabaseError } from '../errors.js';
/**
 * Loads the engine for a config. The driver is imported here and not before, so that importing this package loads no
 * native code.
 *
 * @throws {@link DatabaseError} when the driver package or its binary for this platform is missing
 */
export async function loadEngine(config) {
  const { LibsqlEngine } = await import('./libsql/engine.js').catch((cause) => {
    throw new DatabaseError(
      `the driver "libsql" could not be loaded on ${process.platform}-${process.arch}; install the package ` +
        '"libsql" with its optional dependencies, and mark it as external when bundling',
      { code: 'NOT_SUPPORTED', kind: 'capability', cause },
    );
  });
  return new LibsqlEngine(config);
}
