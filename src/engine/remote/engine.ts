import type { ResolvedConfig, Target } from '../../config.js';
import { AuthError, type DatabaseError, NetworkError } from '../../errors.js';
import type { Engine } from '../engine.js';
import { httpUrl } from './address.js';
import { Calls } from './calls.js';
import { RemoteConnection } from './connection.js';
import { HttpServer } from './hrana/http-server.js';
import { HttpStream } from './hrana/http-stream.js';
import { WsSockets } from './hrana/ws-sockets.js';
import { withOwnRowid } from './own-rowid.js';
import type { RemoteParts } from './parts.js';
import { Places } from './places.js';
import { probe } from './probe.js';
import { RemoteStream } from './stream.js';
import { TokenSource } from './token.js';
import { fetchTransport } from './transport/fetch-transport.js';
import { nodeTransport } from './transport/node-transport.js';

/** How long is asked for the reason of a failure, in ms. */
const EXPLAINED_WITHIN = 2_000;

/** libSQL servers and Turso Cloud over HTTP or WebSocket. */
export class RemoteEngine implements Engine {
  /** The server queues its writers. */
  readonly writeLock = undefined;
  readonly #config: ResolvedConfig;
  readonly #token: TokenSource;
  readonly #http: HttpServer;
  /** Address of the WebSocket; undefined where HTTP is spoken. */
  readonly #socketUrl: string | undefined;
  readonly #places: Places;
  #connections = 0;

  constructor(config: ResolvedConfig) {
    const { url } = config.target as Extract<Target, { kind: 'remote' }>;
    const { authToken, tls, fetch, compression, remoteEncryptionKey } = config.remote;
    this.#config = config;
    this.#token = new TokenSource(authToken.reveal());
    const own = fetch === undefined && !compression ? nodeTransport() : undefined;
    const address = httpUrl(url, tls);
    this.#http = new HttpServer({
      url: address,
      transport: own ?? fetchTransport(fetch),
      token: this.#token,
      encryptionKey: remoteEncryptionKey,
      compression,
      readYourWrites: config.remote.readYourWrites,
    });
    this.#socketUrl = /^wss?:/i.test(url) ? address.replace(/^http/, 'ws') : undefined;
    this.#places = new Places(config.concurrency);
  }

  connect(): RemoteConnection {
    this.#connections++;
    const parts = this.#socketUrl === undefined ? this.#overHttp() : this.#overSocket(this.#socketUrl);
    return new RemoteConnection(parts);
  }

  /**
   * Finds out whether the server can be reached and takes the token.
   *
   * @param timeout - in ms
   * @throws {@link AuthError} or {@link NetworkError}
   */
  async probe(timeout: number): Promise<void> {
    await probe(this.#http, timeout);
  }

  /** The token to use now. */
  async token(): Promise<string | undefined> {
    return await this.#token.get();
  }

  #overHttp(): RemoteParts {
    const calls = new Calls();
    const places = this.#places;
    return {
      execute: async (step) => {
        const stream = new HttpStream(this.#http, calls, (await places.nextSingle(calls)).release);
        try {
          return await stream.execute(step, true);
        } finally {
          stream.close();
        }
      },
      openStream: async () => new RemoteStream(new HttpStream(this.#http, calls, places.take().release)),
      stop: () => calls.stop(),
      close: () => this.#left(),
      diagnose: async (error) => error,
      cursors: true,
      retry: this.#config.remote.networkRetry,
    };
  }

  #overSocket(url: string): RemoteParts {
    const calls = new Calls();
    const places = this.#places;
    const { replication } = this.#http;
    const sockets = new WsSockets({ url, token: this.#token, calls, places, replication });
    places.onFull(sockets.dropOne);
    return {
      execute: async (step, { clean, fresh }) => {
        const stream = await sockets.single(fresh);
        let done = false;
        try {
          const result = await withOwnRowid(stream, step, await stream.execute(step, !clean));
          done = true;
          return result;
        } finally {
          // After a failure nobody knows what it has left.
          stream.close(done && clean);
        }
      },
      openStream: async () => new RemoteStream(await sockets.stream()),
      stop: () => {
        calls.stop();
        sockets.close();
      },
      close: () => {
        places.forget(sockets.dropOne);
        sockets.close();
        this.#left();
      },
      diagnose: async (error) => {
        const explained = await this.#explainClosedSocket(error, calls);
        if (explained.kind === 'auth') sockets.refused();
        return explained;
      },
      cursors: true,
      retry: this.#config.remote.networkRetry,
    };
  }

  /** A WebSocket may be closed without a reason; the same server is asked for it over HTTP. */
  async #explainClosedSocket(error: DatabaseError, calls: Calls): Promise<DatabaseError> {
    if (!(error instanceof NetworkError) || error.status !== undefined) return error;
    try {
      await calls.race(this.probe(EXPLAINED_WITHIN));
      return error;
    } catch (reason) {
      return reason instanceof AuthError ? reason : error;
    }
  }

  #left(): void {
    if (--this.#connections === 0) this.#http.close();
  }
}
