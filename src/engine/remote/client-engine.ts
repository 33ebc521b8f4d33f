import type { Client } from '@libsql/client';
import promiseLimit from 'promise-limit';
import type { ResolvedConfig, Target } from '../../config.js';
import { CapabilityError } from '../../errors.js';
import type { Engine } from '../engine.js';
import { openStream } from './client.js';
import { RemoteConnection } from './connection.js';
import { REMOTE_CAPABILITIES } from './engine.js';

/** A client of `@libsql/client` that its owner made, configured and will close. */
export class ClientEngine implements Engine {
  readonly name = 'remote';
  readonly capabilities = REMOTE_CAPABILITIES;
  /** The server queues its writers. */
  readonly writeLock = undefined;
  readonly #config: ResolvedConfig;
  readonly #client: Client;
  readonly #limit: <T>(run: () => Promise<T>) => Promise<T>;

  constructor(config: ResolvedConfig) {
    this.#config = config;
    this.#client = (config.target as Extract<Target, { kind: 'client' }>).client as Client;
    this.#limit = promiseLimit(config.concurrency) as <T>(run: () => Promise<T>) => Promise<T>;
  }

  connect(): RemoteConnection {
    const client = this.#client;
    if (client.protocol !== 'http' && client.protocol !== 'ws') {
      throw new CapabilityError(
        'fileClient',
        'a client can only be handed in for a server; open a file or replica by its URL',
      );
    }
    return new RemoteConnection({
      // The client's own `execute()` gives integers as the client is set to, and a stream gives them exactly.
      execute: (step) =>
        this.#limit(async () => {
          const stream = await openStream(client);
          return await stream.queryAndClose(step);
        }),
      openStream: () => openStream(client),
      stop: undefined,
      diagnose: async (error) => error,
      cursors: undefined,
      retry: this.#config.remote.networkRetry,
      close: () => {},
    });
  }
}
