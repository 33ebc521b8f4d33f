import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

/** How many edge cases the tests and sources of the model systems pin. */
const COUNT = 86;

/** Those that no test here is about, and why. */
const NOT_APPLICABLE: Readonly<Record<number, string>> = {
  33: 'comparing dates as text needs one format, which is the choice of a schema: a column kind writes only one',
  34: 'neither builder has a column type for arrays; a JSON column holds them',
  43: 'SQLite takes ON CONFLICT DO UPDATE without a target since 3.35, so there is nothing to refuse',
  49: 'names of savepoints are made here, and those that Kysely is given are quoted, so none has to be refused',
  62: 'about the error texts of the Turso engine, which this version does not open',
  64: 'a token without a URL, or a URL without a token, is a config as good as any: servers without tokens exist',
  65: 'there is no such flag: a file is a replica when it has a syncUrl, and afterWrite says when it is synced',
  76: 'generated columns are written by the builders, whose types refuse the combinations',
};

const root = import.meta.dirname;

/** The numbers in the titles of all tests: `… (#12, #13)`. */
function numbersInTitles(): Set<number> {
  const numbers = new Set<number>();
  for (const file of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const text = readFileSync(path.join(root, file), 'utf8');
    for (const [list] of text.matchAll(/\((?:#\d+(?:, )?)+\)/g)) {
      for (const [, number] of list.matchAll(/#(\d+)/g)) numbers.add(Number(number));
    }
  }
  return numbers;
}

describe('the edge cases of the model systems', () => {
  it('are each in the title of a test, or do not apply', () => {
    const tested = numbersInTitles();
    const all = Array.from({ length: COUNT }, (_, i) => i + 1);
    expect(all.filter((number) => !tested.has(number) && NOT_APPLICABLE[number] === undefined)).toEqual([]);
    expect(all.filter((number) => tested.has(number) && NOT_APPLICABLE[number] !== undefined)).toEqual([]);
  });
});
