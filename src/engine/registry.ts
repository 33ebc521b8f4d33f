import type { ResolvedConfig } from '../config.js';
import { noFiles } from '../config/local-config.js';
import type { Engine, ReplicaPolicy } from './engine.js';

/** Loads the engine of a database with a file, or in memory. */
export type LocalEngines = (config: ResolvedConfig, policy: ReplicaPolicy | undefined) => Promise<Engine>;

let localEngines: LocalEngines | undefined;

/** Makes the engines for files known; only `local.ts` does. */
export function installLocalEngines(load: LocalEngines): void {
  localEngines = load;
}

/**
 * Loads the engine for a config. The driver is imported here and not before, so that importing this package loads no
 * native code.
 *
 * @param policy - what decides when a replica is synced; given for a replica
 * @throws {@link DatabaseError} when the driver package or its binary for this platform is missing
 * @throws {@link CapabilityError} for a file where only servers are known
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
  if (localEngines === undefined) throw noFiles();
  return await localEngines(config, policy);
}
