import type { ResolvedConfig } from '../config.js';
import { DatabaseError } from '../errors.js';
import type { Engine, ReplicaPolicy } from './engine.js';

/**
 * Loads the engine for a config. The driver is imported here and not before, so that importing this package loads no
 * native code.
 *
 * @param policy - what decides when a replica is synced; given for a replica
 * @throws {@link DatabaseError} when the driver package or its binary for this platform is missing
 */
export async function loadEngine(config: ResolvedConfig, policy: ReplicaPolicy | undefined): Promise<Engine> {
  if (config.target.kind === 'remote') {
    const { RemoteEngine } = await import('./remote/engine.js');
    return new RemoteEngine(config);
  }
  if (config.target.kind === 'client') {
    // Whoever made the client has the driver.
    const { ClientEngine } = await import('./remote/client/client-engine.js');
    return new ClientEngine(config);
  }
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

function driverMissing(name: string, cause: unknown): DatabaseError {
  return new DatabaseError(
    `the driver "${name}" could not be loaded on ${process.platform}-${process.arch}; install the package ` +
      `"${name}" with its optional dependencies, and mark it as external when bundling`,
    { code: 'NOT_SUPPORTED', kind: 'capability', cause },
  );
}
