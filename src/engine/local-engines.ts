import type { ResolvedConfig } from '../config.js';
import { DatabaseError } from '../errors.js';
import type { Engine, ReplicaPolicy } from './engine.js';

/**
 * Loads the engine of a file, a replica or a database in memory.
 *
 * @throws {@link DatabaseError} when the driver package or its binary for this platform is missing
 */
export async function loadLocalEngine(
  config: ResolvedConfig,
  policy: ReplicaPolicy | undefined,
): Promise<Engine> {
  if (policy !== undefined) {
    const { ReplicaEngine } = await import('./replica/engine.js').catch((cause: unknown) => {
      throw driverMissing('libsql', cause);
    });
    return new ReplicaEngine(config, policy);
  }
  const { LibsqlEngine } = await import('./libsql/engine.js').catch((cause: unknown) => {
    throw driverMissing('libsql', cause);
  });
  return new LibsqlEngine(config);
}

/** The package `ws`, for runtimes without a WebSocket of their own. */
export async function importWebSocket(): Promise<unknown> {
  return await import('ws');
}

function driverMissing(name: string, cause: unknown): DatabaseError {
  return new DatabaseError(
    `the driver "${name}" could not be loaded on ${process.platform}-${process.arch}; install the package ` +
      `"${name}" with its optional dependencies, and mark it as external when bundling`,
    { code: 'NOT_SUPPORTED', kind: 'capability', cause },
  );
}
