import { NetworkError, protocolError } from '../../../errors.js';
import type { Calls } from '../calls.js';
import type { HttpAnswer } from '../transport/transport.js';
import { LARGEST_TEXT, textOfBytes } from '../transport/text.js';
import { asObject, EntryDecoder, parseJson } from './message.js';
import type { BatchStep, CursorEntry, EntrySource } from './protocol.js';

const NEWLINE = 10;

/**
 * Reads the answer to a cursor, one JSON text a line, while the server sends it, so that its size has no limit. What is
 * not read is not sent: the server waits.
 */
export class HttpCursor implements EntrySource {
  readonly #answer: HttpAnswer;
  readonly #calls: Calls;
  readonly #decoder: EntryDecoder;
  /** The pieces of the line that is not whole yet. */
  #rest: Uint8Array[] = [];
  #restLength = 0;
  #lines: string[] = [];
  #state: 'open' | 'read' | 'closed' = 'open';

  constructor(answer: HttpAnswer, steps: readonly BatchStep[], calls: Calls) {
    this.#answer = answer;
    this.#calls = calls;
    this.#decoder = new EntryDecoder(steps);
  }

  /** The first line, which is the state of the stream. */
  async head(signal: AbortSignal): Promise<Record<string, unknown>> {
    const stop = (): void => this.#answer.cancel();
    signal.addEventListener('abort', stop, { once: true });
    try {
      if (!(await this.#readLines())) throw protocolError('the answer is empty');
      return asObject(parseJson(this.#lines.shift() as string), 'the state of the stream');
    } catch (error) {
      this.close();
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  async next(): Promise<CursorEntry[] | undefined> {
    try {
      return await this.#calls.run(async (signal) => await this.#next(signal));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    if (this.#state !== 'read') this.#answer.cancel();
    this.#state = 'closed';
  }

  async #next(signal: AbortSignal): Promise<CursorEntry[] | undefined> {
    if (this.#state !== 'open') return undefined;
    // The link from a signal to a body may be lost with what made it, so the body itself is given up.
    signal.addEventListener('abort', () => this.#answer.cancel(), { once: true });
    if (this.#lines.length === 0 && !(await this.#readLines())) {
      this.#state = 'read';
      if (!this.#decoder.inStep) return undefined;
      throw new NetworkError('the answer of the server ended too early', { reached: true });
    }
    const wire = parseJson(`[${this.#lines.join(',')}]`) as unknown[];
    this.#lines = [];
    const entries: CursorEntry[] = [];
    for (const one of wire) {
      const entry = this.#decoder.decode(one);
      if (entry !== undefined) entries.push(entry);
    }
    return entries;
  }

  /** Reads up to the end of a line at least. @returns false at the end of the answer */
  async #readLines(): Promise<boolean> {
    for (;;) {
      const piece = await this.#answer.read();
      if (piece === undefined) return this.#takeLast();
      const end = piece.lastIndexOf(NEWLINE);
      if (end < 0) {
        this.#keep(piece);
        continue;
      }
      const whole = this.#take(piece.subarray(0, end));
      if (end + 1 < piece.length) this.#keep(piece.subarray(end + 1));
      this.#lines = textOfBytes(whole).split('\n').filter(isText);
      if (this.#lines.length > 0) return true;
    }
  }

  #takeLast(): boolean {
    const last = textOfBytes(this.#take(new Uint8Array()));
    if (!isText(last)) return false;
    this.#lines = [last];
    return true;
  }

  #keep(piece: Uint8Array): void {
    this.#rest.push(piece);
    this.#restLength += piece.length;
    if (this.#restLength > LARGEST_TEXT) throw protocolError('a line of it is too long');
  }

  /** What was kept, and this. */
  #take(piece: Uint8Array): Uint8Array {
    if (this.#rest.length === 0) return piece;
    const whole = new Uint8Array(this.#restLength + piece.length);
    let offset = 0;
    for (const part of [...this.#rest, piece]) {
      whole.set(part, offset);
      offset += part.length;
    }
    this.#rest = [];
    this.#restLength = 0;
    return whole;
  }
}

function isText(line: string): boolean {
  return line !== '' && line !== '\r';
}
