import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ResolvedConfig, Target } from '../../config.js';
import type { Engine, ReplicaPolicy } from '../engine.js';
import type { LibsqlConnection } from '../libsql/connection.js';
import { LibsqlEngine } from '../libsql/engine.js';
import { RemoteEngine } from '../remote/engine.js';
import { ReplicaConnection } from './connection.js';
import { ReplicaFile } from './replica-file.js';

/**
 * Embedded replicas: the file is read by plain connections that can't write it, everything else is done by the server,
 * and a handle of the binding that is never asked anything brings the file up to date. That handle would give the rows of
 * the first run of a statement for ever, run on outside a transaction that the server has ended, and block the event
 * loop for every write (libsql 0.5.29).
 */
export class ReplicaEngine implements Engine {
  /** The server queues its writers. */
  readonly writeLock = undefined;
  readonly replica: ReplicaFile;
  readonly #policy: ReplicaPolicy;
  readonly #file: LibsqlEngine;
  readonly #server: RemoteEngine;

  constructor(config: ResolvedConfig, policy: ReplicaPolicy) {
    const { path, url } = config.target as Extract<Target, { kind: 'replica' }>;
    this.#policy = policy;
    const readOnly = `${pathToFileURL(resolve(path)).href}?mode=ro`;
    this.#file = new LibsqlEngine({ ...config, target: { kind: 'file', path: readOnly } });
    this.#server = new RemoteEngine({ ...config, target: { kind: 'remote', url } });
    const connect = (): LibsqlConnection => this.#file.connect();
    this.replica = new ReplicaFile(config, { path: resolve(path), url }, this.#server, connect);
  }

  async connect(): Promise<ReplicaConnection> {
    await this.#policy.opening(this.replica);
    // While the file is made again it may not be there.
    if (!this.replica.serving) await this.#policy.reading();
    return new ReplicaConnection(
      () => this.#file.connect(),
      this.#server.connect(),
      this.replica,
      this.#policy,
    );
  }
}
