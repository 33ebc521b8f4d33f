import { CapabilityError, closedError, DatabaseError, InterruptedError, NetworkError } from '../../errors.js';
import type { SqlValue } from '../../values.js';
import type { Column, Cursor } from '../engine.js';
import { toRemoteError } from './failure.js';
import { toValue } from './result.js';

/** A line of the answer, https://github.com/tursodatabase/libsql/blob/main/docs/HRANA_3_SPEC.md#cursor-entries. */
type Entry =
  | {
      readonly type: 'step_begin';
      readonly cols: readonly { name: string | null; decltype: string | null }[];
    }
  | { readonly type: 'row'; readonly row: readonly WireValue[] }
  | {
      readonly type: 'step_error' | 'error';
      readonly error: { readonly message: string; readonly code?: string };
    }
  | { readonly type: 'step_end' | 'replication_index' };

type WireValue =
  | { readonly type: 'null' }
  | { readonly type: 'integer' | 'text'; readonly value: string }
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'blob'; readonly base64: string };

/** What a cursor needs to ask the server. */
export interface CursorSource {
  /** Address of the server over HTTP, without a slash at its end. */
  readonly url: string;
  readonly fetch: typeof globalThis.fetch;
  readonly encryptionKey: string | undefined;
}

/**
 * Reads a result line by line while the server sends it, so that its size has no limit. What is not read is not sent:
 * the server waits. Hrana 3 over HTTP, `POST /v3/cursor`.
 */
export class RemoteCursor implements Cursor {
  columns: readonly Column[] = [];
  readonly #abort = new AbortController();
  readonly #exact: boolean;
  readonly #sql: string;
  #lines: AsyncGenerator<string, void, undefined> | undefined;
  readonly #closed: () => void;
  #done = false;
  #interrupted = false;

  /** @param closed - called when it is closed, once or more */
  constructor(sql: string, exact: boolean, closed: () => void) {
    this.#sql = sql;
    this.#exact = exact;
    this.#closed = closed;
  }

  /** Sends the statement and reads up to its columns. */
  async open(source: CursorSource, args: readonly SqlValue[]): Promise<void> {
    const steps = [{ stmt: { sql: this.#sql, args: args.map(toWire), want_rows: true } }];
    try {
      const response = await source.fetch(`${source.url}/v3/cursor`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(source.encryptionKey === undefined ? {} : { 'x-turso-encryption-key': source.encryptionKey }),
        },
        body: JSON.stringify({ baton: null, batch: { steps } }),
        signal: this.#abort.signal,
      });
      if (!response.ok || response.body === null) throw await failureOf(response);
      this.#lines = readLines(response.body);
      // The first line is the state of the stream, which ends with this request.
      await this.#lines.next();
      const entry = await this.#next();
      if (entry?.type === 'step_begin') {
        this.columns = entry.cols.map(({ name, decltype }) => ({ name: name ?? '', type: decltype ?? '' }));
      }
    } catch (thrown) {
      throw this.#failed(thrown);
    }
  }

  async fetch(size: number): Promise<SqlValue[][]> {
    const rows: SqlValue[][] = [];
    try {
      while (rows.length < size && !this.#done) {
        const entry = await this.#next();
        if (entry?.type === 'row') rows.push(entry.row.map((value) => fromWire(value, this.#exact)));
      }
      return rows;
    } catch (thrown) {
      throw this.#failed(thrown);
    }
  }

  close(): void {
    this.#done = true;
    this.#closed();
    this.#abort.abort();
  }

  /** Stops the fetch that is under way. */
  interrupt(): void {
    this.#interrupted = true;
    this.#abort.abort();
  }

  #failed(thrown: unknown): DatabaseError {
    const closed = this.#done;
    this.close();
    if (this.#interrupted) {
      return new InterruptedError('the stream was interrupted', {
        code: 'SQLITE_INTERRUPT',
        kind: 'interrupted',
        sql: this.#sql,
      });
    }
    return closed ? closedError() : toRemoteError(thrown, this.#sql);
  }

  async #next(): Promise<Entry | undefined> {
    const line = await this.#lines?.next();
    if (line === undefined || line.done) {
      if (!this.#done)
        throw new NetworkError('the answer of the server ended too early', { reached: true, sql: this.#sql });
      return undefined;
    }
    const entry = JSON.parse(line.value) as Entry;
    if (entry.type === 'step_error' || entry.type === 'error')
      throw Object.assign(new Error(entry.error.message), entry.error);
    if (entry.type === 'step_end') this.#done = true;
    return entry;
  }
}

async function failureOf(response: Response): Promise<Error> {
  await response.body?.cancel();
  if (response.status === 404) {
    return new CapabilityError('streaming', 'this server has no cursors, so a result can not be streamed');
  }
  return Object.assign(new Error(`HTTP status ${response.status}`), { status: response.status });
}

async function* readLines(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}

function toWire(value: SqlValue): WireValue {
  if (value === null) return { type: 'null' };
  switch (typeof value) {
    case 'bigint':
      return { type: 'integer', value: String(value) };
    case 'number':
      return { type: 'float', value };
    case 'string':
      return { type: 'text', value };
    default:
      return { type: 'blob', base64: Buffer.from(value).toString('base64') };
  }
}

function fromWire(value: WireValue, exact: boolean): SqlValue {
  switch (value.type) {
    case 'null':
      return null;
    case 'integer':
      return toValue(BigInt(value.value), exact);
    case 'float':
    case 'text':
      return value.value;
    case 'blob':
      return new Uint8Array(Buffer.from(value.base64, 'base64'));
    default:
      throw new DatabaseError('the server sent a value of an unknown kind', {
        code: 'NETWORK_FAILED',
        kind: 'network',
      });
  }
}
