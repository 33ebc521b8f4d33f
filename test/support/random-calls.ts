/** A random argument: a value to bind, or an expression. */
type Argument = { readonly value: unknown } | { readonly sql: string };

/** What the engine says about a function. */
export interface KnownFunction {
  readonly name: string;
  /** Numbers of arguments that it takes; -1 stands for any. */
  readonly arities: readonly number[];
  /** Whether it can be called once per row, and not only for groups or in windows. */
  readonly scalar: boolean;
}

/** Random calls of the engine's functions, the same for the same seed. */
export interface Generator {
  /** A statement that calls a function, and its parameters. */
  call(known: KnownFunction): [sql: string, values: unknown[]];
  /** A statement that reads a table-valued function or another module that is a table by itself. */
  tableCall(name: string): [sql: string, values: unknown[]];
  /** A value in few characters. */
  describe(value: unknown): string;
}

const INTEGERS = [
  ...[0, 1, -1, 2, 3, 7, 64, 255, 65_536, 55_296, 1_000_001],
  ...[2n ** 31n - 1n, 2n ** 31n, -(2n ** 31n), -(2n ** 31n) - 1n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 32n + 1n],
  ...[2n ** 33n + 3n, 10n ** 9n + 1n, 2n ** 62n, 2n ** 63n - 1n, -(2n ** 63n), -(2n ** 63n) + 1n],
];
const REALS = [0.5, -0.5, 1e308, -1e308, 5e-324, 2 ** 31 + 0.5, 1e18, -0, 1e-9];
const TEXTS = [
  ...[
    '',
    'a',
    'abc',
    'é',
    '🙂',
    ' ',
    '%',
    '%s%n%d%.5s%*d%f%w%Q%q',
    '%.1s',
    '%99999d',
    '%!.*s',
    '\\',
    '[^a-',
    '(((((',
    'a*',
  ],
  ...[
    '{"a":[1,2,{"b":null}]}',
    '[1,2,3]',
    '$.a[0].b',
    '$[#-1]',
    '{',
    '[[[[[[[[',
    '"\\u00e9"',
    '$',
    '$."',
    'null',
  ],
  ...[
    '2026-02-29',
    'now',
    '+1 month',
    '-9999999 years',
    'weekday 9',
    '%Y-%J',
    'unixepoch',
    'auto',
    '23:59:60.999',
  ],
  ...[
    'simple',
    't',
    'main',
    't_e',
    'f5',
    'f4',
    'body',
    'r',
    'x',
    '[1,2,3]',
    '[1e39,2,3]',
    '[]',
    '[1',
    'pcnalx',
    'cipher',
  ],
  ...['b'.repeat(300), 'é'.repeat(5_000), '['.repeat(2_000), '1'.repeat(400), 'a{1,9}'.repeat(3)],
];
const BLOBS = [
  ...[
    [],
    [0],
    [255],
    [195],
    [192, 128],
    [0, 0, 0, 0],
    Array<number>(8).fill(65),
    [0xcb, 1, 2],
    [0x1c, 0x17, 0x61],
  ],
  ...[
    [0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 64, 64],
    [1, 0, 3],
    [1, 2, 2],
    [1, 2, 3, 4, 5, 4],
    Array<number>(17).fill(254),
  ],
  ...[
    [0xec, 255, 255, 255],
    [0xfb, 0, 0, 0, 0, 0, 0, 0, 9],
    [1, 0, 0, 4, 0, 0, 0, 0],
    Array<number>(100).fill(7),
  ],
].map((bytes) => Uint8Array.from(bytes));
const EXPRESSIONS = [
  ...[
    'zeroblob(9)',
    'zeroblob(100000)',
    'randomblob(40)',
    'null',
    'true',
    "'a' || x'c3'",
    "cast(x'ff' as text)",
  ],
  ...[
    'char(0, 97)',
    'char(55296)',
    'jsonb(\'[1,{"a":2}]\')',
    "json('[1]')",
    "vector('[1,2,3]')",
    "vector64('[1,2,3]')",
  ],
  ...[
    "vector8('[1,2,3]')",
    "vector16('[1,2,3]')",
    "vector1bit('[1,0,1]')",
    "vectorb16('[1,2,3]')",
    'hex(zeroblob(50000))',
  ],
  ...['9e999', '-9e999', '(select a from t limit 1)', "geopoly_bbox('[[0,0],[1,0],[1,1],[0,0]]')"],
];
const WINDOWS = [
  'over ()',
  'over (order by id)',
  'over (order by id rows between 1 preceding and 1 following)',
  'over (partition by a order by id desc groups between unbounded preceding and current row exclude ties)',
];

/** Random calls that depend on the seed alone. */
export function generator(seed: string): Generator {
  const next = mulberry32(seed);
  const below = (count: number): number => Math.floor(next() * count);
  const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T;
  const argument = (): Argument => {
    switch (below(7)) {
      case 0:
        return { value: null };
      case 1:
      case 2:
        return { value: pick(INTEGERS) };
      case 3:
        return { value: pick(REALS) };
      case 4:
        return { value: pick(TEXTS) };
      case 5:
        return {
          value: below(3) === 0 ? Uint8Array.from({ length: below(40) }, () => below(256)) : pick(BLOBS),
        };
      default:
        return { sql: pick(EXPRESSIONS) };
    }
  };
  const list = (values: unknown[], count: number): string[] =>
    Array.from({ length: count }, () => {
      const given = argument();
      if ('sql' in given) return given.sql;
      values.push(given.value);
      return '?';
    });
  return {
    call({ name, arities, scalar }) {
      const values: unknown[] = [];
      const arity = pick(arities);
      const args = list(values, arity < 0 || below(6) === 0 ? below(6) : arity);
      const call = (list: readonly string[]): string => `"${name}"(${list.join(', ')})`;
      // The results themselves are not read: text that is not UTF-8 would end the process, whatever made it.
      const apart = below(10);
      if (apart === 0 || apart === 1) {
        const table = apart === 0 ? 'f5' : 'f4';
        const first = args[0] === '?' ? 1 : 0;
        return [
          `select typeof(${call([table, ...args.slice(1)])}) as x from ${table} where ${table} match 'a OR b'`,
          values.slice(first),
        ];
      }
      if (scalar && apart < 5) return [`select typeof(${call(args)}) as x`, values];
      if (scalar)
        return [
          `select length(${call(args)}) as x from t where ${call(args)} is not 5`,
          [...values, ...values],
        ];
      if (apart < 4) return [`select typeof(${call(args)}) as x from t group by a is null`, values];
      if (apart < 6) return [`select typeof(${call(args)} filter (where id > 1)) as x from t`, values];
      if (apart < 7) return [`select typeof(${call([`distinct ${args.join(', ')}`])}) as x from t`, values];
      return [`select typeof(${call(args)} ${pick(WINDOWS)}) as x from t`, values];
    },
    tableCall(name) {
      const values: unknown[] = [];
      const args = list(values, below(6));
      const call = below(5) === 0 ? `"${name}"` : `"${name}"(${args.join(', ')})`;
      if (!call.endsWith(')')) values.length = 0;
      return [`select count(*) as x from (select 1 from ${call} limit 20)`, values];
    },
    describe: (value) =>
      value instanceof Uint8Array ? `x'${Buffer.from(value).toString('hex')}'` : String(value).slice(0, 60),
  };
}

/** Of 32 bits, good enough to choose values. */
function mulberry32(seed: string): () => number {
  let state = 0;
  for (const letter of seed) state = (Math.imul(state, 31) + letter.charCodeAt(0)) | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
