import fc from 'fast-check';
import Database from 'libsql';
import { afterAll, describe, expect, it } from 'vitest';
import { toWellFormedJson } from '../../src/sql/well-formed-json.js';

const db = new Database(':memory:');
afterAll(() => void db.close());

/** What the engine makes of a text: every string in it, or undefined where it is no JSON to the engine. */
function strings(text: string): Uint8Array | undefined {
  const valid = db.prepare('select json_valid(?, 6)').raw().get([text]) as [number];
  if (valid[0] === 0) return undefined;
  const sql =
    "select cast(group_concat(coalesce(key, '') || coalesce(atom, ''), '') as blob) from json_tree(?)";
  const [bytes] = db.prepare(sql).raw().get([text]) as [Uint8Array | null];
  return bytes ?? new Uint8Array();
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

describe('a lone surrogate that is escaped in JSON', () => {
  it.each([
    ['{"name":"\\ud800"}', '{"name":"\\ufffd"}'],
    ['"\\uD800"', '"\\ufffd"'],
    ['["\\udc00\\ud800"]', '["\\ufffd\\ufffd"]'],
    ['["\\uDFFF","\\uDbFf x"]', '["\\ufffd","\\ufffd x"]'],
    ['["\\ud83d\\ude00\\ud83d"]', '["\\ud83d\\ude00\\ufffd"]'],
    ['["\\ud83d\\ud83d\\ude00"]', '["\\ufffd\\ud83d\\ude00"]'],
    ['["\\\\\\ud800"]', '["\\\\\\ufffd"]'],
    ['["\\"\\ud800\\""]', '["\\"\\ufffd\\""]'],
    ['{"\\ud800":{"b":[1,-2.5e3,true,null,"\\udead"]}}', '{"\\ufffd":{"b":[1,-2.5e3,true,null,"\\ufffd"]}}'],
    [' \n[ "\\ud800" , { } , [ ] ] ', ' \n[ "\\ufffd" , { } , [ ] ] '],
    ["{a:'\\ud800',}", "{a:'\\ufffd',}"],
    [
      "/* a */['\\ud800',+.5,0x1F,-Infinity,NaN,] // b\n",
      "/* a */['\\ufffd',+.5,0x1F,-Infinity,NaN,] // b\n",
    ],
    ['{\\ud800:1}', '{\\ufffd:1}'],
    ['["\\ud83d\\\n\\ude00"]', '["\\ufffd\\\n\\ufffd"]'],
    [`["\\ud800",1${'0'.repeat(498)}e9]`, `["\\ufffd",1${'0'.repeat(498)}e9]`],
    ['\ufeff["\\ud800"]', '\ufeff["\\ufffd"]'],
  ])('%j is replaced', (text, expected) => {
    expect(toWellFormedJson(text)).toBe(expected);
    expect(isUtf8(strings(text) as Uint8Array)).toBe(false);
    expect(isUtf8(strings(expected) as Uint8Array)).toBe(true);
  });

  it.each([
    '["\\ud83d\\ude00"]',
    '["\\\\ud800"]',
    '["\\\\\\\\ud800"]',
    '["\\u00e9\\uffff\\ue000\\ud7ff"]',
    '\\ud800',
    'a "\\ud800" b',
    'const a = "\\ud800";',
    '"\\ud800".length',
    '["\\ud800"',
    '["\\ud800"]]',
    '["\\ud800"] ["a"]',
    '{"\\ud800"}',
    '{"a" "\\ud800"}',
    '{"a":"\\ud800",,}',
    '["\\ud800" "a"]',
    '["\\ud800", maybe]',
    '[word "\\ud800"]',
    '["a":"\\ud800"]',
    '{:"\\ud800"}',
    "'\\ud800",
    '"\\ud800',
    '["\\ud800}',
    '/* "\\ud800"',
    '["\\ud8zz"]',
    `${'['.repeat(1001)}"\\ud800"${']'.repeat(1001)}`,
  ])('%j stays as it is', (text) => {
    expect(toWellFormedJson(text)).toBe(text);
  });

  it('is found wherever the engine finds one, and nothing else changes', () => {
    const escape = fc.constantFrom(
      '\\ud800',
      '\\uDFFF',
      '\\ud83d',
      '\\ude00',
      '\\\\',
      '\\"',
      "\\'",
      '\\n',
      '\\\n',
      '\\u0041',
      'a',
      'ud800',
      '\\x41',
      '\\',
    );
    const part = fc.oneof(
      fc.array(escape, { maxLength: 5 }).map((list) => `"${list.join('')}"`),
      fc.array(escape, { maxLength: 5 }).map((list) => `'${list.join('')}'`),
      fc.constantFrom(
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        ' ',
        '\n',
        '/*\\*/',
        '//\\\n',
        '1',
        '-.5',
        'null',
        'NaN',
        'a',
        '\\ud800',
        '$b',
        '\u00a0',
      ),
    );
    const tree = fc.letrec((tie) => ({
      value: fc.oneof({ depthSize: 'small' }, part, tie('list'), tie('object')),
      list: fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(',')}]`),
      object: fc
        .array(fc.tuple(part, tie('value')), { maxLength: 3 })
        .map((items) => `{${items.map(([key, value]) => `${key}:${String(value)}`).join(' , ')}}`),
    })).value as fc.Arbitrary<string>;
    const anything = fc.oneof(
      tree,
      fc.array(part, { maxLength: 8 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(anything, (text) => {
        const mended = toWellFormedJson(text);
        const before = strings(text);
        if (before === undefined || isUtf8(before)) return;
        expect(isUtf8(strings(mended) as Uint8Array)).toBe(true);
        const decoder = new TextDecoder();
        // Three bytes of a lone surrogate are three characters to the decoder.
        expect(decoder.decode(strings(mended))).toBe(
          decoder.decode(before).replaceAll('\ufffd\ufffd\ufffd', '\ufffd'),
        );
      }),
      { numRuns: 20_000 },
    );
    fc.assert(
      fc.property(fc.json({ stringUnit: 'binary' }), (text) => {
        const wellFormed = JSON.stringify(JSON.parse(text), (_, value: unknown) =>
          typeof value === 'string'
            ? new TextDecoder('utf-8', { ignoreBOM: true }).decode(new TextEncoder().encode(value))
            : value,
        );
        const plain = (json: string): string => JSON.stringify(JSON.parse(json));
        if (!/\\ud[89a-f][^"]*":/i.test(text)) expect(plain(toWellFormedJson(text))).toBe(wellFormed);
      }),
      { numRuns: 5_000 },
    );
  });

  it('takes time in proportion to the text', () => {
    for (const text of [
      `["\\ud800",${'"a\\\\b",'.repeat(400_000)}1]`,
      `${'['.repeat(2_000_000)}"\\ud800"`,
      `"\\ud800${'\\'.repeat(2_000_000)}"`,
      `/*${'*'.repeat(2_000_000)}"\\ud800"`,
      `"\\ud800" ${'/ '.repeat(1_000_000)}`,
      `["\\ud800"${' '.repeat(2_000_000)}`,
      `["\\ud800",${'1'.repeat(1_000_000)}x]`,
      `["\\ud800",1${'0'.repeat(1_000_000)}e+${'1'.repeat(1_000_000)}x]`,
      `["\\ud800",${'//\n'.repeat(700_000)}1]`,
      `["\\ud800",${'/**/'.repeat(500_000)}1]`,
    ]) {
      const start = performance.now();
      toWellFormedJson(text);
      expect(performance.now() - start).toBeLessThan(1_500);
    }
  });
});
