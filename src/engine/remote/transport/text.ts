import { protocolError } from '../../../errors.js';

/** The largest answer that is taken as one text, in bytes; a server sends 10 MB at most (sqld 0.24). */
export const LARGEST_TEXT = 256 * 1024 * 1024;

/** Node's Buffer, where there is one: JSON is read from its texts in three quarters of the time (Node 20). */
const NodeBuffer = (globalThis as { Buffer?: typeof Buffer }).Buffer;

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * The text of an answer. Nothing stands in for bytes that are no UTF-8: they would become part of a value.
 *
 * @throws {@link ProtocolError} when it is no UTF-8
 */
export function textOfBytes(bytes: Uint8Array): string {
  if (NodeBuffer !== undefined) {
    const text = NodeBuffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
    // The stand-in may have been sent.
    if (!text.includes('\uFFFD')) return text;
  }
  try {
    return decoder.decode(bytes);
  } catch {
    throw protocolError('it is no UTF-8');
  }
}

/** Puts the pieces of an answer together. @throws {@link ProtocolError} when it is too large or no UTF-8 */
export class TextCollector {
  readonly #limit: number;
  readonly #pieces: Uint8Array[] = [];
  #length = 0;

  /** @param limit - in bytes */
  constructor(limit: number = LARGEST_TEXT) {
    this.#limit = limit;
  }

  add(piece: Uint8Array): void {
    this.#length += piece.length;
    if (this.#length > this.#limit) throw protocolError('it is too large');
    this.#pieces.push(piece);
  }

  text(): string {
    const [first] = this.#pieces;
    if (this.#pieces.length === 1 && first !== undefined) return textOfBytes(first);
    const whole = new Uint8Array(this.#length);
    let offset = 0;
    for (const piece of this.#pieces) {
      whole.set(piece, offset);
      offset += piece.length;
    }
    return textOfBytes(whole);
  }
}
