import { beforeAll, describe, expect, it } from 'vitest';
import { rmSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ParameterError } from '../src/errors.js';
import { decodeInteger, encodeParameters } from '../src/values.js';
import { type ChildOutcome, startProgram } from './support/child.js';
import { thrownBy } from './support/outcome.js';
import { VALUE_TABLE } from './support/value-table.js';

/** Types in columns of affinity INTEGER, REAL, TEXT, BLOB, NUMERIC and none, in STRICT ones, and of a bare `?`. */
const KINDS = {
  null: ['null null null null null null', 'null null null null null', 'null'],
  integer: ['integer real text integer integer integer', 'integer real text datatype integer', 'integer'],
  fraction: ['real real text real real real', 'datatype real text datatype real', 'real'],
  wholeReal: ['integer real text real integer real', 'integer real text datatype real', 'real'],
  text: ['text text text text text text', 'datatype datatype text datatype text', 'text'],
  numericText: ['integer real text text integer text', 'integer real text datatype text', 'text'],
  decimalText: ['real real text text real text', 'datatype real text datatype text', 'text'],
  blob: ['blob blob blob blob blob blob', 'datatype datatype datatype blob blob', 'blob'],
} as const;

const NULL = ['null null', 'null null', 'null null'];
const blob = (hex: string): string[] => Array.from({ length: 3 }, () => `Uint8Array ${hex}`);
const text = (value: string): string[] => Array.from({ length: 3 }, () => `string ${value}`);

/** What is in the file and what is read back from the REAL, the TEXT and the untyped column. */
const STORED: readonly [name: string, kind: keyof typeof KINDS, hex: string, read: string[]][] = [
  ['null', 'null', '', NULL],
  ['true', 'integer', '31', ['number 1', 'string 1', 'number 1']],
  ['false', 'integer', '30', ['number 0', 'string 0', 'number 0']],
  ['0', 'integer', '30', ['number 0', 'string 0', 'number 0']],
  ['-0', 'wholeReal', '302E30', ['number 0', 'string 0.0', 'number -0']],
  ['1', 'integer', '31', ['number 1', 'string 1', 'number 1']],
  ['-1', 'integer', '2D31', ['number -1', 'string -1', 'number -1']],
  ['2^31', 'integer', ascii('2147483648'), ['number 2147483648', 'string 2147483648', 'number 2147483648']],
  ['2^53-1', 'integer', ascii('9007199254740991'), whole('9007199254740991')],
  ['-(2^53-1)', 'integer', ascii('-9007199254740991'), whole('-9007199254740991')],
  ['0.5', 'fraction', ascii('0.5'), ['number 0.5', 'string 0.5', 'number 0.5']],
  ['-1.25', 'fraction', ascii('-1.25'), ['number -1.25', 'string -1.25', 'number -1.25']],
  ['0.1', 'fraction', ascii('0.1'), ['number 0.1', 'string 0.1', 'number 0.1']],
  ['1e300', 'fraction', ascii('1.0e+300'), ['number 1e+300', 'string 1.0e+300', 'number 1e+300']],
  ['-1e300', 'fraction', ascii('-1.0e+300'), ['number -1e+300', 'string -1.0e+300', 'number -1e+300']],
  [
    '5e-324',
    'fraction',
    ascii('4.94065645841247e-324'),
    ['number 5e-324', 'string 4.94065645841247e-324', 'number 5e-324'],
  ],
  [
    '1.7976931348623157e308',
    'fraction',
    ascii('1.79769313486232e+308'),
    ['number 1.7976931348623157e+308', 'string 1.79769313486232e+308', 'number 1.7976931348623157e+308'],
  ],
  [
    '2^53',
    'wholeReal',
    ascii('9.00719925474099e+15'),
    ['number 9007199254740992', 'string 9.00719925474099e+15', 'number 9007199254740992'],
  ],
  [
    '2^60',
    'wholeReal',
    ascii('1.15292150460685e+18'),
    ['number 1152921504606847000', 'string 1.15292150460685e+18', 'number 1152921504606847000'],
  ],
  ['0n', 'integer', '30', ['number 0', 'string 0', 'number 0']],
  ['1n', 'integer', '31', ['number 1', 'string 1', 'number 1']],
  ['-1n', 'integer', '2D31', ['number -1', 'string -1', 'number -1']],
  ['empty text', 'text', '', text('')],
  ['text', 'text', '616263', text('abc')],
  ['text 1', 'numericText', '31', ['number 1', 'string 1', 'string 1']],
  ['text 1.50', 'decimalText', '312E3530', ['number 1.5', 'string 1.50', 'string 1.50']],
  ['text 1e3', 'numericText', '316533', ['number 1000', 'string 1e3', 'string 1e3']],
  ['text NULL', 'text', '4E554C4C', text('NULL')],
  ['text with spaces', 'numericText', '203120', ['number 1', 'string  1 ', 'string  1 ']],
  ['text with a quote', 'text', '69742773', text("it's")],
  ['text é', 'text', 'C3A9', text('é')],
  ['text 😀', 'text', 'F09F9880', text('😀')],
  ['text U+FFFF', 'text', 'EFBFBF', text('\uffff')],
  ['text with a high surrogate', 'text', '61EFBFBD', text('a\ufffd')],
  ['text with a low surrogate', 'text', 'EFBFBD62', text('\ufffdb')],
  ['text with swapped surrogates', 'text', 'EFBFBDEFBFBD', text('\ufffd\ufffd')],
  ['text with line breaks', 'text', '610D0A62', text('a\r\nb')],
  ['Uint8Array', 'blob', '0001FF', blob('0001ff')],
  ['empty Uint8Array', 'blob', '', blob('')],
  ['part of a Uint8Array', 'blob', '0102', blob('0102')],
  ['Buffer', 'blob', '726177', blob('726177')],
  ['part of a Buffer', 'blob', '726177', blob('726177')],
  ['bytes of text', 'blob', '31', blob('31')],
  ['Uint8ClampedArray', 'blob', '0102', blob('0102')],
  ['Int8Array', 'blob', 'FF01', blob('ff01')],
  ['Uint16Array', 'blob', '01000201', blob('01000201')],
  ['part of a Uint16Array', 'blob', '01000201', blob('01000201')],
  ['Float32Array', 'blob', '0000803F000000C0', blob('0000803f000000c0')],
  ['part of a Float32Array', 'blob', '0000803F000000C0', blob('0000803f000000c0')],
  ['Float64Array', 'blob', '000000000000F83F', blob('000000000000f83f')],
  ['BigInt64Array', 'blob', 'FEFFFFFFFFFFFFFF', blob('feffffffffffffff')],
  ['DataView', 'blob', '0708', blob('0708')],
  ['empty DataView', 'blob', '', blob('')],
  ['ArrayBuffer', 'blob', '0506', blob('0506')],
  ['empty ArrayBuffer', 'blob', '', blob('')],
  ['SharedArrayBuffer', 'blob', '0304', blob('0304')],
  ['view of a SharedArrayBuffer', 'blob', '0304', blob('0304')],
  ['empty SharedArrayBuffer', 'blob', '', blob('')],
];

/** Integers that only a bigint holds: what is in the file, and the untyped column read as bigint. */
const WIDE: readonly [name: string, value: string][] = [
  ['2n^53', '9007199254740992'],
  ['2n^53+1', '9007199254740993'],
  ['-(2n^53+1)', '-9007199254740993'],
  ['max int64', '9223372036854775807'],
  ['min int64', '-9223372036854775808'],
];

const REFUSED: readonly [name: string, problem: RegExp][] = [
  ['undefined', /undefined; use null/],
  ['NaN', /NaN has no SQLite value/],
  ['Infinity', /Infinity has no SQLite value/],
  ['-Infinity', /-Infinity has no SQLite value/],
  ['max int64 + 1', /outside the range of a 64-bit integer/],
  ['min int64 - 1', /outside the range of a 64-bit integer/],
  ['2n^64', /outside the range of a 64-bit integer/],
  ['text with U+0000', /U\+0000/],
  ['text U+0000', /U\+0000/],
  ['Date', /Date .* getTime\(\) or toISOString\(\)/],
  ['object', /\(Object\) .* JSON/],
  ['object without prototype', /no prototype/],
  ['object of a class', /\(Map\)/],
  ['array', /an array/],
  ['boxed number', /\(Number\)/],
  ['boxed text', /\(String\)/],
  ['symbol', /a symbol/],
  ['function', /a function/],
  ['regular expression', /\(RegExp\)/],
];

describe('a bound value', () => {
  let report: Record<string, Record<string, unknown>>;
  let outcome: ChildOutcome;

  // In a process of its own, since a wrong value in native code aborts the process.
  beforeAll(async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'turso-dialect-'));
    const child = await startProgram('value-table.ts', path.join(folder, 'values.db'));
    report = (await child.message()) as typeof report;
    outcome = await child.ended;
    rmSync(folder, { recursive: true, force: true });
  });

  it('never ends the process', () => {
    expect(outcome).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  it('is in one of the tables below', () => {
    const named = [...STORED, ...WIDE, ...REFUSED].map(([name]) => name);
    expect(Object.keys(report).toSorted()).toEqual(named.toSorted());
    expect(Object.keys(VALUE_TABLE)).toHaveLength(named.length);
  });

  it.each(STORED)('%s is stored as %s', (name, kind, hex, read) => {
    const [stored, strict, bound] = KINDS[kind];
    expect(report[name]).toMatchObject({ stored, strict, bound, hex, read });
  });

  it.each(WIDE)('%s is stored exactly, and is no number', (name, value) => {
    const [stored, strict, bound] = KINDS.integer;
    expect(report[name]).toMatchObject({ stored, strict, bound, hex: ascii(value), read: 'no number for a' });
    expect((report[name]?.wide as string[])[2]).toBe(`bigint ${value}`);
  });

  it.each(REFUSED)('%s is refused, naming its position', (name, problem) => {
    expect(report[name]).toMatchObject({ error: 'ParameterError', parameter: 0 });
    expect(report[name]?.message).toMatch(problem);
    expect(report[name]?.message).toMatch(/^parameter 1: /);
  });
});

describe('the encoding of parameters', () => {
  const limits = { nulInText: false };

  it('gives the driver nothing but its five types', () => {
    for (const make of Object.values(VALUE_TABLE)) {
      let encoded: unknown;
      try {
        [encoded] = encodeParameters([make()], limits);
      } catch (error) {
        expect(error).toBeInstanceOf(ParameterError);
        continue;
      }
      const ok =
        encoded === null || encoded instanceof Uint8Array || /^(number|bigint|string)$/.test(typeof encoded);
      expect(ok).toBe(true);
    }
  });

  it('lets text with U+0000 pass where an engine can read it back', () => {
    expect(encodeParameters(['a\0b'], { nulInText: true })).toEqual(['a\0b']);
  });

  it.each([['a'.repeat(10), new Uint8Array(10), 'é'.repeat(5), '🙂'.repeat(2), '€€€a', new ArrayBuffer(10)]])(
    'takes values up to the length that an engine can hold',
    (...values) => {
      expect(encodeParameters(values, { ...limits, longest: 10 })).toHaveLength(values.length);
    },
  );

  it.each([
    'a'.repeat(11),
    `${'é'.repeat(5)}a`,
    `${'🙂'.repeat(2)}abc`,
    '€€€é',
    new Uint8Array(11),
    new DataView(new ArrayBuffer(11)),
    new ArrayBuffer(11),
    new SharedArrayBuffer(11),
  ])('refuses a longer one, whatever it is made of', (value) => {
    const error = thrownBy(
      () => encodeParameters([1, value], { ...limits, longest: 10 }, [null, ':b']),
      ParameterError,
    );
    expect(error.message).toBe('parameter :b: it has 11 bytes, and a value may have 10');
  });

  it('names a parameter by its name where it has one, and never shows a value', () => {
    const error = thrownBy(
      () => encodeParameters(['x', { password: 's3cret' }], limits, [':a', ':b']),
      ParameterError,
    );
    expect(error.parameter).toBe(':b');
    expect(error.message).toMatch(/^parameter :b: /);
    expect(error.message).not.toContain('s3cret');
  });
});

describe('the decoding of integers', () => {
  it.each([
    [5n, 'bigint', 5n],
    [5n, 'string', '5'],
    [-(2n ** 63n), 'string', '-9223372036854775808'],
    [1.5, 'bigint', 1.5],
    [null, 'string', null],
    ['5', 'bigint', '5'],
  ] as const)('%s as %s', (value, mode, expected) => {
    expect(decodeInteger(value, mode, 'c')).toBe(expected);
  });
});

function ascii(value: string): string {
  return Buffer.from(value).toString('hex').toUpperCase();
}

function whole(value: string): string[] {
  return [`number ${value}`, `string ${value}`, `number ${value}`];
}
