/** Where the thread of the relay and its process meet: an `Int32Array` with these places. */
export const RECEIVED = 0;
/** Set when frames came that do not follow those of the replica; they were not passed on. */
export const DIVERGED = 1;
/**
 * Two frames, each of them [known, number low and high, checksum low and high, page, whether the checksum before it is
 * known, that low and high].
 */
export const COMMITTED = 2;
export const PASSED = 11;
/** How many connections to the server were made. */
export const CONNECTIONS = 20;
export const PLACES = 21;

/** A frame of a log. */
export interface LogTail {
  readonly frameNo: bigint;
  /** Of the pages of all frames up to it. */
  readonly checksum: bigint;
  /** The page that it has changed. */
  readonly page: number;
  /** The checksum of the frame before; undefined when it is not known. */
  readonly before: bigint | undefined;
}

/** The frame at a place; undefined when none is known. */
export function readTail(shared: Int32Array, place: number): LogTail | undefined {
  if (Atomics.load(shared, place) === 0) return undefined;
  const word = (i: number): bigint => BigInt(Atomics.load(shared, place + i) >>> 0);
  return {
    frameNo: (word(2) << 32n) | word(1),
    checksum: (word(4) << 32n) | word(3),
    page: Number(word(5)),
    before: word(6) === 0n ? undefined : (word(8) << 32n) | word(7),
  };
}

/** Puts a frame at a place. */
export function writeTail(shared: Int32Array, place: number, tail: LogTail | undefined): void {
  Atomics.store(shared, place, tail === undefined ? 0 : 1);
  if (tail === undefined) return;
  const { frameNo, checksum, page, before = 0n } = tail;
  const known = tail.before === undefined ? 0n : 1n;
  const words = [
    frameNo,
    frameNo >> 32n,
    checksum,
    checksum >> 32n,
    BigInt(page),
    known,
    before,
    before >> 32n,
  ];
  for (const [i, word] of words.entries()) {
    Atomics.store(shared, place + 1 + i, Number(BigInt.asIntN(32, word)));
  }
}

/** Whether a page is the one that a frame has left; undefined when that can't be told. */
export function hasPage({ before, checksum }: LogTail, page: Uint8Array): boolean | undefined {
  if (before === undefined) return undefined;
  const shared = new Int32Array(PLACES);
  writeTail(shared, COMMITTED, { frameNo: 0n, checksum: before, page: 0, before: undefined });
  const frame = Buffer.alloc(24 + page.length);
  frame.writeBigUInt64LE(1n, 0);
  frame.writeBigUInt64LE(checksum, 8);
  frame.set(page, 24);
  return checkAnswers(shared).follows(frame);
}

/** Looks at the bytes of an answer on their way to the binding. */
export interface AnswerCheck {
  /** The next request is this one. */
  begin(path: string): void;
  /** Whether a frame (24 bytes and its page) follows the one that the replica has; undefined when another is next. */
  follows(frame: Buffer): boolean | undefined;
  /** @returns what may be passed on of the bytes so far; undefined when they are of another history */
  push(data: Buffer): Buffer | undefined;
}

/**
 * Reads the frames that a server sends, and holds them back until it is known that they follow those of the replica.
 * Each has the checksum of all before it (CRC-64/GO-ISO, begun with the one before; libsql 0.5.29, sqld 0.24.1), so the
 * first one tells whether the log still is the one that the replica was made from. The binding compares only
 * its id, which an older copy of the same log has too.
 *
 * Part of the program of the relay: it must not use anything of this module, nor syntax for which a compiler needs helpers.
 */
// oxlint-disable-next-line eslint/max-lines-per-function -- it runs from its source text, so nothing of it can stand outside
export function checkAnswers(shared: Int32Array): AnswerCheck {
  // RECEIVED to PASSED, whose names another thread does not know.
  const [diverged, committed, passed] = [1, 2, 11];
  const FRAMES = /\/BatchLogEntries$/;
  /** More than the fields of a frame take without its page, and with it. */
  const SMALL = 64;

  const table = new Int32Array(256);
  for (let i = 0; i < 256; i++) {
    // The polynomial is so short that the lower half of the table is zero.
    let high = 0;
    let low = i;
    for (let bit = 0; bit < 8; bit++) {
      const odd = low & 1;
      low = (low >>> 1) | (high << 31);
      high = (high >>> 1) ^ (odd === 1 ? 0xd8000000 : 0);
    }
    table[i] = high;
  }

  function reversed(word: number): number {
    let result = 0;
    for (let i = 0; i < 32; i++) result |= ((word >>> i) & 1) << (31 - i);
    return result;
  }

  /** Whether the frame is the next after the one at a place, by their numbers. */
  function isNext(place: number, frame: Buffer): boolean {
    if (Atomics.load(shared, place) === 0) return false;
    const low = Atomics.load(shared, place + 1) >>> 0;
    const high = Atomics.load(shared, place + 2) >>> 0;
    const next = low === 0xffffffff ? [0, high + 1] : [low + 1, high];
    return frame.readUInt32LE(0) === next[0] && frame.readUInt32LE(4) === next[1];
  }

  function follows(place: number, frame: Buffer): boolean | undefined {
    if (!isNext(place, frame)) return undefined;
    let sumHigh = reversed(Atomics.load(shared, place + 3));
    let sumLow = reversed(Atomics.load(shared, place + 4));
    for (let i = 24; i < frame.length; i++) {
      const entry = table[(sumLow ^ (frame[i] as number)) & 255] as number;
      sumLow = (sumLow >>> 8) | (sumHigh << 24);
      sumHigh = (sumHigh >>> 8) ^ entry;
    }
    return ~sumLow === frame.readInt32LE(8) && ~sumHigh === frame.readInt32LE(12);
  }

  let reading = false;
  let state: 'head' | 'size' | 'chunk' | 'rest' = 'head';
  let raw: Buffer = Buffer.alloc(0);
  let left = 0;
  let held: Buffer[] | undefined;
  // Of the message in the body, which comes in pieces.
  let body: Buffer = Buffer.alloc(0);
  let skip = 0;
  let message = 0;
  let first = true;

  /** @returns the value and where it ends; undefined when the bytes end before it does */
  function varint(at: number): readonly [number, number] | undefined {
    let value = 0;
    for (let i = 0; i < 8; i++) {
      const byte = body[at + i];
      if (byte === undefined) return undefined;
      value += (byte & 127) * 2 ** (7 * i);
      if (byte < 128) return [value, at + i + 1];
    }
    return undefined;
  }

  function note(frame: Buffer): void {
    const before = isNext(passed, frame) ? passed : isNext(committed, frame) ? committed : undefined;
    Atomics.store(shared, passed + 6, before === undefined ? 0 : 1);
    if (before !== undefined) {
      Atomics.store(shared, passed + 7, Atomics.load(shared, before + 3));
      Atomics.store(shared, passed + 8, Atomics.load(shared, before + 4));
    }
    Atomics.store(shared, passed, 1);
    for (let i = 0; i < 5; i++) Atomics.store(shared, passed + 1 + i, frame.readInt32LE(4 * i));
  }

  /** Takes one field of the message. @returns false when it is not all there, 'other' for another history */
  function field(): boolean | 'other' {
    const outer = varint(1);
    if (outer === undefined) return false;
    const kind = (body[0] as number) & 7;
    let length = outer[1];
    if (body[0] === 10) {
      const inner = varint(outer[1] + 1);
      if (inner === undefined || body.length < inner[1] + (first ? inner[0] : 24)) return false;
      const frame = body.subarray(inner[1], inner[1] + (first ? inner[0] : 24));
      if (body[outer[1]] === 10 && inner[0] > 24) {
        const right = first ? (follows(committed, frame) ?? follows(passed, frame)) : true;
        if (right === false) return 'other';
        note(frame);
        first = false;
        held = undefined;
      }
    }
    if (kind === 2) length += outer[0];
    message -= length;
    skip = length;
    return true;
  }

  /** Reads the body of an answer. @returns false when it is another history */
  function read(bytes: Buffer): boolean {
    body = body.length === 0 ? bytes : Buffer.concat([body, bytes]);
    for (;;) {
      const skipped = Math.min(skip, body.length);
      body = body.subarray(skipped);
      skip -= skipped;
      if (skip > 0) return true;
      if (message <= 0) {
        if (body.length < 5) return true;
        const length = body.readUInt32BE(1);
        // What begins so is the end, with the state of the call.
        if (((body[0] as number) & 128) === 0) message = length;
        else skip = length;
        body = body.subarray(5);
        continue;
      }
      if (body.length < Math.min(message, SMALL)) return true;
      const taken = field();
      if (taken !== true) return taken === false;
    }
  }

  /** Takes the answer apart as it comes. @returns false when it is another history */
  function parse(): boolean {
    while (raw.length > 0) {
      if (state === 'rest') raw = raw.subarray(raw.length);
      else if (state === 'chunk') {
        const part = raw.subarray(0, Math.min(left, raw.length));
        raw = raw.subarray(part.length);
        left -= part.length;
        if (left === 0) state = 'size';
        // The line break of a chunk belongs to it.
        const data = left >= 2 ? part : part.subarray(0, Math.max(0, part.length - 2 + left));
        if (!read(data)) return false;
      } else {
        const mark = state === 'head' ? '\r\n\r\n' : '\r\n';
        const end = raw.indexOf(mark);
        if (end < 0) return true;
        const text = raw.toString('latin1', 0, end);
        raw = raw.subarray(end + mark.length);
        if (state === 'head') state = /^transfer-encoding: *chunked/im.test(text) ? 'size' : 'rest';
        else {
          left = Number.parseInt(text, 16) + 2;
          state = left > 2 ? 'chunk' : 'rest';
        }
        if (state === 'rest') held = undefined;
      }
    }
    return true;
  }

  return {
    follows: (frame) => follows(committed, frame),
    begin(path) {
      reading = FRAMES.test(path);
      state = 'head';
      raw = Buffer.alloc(0);
      body = Buffer.alloc(0);
      left = skip = message = 0;
      first = true;
      held = reading ? [] : undefined;
    },
    push(data) {
      if (!reading) return data;
      const waiting = held;
      waiting?.push(data);
      raw = raw.length === 0 ? data : Buffer.concat([raw, data]);
      if (!parse()) {
        Atomics.store(shared, diverged, 1);
        return undefined;
      }
      if (held !== undefined) return Buffer.alloc(0);
      return waiting === undefined ? data : Buffer.concat(waiting);
    },
  };
}
