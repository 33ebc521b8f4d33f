import type { Client } from '@libsql/client';
import type { ResolvedConfig, Target } from '../../config.js';
import { AuthError, type DatabaseError, NetworkError } from '../../errors.js';
import type { Capabilities, Engine } from '../engine.js';
import { httpUrl, openClient, openStream } from './client.js';
import { RemoteConnection } from './connection.js';
import { probe } from './probe.js';
import { fetchWith } from './fetch.js';
import { TokenSource } from './token.js';

/** More than can be under way at a time. */
const REQUESTS_PER_SIGNAL = 128;

/** How long the statements of a WebSocket whose token was replaced may still take, in ms. */
const RETIRED_FOR = 30_000;

/** How long is asked for the reason of a failure, in ms. */
const EXPLAINED_WITHIN = 2_000;

/** What every server can do. */
export const REMOTE_CAPABILITIES: Capabilities = {
  behaviors: ['deferred', 'immediate', 'exclusive', 'read'],
  multipleConnections: true,
  nulInText: true,
};

/** libSQL servers and Turso Cloud through `@libsql/client`, over HTTP or WebSocket. */
export class RemoteEngine implements Engine {
  readonly name = 'remote';
  readonly capabilities = REMOTE_CAPABILITIES;
  /** The server queues its writers. */
  readonly writeLock = undefined;
  readonly #config: ResolvedConfig;
  readonly #url: string;
  readonly #token: TokenSource;

  constructor(config: ResolvedConfig) {
    this.#config = config;
    this.#url = (config.target as Extract<Target, { kind: 'remote' }>).url;
    this.#token = new TokenSource(config.remote.authToken.reveal());
  }

  connect(): RemoteConnection {
    const { tls, remoteEncryptionKey, networkRetry } = this.#config.remote;
    const http = httpUrl(this.#url, tls);
    const sockets = /^wss?:/i.test(this.#url);
    const opened = new ClientHolder(this.#config, this.#url, this.#token, sockets);
    return new RemoteConnection({
      execute: async ({ sql, args }) => {
        const client = await opened.get();
        return await client.execute({ sql, args: [...args] });
      },
      openStream: async () => openStream(await opened.get()),
      stop: () => opened.stop(),
      close: () => opened.close(),
      diagnose: async (error) => {
        const explained = sockets ? await explainClosedSocket(error, http, this.#fetch()) : error;
        if (explained.kind === 'auth') opened.refused();
        return explained;
      },
      cursors: { url: http, fetch: this.#fetch(), encryptionKey: remoteEncryptionKey.reveal() },
      retry: networkRetry,
    });
  }

  /**
   * Finds out whether the server can be reached and takes the token.
   *
   * @param timeout - in ms
   * @throws {@link AuthError} or {@link NetworkError}
   */
  async probe(timeout: number): Promise<void> {
    await probe(httpUrl(this.#url, this.#config.remote.tls), this.#fetch(), timeout);
  }

  /** The token to use now. */
  async token(): Promise<string | undefined> {
    return await this.#token.get();
  }

  #fetch(): typeof globalThis.fetch {
    const { fetch = globalThis.fetch } = this.#config.remote;
    return withBearer(fetchWith({ fetch, token: this.#token, signal: () => undefined }), this.#token);
  }
}

/** The client of one connection, which is replaced after it was stopped. */
class ClientHolder {
  readonly #config: ResolvedConfig;
  readonly #url: string;
  readonly #token: TokenSource;
  /** A WebSocket has its token once and for all, and can be stopped only by closing it. */
  readonly #sockets: boolean;
  #client: Promise<Client> | undefined;
  /** Close the clients whose token was replaced. */
  readonly #retired = new Set<() => void>();
  #bearer: string | undefined;
  #refused: string | undefined;
  #abort = new AbortController();
  #abortBefore = this.#abort;
  #requests = 0;

  constructor(config: ResolvedConfig, url: string, token: TokenSource, sockets: boolean) {
    this.#config = config;
    this.#url = url;
    this.#token = token;
    this.#sockets = sockets;
  }

  async get(): Promise<Client> {
    if (this.#sockets && this.#token.renewable) {
      const bearer = await this.#token.get(this.#refused);
      if (bearer !== this.#bearer) this.#retire();
      this.#bearer = bearer;
    }
    return await (this.#client ??= this.#open());
  }

  stop(): void {
    this.#abort.abort();
    this.#abortBefore.abort();
    this.#abort = new AbortController();
    if (this.#sockets) this.close();
  }

  /** The token of this client is of no more use. */
  refused(): void {
    this.#refused = this.#bearer;
  }

  close(): void {
    this.#retire();
    for (const close of [...this.#retired]) close();
  }

  /** Has another client take the place of this one, whose statements are left the time to end. */
  #retire(): void {
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    const close = (): void => {
      clearTimeout(timer);
      this.#retired.delete(close);
      client.then(
        (opened) => opened.close(),
        () => {},
      );
    };
    const timer = setTimeout(close, RETIRED_FOR);
    timer.unref();
    this.#retired.add(close);
  }

  /** A signal that had every request listen to it would become slow, so another takes its place from time to time. */
  #signal(): AbortSignal {
    if (++this.#requests % REQUESTS_PER_SIGNAL === 0) {
      this.#abortBefore = this.#abort;
      this.#abort = new AbortController();
    }
    return this.#abort.signal;
  }

  async #open(): Promise<Client> {
    const fixed = this.#sockets || !this.#token.renewable ? await this.#token.get(this.#refused) : undefined;
    return openClient(this.#config, this.#url, fixed, this.#token, () => this.#signal());
  }
}

/** A `fetch` of ours does not go through the client, which adds the token otherwise. */
function withBearer(fetch: typeof globalThis.fetch, token: TokenSource): typeof globalThis.fetch {
  return async (input, init) => {
    const bearer = token.renewable ? undefined : await token.get();
    const headers = new Headers(init?.headers);
    if (bearer !== undefined) headers.set('authorization', `Bearer ${bearer}`);
    return await fetch(input, { ...init, headers });
  };
}

/** A closed WebSocket tells no reason; the same server is asked for it over HTTP. */
async function explainClosedSocket(
  error: DatabaseError,
  url: string,
  fetch: typeof globalThis.fetch,
): Promise<DatabaseError> {
  if (!(error instanceof NetworkError) || error.status !== undefined) return error;
  try {
    await probe(url, fetch, EXPLAINED_WITHIN);
    return error;
  } catch (reason) {
    return reason instanceof AuthError ? reason : error;
  }
}
