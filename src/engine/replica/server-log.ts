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

/**
 * Asks a server for the checksum of a frame, as the binding (libsql 0.5.29) asks for frames.
 *
 * @param namespace - name of the database at the server
 * @returns undefined when the server does not tell, for instance because its log begins later
 */
export async function askChecksum(
  question: LogQuestion,
  namespace: string,
  frameNo: number,
): Promise<bigint | undefined> {
  try {
    const hello = await call(question, namespace, 'Hello', [8, 1]);
    const session = hello && textField(hello, SESSION_FIELD);
    if (session === undefined) return undefined;
    const answer = await call(question, namespace, 'BatchLogEntries', [8, ...varint(frameNo)], session);
    // A message whose first field is a frame, whose first field has the 24 bytes before its page.
    if (answer === undefined || answer[0] !== 10) return undefined;
    const frame = bytesAt(answer, 1);
    const data = frame && bytesAt(answer, frame.from + 1);
    if (data === undefined || answer.length < data.from + 16) return undefined;
    if (answer.readBigUInt64LE(data.from) !== BigInt(frameNo)) return undefined;
    return answer.readBigUInt64LE(data.from + 8);
  } catch {
    return undefined;
  }
}

/** Where the answer to Hello has the name of the session (sqld 0.24.1). */
const SESSION_FIELD = 4;
/** More than an answer has before the checksum of its first frame, or than Hello answers. */
const ENOUGH = 1_024;

/** Calls a method by gRPC-Web. Only the beginning of the answer is read. */
async function call(
  { server, fetch, token }: LogQuestion,
  namespace: string,
  method: string,
  message: readonly number[],
  session?: string,
): Promise<Buffer | undefined> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), TOLD_WITHIN);
  try {
    const response = await fetch(`${server}/wal_log.ReplicationLog/${method}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/grpc-web',
        'accept-encoding': 'identity',
        'x-namespace-bin': namespace,
        ...(session === undefined ? {} : { 'x-session-token': session }),
        ...(token === undefined ? {} : { 'x-authorization': `Bearer ${token}` }),
      },
      body: Buffer.from([0, 0, 0, 0, message.length, ...message]),
      redirect: 'error',
      signal: stop.signal,
    });
    let start = Buffer.alloc(0);
    for await (const chunk of response.body ?? []) {
      start = Buffer.concat([start, chunk as Uint8Array]);
      if (start.length >= ENOUGH) break;
    }
    // The highest bit is set where there is no message.
    return start.length > 5 && ((start[0] as number) & 128) === 0 ? start.subarray(5) : undefined;
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}

/** Bytes with their length before them. */
function bytesAt(
  message: Buffer,
  at: number,
): { readonly from: number; readonly length: number } | undefined {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    const byte = message[at + i];
    if (byte === undefined) return undefined;
    length += (byte & 127) * 2 ** (7 * i);
    if (byte < 128) return { from: at + i + 1, length };
  }
  return undefined;
}

/** A field of text, behind others of the same kind. */
function textField(message: Buffer, number: number): string | undefined {
  for (let at = 0; at < message.length; ) {
    const tag = message[at] as number;
    const field = bytesAt(message, at + 1);
    if (field === undefined || (tag & 7) !== 2) return undefined;
    if (tag >> 3 === number) return message.toString('latin1', field.from, field.from + field.length);
    at = field.from + field.length;
  }
  return undefined;
}
