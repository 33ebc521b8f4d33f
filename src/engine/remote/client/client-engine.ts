import type { ResolvedConfig, Target } from '../../../config.js';
import { CapabilityError, OPEN_BY_URL } from '../../../errors.js';
import type { Connection, Engine } from '../../engine.js';
import { Calls } from '../calls.js';
import { RemoteConnection } from '../connection.js';
import type { HranaStream } from '../hrana/protocol.js';
import { Places } from '../places.js';
import { RemoteStream } from '../stream.js';
import { checkResult } from './client-result.js';
import type { Client } from './client.js';
import { ClientConnection, type ClientTraits } from './client-connection.js';
import { isHranaClient, openClientStream } from './hrana-client-stream.js';

/** What was found out about clients, so that each is asked once. */
const known = new WeakMap<object, Promise<ClientTraits>>();

/** A client that its owner made, configured and will close. */
export class ClientEngine implements Engine {
  /** The server queues its writers, and for a file the client knows no other way. */
  readonly writeLock = undefined;
  readonly #config: ResolvedConfig;
  readonly #client: Client;
  readonly #places: Places;
  readonly #calls = new Calls();

  constructor(config: ResolvedConfig) {
    this.#config = config;
    this.#client = (config.target as Extract<Target, { kind: 'client' }>).client as Client;
    this.#places = new Places(config.concurrency);
  }

  async connect(): Promise<Connection> {
    if (isHranaClient(this.#client)) return this.#byStreams();
    let traits = known.get(this.#client);
    if (traits === undefined) {
      traits = askTraits(this.#client);
      traits.catch(() => known.delete(this.#client));
      known.set(this.#client, traits);
    }
    return new ClientConnection(this.#client, await traits, (run) => this.#limited(run));
  }

  #byStreams(): RemoteConnection {
    return new RemoteConnection({
      execute: (step) =>
        this.#limited(async () => {
          const stream = await this.#open(() => {});
          try {
            return await stream.execute(step, true);
          } finally {
            stream.close();
          }
        }),
      openStream: async () => new RemoteStream(await this.#open(this.#places.take().release)),
      stop: undefined,
      diagnose: async (error) => error,
      cursors: false,
      retry: this.#config.remote.networkRetry,
      close: () => {},
    });
  }

  async #open(release: () => void): Promise<HranaStream> {
    try {
      const stream = await openClientStream(this.#client, release);
      if (stream !== undefined) return stream;
    } catch (error) {
      release();
      throw error;
    }
    release();
    throw new CapabilityError('client', `this version of @libsql/client is not known; ${OPEN_BY_URL}`);
  }

  async #limited<T>(run: () => Promise<T>): Promise<T> {
    const { release } = await this.#places.nextSingle(this.#calls);
    try {
      return await run();
    } finally {
      release();
    }
  }
}

/** @throws {@link CapabilityError} when the client gives integers as text, which can't be told from text */
async function askTraits(client: Client): Promise<ClientTraits> {
  const result: unknown = await client.execute({ sql: 'select 1', args: [] });
  checkResult(result);
  if (typeof result.rows[0]?.[0] === 'string') {
    throw new CapabilityError(
      'integers',
      "a client with intMode 'string' can't tell integers from text; make it with intMode 'bigint'",
    );
  }
  return { isFile: client.protocol === 'file' };
}
