/** How long the server may take to tell how far its log is, in ms. */
const TOLD_WITHIN = 5_000;

/** Where the log of a server is asked for. */
export interface LogQuestion {
  /** The HTTP address of the server. */
  readonly server: string;
  readonly fetch: typeof globalThis.fetch;
  readonly token: string | undefined;
  readonly remoteEncryptionKey: string | undefined;
}

/**
 * Asks a server for the number of the last frame of its log, which every answer carries.
 *
 * @returns undefined when it does not tell
 */
export async function askLogIndex(question: LogQuestion): Promise<number | undefined> {
  const { server, fetch, token, remoteEncryptionKey } = question;
  try {
    const response = await fetch(`${server}/v3/pipeline`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'accept-encoding': 'identity',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(remoteEncryptionKey === undefined ? {} : { 'x-turso-encryption-key': remoteEncryptionKey }),
      },
      body: JSON.stringify({ requests: [{ type: 'execute', stmt: { sql: 'SELECT 1' } }, { type: 'close' }] }),
      redirect: 'error',
      signal: AbortSignal.timeout(TOLD_WITHIN),
    });
    const answer = (await response.json()) as {
      results?: { response?: { result?: { replication_index?: string | number | null } } }[];
    };
    const index = answer.results?.[0]?.response?.result?.replication_index;
    return index === null || index === undefined ? undefined : Number(index);
  } catch {
    return undefined;
  }
}
