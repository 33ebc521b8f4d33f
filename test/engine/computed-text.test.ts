import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { runProgram } from '../support/child.js';
import { openMemory, temporaryFile } from '../support/database.js';
import { startSqld } from '../support/sqld.js';

const TEXTS = [
  ...['x\ufffd', '\ufffd', 'name', 'tags', 'ok', '😀', '\\ud800'],
  JSON.stringify(Array.from({ length: 8 }, () => 'x\ufffd')),
  ...['{"a":"x\ufffd"}', 'X\ufffdy'],
];
const sorted = (texts: readonly string[]): string[] => texts.toSorted();

it('JSON with escapes of lone surrogates does not end the process', async () => {
  const { code, stdout, stderr } = await runProgram('computed-text.ts', temporaryFile());
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(sorted(JSON.parse(stdout) as string[])).toEqual(sorted(TEXTS));
});

it.each(['http', 'ws'] as const)('nor is it an error over %s', async (protocol) => {
  const sqld = await startSqld();
  const url = protocol === 'http' ? sqld.url : sqld.wsUrl;
  const { code, stdout, stderr } = await runProgram('computed-text.ts', url);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(sorted(JSON.parse(stdout) as string[])).toEqual(sorted(TEXTS));
});

it.each(['write \\ud800', 'const a = "\\ud800";', '{"a":"\\ud83d\\ude00"}', '["\\\\ud800"]'])(
  'text that needs no change gets none: %s',
  async (text) => {
    const db = await openMemory();
    expect((await db.execute('select ? as x', [text])).rows).toEqual([{ x: text }]);
  },
);

it('what is no text is not looked at', async () => {
  const db = await openMemory();
  const bytes = new TextEncoder().encode('["\\ud800"]');
  expect((await db.execute('select ? as x', [bytes])).rows).toEqual([{ x: bytes }]);
});

it('every function that makes text which is not UTF-8 is documented', async () => {
  const { code, stdout, stderr } = await runProgram('not-utf8.ts');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const found = JSON.parse(stdout) as string[];
  expect(found).toEqual(expect.arrayContaining(['cast', 'char', 'group_concat', 'json_extract', '||']));
  const page = readFileSync(new URL('../../docs/values.md', import.meta.url), 'utf8');
  const section = /## Which text ends the process\?(.*?)\n## /s.exec(page)?.[1] ?? '';
  const documented = Array.from(section.replaceAll('\\|', '|').matchAll(/`(.*?)`/g), ([, code = '']) => code);
  const isDocumented = (name: string): boolean =>
    documented.some((text) =>
      /^\w+$/.test(name) ? new RegExp(`\\b${name}\\b`).test(text) : text.includes(name),
    );
  expect(found.filter((name) => !isDocumented(name))).toEqual([]);
});
