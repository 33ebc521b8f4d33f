import { type Client, createClient } from '@libsql/client/web';
import type { Stream } from '@libsql/hrana-client';
import type { ResolvedConfig } from '../../config.js';
import { CapabilityError } from '../../errors.js';
import { fetchWith } from './fetch.js';
import { RemoteStream, type StreamParts } from './stream.js';
import type { TokenSource } from './token.js';

/** The transaction of a client, whose stream we drive ourselves: it knows no EXCLUSIVE, and no statement outside of one. */
interface ClientTransaction {
  close(): void;
  _getStream?(): Stream & { client(): { getVersion(): Promise<number> } };
  _getSqlCache?(): StreamParts['texts'];
}

/**
 * Opens a client of `@libsql/client`. Every connection has its own, so that a statement can be stopped without stopping
 * those of others; over HTTP it costs nothing, and over WebSocket a connection to the server.
 *
 * @param signal - stops the requests that are under way; only over HTTP
 */
export function openClient(
  config: ResolvedConfig,
  url: string,
  token: string | undefined,
  source: TokenSource,
  signal: () => AbortSignal | undefined,
): Client {
  const { tls, fetch } = config.remote;
  const remoteEncryptionKey = config.remote.remoteEncryptionKey.reveal();
  const context = { fetch: fetch ?? globalThis.fetch, token: source, signal };
  return createClient({
    url,
    intMode: 'bigint',
    concurrency: config.concurrency,
    fetch: fetchWith(context),
    ...(token === undefined ? {} : { authToken: token }),
    ...(tls === undefined ? {} : { tls }),
    ...(remoteEncryptionKey === undefined ? {} : { remoteEncryptionKey }),
  });
}

/** A connection of the server for itself. */
export async function openStream(client: Client): Promise<RemoteStream> {
  const transaction = (await client.transaction('deferred')) as unknown as ClientTransaction;
  const stream = transaction._getStream?.();
  const texts = transaction._getSqlCache?.();
  const release = (): void => transaction.close();
  if (stream === undefined || texts === undefined) {
    throw new CapabilityError(
      'transactions',
      `a client of protocol "${client.protocol}" can not be used; open the database by its URL`,
    );
  }
  // A result is exact whatever the client that was handed in is set to.
  stream.intMode = 'bigint';
  return new RemoteStream({ stream, texts, version: await stream.client().getVersion(), release });
}

/** The address of a server over HTTP, for what only HTTP has. */
export function httpUrl(url: string, tls: boolean | undefined): string {
  const parsed = new URL(url);
  const secure = /^(https|wss):$/.test(parsed.protocol) || (parsed.protocol === 'libsql:' && tls !== false);
  return `${secure ? 'https' : 'http'}://${parsed.host}${parsed.pathname.replace(/\/$/, '')}`;
}
