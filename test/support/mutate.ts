/** Random numbers that a seed repeats, and choices by them. */
export interface Random {
  /** From 0 up to, but without, `limit`; an integer. */
  below(limit: number): number;
  pick<T>(values: readonly T[]): T;
}

/** Mulberry32, https://gist.github.com/tommyettinger/46a874533244883189143505d203312c. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return { below, pick: (values) => values[below(values.length)] as (typeof values)[number] };
}

/** JSON texts that stand where something else is expected. */
const WRONG = [
  ...['null', 'true', 'false', '0', '-1', '1.5', '1e999', '-0', '9007199254740993', '1e400', '""', '"x"'],
  ...['[]', '{}', '[[]]', '{"type":"integer"}', '{"type":"__proto__"}', '{"__proto__":{"type":"null"}}'],
  ...['{"type":"null","value":1}', '{"type":"float","value":null}', '{"type":"float","value":"1"}'],
  ...['{"type":"float","value":1e999}', '{"type":"text","value":7}', '{"type":"text"}', '{"type":7}'],
  ...['{"type":"integer","value":7}', '{"type":"integer","value":""}', '{"type":"integer","value":"-"}'],
  ...['{"type":"integer","value":"9223372036854775808"}', '{"type":"integer","value":"1e3"}'],
  ...[
    '{"type":"integer","value":"0x10"}',
    '{"type":"integer","value":" 1"}',
    '{"type":"integer","value":"٣"}',
  ],
  `{"type":"integer","value":"${'9'.repeat(1_000)}"}`,
  ...['{"type":"blob","base64":"*"}', '{"type":"blob","base64":"A"}', '{"type":"blob","base64":"AAA=A"}'],
  ...['{"type":"blob","base64":null}', '{"type":"blob","value":"AAAA"}', '{"type":"blob","base64":"_-8="}'],
  ...['{"message":7}', '{"message":"m","code":{}}', '{"type":"error","error":null}', '"\\ud800"'],
  '['.repeat(500) + ']'.repeat(500),
  '{"a":'.repeat(500) + '1' + '}'.repeat(500),
];

const KEYS = ['__proto__', 'constructor', 'toString', 'type', 'value', 'length', ''];

/** A part of a JSON text that is replaced by another text once it is written. */
const MARK = 'm4rk';

/** Changes one place of a JSON value: fields are removed, renamed, repeated, of a wrong type or in another order. */
export function mutateJson(text: string, random: Random): string {
  const root = { root: JSON.parse(text) as unknown };
  const places: [parent: Record<string, unknown>, key: string][] = [];
  const walk = (parent: Record<string, unknown>): void => {
    for (const key of Object.keys(parent)) {
      places.push([parent, key]);
      const child = parent[key];
      if (typeof child === 'object' && child !== null) walk(child as Record<string, unknown>);
    }
  };
  walk(root);
  const [parent, key] = random.pick(places);
  let written = random.pick(WRONG);
  const list = Array.isArray(parent) ? (parent as unknown[]) : undefined;
  switch (random.below(6)) {
    case 0:
      if (list === undefined) delete parent[key];
      else list.splice(Number(key), 1);
      break;
    case 1:
      if (list === undefined) {
        const value = parent[key];
        delete parent[key];
        // As JSON.parse() does, which gives it no other prototype.
        Object.defineProperty(parent, random.pick(KEYS), { value, enumerable: true });
      } else list.splice(Number(key), 0, list[random.below(list.length)]);
      break;
    case 2: {
      const [from, at] = random.pick(places);
      // Not something around itself.
      written = JSON.stringify(from[at]) ?? 'null';
      parent[key] = MARK;
      break;
    }
    case 3:
      if (list === undefined) parent[key] = MARK;
      else list.reverse();
      break;
    default:
      parent[key] = MARK;
  }
  return (JSON.stringify(root.root) ?? 'null').replace(`"${MARK}"`, () => written);
}

/** Changes bytes: some are cut off, left out, repeated, exchanged or put in, which need not be valid UTF-8. */
export function mutateBytes(bytes: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length + 1);
  const end = Math.min(bytes.length, at + 1 + random.below(random.pick([1, 4, 40, 400])));
  const before = bytes.subarray(0, at);
  switch (random.below(6)) {
    case 0:
      return before;
    case 1:
      return Buffer.concat([before, bytes.subarray(end)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
    case 3:
      return Buffer.concat([before, Buffer.from([random.below(256)]), bytes.subarray(at + 1)]);
    case 4:
      return Buffer.concat([before, Buffer.from([random.below(256)]), bytes.subarray(at)]);
    default:
      return Buffer.concat([
        before,
        Buffer.from(random.pick(['\n', ',', '"', '}', ']', '\0', '\xff', '\r\n'])),
        bytes.subarray(at),
      ]);
  }
}

/** The same JSON for every reader: other orders of keys, further keys, spaces. */
export function rewriteJson(text: string, random: Random): string {
  const write = (value: unknown): string => {
    const space = ' '.repeat(random.below(2));
    if (Array.isArray(value)) return `[${space}${value.map(write).join(`${space},`)}]`;
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    const fields = Object.entries(value).map(
      ([key, field]) => `${JSON.stringify(key)}:${space}${write(field)}`,
    );
    if (random.below(4) === 0) fields.push(`"__proto__":{"type":"null"}`);
    if (random.below(4) === 0) fields.push('"later":[1e999,null]');
    for (let i = fields.length - 1; i > 0; i--) {
      const j = random.below(i + 1);
      [fields[i], fields[j]] = [fields[j] as string, fields[i] as string];
    }
    return `{${fields.join(`,${space}`)}}`;
  };
  return write(JSON.parse(text));
}

/** Cuts bytes into pieces of any size. */
export function piecesOf(bytes: Uint8Array, random: Random): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  const size = random.pick([1, 3, 50, 1_000, 100_000]);
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + random.below(size);
    pieces.push(bytes.subarray(at, end));
    at = end;
  }
  return pieces;
}
